//! The types of the fields of a create request: those that are checked, and those that sdc-docker
//! does not look at (`lib/validate.js:462-546`).

use serde_json::Value;

use super::answer::Answer;
use super::call::Call;
use super::json::{is_strings, object, take};

/// A value of the request.
pub fn field<'a>(call: &'a Call, pointer: &str) -> Option<&'a Value> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_docker_reads_has_one_type() {
        let fits = |key: &str, value: Value| {
            let row = UNCHECKED.iter().find(|(_, keys, _)| keys.contains(&key)).unwrap();
            row.2(&value)
        };
        assert!(fits("Hostname", json!("x")) && !fits("Hostname", json!(5)));
        assert!(fits("Tty", json!(true)) && !fits("Tty", json!("x")));
        assert!(fits("Dns", json!(["192.0.2.1"])) && !fits("Dns", json!("192.0.2.1")));
    }
}
