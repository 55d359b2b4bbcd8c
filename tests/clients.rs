//! Real clients on the simulator: the docker CLI and docker-py 1.7.2, the client of sdc-docker's
//! day, each with what works and what has to fail as on sdc-docker.
//!
//! Without a live Docker or a client the tests are left out, loudly, unless `DIVERGENCE_LIVE` or
//! `DIVERGENCE_CLIENTS` is `required`. `ci/clients` installs both clients.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![expect(clippy::print_stderr, reason = "what is left out is said loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::engine::docker_cli::USUAL_SOCKET;
use divergence::engine::wire::Wire;
use divergence::run::cleanup::Broom;
use divergence::run::images::{prepare_images, remove_images};
use divergence::run::ledger::{Ledger, Thing};
use divergence::run::made::Made;
use divergence::simulator::{Settings, Simulator, World};
use regex::Regex;

/// What the CLI is asked, its exit code, and what it prints: standard output, then standard error.
/// IT stands for a name of the test's own, IMAGE for a busybox, LABEL for the label of what is made.
type Asked = (&'static str, i32, &'static str);

#[rustfmt::skip]
const CLI_WORKS: &[Asked] = &[
    ("version --format {{.Server.APIVersion}}", 0, r"^1\.21\n$"),
    ("info --format '{{.Driver}} {{.OperatingSystem}}'", 0, r"^sdc SmartDataCenter\n$"),
    ("run -d --name IT-web --label LABEL -p 80 IMAGE sh -c 'echo out; echo err >&2; sleep 600'", 0, r"^[0-9a-f]{64}\n"),
    ("ps --format '{{.Names}} {{.Image}} {{.Status}}'", 0, r"(?m)^IT-web IMAGE Up .*$"),
    ("ps -a --no-trunc -q --filter name=IT-web", 0, r"^[0-9a-f]{64}\n$"),
    ("port IT-web", 0, r"^80/tcp -> 0\.0\.0\.0:80\n$"),
    ("exec IT-web echo said", 0, r"^said\n$"),
    ("exec IT-web sh -c 'echo apart >&2; exit 7'", 7, r"^apart\n$"),
    ("exec -i IT-web cat", 0, r"^typed\n$"),
    ("exec -d IT-web touch /touched", 0, r"^$"),
    ("logs IT-web", 0, r"^out\nerr\n$"),
    ("logs --tail 1 IT-web", 0, r"^(out|err)\n$"),
    ("logs -t IT-web", 0, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z out\n"),
    ("inspect --format '{{.State.Running}} {{.Config.Image}} {{.HostConfig.Memory}}' IT-web", 0, r"^true IMAGE 1073741824\n$"),
    ("top IT-web", 0, r"zsched\n(?s:.*)sleep 600\n$"),
    ("cp IT-web:/etc/passwd -", 0, r"root:x:0:0"),
    ("images --format '{{.Repository}}:{{.Tag}}'", 0, r"(?m)^IMAGE(:latest)?$"),
    ("inspect --type image --format '{{.Os}}' IMAGE", 0, r"^Linux\n$"),
    ("stop -t 1 IT-web", 0, r"^IT-web\n$"),
    ("ps -a --filter name=IT-web --format '{{.Status}}'", 0, r"^Exited \(-?\d+\) .*\n$"),
    ("start IT-web", 0, r"^IT-web\n$"),
    ("restart -t 1 IT-web", 0, r"^IT-web\n$"),
    ("kill IT-web", 0, r"^IT-web\n$"),
    ("wait IT-web", 0, r"^-9\n$"),
    ("rename IT-web IT-named", 0, r"^$"),
    ("commit IT-named IT-made", 0, r"^sha256:[0-9a-f]{64}\n$"),
    ("rmi IT-made", 0, r"^Untagged: IT-made:latest\n"),
    // What the API of that day does not know is not refused.
    ("build -t IT-made --add-host other:192.0.2.1 .", 0, r"Successfully built [0-9a-f]{12}\n"),
    ("rmi IT-made", 0, r"^Untagged: IT-made:latest\n"),
    ("volume create --label LABEL IT-volume", 0, r"^IT-volume\n$"),
    ("volume ls", 0, r"(?m)^tritonnfs +IT-volume$"),
    ("volume rm IT-volume", 0, r"^IT-volume\n$"),
    ("network ls --format '{{.Name}} {{.Driver}}'", 0, r"(?m)^My-Fabric-Network Triton$"),
    ("rm IT-named", 0, r"^IT-named\n$"),
    ("ps -aq --filter name=IT-named", 0, r"^$"),
];

#[rustfmt::skip]
const CLI_FAILS: &[Asked] = &[
    // From API 1.25 on it would wait; before, it watches events, and there are none.
    ("run --name IT-front --label LABEL IMAGE echo shown", 125, r"^shown\n(?s:.*)\(NotImplemented\) events is not implemented"),
    ("run -d -v /tmp:/tmp IMAGE true", 125, r"\(Validation\) Invalid binds: /tmp:/tmp: /tmp is not a valid volume name"),
    ("run -d --net host IMAGE true", 125, r"\(NotImplemented\) NetworkMode host is not supported"),
    ("run -d --net none IMAGE true", 125, r"\(NotImplemented\) NetworkMode none is not supported"),
    ("run -d -m 1000g IMAGE true", 125, r"\(NoSufficientPackage\) no package supports"),
    ("run -d --log-driver splunk IMAGE true", 125, r"unsupported log driver: splunk"),
    ("run -d --label triton.nosuch=1 IMAGE true", 125, r"Unrecognized special triton tag"),
    ("create --name IT-idle --label LABEL IMAGE true", 0, r"^[0-9a-f]{64}\n$"),
    ("pause IT-idle", 1, r"\(NotImplemented\) pause is not implemented"),
    ("unpause IT-idle", 1, r"\(NotImplemented\) unpause is not implemented"),
    ("diff IT-idle", 1, r"\(NotImplemented\) changes is not implemented"),
    ("export -o IT.tar IT-idle", 1, r"\(NotImplemented\) export is not implemented"),
    ("update -m 1g IT-idle", 1, r"POST is not allowed"),
    ("rename IT-idle not/one", 1, r"Error when allocating new name: Invalid container name \(not/one\)"),
    ("create --name IT-other --label LABEL IMAGE true", 0, r"^[0-9a-f]{64}\n$"),
    ("rename IT-idle IT-other", 1, r#"\(ValidationFailed\) problem renaming container: .* "alias" \(Duplicate\)"#),
    ("events --since 1", 1, r"\(NotImplemented\) events is not implemented"),
    ("save -o IT.tar IMAGE", 1, r"GET is not allowed"),
    ("import - IT-made", 1, r"\(NotImplemented\) image create is not implemented"),
    ("network create IT-network", 1, r"\(NotImplemented\) network create is not implemented"),
    ("network connect external IT-idle", 1, r"\(NotImplemented\) network connect is not implemented"),
    ("volume create -d nosuch IT-volume", 1, r"nosuch is not a supported volume driver"),
    ("exec IT-idle true", 1, r"(?i)is not running"),
    ("rm IT-idle", 0, r"^IT-idle\n$"),
    ("logs IT-idle", 1, r"No such container: IT-idle \("),
];

/// What docker-py is asked, and what it prints of the value or the error.
#[rustfmt::skip]
const PY_WORKS: &[(&str, &str)] = &[
    ("c.ping()", r"'OK'"),
    ("c.version()['ApiVersion']", r"'1\.21'"),
    ("c.info()['OperatingSystem']", r"'SmartDataCenter'"),
    ("any('IMAGE:latest' in (image['RepoTags'] or []) for image in c.images())", r"True"),
    ("(made := c.create_container('IMAGE', ['sh', '-c', 'echo out; exit 4'], name='IT-one', labels=LABELS, host_config=c.create_host_config()))['Warnings']", r"\[\]"),
    ("c.start(made)", r"None"),
    ("c.wait(made)", r"4"),
    ("c.logs(made)", r"b'out\\n'"),
    ("list(c.logs(made, stream=True))", r"\[b'out\\n'\]"),
    ("c.inspect_container(made)['State']['ExitCode']", r"4"),
    ("[row['Names'] for row in c.containers(all=True, filters={'name': 'IT-one'})]", r"\[\['/IT-one'\]\]"),
    ("c.rename(made, 'IT-two')", r"None"),
    ("c.remove_container('IT-two')", r"None"),
    ("(made := c.create_container('IMAGE', ['sleep', '600'], name='IT-long', labels=LABELS, host_config=c.create_host_config())) and c.start(made)", r"None"),
    // An exec answers 101 whether or not it was asked to, which no HTTP library takes for a body:
    // what it says is there for those who read the socket.
    ("(run := c.exec_create(made, ['echo', 'said']))['Id']", r"'[0-9a-f]{64}'"),
    ("c.exec_start(run, socket=True).read(12)", r"b'\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x05said'"),
    ("c.top(made)['Processes'][-1][-1]", r"'sleep 600'"),
    ("c.get_archive(made, '/etc/passwd')[1]['name']", r"'(etc/)?passwd'"),
    ("c.stop(made, timeout=1)", r"None"),
    ("c.remove_container(made)", r"None"),
    ("[network['Name'] for network in c.networks() if network['Driver'] == 'Triton'] != []", r"True"),
];

#[rustfmt::skip]
const PY_FAILS: &[(&str, &str)] = &[
    ("c.create_container('IMAGE', ['true'])", r#"APIError: 422 .*\(Validation\) "HostConfig" must be an object .*"#),
    ("c.create_container('IMAGE', ['true'], host_config=c.create_host_config(binds=['/tmp:/x']))", r"APIError: 422 .*Invalid binds: /tmp:/x: /tmp is not a valid volume name.*"),
    ("c.create_container('IMAGE', ['true'], host_config=c.create_host_config(network_mode='host'))", r"APIError: 400 .*NetworkMode host is not supported.*"),
    ("(made := c.create_container('IMAGE', ['sh', '-c', 'echo out; echo err >&2; sleep 600'], name='IT-long', labels=LABELS, host_config=c.create_host_config())) and c.start(made)", r"None"),
    ("c.exec_start(c.exec_create(made, ['echo', 'said']))", r"b''"),
    ("c.logs(made, stdout=False, stderr=False)", r"b'(out\\nerr\\n|err\\nout\\n)'"),
    ("c.pause(made)", r"APIError: 400 .*\(NotImplemented\) pause is not implemented.*"),
    ("c.unpause(made)", r"APIError: 400 .*\(NotImplemented\) unpause is not implemented.*"),
    ("c.diff(made)", r"APIError: 400 .*\(NotImplemented\) changes is not implemented.*"),
    ("c.export(made)", r"APIError: 400 .*\(NotImplemented\) export is not implemented.*"),
    ("next(c.events())", r"APIError: 400 .*\(NotImplemented\) events is not implemented.*"),
    ("c.get_image('IMAGE')", r"APIError: 400 .*\(NotImplemented\) image get is not implemented.*"),
    ("c.load_image(b'')", r"APIError: 405 .*POST is not allowed.*"),
    ("c.create_network('IT-network')", r"APIError: 400 .*\(NotImplemented\) network create is not implemented.*"),
    ("c.create_volume('IT-volume')", r"APIError: 422 .*\(Validation\) volume driver must be a string.*"),
    ("c.remove_container(made)", r"APIError: 500 .*You cannot remove a running container.*"),
    ("c.inspect_container('IT-nosuch')", r"NotFound: 404 .*No such container: IT-nosuch.*"),
    ("c.inspect_image('IT-nosuch')", r"NotFound: 404 .*\(ResourceNotFound\) No such image: IT-nosuch.*"),
    ("c.remove_container(made, force=True)", r"None"),
];

/// What came of the asks, and what is wrong with it.
type Wrong = Vec<String>;

/// A simulator, and what asks of it may name.
struct Stage {
    simulator: Simulator,
    it: String,
    image: String,
}

impl Stage {
    fn address(&self) -> String {
        format!("tcp://{}", self.simulator.address())
    }

    /// The text with the names of this run.
    fn named(&self, text: &str) -> String {
        let labels = format!("{{'divergence.run': '{}'}}", self.it);
        let label = format!("divergence.run={}", self.it);
        let image = self.image.trim_end_matches(":latest");
        text.replace("LABELS", &labels)
            .replace("LABEL", &label)
            .replace("IMAGE", image)
            .replace("IT", &self.it)
    }
}

/// Runs on a simulator of its own, and removes what was made.
fn on_stage(name: &str, asks: impl FnOnce(&Stage) -> Wrong) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = Endpoint::new(Address::Unix(USUAL_SOCKET.into()));
    if let Err(error) = runtime.block_on(endpoint.identify()) {
        let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
        assert!(!required, "DIVERGENCE_LIVE=required, but: failed to {error}");
        eprintln!("left out: no live Docker here (failed to {error})");
        return;
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let state = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(state.path()).unwrap();
    let images = runtime.block_on(prepare_images(&endpoint, &["busybox".to_owned()], &fixtures, &ledger));
    assert_eq!(images.missing, BTreeMap::new());
    let world = std::fs::read_to_string(fixtures.join("simulator/default.toml")).unwrap();
    let settings = Settings {
        release: "0.7".to_owned(),
        without: BTreeSet::new(),
        world: World::parse(&world).unwrap(),
        docker: USUAL_SOCKET.into(),
        listen: "127.0.0.1:0".parse().unwrap(),
        latency: false,
        state: Some(state.path().to_owned()),
    };
    let stage = Stage {
        simulator: Simulator::start(settings).unwrap(),
        it: format!("dv-{name}-{}", std::process::id()),
        image: images.images["busybox"].clone(),
    };
    let came = catch_unwind(AssertUnwindSafe(|| asks(&stage)));
    stage.simulator.stop();
    let mut made = Made::new(&stage.it);
    made.unanswered = vec![Thing::Container, Thing::Volume];
    made.things.push((Thing::Image, format!("{}-made", stage.it)));
    let wire = Wire::new(&endpoint).unwrap();
    let (home, api) = (endpoint.home(), "1.41".parse().unwrap());
    let broom = Broom { wire: &wire, home, api: &api, tag: &stage.it, limit: Duration::from_secs(30) };
    let left = runtime.block_on(broom.clean(&made));
    runtime.block_on(remove_images(&endpoint, &images, &ledger));
    let wrong = came.unwrap_or_else(|panic| resume_unwind(panic));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(left, []);
    assert_eq!(ledger.close_clean().unwrap(), []);
}

/// Says that a client is missing, and fails where it must not be.
fn left_out(what: &str) {
    let required = std::env::var("DIVERGENCE_CLIENTS").is_ok_and(|value| value == "required");
    assert!(!required, "DIVERGENCE_CLIENTS=required, but {what} is missing: `ci/clients` installs it");
    eprintln!("left out: {what} is missing (`ci/clients` installs it)");
}

fn cli(name: &str, asks: &[Asked]) {
    if Command::new("docker").arg("--version").output().is_err() {
        return left_out("a docker CLI on the PATH");
    }
    let home = tempfile::tempdir().unwrap();
    on_stage(name, |stage| {
        let recipe = stage.named("FROM IMAGE\nCMD [\"true\"]\n");
        std::fs::write(home.path().join("Dockerfile"), recipe).unwrap();
        let ask = |(line, exit, told): &Asked| {
            let (line, told) = (stage.named(line), stage.named(told));
            let mut command = Command::new("docker");
            command.args(shlex::split(&line).unwrap()).current_dir(home.path());
            command.envs([("DOCKER_HOST", stage.address().as_str()), ("DOCKER_API_VERSION", "1.21")]);
            command.envs([("DOCKER_CONFIG", home.path()), ("DOCKER_BUILDKIT", Path::new("0"))]);
            command.env_remove("DOCKER_CONTEXT").env_remove("DOCKER_TLS_VERIFY");
            let (code, printed) = output_of(command, "typed\n");
            let fits = code == Some(*exit) && Regex::new(&told).unwrap().is_match(&printed);
            (!fits).then(|| format!("docker {line}\n  wanted {exit} {told}\n  came {code:?} {printed:?}"))
        };
        asks.iter().filter_map(ask).collect()
    });
}

fn docker_py(name: &str, asks: &[(&str, &str)]) {
    let Some(python) = python() else { return left_out("a Python with docker-py 1.7.2") };
    on_stage(name, |stage| {
        let lines: Vec<String> = asks.iter().map(|(line, _)| stage.named(line)).collect();
        let mut command = Command::new(&python);
        command.args(["-W", "ignore", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/docker_py.py")]);
        command.arg(stage.address());
        let (_, printed) = output_of(command, &format!("{}\n", lines.join("\n")));
        let mut came = printed.lines();
        let judged = asks.iter().zip(&lines).filter_map(|((_, told), line)| {
            let (told, came) = (format!("^(?:{})$", stage.named(told)), came.next().unwrap_or("nothing"));
            (!Regex::new(&told).unwrap().is_match(came))
                .then(|| format!("{line}\n  wanted {told}\n  came {came}"))
        });
        judged.collect()
    });
}

/// The Python of `ci/clients`, or the usual one, if it has docker-py.
fn python() -> Option<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("XDG_CACHE_HOME").unwrap_or_else(|_| format!("{home}/.cache"));
    let all = [Path::new(&cache).join("divergence/docker-py/bin/python"), PathBuf::from("python3")];
    all.into_iter().find(|python| {
        let check = ["-W", "ignore", "-c", "import docker; assert docker.version == '1.7.2'"];
        Command::new(python).args(check).output().is_ok_and(|output| output.status.success())
    })
}

/// The exit code of a command, and what it printed.
fn output_of(mut command: Command, input: &str) -> (Option<i32>, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read may be gone before.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_docker_cli_works() {
    cli("cli", CLI_WORKS);
}

#[test]
fn the_docker_cli_fails_where_it_would_on_sdc_docker() {
    cli("cli-fails", CLI_FAILS);
}

#[test]
fn docker_py_works() {
    docker_py("py", PY_WORKS);
}

#[test]
fn docker_py_fails_where_it_would_on_sdc_docker() {
    docker_py("py-fails", PY_FAILS);
}
