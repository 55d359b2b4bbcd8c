//! `HostConfig.LogConfig`: which log drivers and options are taken
//! (sdc-docker `lib/validate.js:279-395`, `lib/common.js:42-111`), and what inspect tells of them.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{put, take, text};

/// The drivers that sdc-docker knows, whether or not they are enabled (`lib/common.js:42-111`).
const DRIVERS: [&str; 5] = ["json-file", "syslog", "gelf", "fluentd", "none"];

/// A driver that is not known (catalogue: log-driver-set).
pub fn known_driver(call: &mut Call) -> Result<(), Answer> {
    let kind = call.json.as_ref().map(|body| text(body, "/HostConfig/LogConfig/Type")).unwrap_or_default();
    match kind {
        "" => Ok(()),
        kind if DRIVERS.contains(&kind) => Ok(()),
        kind => Err(Answer::invalid(format!("unsupported log driver: {kind}"))),
    }
}

/// A log driver must be enabled (catalogue: log-driver-not-enabled).
pub fn driver(call: &mut Call) -> Result<(), Answer> {
    let kind = text(&call.asked, "/HostConfig/LogConfig/Type");
    let is_enabled = call.service.world.log_drivers.iter().any(|d| d == kind);
    // What is not known at all is refused before.
    if is_enabled || !DRIVERS.contains(&kind) {
        return Ok(());
    }
    Err(Answer::invalid(format!("unsupported log driver: {kind}")))
}

/// The options of a log driver (catalogue: log-opt-validation).
pub fn options(call: &mut Call) -> Result<(), Answer> {
    if !["", "json-file"].contains(&text(&call.asked, "/HostConfig/LogConfig/Type")) {
        return Ok(());
    }
    let Some(Value::Object(options)) = call.asked.pointer("/HostConfig/LogConfig/Config") else {
        return Ok(());
    };
    options.iter().try_for_each(|(key, value)| option(key, value))
}

/// Checks an option of `json-file`, the driver that operators enable.
fn option(key: &str, value: &Value) -> Result<(), Answer> {
    let (fits, wanted): (fn(&str) -> bool, &str) = match key {
        "max-size" => (is_size, "a positive integer size ([0-9+][k|m|g])"),
        "max-file" => (is_positive, "a positive integer"),
        _ => return Err(Answer::invalid(format!("unknown log opt: '{key}' for json-file driver"))),
    };
    match value.as_str() {
        None => Err(Answer::error(500, "arg.match is not a function")),
        Some(value) if fits(value) => Ok(()),
        Some(_) => Err(Answer::invalid(format!("\"log opt '{key}'\" must be {wanted}"))),
    }
}

/// What every container of a driver gets unless it asked for something else; `{{.ID}}` is its short
/// id (sdc-docker `lib/common.js:43-108`).
const DEFAULTS: [(&str, &str, &str); 4] = [
    ("fluentd", "fluentd-tag", "{{.ID}}"),
    ("gelf", "gelf-tag", "{{.ID}}"),
    ("syslog", "syslog-facility", "daemon"),
    ("syslog", "syslog-tag", "{{.ID}}"),
];

/// The engine beneath knows no tag under these names.
pub fn known_beneath(call: &mut Call) -> Result<(), Answer> {
    if let Some(body) = &mut call.json {
        for (_, key, _) in DEFAULTS.iter().filter(|(_, key, _)| key.ends_with("-tag")) {
            take(body, "HostConfig/LogConfig/Config", key);
        }
    }
    Ok(())
}

/// Inspect tells the options that nobody asked for (catalogue: log-opt-defaults-in-inspect).
pub fn defaults(call: &Call, container: &mut Value) {
    let id = text(container, "/Id").to_owned();
    let Some(record) = call.service.state.container(&id) else { return };
    let kind = text(&record.asked, "/HostConfig/LogConfig/Type");
    let Some(mut config) = record.asked.pointer("/HostConfig/LogConfig/Config").cloned() else { return };
    for (_, key, value) in DEFAULTS.iter().filter(|(driver, ..)| *driver == kind) {
        if let Value::Object(config) = &mut config {
            config.entry(*key).or_insert(json!(value.replace("{{.ID}}", id.get(..12).unwrap_or(&id))));
        }
    }
    let address = text(&config, "/syslog-address").to_owned();
    if address.split(':').count() == 2 {
        put(&mut config, "", "syslog-address", json!(format!("{address}:514")));
    }
    if !kind.is_empty() && kind != "json-file" {
        put(container, "HostConfig/LogConfig", "Config", config);
    }
}

fn is_positive(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.bytes().any(|b| b != b'0')
}

fn is_size(text: &str) -> bool {
    text.strip_suffix(['k', 'm', 'g']).is_some_and(is_positive)
}

/// Only the current file is read: it is the only one that the Docker beneath keeps
/// (catalogue: logs-current-file-only).
pub fn one_file(call: &mut Call) -> Result<(), Answer> {
    if let Some(body) = &mut call.json {
        take(body, "HostConfig/LogConfig/Config", "max-file");
    }
    Ok(())
}

/// Inspect tells how many files were asked for.
pub fn show_files(call: &Call, container: &mut Value) {
    let record = call.service.state.container(text(container, "/Id")).unwrap_or_default();
    let files = text(&record.asked, "/HostConfig/LogConfig/Config/max-file");
    if !files.is_empty() {
        put(container, "HostConfig/LogConfig/Config", "max-file", json!(files));
    }
}

/// A log has a largest size; the engine beneath drops what is older (catalogue: log-max-size-default).
pub fn default_size(call: &mut Call) -> Result<(), Answer> {
    let bytes = call.service.world.log_bytes.to_string();
    let Some(Value::Object(host)) = call.json.as_mut().and_then(|body| body.get_mut("HostConfig")) else {
        return Ok(());
    };
    let asked = host.get("LogConfig").filter(|config| config.is_object()).cloned();
    let mut config = asked.unwrap_or(json!({}));
    let kind = text(&config, "/Type");
    let is_sized = !text(&config, "/Config/max-size").is_empty();
    if is_sized || !["", "json-file"].contains(&kind) {
        return Ok(());
    }
    put(&mut config, "", "Type", json!("json-file"));
    if !config.get("Config").is_some_and(Value::is_object) {
        put(&mut config, "", "Config", json!({}));
    }
    put(&mut config, "Config", "max-size", json!(bytes));
    host.insert("LogConfig".to_owned(), config);
    Ok(())
}

/// Inspect tells nothing of the size that was not asked for.
pub fn show_size(call: &Call, container: &mut Value) {
    let is_asked = |record: super::state::Container| {
        !text(&record.asked, "/HostConfig/LogConfig/Config/max-size").is_empty()
    };
    if call.service.state.container(text(container, "/Id")).is_some_and(|record| !is_asked(record)) {
        take(container, "HostConfig/LogConfig/Config", "max-size");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::answer::Body;

    #[test]
    fn options_are_checked_by_their_kind() {
        let told = |key: &str, value: Value| match option(key, &value).err()?.body {
            Body::Fault(fault) => Some(fault.message),
            _ => None,
        };
        assert_eq!(told("max-size", json!("10k")), None);
        assert_eq!(told("max-file", json!("2")), None);
        assert_eq!(
            told("max-file", json!("0")).unwrap(),
            "\"log opt 'max-file'\" must be a positive integer"
        );
        assert!(told("max-size", json!("10")).unwrap().ends_with("([0-9+][k|m|g])"));
        assert_eq!(told("max-size", json!(5)).unwrap(), "arg.match is not a function");
        assert!(told("nosuch", json!("1")).unwrap().starts_with("unknown log opt: 'nosuch'"));
    }
}
