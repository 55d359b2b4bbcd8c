//! Making a container.

use super::Hook::{After, Answered, Before, Each, Woven};
use super::{Behaviour, CREATE, INSPECT, LATER, LIST, always, since, until};
use crate::simulator::route::Route as R;
use crate::simulator::{
    affinity, container_volumes, create, exit, gate, inspect, labels, links, log_config, network, options,
    ports, resources, unchecked,
};

#[rustfmt::skip]
pub static ALL: &[Behaviour] = &[
    // What is checked, in order.
    always(&["create-content-type-handling"], "Bodies by their content type", &[
        Before(CREATE, create::content_type), Before(&[R::VolumeCreate, R::ExecCreate, R::Copy], create::broken_json)]),
    always(&["create-field-type-errors"], "Types of fields", &[Before(CREATE, create::image), Before(CREATE, create::field_types), Before(CREATE, create::other_types)]),
    always(&["create-name-in-body"], "The name in the body is a text", &[Before(CREATE, create::name_in_body)]),
    always(&["create-hostconfig-required"], "HostConfig is needed", &[Before(CREATE, create::hostconfig)]),
    always(&["create-cmd-entrypoint-string-rejected"], "Commands are lists", &[Before(CREATE, create::commands)]),
    always(&["log-driver-set"], "Five log drivers", &[Before(CREATE, log_config::known_driver)]),
    always(&["log-driver-not-enabled"], "Log drivers are enabled by the operator", &[Before(CREATE, log_config::driver)]),
    always(&["log-opt-validation"], "Options of log drivers", &[Before(CREATE, log_config::options)]),
    always(&["network-mode-host-none"], "No host network, and always one", &[Before(CREATE, network::host_and_none)]),
    always(&["network-mode-container"], "No shared network", &[Before(CREATE, network::container_mode)]),
    always(&["network-mode-links"], "No links in named networks", &[Before(CREATE, network::links_in_networks)]),
    always(&["publish-port-syntax"], "Forms of ports", &[Before(CREATE, ports::syntax)]),
    always(&["host-bind-refused"], "No folders of the host", &[Before(CREATE, container_volumes::host_binds)]),
    always(&["bind-flags-limited", "host-volume-as-url-era"], "Flags ro and rw", &[Before(CREATE, container_volumes::bind_flags)]),
    always(&["local-volume-target-rules"], "Volumes at absolute paths", &[Before(CREATE, container_volumes::targets)]),
    always(&["account-not-approved-403"], "An account that is not approved", &[Before(CREATE, gate::approved)]),
    always(&["create-missing-image-404"], "A missing image", &[Before(CREATE, create::missing_image)]),
    since(LATER, &["swarm-affinity-in-env", "label-swarm-affinities"], "Affinities are placement rules", &[Before(CREATE, affinity::check)]),
    since(LATER, &["swarm-affinity-unsatisfied"], "Affinities that cannot be met", &[Woven]),
    always(&["label-value-must-be-string"], "Labels are texts", &[Before(CREATE, labels::check)]),
    since(LATER, &["label-triton-namespace"], "Reserved labels", &[Before(CREATE, labels::check)]),
    always(&["public-network-label"], "The label of the public network", &[Before(CREATE, ports::public_network_label)]),
    always(&["links-format"], "Links have an alias", &[Before(CREATE, links::format)]),
    always(&["memory-too-large-422"], "No package is large enough", &[Before(CREATE, resources::too_large)]),
    always(&["package-label-invalid"], "No package of that name", &[Before(CREATE, resources::bad_label)]),
    always(&["network-not-found"], "A missing network", &[
        Before(CREATE, network::missing_network),
        Before(&[R::NetworkDelete, R::NetworkConnect, R::NetworkDisconnect], network::path_network)]),
    always(&["publish-remap-refused"], "Ports keep their number", &[Before(CREATE, ports::no_remap)]),
    always(&["publish-port-limit"], "128 ports", &[Before(CREATE, ports::limit)]),
    always(&["binds-when-nfs-off"], "Binds need NFS volumes", &[Before(CREATE, container_volumes::binds_need_nfs)]),
    always(&["volumes-from-limit"], "Volumes of two others", &[Before(CREATE, container_volumes::from_too_many)]),
    always(&["local-volumes-max-8"], "Eight volumes", &[Before(CREATE, container_volumes::too_many)]),
    always(&["volumes-from-missing-source"], "A missing source of volumes", &[Answered(CREATE, container_volumes::from_missing)]),
    always(&["links-missing-target"], "A missing target of a link", &[Answered(CREATE, links::missing_target)]),
    since(LATER, &["account-quota-403"], "A quota that is used up", &[Before(CREATE, gate::within_quota)]),
    // What is dropped from the request that goes on.
    ignored!("create-ignored-hostconfig-options", "Ignored options"),
    ignored!("privileged-ignored", "Privileged is ignored"),
    ignored!("capabilities-ignored", "Capabilities are ignored"),
    ignored!("devices-ignored", "Devices are ignored"),
    ignored!("security-opt-ignored", "SecurityOpt is ignored"),
    ignored!("ulimits-ignored", "Ulimits are ignored"),
    ignored!("ipc-mode-ignored", "IpcMode is ignored"),
    ignored!("uts-mode-ignored", "UTSMode is ignored"),
    ignored!("userns-mode-ignored", "UsernsMode is ignored"),
    ignored!("cgroup-parent-ignored", "CgroupParent is ignored"),
    ignored!("read-only-rootfs-ignored", "ReadonlyRootfs is ignored"),
    ignored!("tmpfs-ignored", "Tmpfs is ignored"),
    ignored!("shm-size-ignored", "ShmSize is ignored"),
    ignored!("storage-opt-ignored", "StorageOpt is ignored"),
    ignored!("sysctls-ignored", "Sysctls are ignored"),
    ignored!("group-add-ignored", "GroupAdd is ignored"),
    ignored!("dns-options-ignored", "DnsOptions are ignored"),
    ignored!("oom-options-ignored", "Options for short memory are ignored"),
    ignored!("blkio-ignored", "Options of block devices are ignored"),
    ignored!("cpu-quota-cpuset-ignored", "Options of processors are ignored"),
    ignored!("memory-reservation-kernel-memory-ignored", "Promised memory is ignored"),
    always(&["pid-mode-ignored"], "PidMode and PidsLimit are ignored", &[
        Before(CREATE, options::drop_ignored), Before(CREATE, options::first_process), After(INSPECT, options::show_defaults)]),
    always(&["stop-signal-ignored"], "StopSignal is ignored", &[Before(CREATE, options::no_stop_signal)]),
    always(&["healthcheck-ignored"], "Healthcheck is ignored", &[Before(CREATE, options::no_healthcheck)]),
    always(&["mac-address-ignored"], "MacAddress is ignored", &[
        Before(CREATE, options::no_mac_address), After(INSPECT, options::show_no_mac_address)]),
    always(&["static-ip-and-aliases-ignored"], "NetworkingConfig is ignored", &[Before(CREATE, options::no_networking_config)]),
    always(&["stdin-once-always-false"], "StdinOnce is false", &[
        Before(CREATE, options::no_stdin_once), After(INSPECT, inspect::stdin_once)]),
    always(&["expose-at-create-ignored"], "ExposedPorts are ignored", &[
        Before(CREATE, options::no_expose), After(INSPECT, ports::inspect_exposed)]),
    always(&["restart-policy-unless-stopped-dropped"], "Restart policies", &[
        Before(CREATE, create::restart_policy), After(INSPECT, inspect::restart_policy)]),
    always(&["restart-limit-not-checked"], "Any number of attempts", &[
        Before(CREATE, unchecked::restart_limit), After(INSPECT, unchecked::show_restart_limit)]),
    always(&["environment-not-checked"], "Variables without a name", &[Before(CREATE, unchecked::environment)]),
    always(&["extra-hosts-not-checked"], "Hosts without an address", &[
        Before(CREATE, unchecked::extra_hosts), After(INSPECT, unchecked::show_extra_hosts)]),
    until(LATER, &["add-host-platform"], "ExtraHosts are ignored", &[
        Before(CREATE, options::no_extra_hosts), After(INSPECT, options::show_no_extra_hosts)]),
    always(&["working-directory-not-made"], "Working directories are not made", &[
        After(INSPECT, unchecked::show_working_directory), After(INSPECT, exit::show_failure), Each(LIST, exit::show_listed_failure)]),
    always(&["links-env-no-alias-port"], "Variables of links", &[Woven]),
    always(&["memory-non-numeric-uses-default"], "Memory that is no number", &[Before(CREATE, resources::non_numeric)]),
    always(&["memory-below-4m-accepted"], "Very little memory", &[Before(CREATE, resources::too_small)]),
    always(&["network-name-resolution"], "Networks by their names", &[
        Before(CREATE, network::ambiguous_network), Before(CREATE, network::account_network)]),
    always(&["network-mode-bridge-meaning"], "Any network without fabrics", &[Before(CREATE, network::any_network)]),
    always(&["create-name-rules"], "Names are aliases", &[Woven]),
    always(&["smartos-image-uuid"], "SmartOS images", &[After(INSPECT, inspect::smartos_image)]),
    always(&["create-is-synchronous-and-slow"], "A create takes its time", &[Woven]),
    always(&["management-calls-slow"], "Management calls take their time", &[Woven]),
    always(&["create-status-200"], "A create is a 200", &[Answered(CREATE, create::status_200)]),
    always(&["create-warnings-always-empty"], "A create never warns", &[After(CREATE, create::no_warnings)]),
    always(&["create-name-conflict"], "A name that is taken", &[Answered(CREATE, create::name_conflict)]),
    always(&["create-no-command"], "No command", &[Before(CREATE, create::empty_command), Answered(CREATE, create::no_command)]),
    always(&["dockerinit-log-file"], "The log of the set-up", &[Woven]),
];
