//! The volumes of containers: what a create may mount, and whose it takes over
//! (sdc-docker `lib/validate.js:411-456`).

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{put, strings, take, text};
use super::network;
use super::volumes::{is_anonymous, is_name};

/// A volume on another network than the container cannot be mounted (catalogue: volume-not-reachable).
pub fn reachable(call: &mut Call) -> Result<(), Answer> {
    let networks = &call.service.world.networks;
    let mode = text(&call.asked, "/HostConfig/NetworkMode");
    let named = network::resolve(networks, mode).ok();
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
    strings(&call.asked, "/HostConfig/Binds")
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
    let sources = strings(&call.asked, "/HostConfig/VolumesFrom");
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
    let mut binds = strings(body, "/HostConfig/Binds");
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

/// HostConfig.VolumesFrom as it was asked, whatever is bound beneath (catalogue:
/// volumes-from-own-volumes-only).
pub fn show_sources(call: &Call, container: &mut Value) {
    let record = call.service.state.container(text(container, "/Id"));
    let Some(record) = record.filter(|record| !record.volumes_from.is_empty()) else { return };
    put(container, "HostConfig", "VolumesFrom", json!(record.volumes_from));
    let binds = strings(&record.asked, "/HostConfig/Binds");
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
    let sources = strings(&call.asked, "/HostConfig/VolumesFrom");
    let most = call.service.world.max_volumes_from;
    match sources.len() > most {
        true => Err(Answer::error(500, format!("too many --volumes-from: max {most}"))),
        false => Ok(()),
    }
}

/// The source is looked up by the account (catalogue: volumes-from-missing-source).
pub fn from_missing(call: &Call, answer: &mut Answer) {
    let sources = strings(&call.asked, "/HostConfig/VolumesFrom");
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
