//! `POST /containers/create`: what is refused before anything is made, and the making.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::docker::Ask;
use super::json::{is_strings, object, parse, put, strings, take, text};
use super::state::Container;
use super::{affinity, container_volumes, links, ports, provisioning, resources, route, unchecked};

/// What the content type does to the body (catalogue: create-content-type-handling).
pub fn content_type(call: &mut Call) -> Result<(), Answer> {
    let kind = call.header("content-type").map(str::to_owned);
    match kind {
        None if call.body.is_empty() => {}
        None => {
            return Err(Answer::error(500, "Cannot read property 'Image' of undefined"));
        }
        Some(kind) if kind.trim_start().starts_with("application/json") => {
            if call.body.is_empty() {
                call.json = Some(json!({}));
            } else {
                broken_json(call)?;
            }
        }
        // A body of another type is read as one without fields.
        Some(_) => call.json = Some(json!({})),
    }
    if call.json.is_none() {
        call.json = Some(json!({}));
    }
    Ok(())
}

/// A body that calls itself JSON and is none (catalogue: create-content-type-handling).
pub fn broken_json(call: &mut Call) -> Result<(), Answer> {
    let kind = call.header("content-type").unwrap_or_default();
    if call.body.is_empty() || !kind.trim_start().starts_with("application/json") {
        return Ok(());
    }
    let told = |said| Answer::coded(400, "InvalidContent", format!("Invalid JSON: {said}"));
    parse(&String::from_utf8_lossy(&call.body)).map(|_| ()).map_err(told)
}

fn field<'a>(call: &'a Call, pointer: &str) -> Option<&'a Value> {
    call.json.as_ref().and_then(|body| body.pointer(pointer))
}

fn wrong(
    call: &Call,
    pointer: &str,
    label: &str,
    fits: impl Fn(&Value) -> bool,
    wanted: &str,
) -> Result<(), Answer> {
    match field(call, pointer) {
        Some(value) if !value.is_null() && !fits(value) => {
            Err(Answer::invalid(format!("\"{label}\" must be {wanted}")))
        }
        _ => Ok(()),
    }
}

/// Image is a string (sdc-docker `lib/validate.js:472`).
pub fn image(call: &mut Call) -> Result<(), Answer> {
    if call.json.is_some() && !field(call, "/Image").is_some_and(Value::is_string) {
        return Err(Answer::invalid("\"Image\" must be a string"));
    }
    Ok(())
}

/// Name is a string, and then of no account (catalogue: create-name-in-body).
pub fn name_in_body(call: &mut Call) -> Result<(), Answer> {
    wrong(call, "/Name", "Name", Value::is_string, "a string")
}

/// Cmd and Entrypoint are arrays (catalogue: create-cmd-entrypoint-string-rejected).
pub fn commands(call: &mut Call) -> Result<(), Answer> {
    wrong(call, "/Cmd", "Cmd", is_strings, "an array of strings")?;
    wrong(call, "/Entrypoint", "Entrypoint", is_strings, "an array of strings")
}

/// HostConfig is needed (catalogue: create-hostconfig-required).
pub fn hostconfig(call: &mut Call) -> Result<(), Answer> {
    if call.json.is_none() {
        // No JSON at all: that is said elsewhere.
        return Ok(());
    }
    match field(call, "/HostConfig") {
        Some(Value::Object(_)) => Ok(()),
        Some(Value::Null) => Err(Answer::error(500, "Cannot read property 'Links' of null")),
        _ => Err(Answer::invalid("\"HostConfig\" must be an object")),
    }
}

/// The types of the other fields (catalogue: create-field-type-errors).
pub fn field_types(call: &mut Call) -> Result<(), Answer> {
    let array = "an array of strings";
    wrong(call, "/Env", "Env", is_strings, array)?;
    wrong(call, "/HostConfig/Links", "HostConfig.Links", is_strings, array)?;
    // The label is sdc-docker's own mistake.
    wrong(call, "/HostConfig/ExtraHosts", "HostConfig.Entrypoint", is_strings, array)?;
    wrong(call, "/HostConfig/PublishAllPorts", "HostConfig.PublishAllPorts", Value::is_boolean, "a boolean")?;
    for key in ["PortBindings", "LogConfig"] {
        let label = format!("HostConfig.{key}");
        let pointer = format!("/HostConfig/{key}");
        wrong(call, &pointer, &label, Value::is_object, "an object")?;
    }
    wrong(call, "/HostConfig/NetworkMode", "HostConfig.NetworkMode", Value::is_string, "a string")
}

/// Where fields stand, their names, and whether stock Docker reads a value.
type Fields = (&'static str, &'static [&'static str], fn(&Value) -> bool);

/// Fields whose type sdc-docker does not check, with the one that stock Docker insists on.
const UNCHECKED: &[Fields] = &[
    ("", &["Domainname", "Hostname", "User", "WorkingDir"], Value::is_string),
    (
        "",
        &["AttachStderr", "AttachStdin", "AttachStdout", "NetworkDisabled", "OpenStdin", "Tty"],
        Value::is_boolean,
    ),
    ("", &["ExposedPorts", "Labels", "Volumes"], Value::is_object),
    ("", &["OnBuild"], is_strings),
    ("HostConfig", &["Binds", "Dns", "DnsSearch", "VolumesFrom"], is_strings),
    ("HostConfig", &["RestartPolicy"], Value::is_object),
    ("HostConfig", &["ContainerIDFile"], Value::is_string),
];

/// What is of another type than Docker reads does not go on, nor do limits outside of HostConfig
/// (catalogue: create-field-type-errors names all that is refused for its type).
pub fn other_types(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else { return Ok(()) };
    for (path, keys, fits) in UNCHECKED {
        let Some(object) = object(body, path) else { continue };
        object.retain(|key, value| !keys.contains(&key.as_str()) || value.is_null() || fits(value));
    }
    for key in ["CpuShares", "Cpuset", "Memory", "MemorySwap"] {
        take(body, "", key);
    }
    Ok(())
}

/// The image must be there (catalogue: create-missing-image-404).
pub fn missing_image(call: &mut Call) -> Result<(), Answer> {
    match field(call, "/Image").and_then(Value::as_str) {
        Some(image) if call.image.is_null() => {
            Err(Answer::coded(404, "ResourceNotFound", format!("No such image: {image}")))
        }
        _ => Ok(()),
    }
}

/// Only `always` and `on-failure` are stored (catalogue: restart-policy-unless-stopped-dropped).
pub fn restart_policy(call: &mut Call) -> Result<(), Answer> {
    if let Some(body) = &mut call.json {
        let name = text(body, "/HostConfig/RestartPolicy/Name").to_owned();
        if !["", "always", "on-failure"].contains(&name.as_str()) {
            take(body, "HostConfig", "RestartPolicy");
        }
    }
    Ok(())
}

/// An Image that is the UUID of a SmartOS image runs another image (catalogue: smartos-image-uuid).
pub async fn look_up_image(call: &mut Call) {
    let Some(name) = field(call, "/Image").and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    let docker = &call.service.docker;
    if is_smartos(call, &name) {
        let runs_as = &call.service.world.smartos_runs_as;
        if let Ok(image) = docker.image(&name).await {
            call.image = image;
        } else if let Ok(image) = docker.image(runs_as).await {
            call.image = image;
        } else if let Ok(images) = docker.json(Ask::new(Method::GET, "/v1.41/images/json")).await {
            // Any image will do: what a SmartOS zone holds is not shown.
            let any = images.pointer("/0/Id").and_then(Value::as_str).unwrap_or("");
            call.image = docker.image(any).await.unwrap_or(Value::Null);
        }
        let id = text(&call.image, "/Id").to_owned();
        if let Some(body) = &mut call.json
            && !id.is_empty()
        {
            put(body, "", "Image", json!(id));
        }
        return;
    }
    call.image = docker.image(&name).await.unwrap_or(Value::Null);
}

fn is_smartos(call: &Call, image: &str) -> bool {
    let name = image.trim_end_matches(":latest");
    // An image beneath that is called by a UUID stands for a SmartOS image as well.
    let is_uuid = crate::normalise::is_uuid(name) && !call.image.is_null();
    if is_uuid && call.on("smartos-image-uuid") {
        return true;
    }
    call.on("smartos-image-uuid")
        && call.service.world.smartos_images.iter().any(|i| i == image.trim_end_matches(":latest"))
}

/// Makes the container and remembers what was asked.
pub async fn serve(call: &mut Call) -> Answer {
    // It is held until the answer.
    let _zone = provisioning::begin(call);
    call.service.pause("create-is-synchronous-and-slow", "create").await;
    let name = call.param("name").map(str::to_owned);
    if let Some(name) = &name
        && call.on("create-name-rules")
    {
        if let Err(refused) = check_name(name) {
            return refused;
        }
        call.set_param("name", name.trim_start_matches('/'));
    }
    if let Err(refused) = machine_checks(call).await {
        return refused;
    }
    let lacks_directory = unchecked::working_directory(call).await;
    let link = links::told_at_create(call).await;
    container_volumes::take_over(call).await;
    let mut answer = call.forward().await;
    if !call.on("create-warnings-always-empty") {
        warn(call, &mut answer).await;
    }
    if let Some(id) = answer.value().map(|v| text(v, "/Id").to_owned()) {
        remember(call, &id, lacks_directory, link);
        if call.on("dockerinit-log-file") {
            put_log(call, &id).await;
        }
    }
    answer
}

/// What the service that makes machines checks, once everything else is right.
async fn machine_checks(call: &Call) -> Result<(), Answer> {
    if call.on("host-hostname-domain") {
        check_host_name(text(&call.asked, "/Hostname"))?;
    }
    if call.on("swarm-affinity-unsatisfied") {
        affinity::satisfied(call).await?;
    }
    Ok(())
}

/// A host name has labels of letters, digits and dashes (catalogue: host-hostname-domain).
fn check_host_name(name: &str) -> Result<(), Answer> {
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.starts_with(|c: char| c.is_ascii_alphanumeric())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let mut problems = Vec::new();
    if name.chars().count() > 64 {
        problems.push("\"hostname\" (Invalid) String is longer than maximum of 64 characters");
    }
    if !name.is_empty() && !name.split('.').all(fits) {
        problems.push(
            r#""hostname" (Invalid) String does not match regexp: /^[a-z0-9][a-z0-9\-]{0,62}(?:\.[a-z0-9][a-z0-9\-]{0,62})*$/i"#,
        );
    }
    if problems.is_empty() {
        return Ok(());
    }
    let told = format!("problem creating container: Invalid Parameters: {}", problems.join(", "));
    Err(Answer::coded(409, "ValidationFailed", told))
}

fn check_name(name: &str) -> Result<(), Answer> {
    let name = name.trim_start_matches('/');
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let problem = if name.len() > 189 {
        "String is longer than maximum of 189 characters"
    } else if name.is_empty() || (first && rest) {
        return Ok(());
    } else {
        "String does not match regexp: /^[a-zA-Z0-9][a-zA-Z0-9\\_\\.\\-]*$/"
    };
    Err(Answer::coded(
        409,
        "ValidationFailed",
        format!("problem creating container: Invalid VM parameters: \"alias\" (Invalid) {problem}"),
    ))
}

fn remember(call: &Call, id: &str, lacks_directory: bool, link: Option<links::Told>) {
    let asked = call.asked.clone();
    let package = resources::package(call).ok().flatten().map(|p| p.name.clone()).unwrap_or_default();
    let container = Container {
        owner: call.account.clone(),
        package,
        published: ports::published(&asked, &call.image),
        exposed: ports::exposed(&call.image),
        links: strings(&asked, "/HostConfig/Links"),
        volumes_from: strings(&asked, "/HostConfig/VolumesFrom"),
        image_env: strings(&call.image, "/Config/Env"),
        smartos: is_smartos(call, text(&asked, "/Image")),
        lacks_directory,
        link: link.unwrap_or_default(),
        asked,
        ..Container::default()
    };
    call.service.state.change(|m| m.containers.insert(id.to_owned(), container));
}

/// Puts the log of dockerinit into the container (catalogue: dockerinit-log-file).
async fn put_log(call: &Call, id: &str) {
    let now = time::OffsetDateTime::now_utc();
    let line = format!("{} INFO: dockerinit started\n", super::exit::iso(now));
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(line.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(u64::try_from(now.unix_timestamp()).unwrap_or(0));
    let added = archive.append_data(&mut header, "var/log/sdc-dockerinit.log", line.as_bytes());
    let Ok(Ok(bytes)) = added.map(|()| archive.into_inner()) else {
        return;
    };
    let mut ask = Ask::new(Method::PUT, format!("/v1.41/containers/{}/archive?path=/", route::encode(id)));
    ask.headers.push(("Content-Type".to_owned(), "application/x-tar".to_owned()));
    ask.body = Bytes::from(bytes);
    // A container whose root takes no files has no log: nothing else depends on it.
    let _ = call.service.docker.ask(ask).await;
}

/// 201 becomes 200 (catalogue: create-status-200).
pub fn status_200(_: &Call, answer: &mut Answer) {
    if answer.status == 201 {
        answer.status = 200;
    }
}

/// What stock Docker warns of in the request as it came: of options that are ignored here it never hears.
async fn warn(call: &Call, answer: &mut Answer) {
    let Some(created) = answer.value() else { return };
    let mut ask = Ask::new(Method::POST, call.beneath("/containers/create"));
    ask.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    ask.body = Bytes::from(call.asked.to_string());
    if let Ok(asked) = call.service.docker.json(ask).await {
        put(created, "", "Warnings", asked.get("Warnings").cloned().unwrap_or(Value::Null));
        let target = format!("/v1.41/containers/{}?v=1", route::encode(text(&asked, "/Id")));
        // It never ran, so that there is nothing in the way.
        let _ = call.service.docker.ask(Ask::new(Method::DELETE, target)).await;
    }
}

/// No warnings, ever (catalogue: create-warnings-always-empty).
pub fn no_warnings(_: &Call, created: &mut Value) {
    put(created, "", "Warnings", json!([]));
}

/// The text and status of a name that is taken (catalogue: create-name-conflict).
pub fn name_conflict(_: &Call, answer: &mut Answer) {
    if answer.status == 409 && fault_text(answer).contains("is already in use") {
        *answer = Answer::coded(
            409,
            "ValidationFailed",
            "problem creating container: Invalid VM parameters: \"alias\" (Duplicate) Already exists for this owner_uuid",
        );
    }
}

/// A list that is empty is one all the same: the image's does not take its place (catalogue:
/// create-no-command; sdc-docker `lib/backends/sdc/containers.js:2075-2098`).
pub fn empty_command(call: &mut Call) -> Result<(), Answer> {
    if call.image.is_null() {
        // What there is instead of an image is told elsewhere.
        return Ok(());
    }
    let given = |key: &str| call.asked.get(key).and_then(Value::as_array).map(Vec::len);
    let of_image = |key: &str| call.image.pointer(key).and_then(Value::as_array).map_or(0, Vec::len);
    let (entrypoint, command) = (given("Entrypoint"), given("Cmd"));
    let command = command.unwrap_or(if entrypoint.is_some() { 0 } else { of_image("/Config/Cmd") });
    let entrypoint = entrypoint.unwrap_or_else(|| of_image("/Config/Entrypoint"));
    if entrypoint + command == 0 { Err(Answer::error(500, "No command specified")) } else { Ok(()) }
}

/// 500 without a command, at every version (catalogue: create-no-command).
pub fn no_command(_: &Call, answer: &mut Answer) {
    if answer.status == 400 && fault_text(answer).starts_with("No command specified") {
        *answer = Answer::error(500, "No command specified");
    }
}

/// The message of an error, or "".
pub fn fault_text(answer: &Answer) -> &str {
    match &answer.body {
        Body::Fault(fault) => &fault.message,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_checked_as_domains() {
        let status = |name: &str| check_host_name(name).err().map(|refused| refused.status);
        assert_eq!(status("web-1.example.org"), None);
        assert_eq!(status(""), None);
        assert_eq!(status("not_a_name!"), Some(409));
        assert_eq!(status(&"h".repeat(65)), Some(409));
    }

    #[test]
    fn names_are_checked_as_aliases() {
        assert!(check_name("a").is_ok());
        assert!(check_name("//web").is_ok());
        assert_eq!(check_name("-a").err().unwrap().status, 409);
        assert_eq!(check_name(&"a".repeat(190)).err().unwrap().status, 409);
    }
}
