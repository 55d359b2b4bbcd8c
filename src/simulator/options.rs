//! Options that sdc-docker accepts and drops (catalogue: create-ignored-hostconfig-options and
//! the single entries): taken from the request that goes on, shown with their defaults.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::json::{put, take, text};

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

/// What is ignored outside of HostConfig, by behaviour.
const IGNORED_CONFIG: &[(&str, &[&str])] = &[
    ("stop-signal-ignored", &["StopSignal", "StopTimeout"]),
    ("healthcheck-ignored", &["Healthcheck"]),
    ("mac-address-ignored", &["MacAddress"]),
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

/// Further hosts were ignored until 2016 (catalogue: add-host-platform; DOCKER-694).
pub fn no_extra_hosts(call: &mut Call) -> Result<(), Answer> {
    if let Some(body) = &mut call.json {
        take(body, "HostConfig", "ExtraHosts");
    }
    Ok(())
}

/// Ignored hosts are not shown.
pub fn show_no_extra_hosts(_: &Call, container: &mut Value) {
    put(container, "HostConfig", "ExtraHosts", Value::Null);
}

/// A first process is spared the signals that it does not handle: in the namespace of the host the
/// command is not the first, and here it is not either.
pub fn first_process(call: &mut Call) -> Result<(), Answer> {
    let of_the_host = text(&call.asked, "/HostConfig/PidMode") == "host";
    if let Some(body) = call.json.as_mut().filter(|_| of_the_host) {
        put(body, "HostConfig", "Init", json!(true));
    }
    Ok(())
}

/// Shows the defaults of ignored options in inspect, and no trace of those without one.
pub fn show_defaults(call: &Call, container: &mut Value) {
    let asked = call.service.state.asked(container);
    for ignored in IGNORED.iter().filter(|i| call.on(i.id)) {
        for (key, shown) in ignored.keys {
            let value = match shown {
                Nothing if has(&asked, "HostConfig", key) => {
                    take(container, "HostConfig", key);
                    continue;
                }
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

/// The fields of HostConfig that were asked for and are not ignored, because that is switched off.
pub fn kept_of_host_config(call: &Call, container: &Value) -> Vec<&'static str> {
    let asked = call.service.state.asked(container);
    let off = IGNORED.iter().filter(|i| !call.on(i.id));
    off.flat_map(|i| i.keys).map(|(key, _)| *key).filter(|key| has(&asked, "HostConfig", key)).collect()
}

/// The fields of Config that were asked for and are not ignored, because that is switched off.
pub fn kept_of_config(call: &Call, container: &Value) -> Vec<&'static str> {
    let asked = call.service.state.asked(container);
    let off = IGNORED_CONFIG.iter().filter(|(id, _)| !call.on(id));
    off.flat_map(|(_, keys)| keys.iter().copied()).filter(|key| has(&asked, "", key)).collect()
}

fn has(asked: &Value, path: &str, key: &str) -> bool {
    let object = if path.is_empty() { Some(asked) } else { asked.get(path) };
    object.is_some_and(|o| o.get(key).is_some())
}

/// Config.MacAddress is empty whatever was asked for (catalogue: mac-address-ignored).
pub fn show_no_mac_address(call: &Call, container: &mut Value) {
    if has(&call.service.state.asked(container), "", "MacAddress") {
        put(container, "Config", "MacAddress", json!(""));
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
