//! Options that sdc-docker accepts and drops (catalogue: create-ignored-hostconfig-options and
//! the single entries): taken from the request that goes on, shown with their defaults.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{put, take};

/// What an ignored option is called, and what inspect shows instead, where it shows it at all.
struct Ignored {
    id: &'static str,
    keys: &'static [(&'static str, Shown)],
}

#[derive(Clone, Copy)]
enum Shown {
    Nothing,
    Null,
    False,
    Text,
    List,
}

use Shown::{False, List, Nothing, Null, Text};

const IGNORED: &[Ignored] = &[
    Ignored { id: "privileged-ignored", keys: &[("Privileged", False)] },
    Ignored { id: "capabilities-ignored", keys: &[("CapAdd", Null), ("CapDrop", Null)] },
    Ignored { id: "devices-ignored", keys: &[("Devices", List)] },
    Ignored { id: "security-opt-ignored", keys: &[("SecurityOpt", Null)] },
    Ignored { id: "ulimits-ignored", keys: &[("Ulimits", Null)] },
    Ignored { id: "pid-mode-ignored", keys: &[("PidMode", Text), ("PidsLimit", Nothing)] },
    Ignored { id: "ipc-mode-ignored", keys: &[("IpcMode", Text)] },
    Ignored { id: "uts-mode-ignored", keys: &[("UTSMode", Nothing)] },
    Ignored { id: "userns-mode-ignored", keys: &[("UsernsMode", Nothing)] },
    Ignored { id: "cgroup-parent-ignored", keys: &[("CgroupParent", Text)] },
    Ignored { id: "read-only-rootfs-ignored", keys: &[("ReadonlyRootfs", False)] },
    Ignored { id: "tmpfs-ignored", keys: &[("Tmpfs", Nothing)] },
    Ignored { id: "shm-size-ignored", keys: &[("ShmSize", Nothing)] },
    Ignored { id: "storage-opt-ignored", keys: &[("StorageOpt", Nothing)] },
    Ignored { id: "sysctls-ignored", keys: &[("Sysctls", Nothing)] },
    Ignored { id: "group-add-ignored", keys: &[("GroupAdd", Nothing)] },
    Ignored { id: "dns-options-ignored", keys: &[("DnsOptions", Nothing)] },
    Ignored { id: "oom-options-ignored", keys: &[("OomKillDisable", Nothing), ("OomScoreAdj", Nothing)] },
    Ignored {
        id: "blkio-ignored",
        keys: &[
            ("BlkioWeight", Nothing),
            ("BlkioWeightDevice", Nothing),
            ("BlkioDeviceReadBps", Nothing),
            ("BlkioDeviceWriteBps", Nothing),
            ("BlkioDeviceReadIOps", Nothing),
            ("BlkioDeviceWriteIOps", Nothing),
        ],
    },
    Ignored {
        id: "cpu-quota-cpuset-ignored",
        keys: &[
            ("CpusetCpus", Text),
            ("CpusetMems", Nothing),
            ("CpuPeriod", Nothing),
            ("CpuQuota", Nothing),
            ("NanoCpus", Nothing),
        ],
    },
    Ignored {
        id: "memory-reservation-kernel-memory-ignored",
        keys: &[("MemoryReservation", Nothing), ("KernelMemory", Nothing), ("KernelMemoryTCP", Nothing)],
    },
    Ignored {
        id: "create-ignored-hostconfig-options",
        keys: &[
            ("AutoRemove", Nothing),
            ("Init", Nothing),
            ("Runtime", Nothing),
            ("Isolation", Nothing),
            ("VolumeDriver", Nothing),
            ("Cgroup", Nothing),
            ("CgroupnsMode", Nothing),
            ("ConsoleSize", Nothing),
            ("CpuCount", Nothing),
            ("CpuPercent", Nothing),
            ("CpuRealtimePeriod", Nothing),
            ("CpuRealtimeRuntime", Nothing),
            ("DeviceCgroupRules", Nothing),
            ("DeviceRequests", Nothing),
            ("IOMaximumBandwidth", Nothing),
            ("IOMaximumIOps", Nothing),
            ("MaskedPaths", Nothing),
            ("MemorySwappiness", Nothing),
            ("Mounts", Nothing),
            ("ReadonlyPaths", Nothing),
        ],
    },
];

/// Takes the ignored options out of a create request.
pub fn drop_ignored(call: &mut Call) -> Result<(), Answer> {
    let service = std::sync::Arc::clone(&call.service);
    if let Some(body) = &mut call.json {
        for ignored in IGNORED.iter().filter(|i| service.on(i.id)) {
            for (key, _) in ignored.keys {
                take(body, "HostConfig", key);
            }
        }
    }
    Ok(())
}

/// Shows the defaults of ignored options in inspect.
pub fn show_defaults(call: &Call, container: &mut Value) {
    for ignored in IGNORED.iter().filter(|i| call.on(i.id)) {
        for (key, shown) in ignored.keys {
            let value = match shown {
                Nothing => continue,
                Null => Value::Null,
                False => json!(false),
                Text => json!(""),
                List => json!([]),
            };
            put(container, "HostConfig", key, value);
        }
    }
}

/// Config.StopSignal is neither used nor shown (catalogue: stop-signal-ignored).
pub fn no_stop_signal(call: &mut Call) -> Result<(), Answer> {
    drop_config(call, &["StopSignal", "StopTimeout"])
}

/// Config.Healthcheck is neither run nor shown (catalogue: healthcheck-ignored).
pub fn no_healthcheck(call: &mut Call) -> Result<(), Answer> {
    drop_config(call, &["Healthcheck"])
}

/// Config.MacAddress is assigned, not asked for (catalogue: mac-address-ignored).
pub fn no_mac_address(call: &mut Call) -> Result<(), Answer> {
    drop_config(call, &["MacAddress"])
}

/// NetworkingConfig is never read (catalogue: static-ip-and-aliases-ignored).
pub fn no_networking_config(call: &mut Call) -> Result<(), Answer> {
    drop_config(call, &["NetworkingConfig"])
}

/// StdinOnce has no effect (catalogue: stdin-once-always-false).
pub fn no_stdin_once(call: &mut Call) -> Result<(), Answer> {
    drop_config(call, &["StdinOnce"])
}

/// ExposedPorts of the request are not read; a port that is published is exposed by that
/// (catalogue: expose-at-create-ignored).
pub fn no_expose(call: &mut Call) -> Result<(), Answer> {
    let published = super::ports::published(&call.asked, &call.image);
    if let Some(exposed) =
        call.json.as_mut().and_then(|body| super::json::object(body, "")?.get_mut("ExposedPorts"))
        && let Value::Object(ports) = exposed
    {
        ports.retain(|port, _| published.contains_key(port));
    }
    Ok(())
}

fn drop_config(call: &mut Call, keys: &[&str]) -> Result<(), Answer> {
    if let Some(body) = &mut call.json {
        for key in keys {
            take(body, "", key);
        }
    }
    Ok(())
}
