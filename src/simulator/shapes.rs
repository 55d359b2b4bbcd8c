//! The order in which sdc-docker writes the members of an object: that in which its code fills
//! them in. It is the same whichever behaviours are on.

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

/// Orders the members of a call's answer.
pub fn order(route: Option<Route>, answer: &mut Value) {
    let (shapes, each) = match route {
        Some(Route::Info) => (INFO, false),
        Some(Route::ContainerInspect) => (CONTAINER, false),
        Some(Route::ContainerList) => (LISTED, true),
        Some(Route::ImageInspect) => (IMAGE, false),
        Some(Route::ImageList) => (LISTED_IMAGE, true),
        Some(Route::ImageHistory) => (LAYER, true),
        _ => return,
    };
    match answer {
        Value::Array(elements) if each => elements.iter_mut().for_each(|one| ordered(one, shapes)),
        one => ordered(one, shapes),
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
    fn known_members_come_first_and_none_is_lost() {
        let mut container = json!({"State": {"Running": true, "Error": "", "New": 1}, "Odd": 1, "Id": "x"});
        order(Some(Route::ContainerInspect), &mut container);
        assert_eq!(
            container.to_string(),
            r#"{"Id":"x","State":{"Error":"","Running":true,"New":1},"Odd":1}"#
        );
    }
}
