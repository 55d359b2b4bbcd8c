//! Which members sdc-docker's objects have, in the order in which its code fills them in. The
//! order is the same whichever behaviours are on.

use serde_json::{Map, Value};

use super::json::object;
use super::route::Route;

type Shape = (&'static str, &'static [&'static str]);

/// Of `/info` (sdc-docker `lib/backends/sdc/sysinfo.js:66-88`).
const INFO: &[Shape] = &[(
    "",
    &[
        "Architecture",
        "Driver",
        "DriverStatus",
        "ExecutionDriver",
        "KernelVersion",
        "LoggingDriver",
        "OperatingSystem",
        "OSType",
        "Name",
        "IndexServerAddress",
        "MemoryLimit",
        "SwapLimit",
        "IPv4Forwarding",
        "ID",
        "Containers",
        "Images",
    ],
)];

/// Of a container in a list (sdc-docker `lib/backends/sdc/utils.js:300-385`).
const LISTED: &[Shape] =
    &[("", &["Id", "Created", "Command", "Names", "Status", "Image", "Labels", "Ports"])];

/// Of a container (sdc-docker `lib/backends/sdc/utils.js:423-824`).
const CONTAINER: &[Shape] = &[
    (
        "",
        &[
            "Id",
            "Created",
            "Config",
            "Path",
            "Args",
            "Driver",
            "ExecDriver",
            "HostConfig",
            "Volumes",
            "VolumesRW",
            "RestartCount",
            "HostnamePath",
            "HostsPath",
            "Image",
            "MountLabel",
            "Name",
            "NetworkSettings",
            "ProcessLabel",
            "ResolvConfPath",
            "State",
            "ExecIDs",
        ],
    ),
    (
        "Config",
        &[
            "AttachStderr",
            "AttachStdin",
            "AttachStdout",
            "CpuShares",
            "Cpuset",
            "Domainname",
            "ExposedPorts",
            "Hostname",
            "Image",
            "MacAddress",
            "Memory",
            "MemorySwap",
            "NetworkDisabled",
            "OnBuild",
            "OpenStdin",
            "PortSpecs",
            "SecurityOpt",
            "StdinOnce",
            "Tty",
            "User",
            "Volumes",
            "WorkingDir",
            "Cmd",
            "Entrypoint",
            "Env",
            "Labels",
        ],
    ),
    (
        "HostConfig",
        &[
            "Binds",
            "CapAdd",
            "CapDrop",
            "ContainerIDFile",
            "Devices",
            "Dns",
            "DnsSearch",
            "ExtraHosts",
            "IpcMode",
            "Links",
            "LogConfig",
            "LxcConf",
            "NetworkMode",
            "PortBindings",
            "Privileged",
            "PublishAllPorts",
            "RestartPolicy",
            "VolumesFrom",
            "CgroupParent",
            "CpuShares",
            "CpusetCpus",
            "Memory",
            "MemorySwap",
            "PidMode",
            "ReadonlyRootfs",
            "SecurityOpt",
            "Ulimits",
        ],
    ),
    ("HostConfig/RestartPolicy", &["MaximumRetryCount", "Name"]),
    (
        "State",
        &[
            "Error",
            "ExitCode",
            "FinishedAt",
            "OOMKilled",
            "Paused",
            "Pid",
            "Restarting",
            "Running",
            "StartedAt",
        ],
    ),
];

/// Of an image (sdc-docker `lib/backends/sdc/utils.js:826-873`).
const IMAGE: &[Shape] = &[
    (
        "",
        &[
            "Architecture",
            "Author",
            "Comment",
            "Config",
            "Container",
            "ContainerConfig",
            "Created",
            "DockerVersion",
            "GraphDriver",
            "Id",
            "Os",
            "Parent",
            "RepoTags",
            "RepoDigests",
            "Size",
            "VirtualSize",
            "RootFS",
        ],
    ),
    ("RootFS", &["Type", "Layers"]),
];

/// Of an image in a list (sdc-docker `lib/backends/sdc/images.js:322-366`).
const LISTED_IMAGE: &[Shape] =
    &[("", &["Created", "Id", "Labels", "ParentId", "RepoDigests", "RepoTags", "Size", "VirtualSize"])];

/// Of a layer in a history.
const LAYER: &[Shape] = &[("", &["Id", "Comment", "Created", "CreatedBy", "Size", "Tags"])];

/// Of what runs in a container.
const TOP: &[Shape] = &[("", &["Titles", "Processes"])];

/// The objects of a call's answer; of a list those of each element.
fn shapes(route: Route) -> &'static [Shape] {
    match route {
        Route::Info => INFO,
        Route::ContainerInspect => CONTAINER,
        Route::ContainerList => LISTED,
        Route::ImageInspect => IMAGE,
        Route::ImageList => LISTED_IMAGE,
        Route::ImageHistory => LAYER,
        Route::Top => TOP,
        _ => &[],
    }
}

/// The members of the object at a path of a call's answer, which has no others.
pub fn members(route: Route, path: &str) -> &'static [&'static str] {
    shapes(route).iter().find(|(its, _)| *its == path).map_or(&[], |(_, members)| members)
}

/// Orders the members of a call's answer.
pub fn order(route: Option<Route>, answer: &mut Value) {
    ports(route, answer);
    let shapes = route.map_or(&[][..], shapes);
    match answer {
        Value::Array(elements) => elements.iter_mut().for_each(|one| ordered(one, shapes)),
        one => ordered(one, shapes),
    }
}

/// Ports are told protocol by protocol and by number, published ones first in a list, and last in
/// the maps of a container (sdc-docker `lib/backends/sdc/utils.js:347-378,709-746`).
fn ports(route: Option<Route>, answer: &mut Value) {
    match (route, answer) {
        (Some(Route::ContainerList), Value::Array(containers)) => {
            for ports in containers.iter_mut().filter_map(|one| one.get_mut("Ports")?.as_array_mut()) {
                ports.sort_by_key(|port| {
                    let is_open = port.get("PublicPort").is_none();
                    let number = port.get("PrivatePort").and_then(Value::as_u64);
                    (is_open, port.get("Type").and_then(Value::as_str).map(str::to_owned), number)
                });
            }
        }
        (Some(Route::ContainerInspect), container) => {
            let bound = container.pointer("/HostConfig/PortBindings").and_then(Value::as_object).cloned();
            let is_bound = |port: &str| bound.as_ref().is_some_and(|bound| bound.contains_key(port));
            for (path, key) in
                [("Config", "ExposedPorts"), ("HostConfig", "PortBindings"), ("NetworkSettings", "Ports")]
            {
                let Some(Value::Object(ports)) = object(container, path).and_then(|all| all.get_mut(key))
                else {
                    continue;
                };
                let mut sorted: Vec<(String, Value)> = std::mem::take(ports).into_iter().collect();
                sorted.sort_by_key(|(port, _)| {
                    let (number, protocol) = port.split_once('/').unwrap_or((port, ""));
                    (is_bound(port), protocol.to_owned(), number.parse::<u32>().ok())
                });
                ports.extend(sorted);
            }
        }
        _ => {}
    }
}

fn ordered(value: &mut Value, shapes: &[Shape]) {
    for (path, keys) in shapes {
        let Some(members) = object(value, path) else { continue };
        let mut rest = std::mem::take(members);
        let mut first = Map::new();
        for key in *keys {
            if let Some(member) = rest.shift_remove(*key) {
                first.insert((*key).to_owned(), member);
            }
        }
        first.append(&mut rest);
        *members = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_go_by_protocol_and_number() {
        let mut list = json!([{"Ports": [
            {"PrivatePort": 9, "Type": "tcp"},
            {"PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
            {"PrivatePort": 443, "PublicPort": 443, "Type": "tcp"},
            {"PrivatePort": 80, "PublicPort": 80, "Type": "tcp"},
        ]}]);
        order(Some(Route::ContainerList), &mut list);
        let numbers: Vec<i64> =
            (0..4).map(|at| list[0]["Ports"][at]["PrivatePort"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [80, 443, 53, 9]);
        let mut container = json!({
            "Config": {"ExposedPorts": {"53/udp": {}, "80/tcp": {}, "9/tcp": {}}},
            "HostConfig": {"PortBindings": {"53/udp": [], "80/tcp": []}},
        });
        order(Some(Route::ContainerInspect), &mut container);
        let ports: Vec<&String> = container["Config"]["ExposedPorts"].as_object().unwrap().keys().collect();
        assert_eq!(ports, ["9/tcp", "80/tcp", "53/udp"]);
    }

    #[test]
    fn info_has_sixteen_members() {
        assert_eq!(members(Route::Info, "").len(), 16);
        assert!(members(Route::Info, "Driver").is_empty());
    }

    #[test]
    fn known_members_come_first_and_none_is_lost() {
        let mut container = json!({"State": {"Running": true, "Error": "", "New": 1}, "Odd": 1, "Id": "x"});
        order(Some(Route::ContainerInspect), &mut container);
        assert_eq!(
            container.to_string(),
            r#"{"Id":"x","State":{"Error":"","Running":true,"New":1},"Odd":1}"#
        );
    }
}
