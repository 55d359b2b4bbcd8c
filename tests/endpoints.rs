//! An engine behind TLS as `engines.toml` has it, from its certificates to a clean end: the simulator
//! stands in for sdc-docker. Live: left out, and said so, where no Docker answers and none is required.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where it cannot go on, and says what it leaves out"
)]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine::credentials::Credentials;
use divergence::engine::docker_cli::USUAL_SOCKET;
use divergence::engine::wire::{Wire, usual_headers};
use divergence::exchange::{Bytes, Sent};
use divergence::run::images::{Prepared, prepare_images, remove_images};
use divergence::run::ledger::{Ledger, Thing};
use divergence::simulator::{Settings, Simulator, World};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const REGISTRY: &str = "127.0.0.1:5000";

fn is_live() -> bool {
    if UnixStream::connect(USUAL_SOCKET).is_ok() {
        return true;
    }
    let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
    assert!(!required, "DIVERGENCE_LIVE=required, but no Docker Engine answers");
    eprintln!("left out: no Docker Engine answers on {USUAL_SOCKET}");
    false
}

/// The simulator with TLS: it asks for a certificate, and takes any or none.
fn simulator() -> Simulator {
    let read =
        |name: &str| std::fs::read_to_string(format!("{ROOT}/fixtures/simulator/{name}.toml")).unwrap();
    let settings = Settings {
        release: "0.7".to_owned(),
        without: Default::default(),
        world: World::parse_over(&read("default"), &read("tls")).unwrap(),
        docker: PathBuf::from(USUAL_SOCKET),
        listen: "127.0.0.1:0".parse().unwrap(),
        latency: false,
        state: None,
    };
    Simulator::start(settings).unwrap()
}

/// Puts a certificate, the clients' key and whom to believe into a folder.
fn certificates(folder: &Path, shown: &str, authority: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let files = [
        (shown, "cert.pem"),
        (if shown.is_empty() { "" } else { "client-key" }, "key.pem"),
        (authority, "ca.pem"),
    ];
    for (from, to) in files.into_iter().filter(|(from, _)| !from.is_empty()) {
        std::fs::copy(format!("{ROOT}/fixtures/tls/{from}.pem"), folder.join(to)).unwrap();
    }
}

/// What the stock Docker beneath says to a request.
fn docker(method: &str, target: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(USUAL_SOCKET).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// A project of the test's own: the committed files, and an `engines.toml`.
struct Project(tempfile::TempDir);

impl Project {
    fn new(engines: &str) -> Project {
        let dir = tempfile::tempdir().unwrap();
        for name in ["suites", "snapshots", "fixtures"] {
            std::os::unix::fs::symlink(format!("{ROOT}/{name}"), dir.path().join(name)).unwrap();
        }
        certificates(&dir.path().join("certificates"), "account", "server");
        certificates(&dir.path().join("foreign"), "account", "ca");
        std::fs::write(dir.path().join("engines.toml"), engines).unwrap();
        Project(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn divergence(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
        command.arg("--root").arg(self.0.path()).args(arguments).env("DOCKER_CONFIG", self.path("docker"));
        command.output().unwrap()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn the_account_is_the_certificate() {
    if !is_live() {
        return;
    }
    let simulator = simulator();
    let table = [
        ("account", "200", "\"ApiVersion\""),
        ("", "401", "Unauthorized ("),
        // Signed by another, which is not looked at.
        ("client", "200", "\"ApiVersion\""),
        ("sub-user", "401", "Unauthorized ("),
        ("expired", "401", "Client certificate expired ("),
    ];
    for (shown, status, said) in table {
        let dir = tempfile::tempdir().unwrap();
        certificates(dir.path(), shown, "server");
        let credentials = Credentials::read(dir.path(), true).unwrap();
        let address = Address::behind_tls(&format!("tcp://{}", simulator.address()), &credentials).unwrap();
        let headers = usual_headers(&address);
        let (method, target) = ("GET".to_owned(), "/version".to_owned());
        let sent = Sent { method, target, headers, body: Bytes::default() };
        let wire = Wire::new(&Endpoint::new(address)).unwrap();
        let answer = wire.request(&sent, Duration::from_secs(10)).await.unwrap().answer.unwrap();
        assert_eq!(answer.status.to_string(), status, "{shown}");
        assert!(answer.body.lossy().contains(said), "{shown}: {}", answer.body.lossy());
    }
    simulator.stop();
}

/// An image for the engine, which has to pull it where a registry is at hand.
struct Image {
    name: String,
    is_pulled: bool,
    made: (Endpoint, Prepared, Ledger, tempfile::TempDir),
}

impl Image {
    fn new(runtime: &tokio::runtime::Runtime, name: &str) -> Image {
        let ledgers = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(ledgers.path()).unwrap();
        let endpoint = Endpoint::new(Address::Unix(USUAL_SOCKET.into()));
        let fixtures = PathBuf::from(ROOT).join("fixtures");
        let prepared =
            runtime.block_on(prepare_images(&endpoint, &["busybox".to_owned()], &fixtures, &ledger));
        let own = prepared.images.get("busybox").unwrap_or_else(|| panic!("{:?}", prepared.missing)).clone();
        let made = (endpoint, prepared, ledger, ledgers);
        if runtime.block_on(divergence::run::registry::answers(REGISTRY)).is_err() {
            let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
            assert!(!required, "DIVERGENCE_LIVE=required, but no registry answers; ci/registry starts one");
            eprintln!("left out: no registry answers on {REGISTRY}, so that nothing is pulled");
            return Image { name: own, is_pulled: false, made };
        }
        let repo = format!("{REGISTRY}/divergence-{name}-{}", std::process::id());
        let tagged = docker("POST", &format!("/images/{own}/tag?repo={repo}&tag=latest"), "");
        assert!(tagged.contains(" 201 "), "{tagged}");
        let account = r#"{"username":"divergence","password":"divergence","serveraddress":"127.0.0.1:5000"}"#;
        let mut stream = UnixStream::connect(USUAL_SOCKET).unwrap();
        use base64::Engine as _;
        let auth = base64::engine::general_purpose::URL_SAFE.encode(account);
        write!(stream, "POST /images/{repo}/push?tag=latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Registry-Auth: {auth}\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut pushed = String::new();
        stream.read_to_string(&mut pushed).unwrap();
        assert!(pushed.contains("digest: sha256:"), "{pushed}");
        docker("DELETE", &format!("/images/{repo}:latest"), "");
        let image = Image { name: format!("{repo}:latest"), is_pulled: true, made };
        assert!(!image.is_there(), "it has to be pulled");
        image
    }

    fn is_there(&self) -> bool {
        docker("GET", &format!("/images/{}/json", self.name), "").contains(" 200 ")
    }

    fn remove(self, runtime: &tokio::runtime::Runtime) {
        let (endpoint, prepared, ledger, _ledgers) = self.made;
        runtime.block_on(remove_images(&endpoint, &prepared, &ledger));
        assert_eq!(ledger.close_clean().unwrap(), []);
    }
}

#[test]
fn a_run_through_engines_toml_is_as_any_other_and_leaves_nothing() {
    if !is_live() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (simulator, image) = (simulator(), Image::new(&runtime, "endpoints"));
    let own = format!("t{}-", std::process::id());
    let address = simulator.address();
    let engines = format!(
        "[engines.sdc-docker]\naddress = \"tcp://{address}\"\ncertificates = \"certificates\"\napi = [\"1.21\"]\n\
         timeout-factor = 2\njobs = 1\nimages = {{ busybox = \"{}\" }}\nlacks = {{ \"image:server\" = \"not in this registry\" }}\n\
         label = \"{own}run\"\nname-prefix = \"{own}\"\n\
         [engines.careless]\naddress = \"https://{address}\"\nverify = false\n\
         [engines.foreign]\naddress = \"tcp://{address}\"\ncertificates = \"foreign\"\n",
        image.name
    );
    let project = Project::new(&engines);
    std::fs::create_dir_all(project.path("docker")).unwrap();
    // divergence:divergence
    let auths = r#"{"auths": {"127.0.0.1:5000": {"auth": "ZGl2ZXJnZW5jZTpkaXZlcmdlbmNl"}}}"#;
    std::fs::write(project.path("docker/config.json"), auths).unwrap();

    let engines = project.divergence(&["engines"]);
    assert_eq!(engines.status.code(), Some(3), "one of them is silent");
    let told = text(&engines);
    assert!(told.contains(&format!("https://{address}  (the server is not verified)")), "{told}");
    assert!(told.contains("signed by nobody in ca.pem"), "{told}");

    // The second filters by the run's label, and the third shows it.
    let cases = ["exit-statuses/killed-from-outside", "containers/list-all", "volumes/create-labelled"];
    let run = project.divergence(&[&["run", "--candidate", "sdc-docker"], cases.as_slice()].concat());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
    assert!(text(&run).contains("sdc-docker"), "{}", text(&run));
    for place in ["/containers/json?all=1", "/volumes", "/networks", "/images/json?all=1"] {
        let there = docker("GET", place, "");
        assert!(!there.contains(&own) && !there.contains(&format!("{own}run")), "{place}: {there}");
    }
    assert_eq!(std::fs::read_dir(project.path(".divergence/ledger")).unwrap().count(), 0);
    assert!(
        !image.is_pulled || !image.is_there(),
        "what was pulled for the run goes with it: {}",
        text(&run)
    );

    let refused = project.divergence(&["run", "--candidate", "foreign", "exit-statuses/killed-from-outside"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused).contains("signed by nobody in ca.pem"), "{}", text(&refused));

    let lacking = project.divergence(&[
        "run",
        "--candidate",
        "sdc-docker",
        "--api",
        "1.22",
        "exit-statuses/killed-from-outside",
    ]);
    assert_eq!(lacking.status.code(), Some(4), "{}", text(&lacking));
    assert!(text(&lacking).contains("it is not asked at API 1.22"), "{}", text(&lacking));

    swept(&project, &simulator, &own, &image.made.1.images["busybox"]);
    image.remove(&runtime);
    simulator.stop();
}

/// What a killed run left behind TLS is swept, and stays where the certificates are gone.
fn swept(project: &Project, simulator: &Simulator, own: &str, image: &str) {
    let credentials = Credentials::read(&project.path("certificates"), true).unwrap();
    let address = Address::behind_tls(&format!("tcp://{}", simulator.address()), &credentials).unwrap();
    let ledger = Ledger::open(&project.path(".divergence/ledger")).unwrap();
    let tag = format!("{own}left-1c");
    ledger.note(Thing::Volume, &format!("{tag}-named"), &tag, &address).unwrap();
    ledger.note(Thing::Container, "", &tag, &address).unwrap();
    drop(ledger);
    let labels = format!("\"Labels\": {{\"{own}run\": \"{tag}\"}}");
    let volume = format!("{{\"Name\": \"{tag}-named\", {labels}}}");
    assert!(docker("POST", "/volumes/create", &volume).contains(" 201 "));
    let container = format!("{{\"Image\": \"{image}\", \"Cmd\": [\"true\"], {labels}}}");
    let created = docker("POST", "/containers/create", &container);
    assert!(created.contains(" 201 "), "{created}");
    let engines = std::fs::read_to_string(project.path("engines.toml")).unwrap();
    std::fs::write(project.path("engines.toml"), "").unwrap();
    let unknown = project.divergence(&["sweep"]);
    assert_eq!(unknown.status.code(), Some(3), "{}", text(&unknown));
    assert!(text(&unknown).contains("neither engines.toml nor a docker context has this address"));
    std::fs::write(project.path("engines.toml"), engines).unwrap();
    let sweep = project.divergence(&["sweep"]);
    assert_eq!(sweep.status.code(), Some(0), "{}", text(&sweep));
    assert!(text(&sweep).contains(&format!("removed  volume {tag}-named")), "{}", text(&sweep));
    for place in ["/containers/json?all=1", "/volumes"] {
        assert!(!docker("GET", place, "").contains(&tag), "{}", text(&sweep));
    }
}
