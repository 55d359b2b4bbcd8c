//! `capture`: runs a client behind a recording proxy, and writes what it asked as a scenario.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::json;

use super::new::scenario_name;
use super::output::Output;
use super::run::seat_error;
use super::{CliError, Common};
use crate::capture::infer::draft;
use crate::capture::observed::{Log, Observed};
use crate::capture::proxy::{Listen, Proxy};
use crate::capture::secrets::scrub;
use crate::capture::steps::Draft;
use crate::capture::write::{Head, file_of, scenario};
use crate::case::Source;
use crate::engine::Endpoint;
use crate::report::console::{clean, counted};
use crate::report::exit;
use crate::run::images::{prepare_images, remove_images};
use crate::run::ledger::Ledger;
use crate::seats::Choosing;
use crate::session::{Desk, ledger_folder};
use crate::store::{self, Store, StoreError};
use crate::version::Version;

/// Arguments of `capture`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  divergence capture -- docker run --rm -i busybox echo hello
  divergence capture --api 1.24 --as streams/cat -- docker run --rm -i '${image:busybox}' cat
  divergence capture --tcp --image busybox=registry/tools:3 -- python client.py
  divergence capture --secret API_KEY -- docker-compose up -d

The client finds the proxy by DOCKER_HOST. ${image:NAME} in the command is an image of
fixtures/images, made for the client and removed again; a scenario brings its own.
Exit codes: 0 written, 2 a mistake in arguments or files, 3 the engine could not be asked,
4 nothing was asked. That of the client is told.")]
pub struct CaptureArgs {
    /// The engine behind the proxy: `docker`, `simulator`, an address, or an entry of engines.toml
    #[arg(long, default_value = "docker")]
    engine: String,
    /// The scenario to write [default: captured/ and the client's name]
    #[arg(long = "as", value_name = "AREA/NAME")]
    name: Option<String>,
    /// What Docker promises, as a sentence
    #[arg(long)]
    title: Option<String>,
    /// The API version that the client is to speak (DOCKER_API_VERSION)
    #[arg(long, value_name = "VERSION")]
    api: Option<String>,
    /// Listen on TCP instead of a unix socket; on this machine unless told otherwise
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:0")]
    tcp: Option<SocketAddr>,
    /// An image of the fixtures, and what the client calls it (repeatable)
    #[arg(long, value_name = "NAME=REFERENCE")]
    image: Vec<String>,
    /// A build argument or variable whose value is not to be written (repeatable); logins never are
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,
    /// The client and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What the client did.
struct Session {
    log: Log,
    unreached: Option<String>,
    status: ExitStatus,
}

/// Runs the client and writes a scenario.
pub fn capture(args: &CaptureArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let loaded = store.load()?;
    let (area, name) = place(args, &store)?;
    let file = format!("suites/{area}/scenarios/{name}.toml");
    let api = args.api.as_deref().map(str::parse::<Version>).transpose();
    let api = api.map_err(|error| CliError::Usage(format!("--api: {error}")))?;
    let known = fixture_images(&store)?;
    let mut images = BTreeMap::new();
    for text in &args.image {
        let pair = text
            .split_once('=')
            .filter(|(name, reference)| known.contains(&(*name).to_owned()) && !reference.is_empty());
        let (name, reference) = pair.ok_or_else(|| {
            CliError::Usage(format!(
                "--image {text}: write NAME=REFERENCE; fixtures/images has {}",
                known.join(", ")
            ))
        })?;
        images.insert(reference.to_owned(), name.to_owned());
    }
    let desk = Desk::open(&store)?;
    let choosing = Choosing::new(&store, &desk, &loaded.suite.settings.worlds);
    let seat = choosing.named(&args.engine).map_err(seat_error)?;
    let Source::Live { endpoint, .. } = &seat.source else {
        return Err(CliError::Usage(format!(
            "`{}` answers nobody: capture needs a live engine",
            args.engine
        )));
    };
    let wanted = wanted_images(&args.command, &known)?;
    let cancel = desk.cancel_on_interrupt();
    let session = with_images(&desk, &store, endpoint, &wanted, |made| {
        images.extend(made.iter().map(|(name, reference)| (reference.clone(), name.clone())));
        let command: Vec<String> = args.command.iter().map(|word| with_images_named(word, made)).collect();
        play(&desk, endpoint, args.tcp, api.as_ref(), &command, output.json)
    })?;
    drop(cancel);
    let Session { mut log, unreached, status } = session;
    let seen = log.take();
    let client = format!("the client ended with {status}");
    if seen.is_empty() {
        return Err(match unreached {
            Some(error) => CliError::Engine(format!("failed to {error}; {client}")),
            None => CliError::Nothing(format!("the client asked nothing of {}; {client}", endpoint.address)),
        });
    }
    let configured = endpoint.images.iter().map(|(name, reference)| (reference.clone(), name.clone()));
    let usual = known.iter().map(|name| (name.clone(), name.clone()));
    let images: BTreeMap<String, String> = usual.chain(configured).chain(images).collect();
    let draft = drafted(seen, &log, unreached, &args.secret, &images);
    let title = args
        .title
        .clone()
        .unwrap_or_else(|| format!("What `{}` asks is answered", words(&args.command).join(" ")));
    let command = match words(&args.command).as_slice() {
        [docker, command] if docker == "docker" => Some(command.clone()),
        _ => None,
    };
    let files = format!("{area}-{name}");
    let text = scenario(&draft, &Head { title: &title, command: command.as_deref(), files: &files });
    let mut written = vec![file.clone()];
    for (step, extension, bytes) in &draft.files {
        let file = file_of(&files, step, extension);
        store::write_bytes(&store.path_of(&file), bytes)?;
        written.push(file);
    }
    store::write(&store.path_of(&file), &text)?;
    tell(&draft, &written, &format!("{area}/{name}"), status, output)?;
    match store.load() {
        Err(StoreError::Mistakes(mistakes)) if mistakes.iter().any(|mistake| mistake.file == file) => {
            let own = mistakes.into_iter().filter(|mistake| mistake.file == file).collect();
            Err(CliError::Store(StoreError::Mistakes(own)))
        }
        Ok(_) | Err(_) => Ok(exit::FINE),
    }
}

/// The draft, with everything in its notes that people should know.
fn drafted(
    mut seen: Vec<Observed>,
    log: &Log,
    unreached: Option<String>,
    secrets: &[String],
    images: &BTreeMap<String, String>,
) -> Draft {
    let suspects = scrub(&mut seen, secrets);
    let mut draft = draft(seen, images);
    let notes = &mut draft.notes;
    notes.extend(
        suspects
            .into_iter()
            .map(|name| format!("{name} looks like a secret: --secret {name} takes its value out")),
    );
    if log.foreign > 0 {
        notes.push(format!("{} spoke no HTTP that could be followed", counted(log.foreign, "connection")));
    }
    if log.dropped > 0 {
        notes.push(format!("{} more were too many to be kept", counted(log.dropped, "exchange")));
    }
    notes.extend(unreached.map(|error| format!("a connection did not come about: failed to {error}")));
    draft
}

/// Where the scenario goes: a place that is free.
fn place(args: &CaptureArgs, store: &Store) -> Result<(String, String), CliError> {
    let is_there =
        |area: &str, name: &str| store.path_of(&format!("suites/{area}/scenarios/{name}.toml")).exists();
    if let Some(text) = &args.name {
        let (area, name) = scenario_name(text)?;
        return match is_there(area, name) {
            true => Err(CliError::Usage(format!("suites/{area}/scenarios/{name}.toml is there already"))),
            false => Ok((area.to_owned(), name.to_owned())),
        };
    }
    let words = words(&args.command).join("-").to_lowercase();
    let plain = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>();
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !is_there("captured", name));
    Ok(("captured".to_owned(), free.unwrap_or(plain)))
}

/// The program, and what it is told to do, without anything that could be private.
fn words(command: &[String]) -> Vec<String> {
    let program = command.first().and_then(|program| Path::new(program).file_name()).unwrap_or_default();
    let told = command.get(1).filter(|word| word.chars().all(|c| c.is_ascii_lowercase()) && word.len() < 16);
    std::iter::once(program.to_string_lossy().into_owned()).chain(told.cloned()).collect()
}

fn fixture_images(store: &Store) -> Result<Vec<String>, StoreError> {
    let files = store::files_below(&store.fixtures().join("images"), "toml")?;
    Ok(files.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect())
}

/// The fixtures that the command names as `${image:NAME}`.
fn wanted_images(command: &[String], known: &[String]) -> Result<Vec<String>, CliError> {
    let mut wanted: Vec<String> = Vec::new();
    for word in command {
        for (name, _) in word.split("${image:").skip(1).filter_map(|rest| rest.split_once('}')) {
            if !known.iter().any(|one| one == name) {
                let known = known.join(", ");
                return Err(CliError::Usage(format!("${{image:{name}}}: fixtures/images has {known}")));
            }
            wanted.push(name.to_owned());
        }
    }
    Ok(wanted)
}

fn with_images_named(word: &str, made: &BTreeMap<String, String>) -> String {
    made.iter().fold(word.to_owned(), |word, (name, reference)| {
        word.replace(&format!("${{image:{name}}}"), reference)
    })
}

/// Makes images for as long as the client runs.
fn with_images(
    desk: &Desk,
    store: &Store,
    endpoint: &Endpoint,
    wanted: &[String],
    run: impl FnOnce(&BTreeMap<String, String>) -> Result<Session, CliError>,
) -> Result<Session, CliError> {
    if wanted.is_empty() {
        return run(&BTreeMap::new());
    }
    let maker = match &endpoint.beneath {
        Some(home) => Endpoint::new(home.clone()),
        None => endpoint.clone(),
    };
    let ledger = Ledger::open(&ledger_folder(store))?;
    let prepared = desk.runtime.block_on(prepare_images(&maker, wanted, &store.fixtures(), &ledger));
    let session = match prepared.missing.iter().next() {
        Some((name, reason)) => Err(CliError::Engine(format!("failed to have the image {name}: {reason}"))),
        None => run(&prepared.images),
    };
    desk.runtime.block_on(remove_images(&maker, &prepared, &ledger));
    ledger.close_clean()?;
    session
}

/// Runs the client behind a proxy.
fn play(
    desk: &Desk,
    endpoint: &Endpoint,
    tcp: Option<SocketAddr>,
    api: Option<&Version>,
    command: &[String],
    json: bool,
) -> Result<Session, CliError> {
    let folder = if tcp.is_none() { Some(private_folder()?) } else { None };
    let listen = match (tcp, &folder) {
        (Some(address), _) => Listen::Tcp(address),
        (None, folder) => Listen::Unix(folder.as_deref().unwrap_or(Path::new(".")).join("docker.sock")),
    };
    let proxy = desk.runtime.block_on(Proxy::start(listen, endpoint.address.clone()));
    let played = match proxy {
        Err(error) => Err(CliError::Usage(format!("failed to listen for the client: {error}"))),
        Ok(proxy) => {
            let ran = client(&proxy.host, api, command, json).status();
            let (log, unreached) = desk.runtime.block_on(proxy.finish());
            let program = command.first().map_or("", String::as_str);
            ran.map(|status| Session { log, unreached, status })
                .map_err(|error| CliError::Usage(format!("failed to run {program}: {error}")))
        }
    };
    if let Some(folder) = folder {
        std::fs::remove_dir_all(folder)?;
    }
    played
}

fn client(host: &str, api: Option<&Version>, command: &[String], json: bool) -> Command {
    let mut client = Command::new(command.first().map_or("", String::as_str));
    client.args(command.iter().skip(1)).env("DOCKER_HOST", host);
    for other in ["DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"] {
        client.env_remove(other);
    }
    if let Some(api) = api {
        client.env("DOCKER_API_VERSION", api.to_string());
    }
    if json {
        // Standard output is for the result alone.
        client.stdout(Stdio::from(io::stderr()));
    }
    client
}

/// A new folder that nobody else can look into.
fn private_folder() -> io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let folder = std::env::temp_dir().join(format!("divergence-{}-{now:x}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Tells what was written. Standard output is the client's, unless the result is JSON.
fn tell(
    draft: &Draft,
    written: &[String],
    id: &str,
    status: ExitStatus,
    output: &mut Output,
) -> Result<(), CliError> {
    if output.json {
        return output
            .json(&json!({"format": 1, "scenario": id, "files": written, "steps": draft.steps.len(),
            "client": {"exit": status.code()}, "notes": draft.notes}));
    }
    let out = &mut output.news;
    writeln!(out, "the client ended with {status}")?;
    for file in written {
        writeln!(out, "wrote {file}")?;
    }
    writeln!(out, "{}", counted(draft.steps.len(), "step"))?;
    for note in &draft.notes {
        writeln!(out, "  {}", clean(note))?;
    }
    if let Some(api) = draft.api.as_ref().filter(|api| !is_of_sdc(api)) {
        writeln!(
            out,
            "sdc-docker serves API 1.20 to 1.24 and not {api}: --api 1.24 lets the client speak it"
        )?;
    }
    writeln!(out, "next: look at it, then `divergence run {id}`")?;
    Ok(())
}

fn is_of_sdc(api: &Version) -> bool {
    let bounds = ["1.20".parse::<Version>(), "1.24".parse()];
    matches!(bounds, [Ok(oldest), Ok(newest)] if (&oldest..=&newest).contains(&api))
}
