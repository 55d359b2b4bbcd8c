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
