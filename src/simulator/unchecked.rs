//! What stock Docker checks when a container is made and sdc-docker does not: the request that goes
//! on says nothing of it, and inspect shows what was asked.

use std::path::Path;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::docker::Ask;
use super::json::{number, object, put, strings, take, text};
use super::lifecycle;

/// Variables without a name are kept (id: environment-not-checked; sdc-docker
/// `lib/backends/sdc/containers.js:1545`).
pub fn environment(call: &mut Call) -> Result<(), Answer> {
    if let Some(Value::Array(env)) = call.json.as_mut().and_then(|body| body.get_mut("Env")) {
        env.retain(|entry| entry.as_str().is_none_or(|e| !e.is_empty() && !e.starts_with('=')));
    }
    Ok(())
}

/// Any text is kept as a further host (id: extra-hosts-not-checked; sdc-docker
/// `lib/backends/sdc/containers.js:1669`).
pub fn extra_hosts(call: &mut Call) -> Result<(), Answer> {
    let hosts = call.json.as_mut().and_then(|body| body.pointer_mut("/HostConfig/ExtraHosts"));
    if let Some(Value::Array(hosts)) = hosts {
        hosts.retain(|host| host.as_str().is_none_or(is_host));
    }
    Ok(())
}

fn is_host(text: &str) -> bool {
    text.split_once(':').is_some_and(|(_, address)| address.parse::<std::net::IpAddr>().is_ok())
}

/// Further hosts as they were asked for.
pub fn show_extra_hosts(call: &Call, container: &mut Value) {
    let asked = call.service.state.asked(container);
    let hosts = strings(&asked, "/HostConfig/ExtraHosts");
    if hosts.iter().any(|host| !is_host(host)) {
        put(container, "HostConfig", "ExtraHosts", json!(hosts));
    }
}

/// The number of attempts goes with no policy but on-failure, and is any number (id:
/// restart-limit-not-checked; sdc-docker `lib/backends/sdc/containers.js:1560`).
pub fn restart_limit(call: &mut Call) -> Result<(), Answer> {
    let Some(body) = &mut call.json else {
        return Ok(());
    };
    let policy = "/HostConfig/RestartPolicy";
    let of_failure = text(body, &format!("{policy}/Name")) == "on-failure";
    let unfit = number(body, &format!("{policy}/MaximumRetryCount")).is_some_and(|n| n < 0 || !of_failure);
    if unfit && object(body, "HostConfig/RestartPolicy").is_some() {
        take(body, "HostConfig/RestartPolicy", "MaximumRetryCount");
    }
    Ok(())
}

/// The number of attempts as it was asked for.
pub fn show_restart_limit(call: &Call, container: &mut Value) {
    let asked = call.service.state.asked(container);
    let limit = number(&asked, "/HostConfig/RestartPolicy/MaximumRetryCount");
    if let Some(limit) = limit.filter(|limit| *limit < 0)
        && text(container, "/HostConfig/RestartPolicy/Name") == "on-failure"
    {
        put(container, "HostConfig/RestartPolicy", "MaximumRetryCount", json!(limit));
    }
}

/// A working directory is not made: a container whose image has none there ends before its command
/// begins (id: working-directory-not-made). Whether the image has one is seen in a container that
/// is made for the question.
pub async fn working_directory(call: &mut Call) -> bool {
    let path = text(&call.asked, "/WorkingDir").to_owned();
    if path.is_empty() || !call.on("working-directory-not-made") || is_mounted(&call.asked, &path) {
        return false;
    }
    if path.starts_with('/') && of_the_image(call, &path).await {
        return false;
    }
    if let Some(body) = &mut call.json {
        take(body, "", "WorkingDir");
    }
    true
}

fn is_mounted(asked: &Value, path: &str) -> bool {
    let volumes = asked.get("Volumes").and_then(Value::as_object).into_iter().flatten();
    let binds = strings(asked, "/HostConfig/Binds");
    let bound = binds.iter().filter_map(|bind| bind.split(':').nth(1));
    volumes.map(|(target, _)| target.as_str()).chain(bound).any(|target| Path::new(path).starts_with(target))
}

async fn of_the_image(call: &Call, path: &str) -> bool {
    let docker = &call.service.docker;
    let labels = call.asked.get("Labels").cloned().unwrap_or(json!({}));
    let body = json!({ "Image": text(&call.image, "/Id"), "Cmd": ["true"], "Labels": labels });
    let make = Ask::new(hyper::Method::POST, "/v1.41/containers/create").json(&body);
    let Ok(made) = docker.json(make).await else {
        return false;
    };
    let id = text(&made, "/Id");
    let found = lifecycle::is_directory(call, id, path).await;
    let remove = Ask::new(hyper::Method::DELETE, format!("/v1.41/containers/{id}?v=1"));
    // What is left of a container that cannot be removed carries the labels of the request.
    let _ = docker.ask(remove).await;
    found
}

/// The working directory as it was asked for.
pub fn show_working_directory(call: &Call, container: &mut Value) {
    let record = call.service.state.container(text(container, "/Id"));
    if let Some(record) = record.filter(|r| r.lacks_directory) {
        put(container, "Config", "WorkingDir", json!(text(&record.asked, "/WorkingDir")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_name_and_an_address() {
        assert!(is_host("a:192.0.2.1") && is_host("a:::1"));
        assert!(!is_host("a") && !is_host("a:b"));
    }

    #[test]
    fn a_mounted_directory_is_there() {
        let asked = json!({"Volumes": {"/data": {}}, "HostConfig": {"Binds": ["v:/mnt"]}});
        assert!(is_mounted(&asked, "/data/deep") && is_mounted(&asked, "/mnt"));
        assert!(!is_mounted(&asked, "/other") && !is_mounted(&asked, "/database"));
    }
}
