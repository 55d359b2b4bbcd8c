//! The options of a container: the field of a create request, the flag of `docker run`, the key of
//! a compose file. Values only. Source: Docker's API 1.24 and its client, compose file versions 1 to 3.

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DockerOption {
    /// The field of a create request, dotted: `HostConfig.Privileged`. What is none there (a network
    /// that compose makes) has a name of its own.
    pub field: &'static str,
    /// The flags of `docker run` and `docker create`, the long one first.
    pub flags: &'static [&'static str],
    /// The keys of a compose service.
    pub keys: &'static [&'static str],
    /// What the flag takes.
    pub takes: Takes,
}

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, or `=false`.
    Nothing,
    /// A value.
    Value,
}

const fn value(
    field: &'static str,
    flags: &'static [&'static str],
    keys: &'static [&'static str],
) -> DockerOption {
    DockerOption { field, flags, keys, takes: Takes::Value }
}

const fn switch(
    field: &'static str,
    flags: &'static [&'static str],
    keys: &'static [&'static str],
) -> DockerOption {
    DockerOption { field, flags, keys, takes: Takes::Nothing }
}

/// All options that are known here.
pub const OPTIONS: &[DockerOption] = &[
    value("HostConfig.AutoRemove", &[], &[]),
    value("HostConfig.Binds", &["--volume", "-v", "--mount"], &["volumes"]),
    value("HostConfig.BlkioWeight", &["--blkio-weight"], &["blkio_config"]),
    value("HostConfig.BlkioWeightDevice", &["--blkio-weight-device"], &[]),
    value("HostConfig.BlkioDeviceReadBps", &["--device-read-bps"], &[]),
    value("HostConfig.BlkioDeviceReadIOps", &["--device-read-iops"], &[]),
    value("HostConfig.BlkioDeviceWriteBps", &["--device-write-bps"], &[]),
    value("HostConfig.BlkioDeviceWriteIOps", &["--device-write-iops"], &[]),
    value("HostConfig.CapAdd", &["--cap-add"], &["cap_add"]),
    value("HostConfig.CapDrop", &["--cap-drop"], &["cap_drop"]),
    value("HostConfig.CgroupParent", &["--cgroup-parent"], &["cgroup_parent"]),
    value("HostConfig.CpuPeriod", &["--cpu-period"], &["cpu_period"]),
    value("HostConfig.CpuQuota", &["--cpu-quota"], &["cpu_quota"]),
    value("HostConfig.CpuShares", &["--cpu-shares", "-c"], &["cpu_shares"]),
    value("HostConfig.CpusetCpus", &["--cpuset-cpus"], &["cpuset"]),
    value("HostConfig.CpusetMems", &["--cpuset-mems"], &[]),
    value("HostConfig.NanoCpus", &["--cpus"], &["cpus"]),
    value("HostConfig.Devices", &["--device"], &["devices"]),
    value("HostConfig.Dns", &["--dns"], &["dns"]),
    value("HostConfig.DnsOptions", &["--dns-option", "--dns-opt"], &["dns_opt"]),
    value("HostConfig.DnsSearch", &["--dns-search"], &["dns_search"]),
    value("HostConfig.ExtraHosts", &["--add-host"], &["extra_hosts"]),
    value("HostConfig.GroupAdd", &["--group-add"], &["group_add"]),
    switch("HostConfig.Init", &["--init"], &["init"]),
    value("HostConfig.IpcMode", &["--ipc"], &["ipc"]),
    value("HostConfig.Isolation", &["--isolation"], &["isolation"]),
    value("HostConfig.KernelMemory", &["--kernel-memory"], &[]),
    value("HostConfig.Links", &["--link"], &["links", "external_links"]),
    value("HostConfig.LogConfig.Type", &["--log-driver"], &["logging.driver", "log_driver"]),
    value("HostConfig.LogConfig.Config", &["--log-opt"], &["logging.options", "log_opt"]),
    value("HostConfig.Memory", &["--memory", "-m"], &["mem_limit"]),
    value("HostConfig.MemoryReservation", &["--memory-reservation"], &["mem_reservation"]),
    value("HostConfig.MemorySwap", &["--memory-swap"], &["memswap_limit"]),
    value("HostConfig.MemorySwappiness", &["--memory-swappiness"], &["mem_swappiness"]),
    value("HostConfig.NetworkMode", &["--network", "--net"], &["network_mode", "net"]),
    switch("HostConfig.OomKillDisable", &["--oom-kill-disable"], &["oom_kill_disable"]),
    value("HostConfig.OomScoreAdj", &["--oom-score-adj"], &["oom_score_adj"]),
    value("HostConfig.PidMode", &["--pid"], &["pid"]),
    value("HostConfig.PidsLimit", &["--pids-limit"], &["pids_limit"]),
    value("HostConfig.PortBindings", &["--publish", "-p"], &["ports"]),
    switch("HostConfig.Privileged", &["--privileged"], &["privileged"]),
    switch("HostConfig.PublishAllPorts", &["--publish-all", "-P"], &[]),
    switch("HostConfig.ReadonlyRootfs", &["--read-only"], &["read_only"]),
    value("HostConfig.RestartPolicy", &["--restart"], &["restart"]),
    value("HostConfig.Runtime", &["--runtime"], &["runtime"]),
    value("HostConfig.SecurityOpt", &["--security-opt"], &["security_opt"]),
    value("HostConfig.ShmSize", &["--shm-size"], &["shm_size"]),
    value("HostConfig.StorageOpt", &["--storage-opt"], &["storage_opt"]),
    value("HostConfig.Sysctls", &["--sysctl"], &["sysctls"]),
    value("HostConfig.Tmpfs", &["--tmpfs"], &["tmpfs"]),
    value("HostConfig.UTSMode", &["--uts"], &["uts"]),
    value("HostConfig.Ulimits", &["--ulimit"], &["ulimits"]),
    value("HostConfig.UsernsMode", &["--userns"], &["userns_mode"]),
    value("HostConfig.VolumeDriver", &["--volume-driver"], &["volume_driver"]),
    value("HostConfig.VolumesFrom", &["--volumes-from"], &["volumes_from"]),
    switch("AttachStdin", &["--interactive", "-i"], &["stdin_open"]),
    switch(
        "Detach",
        &["--detach", "-d", "--rm", "--sig-proxy", "--disable-content-trust", "--quiet", "-q"],
        &[],
    ),
    value(
        "Attach",
        &["--attach", "-a", "--detach-keys", "--cidfile", "--pull", "--platform"],
        &["platform", "pull_policy"],
    ),
    value("Cmd", &[], &["command"]),
    value("Domainname", &["--domainname"], &["domainname"]),
    value("Entrypoint", &["--entrypoint"], &["entrypoint"]),
    value("Env", &["--env", "-e", "--env-file"], &["environment", "env_file"]),
    value("ExposedPorts", &["--expose"], &["expose"]),
    value(
        "Healthcheck",
        &[
            "--health-cmd",
            "--health-interval",
            "--health-retries",
            "--health-timeout",
            "--health-start-period",
        ],
        &["healthcheck"],
    ),
    switch("Healthcheck.None", &["--no-healthcheck"], &[]),
    value("Hostname", &["--hostname", "-h"], &["hostname"]),
    value("Image", &[], &["image"]),
    value("Labels", &["--label", "-l", "--label-file"], &["labels"]),
    value("MacAddress", &["--mac-address"], &["mac_address"]),
    value("Name", &["--name"], &["container_name"]),
    value("NetworkingConfig.Aliases", &["--network-alias", "--net-alias"], &["networks.aliases"]),
    value("NetworkingConfig.IPv4Address", &["--ip"], &["networks.ipv4_address"]),
    value("NetworkingConfig.IPv6Address", &["--ip6"], &["networks.ipv6_address"]),
    value("NetworkingConfig.Links", &["--link-local-ip"], &["networks.link_local_ips"]),
    value("StopSignal", &["--stop-signal"], &["stop_signal"]),
    value("StopTimeout", &["--stop-timeout"], &["stop_grace_period"]),
    switch("Tty", &["--tty", "-t"], &["tty"]),
    value("User", &["--user", "-u"], &["user"]),
    value("WorkingDir", &["--workdir", "-w"], &["working_dir"]),
    value("Build", &[], &["build", "dockerfile"]),
    value("Network", &[], &[]),
    value("DependsOn", &[], &["depends_on", "extends", "networks"]),
];

/// The option of that field.
pub fn by_field(field: &str) -> Option<&'static DockerOption> {
    OPTIONS.iter().find(|option| option.field == field)
}

/// The option of that flag of `docker run`.
pub fn by_flag(flag: &str) -> Option<&'static DockerOption> {
    OPTIONS.iter().find(|option| option.flags.contains(&flag))
}

/// The option of that key of a compose service.
pub fn by_key(key: &str) -> Option<&'static DockerOption> {
    OPTIONS.iter().find(|option| option.keys.contains(&key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_field_flag_or_key_is_there_twice() {
        let mut seen = BTreeSet::new();
        for option in OPTIONS {
            let words = option.flags.iter().map(|flag| format!("flag {flag}"));
            let words = words.chain(option.keys.iter().map(|key| format!("key {key}")));
            for word in words.chain([format!("field {}", option.field)]) {
                assert!(seen.insert(word.clone()), "{word}");
            }
        }
    }
}
