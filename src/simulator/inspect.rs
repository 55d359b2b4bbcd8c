//! `GET /containers/X/json`: the shape of before API 1.20, with additions of its own
//! (sdc-docker `lib/backends/sdc/utils.js:423-824`).

use serde_json::{Map, Value, json};

use super::call::Call;
use super::json::{keep, object, put, take, text};
use super::route::Route;
use super::{options, shapes};

/// Fields that newer engines have (catalogue: inspect-missing-fields).
pub fn missing_fields(call: &Call, container: &mut Value) {
    // What is not ignored, because that is switched off, is not missing either.
    let host_config = options::kept_of_host_config(call, container);
    let config = options::kept_of_config(call, container);
    let members = |path| shapes::members(Route::ContainerInspect, path);
    // Mounts are missing too, but that is a divergence of its own (inspect-no-mounts).
    keep(container, "", &[members(""), &["Mounts"]].concat());
    keep(container, "HostConfig", &[members("HostConfig"), &host_config].concat());
    keep(container, "Config", &[members("Config"), &config].concat());
    take(container, "State", "Status");
    take(container, "State", "Dead");
    if !config.contains(&"Healthcheck") {
        take(container, "State", "Health");
    }
}

/// Fields that newer engines have lost (catalogue: inspect-extra-legacy-fields).
pub fn legacy_fields(_: &Call, container: &mut Value) {
    put(container, "Config", "Cpuset", json!(""));
    if container.pointer("/Config/NetworkDisabled").is_some() {
        put(container, "Config", "NetworkDisabled", json!(false));
    }
    put(container, "Config", "PortSpecs", Value::Null);
    put(container, "Config", "SecurityOpt", Value::Null);
    put(container, "HostConfig", "LxcConf", json!([]));
}

/// What stock Docker tells up to API 1.20, told at every version (catalogue:
/// api-version-does-not-change-shapes).
pub fn one_shape(_: &Call, container: &mut Value) {
    if container.pointer("/Config/NetworkDisabled").is_none() {
        put(container, "Config", "NetworkDisabled", json!(false));
    }
}

/// Fields that are null or empty where stock Docker leaves them out or has the other (id: inspect-null-fields).
pub fn null_fields(call: &Call, container: &mut Value) {
    if container.pointer("/Config/ExposedPorts").is_none() {
        put(container, "Config", "ExposedPorts", Value::Null);
    }
    if let Some(host) = object(container, "HostConfig") {
        if host.get("PortBindings").is_some_and(Value::is_null) {
            host.insert("PortBindings".to_owned(), json!({}));
        }
        for key in ["DnsSearch", "ExtraHosts", "Binds", "VolumesFrom", "Links"] {
            let empty = host.get(key).and_then(Value::as_array).is_some_and(Vec::is_empty);
            if empty {
                host.insert(key.to_owned(), Value::Null);
            }
        }
    }
    if !options::kept_of_config(call, container).contains(&"MacAddress") {
        put(container, "Config", "MacAddress", json!(""));
    }
}

/// The names of drivers (catalogue: inspect-driver-sdc).
pub fn driver(_: &Call, container: &mut Value) {
    put(container, "", "Driver", json!("sdc"));
    put(container, "", "ExecDriver", json!("sdc-0.1"));
}

/// Paths inside the container (catalogue: inspect-paths).
pub fn paths(_: &Call, container: &mut Value) {
    put(container, "", "ResolvConfPath", json!("/etc/resolv.conf"));
    put(container, "", "HostnamePath", json!("/etc/hostname"));
    put(container, "", "HostsPath", json!("/etc/hosts"));
}

/// Execs are not told (catalogue: exec-state-in-one-process).
pub fn no_exec_ids(_: &Call, container: &mut Value) {
    put(container, "", "ExecIDs", Value::Null);
}

/// Two maps instead of Mounts (catalogue: inspect-no-mounts).
pub fn no_mounts(call: &Call, container: &mut Value) {
    let id = text(container, "/Id").to_owned();
    let mounts = take(container, "", "Mounts");
    let local = mounts.as_ref().and_then(Value::as_array).into_iter().flatten().filter(|m| {
        // NFS volumes appear nowhere; local ones have no name of the user's.
        let name = text(m, "/Name");
        text(m, "/Type") != "bind" && name.len() == 64
    });
    let (mut sources, mut writable) = (Map::new(), Map::new());
    for mount in local {
        let destination = text(mount, "/Destination").to_owned();
        let source = format!("/zones/{}/volumes/{}", uuid_of(&id), uuid_of(text(mount, "/Name")));
        sources.insert(destination.clone(), json!(source));
        writable.insert(destination, json!(super::json::flag(mount, "/RW")));
    }
    let of = |map: Map<String, Value>| {
        if map.is_empty() { Value::Null } else { Value::Object(map) }
    };
    put(container, "", "Volumes", of(sources));
    put(container, "", "VolumesRW", of(writable));
    if call.service.world.nfs_volumes {
        put(container, "HostConfig", "Binds", Value::Null);
    }
}

/// The UUID whose digits an id starts with.
pub fn uuid_of(id: &str) -> String {
    match id.get(..32) {
        Some(hex) if hex.is_ascii() => {
            format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
        }
        _ => id.to_owned(),
    }
}

/// Zones are never restarting (catalogue: state-restarting-always-false).
pub fn never_restarting(_: &Call, container: &mut Value) {
    put(container, "State", "Restarting", json!(false));
}

/// Zones are never killed for memory (catalogue: oom-killed-never-set).
pub fn never_oom(_: &Call, container: &mut Value) {
    put(container, "State", "OOMKilled", json!(false));
}

/// StdinOnce is never set (catalogue: stdin-once-always-false).
pub fn stdin_once(_: &Call, container: &mut Value) {
    put(container, "Config", "StdinOnce", json!(false));
}

/// Variables of the image, then those of the container, also where a name is in both
/// (catalogue: env-not-deduplicated).
pub fn env_twice(call: &Call, container: &mut Value) {
    let Some(record) = call.service.state.container(text(container, "/Id")) else {
        return;
    };
    let asked = super::json::strings(&record.asked, "/Env");
    if !asked.is_empty() {
        let env: Vec<String> = record.image_env.into_iter().chain(asked).collect();
        put(container, "Config", "Env", json!(env));
    }
}

/// HostConfig.RestartPolicy as stored (catalogue: restart-policy-unless-stopped-dropped).
pub fn restart_policy(_: &Call, container: &mut Value) {
    let name = text(container, "/HostConfig/RestartPolicy/Name");
    if !["always", "on-failure"].contains(&name) {
        put(container, "HostConfig", "RestartPolicy", json!({"MaximumRetryCount": 0, "Name": ""}));
    }
}

/// Config.Image of a SmartOS zone is the UUID that was asked for, and Image nothing: it is no image of
/// Docker (catalogue: smartos-image-uuid; sdc-docker `lib/backends/sdc/images.js:903`,
/// `lib/backends/sdc/utils.js:681`).
pub fn smartos_image(call: &Call, container: &mut Value) {
    let Some(record) = call.service.state.container(text(container, "/Id")) else {
        return;
    };
    if record.smartos {
        let asked = text(&record.asked, "/Image").to_owned();
        put(container, "Config", "Image", json!(asked));
        put(container, "", "Image", json!("<none>"));
    }
}

/// Times in milliseconds, and no start time while a zone is down (catalogue: started-at-is-zone-boot).
pub fn zone_times(_: &Call, container: &mut Value) {
    let created = text(container, "/Created").to_owned();
    put(container, "", "Created", json!(cut(&created, 3)));
    let running = super::json::flag(container, "/State/Running");
    let started = text(container, "/State/StartedAt").to_owned();
    let finished = text(container, "/State/FinishedAt").to_owned();
    let zero = "0001-01-01T00:00:00Z";
    let (started, finished) =
        if running { (seconds(&started), zero.to_owned()) } else { (zero.to_owned(), seconds(&finished)) };
    put(container, "State", "StartedAt", json!(started));
    put(container, "State", "FinishedAt", json!(finished));
}

/// A time cut to so many decimals.
fn cut(time: &str, decimals: usize) -> String {
    match time.trim_end_matches('Z').split_once('.') {
        Some((whole, fraction)) => {
            let fraction: String = fraction.chars().chain("000".chars()).take(decimals).collect();
            format!("{whole}.{fraction}Z")
        }
        None => time.to_owned(),
    }
}

/// A time of which only the seconds are known, written in milliseconds.
fn seconds(time: &str) -> String {
    if time.starts_with("0001-") {
        return time.to_owned();
    }
    let whole = time.trim_end_matches('Z').split('.').next().unwrap_or("");
    format!("{whole}.000Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_and_zero_stays_zero() {
        assert_eq!(cut("2026-11-24T09:03:17.776984467Z", 3), "2026-11-24T09:03:17.776Z");
        assert_eq!(cut("2026-11-24T09:03:17.7Z", 3), "2026-11-24T09:03:17.700Z");
        assert_eq!(seconds("2026-11-24T09:03:17.776984467Z"), "2026-11-24T09:03:17.000Z");
        assert_eq!(seconds("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn the_zone_is_named_by_the_first_half_of_an_id() {
        let id = "abef77a2b3b34fcb801caeae96ecc448e6c774b6cbbb4e1988ecacba6a4ac64e";
        assert_eq!(uuid_of(id), "abef77a2-b3b3-4fcb-801c-aeae96ecc448");
        assert_eq!(uuid_of("x"), "x");
    }
}
