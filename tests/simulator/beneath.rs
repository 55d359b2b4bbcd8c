//! The Docker beneath while recordings are replayed: images and names of the test's own in the
//! place of the recorded ones, recorded ids led to live ones, and everything removed at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use divergence::engine::Endpoint;
use divergence::engine::address::Address;
use divergence::run::images::{Prepared, prepare_images, remove_images};
use divergence::run::ledger::Ledger;
use divergence::scenario::RUN_LABEL;
use regex::{Captures, Regex};
use serde_json::{Value, json};

use super::asking::{Answer, ask};
use super::recorded::{Exchange, SetUp};

/// Names, ids and the one image with a tag.
const WORDS: &str = r"[A-Za-z0-9][A-Za-z0-9_.-]*(:1\.0\b)?";
const LIMIT: Duration = Duration::from_secs(40);

pub struct Beneath {
    runtime: tokio::runtime::Runtime,
    endpoint: Endpoint,
    ledger: Ledger,
    _ledgers: tempfile::TempDir,
    prepared: Prepared,
    /// Before every name of the test's own. Digits, since some recorded filters look for letters.
    prefix: String,
    /// The names of containers, volumes and repositories that the recordings make.
    names: BTreeSet<String>,
    /// Recorded ids to live ones.
    ids: BTreeMap<String, String>,
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The value of a parameter of a path's query.
fn parameter<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let query = path.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

impl Beneath {
    /// The live Docker; none where there is none and none is required.
    pub fn find(recordings: &Path) -> Option<Beneath> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let address =
            std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let endpoint = Endpoint::new(address.parse::<Address>().unwrap());
        if let Err(error) = runtime.block_on(endpoint.identify()) {
            let required = std::env::var("DIVERGENCE_LIVE").is_ok_and(|value| value == "required");
            assert!(!required, "DIVERGENCE_LIVE=required, but: failed to {error}");
            println!("*** LEFT OUT: no live Docker here (failed to {error}) ***");
            return None;
        }
        let ledgers = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(ledgers.path()).unwrap();
        let images = ["busybox", "nginx", "fancy"].map(str::to_owned);
        let prepared = runtime.block_on(prepare_images(&endpoint, &images, recordings, &ledger));
        assert_eq!(prepared.missing, BTreeMap::new());
        let prefix = format!("zz{}{}-", std::process::id(), ledgers.path().as_os_str().len());
        let (names, ids) = (BTreeSet::new(), BTreeMap::new());
        Some(Beneath { runtime, endpoint, ledger, _ledgers: ledgers, prepared, prefix, names, ids })
    }

    pub fn socket(&self) -> &Path {
        match &self.endpoint.address {
            Address::Unix(path) => path,
            address @ (Address::Tcp(_) | Address::Tls(_)) => {
                panic!("the simulator stands on a unix socket, not on {address}")
            }
        }
    }

    /// Takes down which names are the recording's own.
    pub fn knows(&mut self, exchanges: &[Exchange], steps: &[SetUp]) {
        let lines = exchanges
            .iter()
            .filter(|exchange| matches!(exchange.answer.status, Some(200 | 201)))
            .map(|exchange| (exchange.path.clone(), String::from_utf8_lossy(&exchange.body).into_owned()))
            .chain(
                steps
                    .iter()
                    .flat_map(|step| &step.asks)
                    .map(|line| split_ask(line))
                    .map(|(_, path, body)| (path, body)),
            );
        for (path, body) in lines {
            let route = path.split('?').next().unwrap_or_default();
            if route.ends_with("/containers/create") || route.ends_with("/rename") {
                self.names.extend(parameter(&path, "name").map(str::to_owned));
            } else if route.ends_with("/volumes/create") {
                let body: Value = serde_json::from_str(&body).unwrap_or_default();
                self.names.extend(body.get("Name").and_then(Value::as_str).map(str::to_owned));
            } else {
                self.names
                    .extend(parameter(&path, "repo").map(|repo| repo.split('/').next().unwrap().to_owned()));
                self.names.extend(parameter(&path, "t").map(str::to_owned));
            }
        }
        self.names.retain(|name| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.chars().all(plain)
                && name.len() < 60
        });
    }

    /// Asks for what has to be there; an answer that refuses is shown.
    pub fn set_up(&mut self, address: SocketAddr, step: &SetUp) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (at, line) in step.asks.iter().enumerate() {
            let (method, path, body) = split_ask(line);
            let answer = self.ask(address, &method, &path, &body);
            if answer.status.is_none_or(|status| status >= 400) {
                println!("set-up {line}: {:?} {}", answer.status, answer.text());
            }
            let made: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if let (Some(recorded), Some(live)) = (step.ids.get(at), made.get("Id").and_then(Value::as_str)) {
                self.ids.insert(recorded.clone(), live.to_owned());
            }
            answers.push(answer);
        }
        answers
    }

    fn ask(&self, address: SocketAddr, method: &str, path: &str, body: &str) -> Answer {
        let body = self.labelled(path, self.live(body));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let request = format!(
            "{method} {} HTTP/1.1\r\nHost: x\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.live_path(path),
            body.len()
        );
        ask(address, request.as_bytes(), LIMIT)
    }

    /// Makes the container that a recorded inspect shows, if it is not there.
    pub fn prepare(&mut self, address: SocketAddr, exchange: &Exchange) -> Result<(), String> {
        let Some(id) = exchange.path.split(['/', '?']).find(|part| is_id(part)) else { return Ok(()) };
        if self.ids.contains_key(id) || exchange.path.contains("/networks/") {
            return Ok(());
        }
        if exchange.answer.status.is_none_or(|status| status >= 400) {
            // What is not there must not be made.
            return Ok(());
        }
        let shown: Value = serde_json::from_slice(&exchange.answer.body).unwrap_or_default();
        if !exchange.path.ends_with("/json") || shown.get("Config").is_none() {
            return Err("what it names was made in an exchange that is left out".to_owned());
        }
        let (name, body) = container_like(&shown);
        let made = self.ask(address, "POST", &format!("/v1.24/containers/create{name}"), &body.to_string());
        let made: Value =
            serde_json::from_slice(&made.body).map_err(|_| format!("{:?} {}", made.status, made.text()))?;
        let live = made.get("Id").and_then(Value::as_str).ok_or("a container without an id")?.to_owned();
        self.ids.insert(id.to_owned(), live);
        Ok(())
    }

    /// The recorded request with the names and ids of this run.
    pub fn request(&self, exchange: &Exchange) -> (Vec<u8>, Duration) {
        let text = std::str::from_utf8(&exchange.body).ok();
        let body = match text {
            Some(text) if exchange.answer.status == Some(200) => {
                self.labelled(&exchange.path, self.live(text)).into_bytes()
            }
            Some(text) => self.live(text).into_bytes(),
            None => exchange.body.clone(),
        };
        let mut head = format!("{} {} HTTP/1.1\r\n", exchange.method, self.live_path(&exchange.path));
        for (name, value) in &exchange.headers {
            match name.as_str() {
                "Content-Length" => head.push_str(&format!("{name}: {}\r\n", body.len())),
                _ => head.push_str(&format!("{name}: {value}\r\n")),
            }
        }
        let limit = if exchange.gave_up { Duration::from_secs(2) } else { LIMIT };
        ([head.as_bytes(), b"\r\n", &body].concat(), limit)
    }

    /// Leads the recorded id of something that was made to the live one.
    pub fn learn(&mut self, exchange: &Exchange, answer: &Answer) {
        let id = |body: &[u8]| {
            let made: Value = serde_json::from_slice(body).unwrap_or_default();
            made.get("Id").and_then(Value::as_str).map(str::to_owned)
        };
        if let (Some(recorded), Some(live)) = (id(&exchange.answer.body), id(&answer.body)) {
            self.ids.insert(recorded, live);
        }
    }

    /// An answer with the recorded names; what is not the test's own is taken out of lists.
    pub fn as_recorded(&self, mut answer: Answer, exchange: &Exchange) -> Answer {
        let sent = answer.body.len();
        if let Ok(Value::Array(mut rows)) = serde_json::from_slice(&answer.body)
            && (exchange.path.contains("/containers/json") || exchange.path.contains("/images/json"))
        {
            rows.retain(|row| self.is_own(row));
            answer.body = Value::Array(rows).to_string().into_bytes();
        }
        if let Ok(mut list) = serde_json::from_slice::<Value>(&answer.body)
            && let Some(Value::Array(volumes)) = list.get_mut("Volumes")
        {
            volumes.retain(|volume| volume.to_string().contains(&self.prefix));
            answer.body = list.to_string().into_bytes();
        }
        if let Ok(text) = std::str::from_utf8(&answer.body) {
            answer.body = self.recorded(text).into_bytes();
        }
        for (name, value) in &mut answer.headers {
            // A length that was right stays right; one that was not is compared as it is.
            if name.eq_ignore_ascii_case("content-length") && value.parse() == Ok(sent) {
                *value = answer.body.len().to_string();
            }
        }
        answer
    }

    fn is_own(&self, row: &Value) -> bool {
        let text = row.to_string();
        let of_id = |id: &str| self.ids.values().any(|live| live == id);
        row.get("Id").and_then(Value::as_str).is_some_and(of_id)
            || text.contains(&self.prefix)
            || self
                .prepared
                .made
                .iter()
                .any(|image| row.get("RepoTags").is_some() && text.contains(image.as_str()))
    }

    /// A recorded text with the images, names and ids of this run.
    fn live(&self, text: &str) -> String {
        let words = Regex::new(WORDS).unwrap();
        // Commands and variables hold words of their own.
        let members =
            Regex::new(r#""(Image|Name|Links|VolumesFrom|Binds|Container)":\s*(\[[^\]]*\]|"[^"]*")"#)
                .unwrap();
        members
            .replace_all(text, |found: &Captures<'_>| {
                format!(
                    "\"{}\": {}",
                    &found[1],
                    words.replace_all(&found[2], |word: &Captures<'_>| self.word(&word[0]))
                )
            })
            .into_owned()
    }

    /// What stands for a recorded word in this run.
    fn word(&self, word: &str) -> String {
        match word {
            "busybox" | "nginx" => self.image(word),
            "fancy:1.0" => format!("{}:latest", self.image("fancy")),
            _ if self.names.contains(word) => format!("{}{word}", self.prefix),
            _ => self.ids.get(word).cloned().unwrap_or_else(|| word.to_owned()),
        }
    }

    fn live_path(&self, path: &str) -> String {
        let words = Regex::new(WORDS).unwrap();
        let (route, query) = path.split_once('?').unwrap_or((path, ""));
        let is_pull = route.ends_with("/images/create");
        // The collection comes first, then the name.
        let tail = Regex::new(r"(/(?:containers|exec|volumes|images)/)(.*)$").unwrap();
        let route = match is_pull {
            true => route.to_owned(),
            false => tail
                .replace(route, |found: &Captures<'_>| {
                    format!(
                        "{}{}",
                        &found[1],
                        words.replace_all(&found[2], |word: &Captures<'_>| self.word(&word[0]))
                    )
                })
                .into_owned(),
        };
        let named = Regex::new(r"\b(name|container|repo|t|before|since)=([^&]*)").unwrap();
        let query = named.replace_all(query, |found: &Captures<'_>| {
            format!(
                "{}={}",
                &found[1],
                words.replace_all(&found[2], |word: &Captures<'_>| self.word(&word[0]))
            )
        });
        if query.is_empty() { route } else { format!("{route}?{query}") }
    }

    fn image(&self, name: &str) -> String {
        self.prepared.images.get(name).unwrap().trim_end_matches(":latest").to_owned()
    }

    fn recorded(&self, text: &str) -> String {
        let label = format!("\"{RUN_LABEL}\":\"{}\"", self.prefix);
        // What has no other label was made without any.
        let alone = format!("\"Labels\":{{{label}}},");
        let mut text = text
            .replace(&alone, "")
            .replace(&format!("{label},"), "")
            .replace(&format!(",{label}"), "")
            .replace(&label, "");
        for name in ["busybox", "nginx"] {
            text = text.replace(&self.image(name), name);
        }
        text = text.replace(&format!("{}:latest", self.image("fancy")), "fancy:1.0");
        text = text.replace(&format!("{}@", self.image("fancy")), "fancy@");
        text.replace(&self.prefix, "")
    }

    fn labelled(&self, path: &str, body: String) -> String {
        if !path.split('?').next().unwrap_or_default().ends_with("/create") || !body.starts_with('{') {
            return body;
        }
        let label = format!("\"{RUN_LABEL}\":\"{}\"", self.prefix);
        match body.contains("\"Labels\":") {
            true => {
                body.replacen("\"Labels\": {", &format!("\"Labels\": {{{label},"), 1).replacen(",}", "}", 1)
            }
            false => body.replacen('{', &format!("{{\"Labels\":{{{label}}},"), 1).replacen(",}", "}", 1),
        }
    }

    /// Removes everything that was made.
    pub fn clean(self) {
        let own = |path: &str, body: &str| -> Value {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{body}");
            serde_json::from_str(&over_unix(self.socket(), &request)).unwrap_or_default()
        };
        let remove = |path: String| {
            let request = format!("DELETE {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            over_unix(self.socket(), &request);
        };
        let containers = own("/v1.41/containers/json?all=1", "");
        for row in containers.as_array().into_iter().flatten().filter(|row| self.is_own(row)) {
            remove(format!("/v1.41/containers/{}?force=1&v=1", row["Id"].as_str().unwrap()));
        }
        let volumes = own("/v1.41/volumes", "");
        for row in volumes["Volumes"].as_array().into_iter().flatten() {
            let name = row["Name"].as_str().unwrap();
            if name.starts_with(&self.prefix) {
                remove(format!("/v1.41/volumes/{name}"));
            }
        }
        let images = own("/v1.41/images/json", "");
        let tags =
            images.as_array().into_iter().flatten().filter_map(|row| row["RepoTags"].as_array()).flatten();
        for tag in tags.filter_map(Value::as_str).filter(|tag| tag.contains(&self.prefix)) {
            remove(format!("/v1.41/images/{tag}?force=1"));
        }
        self.runtime.block_on(remove_images(&self.endpoint, &self.prepared, &self.ledger));
        self.ledger.close_clean().unwrap();
    }
}

fn split_ask(line: &str) -> (String, String, String) {
    let mut parts = line.splitn(3, ' ').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    (next(), next(), next())
}

/// One request to the Docker itself; the body of its answer.
fn over_unix(socket: &Path, request: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::os::unix::net::UnixStream::connect(PathBuf::from(socket)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    match head.to_ascii_lowercase().contains("transfer-encoding") {
        // Chunks of one line each: JSON has no line ends of its own here.
        true => body.split("\r\n").skip(1).step_by(2).collect(),
        false => body.to_owned(),
    }
}

/// The create request of a container that inspect shows so: its name parameter and its body.
fn container_like(shown: &Value) -> (String, Value) {
    let at = |pointer: &str| shown.pointer(pointer).cloned().unwrap_or_default();
    let mut body = json!({"Image": at("/Config/Image"), "HostConfig": {}});
    for key in [
        "Cmd",
        "Entrypoint",
        "User",
        "Tty",
        "OpenStdin",
        "AttachStdin",
        "AttachStdout",
        "AttachStderr",
        "Volumes",
    ] {
        let value = at(&format!("/Config/{key}"));
        let is_default = value.is_null() || value == json!("") || value == json!(false);
        if !is_default {
            body[key] = value;
        }
    }
    if at("/Config/WorkingDir") != json!("") {
        body["WorkingDir"] = at("/Config/WorkingDir");
    }
    if at("/Config/Domainname") != json!("local") {
        body["Domainname"] = at("/Config/Domainname");
    }
    let hostname = at("/Config/Hostname");
    if !at("/Id").as_str().unwrap_or_default().starts_with(hostname.as_str().unwrap_or("-")) {
        body["Hostname"] = hostname;
    }
    if let Some(env) = at("/Config/Env").as_array() {
        body["Env"] = json!(env.iter().skip(1).collect::<Vec<_>>());
    }
    if let Value::Object(mut labels) = at("/Config/Labels") {
        labels.remove("com.joyent.package");
        body["Labels"] = Value::Object(labels);
    }
    let host = &mut body["HostConfig"];
    if at("/HostConfig/Memory") != json!(1_073_741_824_u64) {
        host["Memory"] = at("/HostConfig/Memory");
    }
    for (key, usual) in [
        ("RestartPolicy", json!({"MaximumRetryCount": 0, "Name": ""})),
        ("Dns", json!(["8.8.8.8", "8.8.4.4"])),
        ("LogConfig", json!({"Type": "json-file", "Config": {}})),
        ("PublishAllPorts", json!(false)),
        ("PortBindings", json!({})),
        ("DnsSearch", Value::Null),
        ("ExtraHosts", Value::Null),
        ("VolumesFrom", Value::Null),
        ("Links", Value::Null),
    ] {
        let value = at(&format!("/HostConfig/{key}"));
        if value != usual {
            host[key] = value;
        }
    }
    let name = at("/Name").as_str().unwrap_or_default().trim_start_matches('/').to_owned();
    let generated = Regex::new(r"^[a-z]+_[a-z]+$").unwrap().is_match(&name);
    (if generated { String::new() } else { format!("?name={name}") }, body)
}
