//! Named volumes on NFS (sdc-docker `lib/endpoints/volumes.js`), really made beneath.

use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::json::{put, take, text};
use super::route::Route;
use super::state::Volume;

fn is_name(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The feature is off in a data center unless the operator turned it on
/// (catalogue: volumes-disabled).
pub fn disabled(call: &mut Call) -> Result<(), Answer> {
    match call.service.world.nfs_volumes {
        true => Ok(()),
        false => Err(Answer::error(500, "Volumes are not supported")),
    }
}

/// Names of volumes; one that is missing is noticed later (catalogue: volume-name-rules).
pub fn name_rules(call: &mut Call) -> Result<(), Answer> {
    let name = match call.route {
        Some(Route::VolumeCreate) => match call.json.as_ref().and_then(|body| body.get("Name")) {
            None => return Ok(()),
            Some(Value::String(name)) if name.is_empty() => return Ok(()),
            Some(Value::String(name)) => name.clone(),
            Some(_) => return Err(Answer::invalid("volume name must be a string")),
        },
        _ => call.name().to_owned(),
    };
    let is_made = call.route == Some(Route::VolumeCreate);
    match () {
        () if !is_name(&name) => Err(Answer::invalid(format!("{name} is not a valid volume name"))),
        () if is_made && name.len() > 256 => Err(Answer::invalid("volume name is too long")),
        () => Ok(()),
    }
}

/// Only the driver of Triton, which local means as well (catalogue: volume-driver-rules).
pub fn driver(call: &mut Call) -> Result<(), Answer> {
    let body = call.json.get_or_insert_with(|| json!({}));
    match body.get("Driver") {
        Some(Value::String(driver)) if driver == "local" || driver == "tritonnfs" => {
            put(body, "", "Driver", json!("local"));
            Ok(())
        }
        Some(Value::String(driver)) => Err(Answer::invalid(format!(
            "{driver} is not a supported volume driver. Supported volume drivers are: tritonnfs"
        ))),
        _ => Err(Answer::invalid("volume driver must be a string")),
    }
}

/// Sizes are whole gigabytes that the data center offers; of the other options only the network
/// counts (catalogue: volume-size-option; sdc-docker `lib/validate.js:662-677`).
pub fn size(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else { return Ok(()) };
    let size = take(body, "DriverOpts", "size");
    super::json::keep(body, "DriverOpts", &["network"]);
    let Some(size) = size else { return Ok(()) };
    let told = size.as_str().map_or_else(|| size.to_string(), str::to_owned);
    let Some(gigabytes) = size.as_str().and_then(gigabytes) else {
        return Err(Answer::invalid(format!("Volume size: \"{told}\" is not a valid volume size")));
    };
    let sizes = &call.service.world.volume_sizes;
    if sizes.contains(&gigabytes) {
        return Ok(());
    }
    let offered: Vec<String> = sizes.iter().map(|size| format!("{size}G")).collect();
    let message = format!("Volume size not available. Available sizes: {}", offered.join(", "));
    Err(Answer::coded(500, "Error", message))
}

/// The number of a size such as `10G` (sdc-docker `lib/volumes.js:30-49`).
fn gigabytes(size: &str) -> Option<u64> {
    let digits = size.strip_suffix('G')?;
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The network of a volume is one of the account's (catalogue: volume-network-option).
pub fn network(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else { return Ok(()) };
    let Some(network) = take(body, "DriverOpts", "network") else { return Ok(()) };
    let found = super::network::resolve(&call.service.world.networks, network.as_str().unwrap_or_default())?;
    let name = found.name.clone();
    call.asked = json!({ "network": name });
    Ok(())
}

/// A volume on another network than the container cannot be mounted (catalogue: volume-not-reachable).
pub fn reachable(call: &mut Call) -> Result<(), Answer> {
    let networks = &call.service.world.networks;
    let mode = text(&call.asked, "/HostConfig/NetworkMode");
    let named = super::network::resolve(networks, mode).ok();
    let Some(own) = named.or(call.service.world.default_network()).map(|network| network.name.clone()) else {
        return Ok(());
    };
    let default = call.service.world.default_network().map(|network| network.name.clone());
    let is_elsewhere = |bind: &String| {
        let name = bind.split(':').next().unwrap_or_default();
        let volume = call.service.state.read(|memory| memory.volumes.get(name).cloned());
        volume.is_some_and(|volume| volume.network.or(default.clone()).is_some_and(|network| network != own))
    };
    match binds(call).iter().find(|bind| is_elsewhere(bind)) {
        None => Ok(()),
        Some(bind) => {
            let name = bind.split(':').next().unwrap_or_default();
            let message = format!("Volumes not reachable from container: {name}");
            Err(Answer::coded(409, "VolumesNotReachableError", message))
        }
    }
}

/// Serves the volume calls.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::VolumeCreate => create(call).await,
        Route::VolumeDelete => {
            call.service.pause("volume-create-slow", "volume-rm").await;
            let mut answer = call.forward().await;
            let name = call.name().to_owned();
            if answer.status == 404 && call.on("volume-delete-errors") {
                answer = Answer::error(500, format!("Could not find volume with name: {name}"));
            } else if answer.status == 409 && call.on("volume-delete-errors") {
                let message = format!("problem deleting volume: Volume with name {name} is used");
                answer = Answer::coded(409, "VolumeInUse", message);
            } else if !answer.is_error() {
                call.service.state.change(|memory| memory.volumes.remove(&name));
            }
            answer
        }
        Route::VolumeInspect => {
            let answer = call.forward().await;
            match answer.status == 404 && call.on("volume-inspect-missing-404-empty") {
                true => Answer::empty(404),
                false => answer,
            }
        }
        _ => call.forward().await,
    }
}

/// Whether the fields of a create are of types that its handler takes (sdc-docker
/// `lib/endpoints/volumes.js:51-58`; catalogue: uncaught-exception-drops-connection).
fn is_taken(body: &Value) -> bool {
    let is_object = |key: &str| body.get(key).is_none_or(|value| value.is_null() || value.is_object());
    body.get("Name").is_some() && is_object("DriverOpts") && is_object("Labels")
}

async fn create(call: &mut Call) -> Answer {
    let taken = call.json.as_ref().is_none_or(is_taken);
    if !taken && call.on("uncaught-exception-drops-connection") {
        return Answer::new(0, Body::Drop);
    }
    call.service.pause("volume-create-slow", "volume-create").await;
    let name = call.json.as_ref().map(|body| text(body, "/Name").to_owned()).unwrap_or_default();
    let labels = call.json.as_ref().and_then(|body| body.get("Labels")).cloned();
    if call.on("volume-create-duplicate") && !name.is_empty() {
        let target = format!("/v1.41/volumes/{}", super::route::encode(&name));
        let ask = super::docker::Ask::new(hyper::Method::GET, target);
        if call.service.docker.json(ask).await.is_ok() {
            let message = format!("problem creating volume: Volume with name {name} already exists");
            return Answer::coded(409, "VolumeAlreadyExists", message);
        }
    }
    let network = Some(text(&call.asked, "/network").to_owned()).filter(|network| !network.is_empty());
    let mut answer = call.forward().await;
    if let Some(name) = answer.value().map(|value| text(value, "/Name").to_owned()) {
        call.service.state.change(|memory| {
            memory.addresses += 1;
            let host = u8::try_from(memory.addresses % 200).unwrap_or_default();
            memory.volumes.entry(name).or_insert(Volume { labels, host, network });
        });
    }
    answer
}

/// A bad name in Docker's own words, where those of sdc-docker are switched off, is a 422 all the same
/// (catalogue: error-422-for-bad-input).
pub fn bad_name_is_422(_: &Call, answer: &mut Answer) {
    let why = super::create::fault_text(answer);
    if answer.status == 400
        && ["characters for a local volume name", "name is too short"].iter().any(|rule| why.contains(rule))
    {
        *answer = Answer::invalid(why.to_owned());
    }
}

/// The name alone, with 200 (catalogue: volume-create-response).
pub fn create_response(_: &Call, answer: &mut Answer) {
    if answer.status == 201 {
        answer.status = 200;
        if let Some(value) = answer.value() {
            *value = json!({ "Name": text(value, "/Name") });
        }
    }
}

/// What a volume tells (catalogue: volume-list-fields).
pub fn fields(call: &Call, volume: &mut Value) {
    let name = text(volume, "/Name").to_owned();
    let known = call.service.state.read(|memory| memory.volumes.get(&name).cloned()).unwrap_or_default();
    let mut told = json!({"Name": name, "Driver": "tritonnfs"});
    if let Some(labels) = known.labels.filter(|labels| !labels.is_null()) {
        put(&mut told, "", "Labels", labels);
    }
    put(&mut told, "", "Mountpoint", json!(format!("192.168.128.{}:/exports/data", known.host)));
    *volume = told;
}

/// The same in a list, which has no warnings (catalogue: volume-list-fields).
pub fn list_fields(call: &Call, list: &mut Value) {
    let mut volumes = list.get("Volumes").and_then(Value::as_array).cloned().unwrap_or_default();
    volumes.iter_mut().for_each(|volume| fields(call, volume));
    *list = json!({ "Volumes": volumes });
}

/// Volumes without a name belong to their zone (catalogue: local-volumes-not-listed).
pub fn list_named(_: &Call, list: &mut Value) {
    if let Some(volumes) = list.get_mut("Volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !is_anonymous(text(volume, "/Name")));
    }
}

/// Volumes of a create request: how many, and where (catalogue: local-volumes-max-8,
/// local-volume-target-rules).
pub fn targets(call: &mut Call) -> Result<(), Answer> {
    let Some(Value::Object(volumes)) = call.asked.get("Volumes") else { return Ok(()) };
    for target in volumes.keys() {
        if !target.starts_with('/') {
            return Err(Answer::error(
                500,
                format!("Invalid volume name \"{target}\" must start with \"/\""),
            ));
        }
        if target.trim_matches('/').is_empty() {
            return Err(Answer::error(500, "Invalid volume name: must contain at least one non-/ character"));
        }
    }
    Ok(())
}

/// Eight at the most (catalogue: local-volumes-max-8).
pub fn too_many(call: &mut Call) -> Result<(), Answer> {
    let count = call.asked.get("Volumes").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    match count > call.service.world.max_volumes {
        true => {
            Err(Answer::error(500, format!("too many data volumes: max {}", call.service.world.max_volumes)))
        }
        false => Ok(()),
    }
}

fn binds(call: &Call) -> Vec<String> {
    super::json::strings(&call.asked, "/HostConfig/Binds")
}

/// Only names of volumes can be bound (catalogue: host-bind-refused).
pub fn host_binds(call: &mut Call) -> Result<(), Answer> {
    let flags = call.on("bind-flags-limited");
    refuse_binds(call, |bind| {
        let mut problems = name_problems(bind);
        problems.extend(flag_problem(bind).filter(|_| flags));
        problems
    })
}

/// Flags are ro and rw (catalogue: bind-flags-limited).
pub fn bind_flags(call: &mut Call) -> Result<(), Answer> {
    refuse_binds(call, |bind| flag_problem(bind).into_iter().collect())
}

/// All that is wrong with binds is told at once (sdc-docker `lib/validate.js:411-456`).
fn refuse_binds(call: &Call, problems_of: impl Fn(&str) -> Vec<String>) -> Result<(), Answer> {
    let told: Vec<String> = binds(call)
        .iter()
        .flat_map(|bind| problems_of(bind).into_iter().map(move |problem| format!("{bind}: {problem}")))
        .collect();
    match told.is_empty() {
        true => Ok(()),
        false => Err(Answer::invalid(format!("Invalid binds: {}", told.join(",")))),
    }
}

fn name_problems(bind: &str) -> Vec<String> {
    let parts: Vec<&str> = bind.split(':').collect();
    let [source, target, ..] = parts[..] else {
        return vec![format!("{bind} is not of the form: volumeName:/mount/point[:flags]")];
    };
    if parts.len() > 3 {
        return vec![format!("{bind} is not of the form: volumeName:/mount/point[:flags]")];
    }
    let mut problems = Vec::new();
    if !is_name(source) {
        problems.push(format!("{source} is not a valid volume name"));
    }
    if target.is_empty() {
        problems.push(format!("{target} must be a non-empty string"));
    }
    problems
}

fn flag_problem(bind: &str) -> Option<String> {
    let parts: Vec<&str> = bind.split(':').collect();
    match parts[..] {
        [_, _, "ro" | "rw"] => None,
        [_, _, ""] => Some("an empty flag is not a valid flag".to_owned()),
        [_, _, flag] => Some(format!("\"{flag}\" is not a valid flag")),
        _ => None,
    }
}

/// An NFS volume is empty at first: nothing copies what the image holds (catalogue:
/// volume-content-copy).
pub fn no_content(call: &mut Call) -> Result<(), Answer> {
    let Some(Value::Array(binds)) = call.json.as_mut().and_then(|body| body.pointer_mut("/HostConfig/Binds"))
    else {
        return Ok(());
    };
    for bind in binds {
        let Some(text) = bind.as_str().map(str::to_owned) else { continue };
        let parts: Vec<&str> = text.split(':').collect();
        match parts[..] {
            [source, _] if is_name(source) => *bind = json!(format!("{text}:nocopy")),
            [source, _, "ro" | "rw"] if is_name(source) => *bind = json!(format!("{text},nocopy")),
            _ => {}
        }
    }
    Ok(())
}

/// Of the volumes of another container only those that it owns are taken over: beneath, they are
/// bound by their names (catalogue: volumes-from-own-volumes-only).
pub async fn take_over(call: &mut Call) {
    let sources = super::json::strings(&call.asked, "/HostConfig/VolumesFrom");
    if sources.is_empty() || !call.on("volumes-from-own-volumes-only") {
        return;
    }
    let mut owned = Vec::new();
    for source in &sources {
        let (name, mode) = match source.strip_suffix(":ro") {
            Some(name) => (name, ":ro"),
            None => (source.trim_end_matches(":rw"), ""),
        };
        // Docker's own answer tells which one is missing.
        let Ok(container) = call.service.docker.container(name).await else { return };
        owned.extend(own_volumes(&container).into_iter().map(|bind| format!("{bind}{mode}")));
    }
    let Some(body) = &mut call.json else { return };
    take(body, "HostConfig", "VolumesFrom");
    let mut binds = super::json::strings(body, "/HostConfig/Binds");
    binds.extend(owned);
    put(body, "HostConfig", "Binds", json!(binds));
}

/// The unnamed volumes that a container declares itself or by its image, as binds.
fn own_volumes(container: &Value) -> Vec<String> {
    let declared = container.pointer("/Config/Volumes").and_then(Value::as_object);
    let is_own = |mount: &&Value| {
        declared.is_some_and(|volumes| volumes.contains_key(text(mount, "/Destination")))
            && is_anonymous(text(mount, "/Name"))
    };
    let mounts = container.get("Mounts").and_then(Value::as_array);
    let bind = |mount: &Value| format!("{}:{}", text(mount, "/Name"), text(mount, "/Destination"));
    mounts.into_iter().flatten().filter(is_own).map(bind).collect()
}

fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit())
}

/// HostConfig.VolumesFrom as it was asked, whatever is bound beneath (catalogue:
/// volumes-from-own-volumes-only).
pub fn show_sources(call: &Call, container: &mut Value) {
    let record = call.service.state.container(text(container, "/Id"));
    let Some(record) = record.filter(|record| !record.volumes_from.is_empty()) else { return };
    put(container, "HostConfig", "VolumesFrom", json!(record.volumes_from));
    let binds = super::json::strings(&record.asked, "/HostConfig/Binds");
    let shown = if binds.is_empty() { Value::Null } else { json!(binds) };
    put(container, "HostConfig", "Binds", shown);
}

/// Without NFS volumes nothing can be bound (catalogue: binds-when-nfs-off).
pub fn binds_need_nfs(call: &mut Call) -> Result<(), Answer> {
    match binds(call).is_empty() || call.service.world.nfs_volumes {
        true => Ok(()),
        false => Err(Answer::error(500, "host volumes are not supported")),
    }
}

/// Two at the most (catalogue: volumes-from-limit).
pub fn from_too_many(call: &mut Call) -> Result<(), Answer> {
    let sources = super::json::strings(&call.asked, "/HostConfig/VolumesFrom");
    let most = call.service.world.max_volumes_from;
    match sources.len() > most {
        true => Err(Answer::error(500, format!("too many --volumes-from: max {most}"))),
        false => Ok(()),
    }
}

/// The source is looked up by the account (catalogue: volumes-from-missing-source).
pub fn from_missing(call: &Call, answer: &mut Answer) {
    let sources = super::json::strings(&call.asked, "/HostConfig/VolumesFrom");
    let text = super::create::fault_text(answer);
    if answer.is_error()
        && text.contains("No such container")
        && let Some(source) =
            sources.iter().find(|source| text.contains(source.split(':').next().unwrap_or("?")))
    {
        let source = source.split(':').next().unwrap_or_default().to_owned();
        *answer = Answer::error(500, format!("container \"{source}\" not found"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_a_name_a_place_and_a_flag() {
        assert_eq!(name_problems("vol:/a"), Vec::<String>::new());
        assert_eq!(name_problems("/a:/b"), ["/a is not a valid volume name"]);
        assert_eq!(name_problems("vol"), ["vol is not of the form: volumeName:/mount/point[:flags]"]);
        assert_eq!(flag_problem("vol:/a:ro"), None);
        assert_eq!(flag_problem("vol:/a:"), Some("an empty flag is not a valid flag".to_owned()));
        assert_eq!(flag_problem("vol:/a:z"), Some("\"z\" is not a valid flag".to_owned()));
    }

    #[test]
    fn sizes_are_whole_gigabytes() {
        assert_eq!(gigabytes("10G"), Some(10));
        for bad in ["10", "G", "10g", "-1G", "1.5G", "10GB"] {
            assert_eq!(gigabytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_declared_volumes_without_a_name_are_owned() {
        let name = "a".repeat(64);
        let container = json!({
            "Config": {"Volumes": {"/own": {}}},
            "Mounts": [
                {"Name": name, "Destination": "/own"},
                {"Name": name, "Destination": "/taken-over"},
                {"Name": "vol", "Destination": "/bound"},
            ],
        });
        assert_eq!(own_volumes(&container), [format!("{name}:/own")]);
    }
}
