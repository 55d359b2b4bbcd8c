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

/// Names of volumes (catalogue: volume-name-rules).
pub fn name_rules(call: &mut Call) -> Result<(), Answer> {
    let name = match call.route {
        Some(Route::VolumeCreate) => match call.json.as_ref().and_then(|body| body.get("Name")) {
            None => return Err(Answer::new(0, Body::Drop)),
            Some(name) => name.as_str().unwrap_or_default().to_owned(),
        },
        _ => call.name().to_owned(),
    };
    if name.len() > 256 {
        return Err(Answer::invalid("volume name is too long"));
    }
    match name.is_empty() || is_name(&name) {
        true => Ok(()),
        false => Err(Answer::invalid(format!("{name} is not a valid volume name"))),
    }
}

/// Only the driver of Triton, which local means as well (catalogue: volume-driver-rules).
pub fn driver(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else { return Ok(()) };
    match body.get("Driver") {
        Some(Value::String(driver)) if driver == "local" || driver == "tritonnfs" || driver.is_empty() => {
            put(body, "", "Driver", json!("local"));
            Ok(())
        }
        Some(Value::String(driver)) => Err(Answer::invalid(format!(
            "{driver} is not a supported volume driver. Supported volume drivers are: tritonnfs"
        ))),
        _ => Err(Answer::invalid("volume driver must be a string")),
    }
}

/// Sizes are whole gigabytes that the data center offers (catalogue: volume-size-option).
pub fn size(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else { return Ok(()) };
    let Some(size) = take(body, "DriverOpts", "size") else { return Ok(()) };
    let size = size.as_str().unwrap_or_default().to_owned();
    let gigabytes = size.strip_suffix('G').and_then(|number| number.parse::<u64>().ok());
    let Some(gigabytes) = gigabytes else {
        return Err(Answer::invalid(format!("Volume size: \"{size}\" is not a valid volume size")));
    };
    let sizes = &call.service.world.volume_sizes;
    if sizes.contains(&gigabytes) {
        return Ok(());
    }
    let offered: Vec<String> = sizes.iter().map(|size| format!("{size}G")).collect();
    let message = format!("Volume size not available. Available sizes: {}", offered.join(", "));
    Err(Answer::coded(500, "Error", message))
}

/// Serves the volume calls.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::VolumeCreate => create(call).await,
        Route::VolumeDelete => {
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

async fn create(call: &mut Call) -> Answer {
    call.service.pause("volume-create-slow", "volume").await;
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
    let mut answer = call.forward().await;
    if let Some(name) = answer.value().map(|value| text(value, "/Name").to_owned()) {
        call.service.state.change(|memory| {
            memory.addresses += 1;
            let host = u8::try_from(memory.addresses % 200).unwrap_or_default();
            memory.volumes.insert(name, Volume { labels, host });
        });
    }
    answer
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
    // Anonymous volumes belong to their zone (catalogue: local-volumes-not-listed).
    let is_anonymous = |volume: &Value| {
        let name = text(volume, "/Name");
        name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit())
    };
    volumes.retain(|volume| !is_anonymous(volume));
    volumes.iter_mut().for_each(|volume| fields(call, volume));
    *list = json!({ "Volumes": volumes });
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
    for bind in binds(call) {
        let source = bind.split(':').next().unwrap_or_default();
        if !is_name(source) {
            return Err(Answer::invalid(format!(
                "Invalid binds: {bind}: {source} is not a valid volume name"
            )));
        }
    }
    Ok(())
}

/// Flags are ro and rw (catalogue: bind-flags-limited).
pub fn bind_flags(call: &mut Call) -> Result<(), Answer> {
    for bind in binds(call) {
        let Some(flags) = bind.splitn(3, ':').nth(2) else { continue };
        for flag in flags.split(',') {
            let problem = match flag {
                "ro" | "rw" => continue,
                "" => "an empty flag is not a valid flag".to_owned(),
                flag => format!("\"{flag}\" is not a valid flag"),
            };
            return Err(Answer::invalid(format!("Invalid binds: {bind}: {problem}")));
        }
    }
    Ok(())
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
