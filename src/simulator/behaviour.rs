//! All behaviours, a line each: the divergence ids that one carries, since when it is so, and
//! where it takes hold of a call. Switched off, stock Docker's own answer shows through.

use serde_json::Value;

use super::answer::Answer;
use super::call::Call;
use super::route::Route;
use super::{
    affinity, archive, build, create, exec, exit, gate, image_show, images, inspect, labels, lifecycle,
    links, list, log_config, logs, network, options, ports, resources, system, top, unchecked,
    volume_filters, volumes,
};
use crate::version::Version;

/// A way in which sdc-docker answers differently.
#[derive(Debug)]
pub struct Behaviour {
    /// The divergences that it shows; switching off one switches off all of it.
    pub ids: &'static [&'static str],
    /// What it is, in a line.
    pub title: &'static str,
    /// The first release that shows it.
    pub since: &'static str,
    /// The first release that does not.
    pub until: Option<&'static str>,
    hooks: &'static [Hook],
}

type BeforeFn = fn(&mut Call) -> Result<(), Answer>;
type AfterFn = fn(&Call, &mut Value);
type AnsweredFn = fn(&Call, &mut Answer);

/// Where a behaviour takes hold of a call.
#[derive(Debug)]
pub enum Hook {
    /// In the code of its calls, which asks for its id.
    Woven,
    /// Before the call: it may change the request, or answer itself.
    Before(&'static [Route], BeforeFn),
    /// After the call: it changes the JSON of a success.
    After(&'static [Route], AfterFn),
    /// As `After`, for each element of a list.
    Each(&'static [Route], AfterFn),
    /// After the call, whatever the answer is.
    Answered(&'static [Route], AnsweredFn),
}

impl Behaviour {
    /// Whether a release shows it.
    pub fn holds_at(&self, release: &str) -> bool {
        let number = |text: &str| text.parse::<Version>().ok();
        let release = number(release);
        number(self.since) <= release && self.until.is_none_or(|until| release < number(until))
    }
}

/// All behaviours.
pub fn behaviours() -> &'static [Behaviour] {
    ALL
}

/// The hooks of a call, in the order of the table.
pub fn hooks(route: Route) -> impl Iterator<Item = (&'static str, &'static Hook)> {
    ALL.iter().flat_map(move |behaviour| {
        behaviour.hooks.iter().filter(move |hook| hook.is_on(route)).map(|hook| (behaviour.ids[0], hook))
    })
}

impl Hook {
    fn is_on(&self, route: Route) -> bool {
        match self {
            Hook::Woven => false,
            Hook::Before(routes, _) => routes.contains(&route),
            Hook::After(routes, _) | Hook::Each(routes, _) => routes.contains(&route),
            Hook::Answered(routes, _) => routes.contains(&route),
        }
    }
}

const fn always(ids: &'static [&'static str], title: &'static str, hooks: &'static [Hook]) -> Behaviour {
    Behaviour { ids, title, since: "0.1", until: None, hooks }
}

const fn since(
    since: &'static str,
    ids: &'static [&'static str],
    title: &'static str,
    hooks: &'static [Hook],
) -> Behaviour {
    Behaviour { ids, title, since, until: None, hooks }
}

const fn until(
    until: &'static str,
    ids: &'static [&'static str],
    title: &'static str,
    hooks: &'static [Hook],
) -> Behaviour {
    Behaviour { ids, title, since: "0.1", until: Some(until), hooks }
}

use Hook::{After, Answered, Before, Each, Woven};
use Route as R;

const CREATE: &[Route] = &[R::ContainerCreate];
const INSPECT: &[Route] = &[R::ContainerInspect];
const LIST: &[Route] = &[R::ContainerList];
const VOLUMES: &[Route] = &[R::VolumeCreate, R::VolumeDelete, R::VolumeInspect, R::VolumeList];

macro_rules! ignored {
    ($id:literal, $title:literal) => {
        always(
            &[$id],
            $title,
            &[Before(CREATE, options::drop_ignored), After(INSPECT, options::show_defaults)],
        )
    };
}

macro_rules! refuse {
    ($what:literal) => {
        |_| Err(Answer::not_implemented($what))
    };
}

/// The first release whose answers are known to be those of 0.7; before it stands May 2015.
const LATER: &str = "0.4";

#[rustfmt::skip]
static ALL: &[Behaviour] = &[
    // Every answer.
    always(&["error-body-plain-text-with-request-id"], "Errors are plain text with the request id", &[Woven]),
    always(&["error-prefix-restcode"], "Errors begin with a class in brackets", &[Woven]),
    always(&["error-422-for-bad-input"], "Bad input is a 422", &[Woven]),
    always(&["error-500-for-conflicts"], "Conflicts are a 500", &[Woven]),
    always(&["server-header-triton"], "The server is Triton", &[Woven]),
    always(&["extra-request-id-headers"], "Request id and response time are headers", &[Woven]),
    always(&["no-api-version-headers"], "No header tells the API version", &[Woven]),
    always(&["connection-keep-alive-header"], "Connection: keep-alive is always sent", &[Woven]),
    always(&["json-without-newline"], "JSON ends without a newline", &[Woven]),
    always(&["json-content-length"], "JSON is never chunked", &[Woven]),
    always(&["streamed-answers-chunked"], "What is streamed, and a status alone, is chunked", &[Woven]),
    always(&["no-such-container-text"], "The text for a missing container", &[Woven]),
    always(&["unknown-route-404-body"], "The answer for an unknown path", &[Woven]),
    always(&["wrong-method-405"], "A known path with another method is a 405", &[Woven]),
    always(&["head-request-405"], "HEAD is a 405", &[Woven]),
    always(&["accept-header-406"], "Accept is negotiated", &[Woven]),
    always(&["accept-version-header-rejected"], "Accept-Version is checked", &[Woven]),
    always(&["upgrade-error-bare-response"], "An upgrade that fails has a bare answer", &[Woven]),
    always(&["uncaught-exception-drops-connection"], "Some input drops the connection", &[
        Before(&[R::Rename], lifecycle::rename_needs_name), Before(&[R::Resize], lifecycle::resize_needs_size),
        Before(&[R::Commit], images::commit_needs_container), Before(LIST, list::all_twice)]),
    always(&["api-version-minimum"], "API versions below 1.20 are refused", &[Woven]),
    always(&["api-version-no-maximum"], "No API version is too new", &[Woven]),
    always(&["api-version-compared-as-text"], "API versions are compared as text", &[Woven]),
    always(&["api-version-unparsable"], "A word in the place of a version is a 400", &[Woven]),
    always(&["api-version-unversioned-default"], "No version means 1.21", &[Woven]),
    always(&["ping-and-events-skip-checks"], "Ping and events are not checked", &[Woven]),
    always(&["ca-pem-route"], "The certificate of the server", &[Woven]),
    always(&["ping-without-cache-headers"], "A ping may be cached", &[Answered(&[R::Ping], system::ping)]),
    always(&["version-fields"], "The version is that of Docker 1.9", &[After(&[R::Version], system::version_fields)]),
    always(&["info-driver-values"], "Info describes the data center", &[After(&[R::Info], system::info_values)]),
    always(&["info-kernel-version-fixed"], "Info has a constant kernel", &[After(&[R::Info], system::info_kernel)]),
    always(&["info-missing-fields"], "Info has sixteen fields", &[After(&[R::Info], system::info_fields)]),
    // Routes that are not there.
    always(&["swarm-missing"], "No swarm", &[Woven]),
    always(&["nodes-missing"], "No nodes", &[Woven]),
    always(&["services-missing"], "No services", &[Woven]),
    always(&["tasks-missing"], "No tasks", &[Woven]),
    always(&["plugins-missing"], "No plugins", &[Woven]),
    always(&["post-1.24-endpoints-missing"], "Nothing that came after API 1.24", &[Woven]),
    always(&["attach-websocket-missing"], "No websockets", &[Woven]),
    always(&["update-not-implemented"], "No update", &[Woven]),
    // Calls that are not implemented, at 0.7 and before.
    always(&["events-not-implemented", "stats-all-cli"], "docker events", &[Before(&[R::Events], refuse!("events"))]),
    always(&["export-not-implemented"], "docker export", &[Before(&[R::Export], refuse!("export"))]),
    always(&["import-not-implemented"], "docker import", &[Before(&[R::ImageCreate], images::no_import)]),
    always(&["load-not-implemented"], "docker load", &[Before(&[R::ImageLoad], refuse!("image load"))]),
    always(&["save-not-implemented"], "docker save", &[Before(&[R::ImageGet], refuse!("image get"))]),
    always(&["diff-not-implemented"], "docker diff", &[Before(&[R::Changes], refuse!("changes"))]),
    always(&["pause-not-implemented"], "docker pause", &[Before(&[R::Pause], refuse!("pause"))]),
    always(&["unpause-not-implemented"], "docker unpause", &[Before(&[R::Unpause], refuse!("unpause"))]),
    until(LATER, &["build-not-implemented"], "docker build", &[Before(&[R::Build], refuse!("build"))]),
    until(LATER, &["commit-not-implemented"], "docker commit", &[Before(&[R::Commit], refuse!("commit"))]),
    until(LATER, &["login-not-implemented"], "docker login", &[Before(&[R::Auth], refuse!("auth"))]),
    until(LATER, &["push-not-implemented"], "docker push", &[Before(&[R::ImagePush], refuse!("image push"))]),
    until(LATER, &["rename-not-implemented"], "docker rename", &[Before(&[R::Rename], refuse!("rename"))]),
    until(LATER, &["stats-not-implemented"], "docker stats", &[Before(&[R::Stats], refuse!("stats"))]),
    until(LATER, &["tag-not-implemented"], "docker tag", &[Before(&[R::ImageTag], refuse!("image tag"))]),
    until(LATER, &["port-not-shown"], "docker port", &[After(INSPECT, ports::not_shown)]),
    since(LATER, &["auth-endpoint-validation"], "Credentials have all parts", &[Woven]),
    since(LATER, &["push-unknown-404"], "Pushing an image that is not there", &[Woven]),
    since(LATER, &["commit-response"], "A commit without a content type", &[Answered(&[R::Commit], images::commit_response)]),
    since(LATER, &["stats-default-one-shot"], "Statistics are told once", &[Woven]),
    since(LATER, &["stats-fields"], "Statistics hold less", &[Woven]),
    since(LATER, &["tag-invalid-500"], "A bad tag is a 500", &[Before(&[R::ImageTag], images::bad_tag)]),
    since(LATER, &["tag-names-unchecked"], "Names that Docker refuses", &[After(&[R::ImageInspect], image_show::odd_names)]),
    since(LATER, &["push-error-shape"], "The failure of a push", &[Woven]),
    since(LATER, &["push-stream-format"], "What a push tells", &[Woven]),
    since(LATER, &["login-basic-unchecked"], "A password that nobody checks", &[Woven]),
    since(LATER, &["commit-errors"], "What a commit refuses", &[Before(&[R::Commit], images::commit_name)]),
    since(LATER, &["commit-body-ignored"], "The body of a commit", &[Before(&[R::Commit], images::commit_body)]),
    since(LATER, &["build-errors", "build-unexpected-error"], "The failure of a build", &[Before(&[R::Build], build::refuse)]),
    since(LATER, &["build-parameters-ignored"], "Parameters of a build", &[Before(&[R::Build], build::drop_parameters)]),
    since(LATER, &["build-stream-format"], "What a build tells", &[Woven]),
    since(LATER, &["build-add-url"], "ADD of an address", &[Woven]),
    since(LATER, &["build-instructions-unknown"], "HEALTHCHECK and SHELL", &[Woven]),
    since(LATER, &["build-instructions-unchecked"], "Signals and triggers", &[Woven]),
    since(LATER, &["build-args-not-consumed"], "Build arguments that nobody takes", &[Woven]),
    since(LATER, &["build-labels-before-last-step"], "Labels of a build", &[Woven]),
    since(LATER, &["build-path-not-set"], "Images without PATH", &[After(&[R::ImageInspect], image_show::environment)]),
    always(&["image-name-invalid-500"], "Names of images", &[
        Before(&[R::ImageInspect, R::ImageHistory, R::ImageTag, R::ImageDelete], images::bad_name)]),
    always(&["no-such-image-text"], "The text for a missing image", &[
        Answered(&[R::ImageInspect, R::ImageHistory, R::ImageTag, R::ImageDelete], images::no_such_image)]),
    always(&["pull-invalid-name-500"], "A bad name of a pull", &[Before(&[R::ImageCreate], images::pull_name)]),
    always(&["pull-errors-in-200-stream"], "The failure of a pull", &[Woven]),
    always(&["pull-stream-format"], "What a pull tells", &[Woven]),
    always(&["search-parameters"], "Searching", &[Before(&[R::ImageSearch], images::search_term)]),
    always(&["image-list-filter-param-ignored"], "Images by name", &[Before(&[R::ImageList], image_show::list_parameters)]),
    since(LATER, &["image-list-dangling-empty"], "Images without a name", &[Woven]),
    since(LATER, &["image-list-label-filter"], "Images by label", &[Woven]),
    since(LATER, &["image-list-unknown-filter"], "Unknown filters of images", &[Woven]),
    since(LATER, &["image-list-ids-and-digests"], "Digests in lists", &[Each(&[R::ImageList], image_show::list_digests)]),
    since(LATER, &["image-list-missing-fields"], "Fields of an entry", &[Each(&[R::ImageList], image_show::list_fields)]),
    since(LATER, &["image-inspect-digests"], "Digests of an image", &[After(&[R::ImageInspect], image_show::inspect_digests)]),
    since(LATER, &["image-history-shape"], "The history of an image", &[Each(&[R::ImageHistory], image_show::history)]),
    always(&["rmi-noprune-ignored"], "Parents of a removed image", &[Before(&[R::ImageDelete], image_show::no_noprune)]),
    since(LATER, &["rmi-parent-by-name"], "Names of parents", &[Woven]),
    since(LATER, &["rmi-conflict-text"], "Why an image stays", &[Answered(&[R::ImageDelete], image_show::conflict_text)]),
    always(&["pull-all-tags-400"], "Pulling all tags", &[Before(&[R::ImageCreate], images::pull_all)]),
    always(&["rmi-conflict-500"], "An image in use is a 500", &[Answered(&[R::ImageDelete], image_show::conflict)]),
    always(&["image-inspect-fields"], "How images show themselves", &[After(&[R::ImageInspect], image_show::inspect_fields)]),
    // Before a call, as the world is.
    always(&["read-only-mode-503"], "Maintenance", &[Woven]),
    always(&["service-unavailable-503"], "A service behind is out", &[Woven]),
    since(LATER, &["x-auth-token-header"], "Tokens of accounts", &[Woven]),
    always(&["account-forbidden-403"], "An account that may not use the data center", &[Woven]),
    // Making a container: what is checked, in order.
    always(&["create-content-type-handling"], "Bodies by their content type", &[
        Before(CREATE, create::content_type), Before(&[R::VolumeCreate], create::broken_json)]),
    always(&["create-field-type-errors"], "Types of fields", &[Before(CREATE, create::image), Before(CREATE, create::field_types)]),
    always(&["create-name-in-body"], "The name in the body is a text", &[Before(CREATE, create::name_in_body)]),
    always(&["create-hostconfig-required"], "HostConfig is needed", &[Before(CREATE, create::hostconfig)]),
    always(&["create-cmd-entrypoint-string-rejected"], "Commands are lists", &[Before(CREATE, create::commands)]),
    always(&["log-driver-set"], "Five log drivers", &[Before(CREATE, logs::known_driver)]),
    always(&["log-driver-not-enabled"], "Log drivers are enabled by the operator", &[Before(CREATE, log_config::driver)]),
    always(&["log-opt-validation"], "Options of log drivers", &[Before(CREATE, log_config::options)]),
    always(&["network-mode-host-none"], "No host network, and always one", &[Before(CREATE, network::host_and_none)]),
    always(&["network-mode-container"], "No shared network", &[Before(CREATE, network::container_mode)]),
    always(&["network-mode-links"], "No links in named networks", &[Before(CREATE, network::links_in_networks)]),
    always(&["publish-port-syntax"], "Forms of ports", &[Before(CREATE, ports::syntax)]),
    always(&["host-bind-refused"], "No folders of the host", &[Before(CREATE, volumes::host_binds)]),
    always(&["bind-flags-limited"], "Flags ro and rw", &[Before(CREATE, volumes::bind_flags)]),
    always(&["local-volume-target-rules"], "Volumes at absolute paths", &[Before(CREATE, volumes::targets)]),
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
    always(&["binds-when-nfs-off"], "Binds need NFS volumes", &[Before(CREATE, volumes::binds_need_nfs)]),
    always(&["volumes-from-limit"], "Volumes of two others", &[Before(CREATE, volumes::from_too_many)]),
    always(&["local-volumes-max-8"], "Eight volumes", &[Before(CREATE, volumes::too_many)]),
    always(&["volumes-from-missing-source"], "A missing source of volumes", &[Answered(CREATE, volumes::from_missing)]),
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
    // The life of a container.
    always(&["start-hostconfig-body-ignored"], "The body of a start", &[Before(&[R::Start], lifecycle::no_start_body)]),
    always(&["start-running-204"], "Starting what runs", &[Answered(&[R::Start], lifecycle::not_modified_204)]),
    always(&["stop-stopped-204"], "Stopping what is stopped", &[Answered(&[R::Stop], lifecycle::not_modified_204)]),
    always(&["stop-timeout-validation"], "The time of a stop", &[Before(&[R::Stop], lifecycle::stop_timeout)]),
    always(&["restart-timeout-ignored"], "The time of a restart", &[Before(&[R::Restart], lifecycle::restart_timeout)]),
    always(&["kill-signal-ignored"], "Every kill is SIGKILL", &[Before(&[R::Kill], lifecycle::always_sigkill)]),
    always(&["kill-invalid-signal-204"], "No signal is invalid", &[Before(&[R::Kill], lifecycle::invalid_signal)]),
    always(&["kill-stopped-204"], "Killing what is stopped", &[Answered(&[R::Kill], lifecycle::kill_stopped)]),
    since(LATER, &["rename-errors"], "Bad names", &[Answered(&[R::Rename], lifecycle::rename_errors)]),
    since(LATER, &["rename-status-200"], "A rename is a 200", &[Answered(&[R::Rename], lifecycle::rename_200)]),
    always(&["delete-running-500"], "Removing what runs", &[Before(&[R::ContainerDelete], lifecycle::delete_running)]),
    always(&["delete-link-param"], "Removing a link", &[Before(&[R::ContainerDelete], lifecycle::delete_link)]),
    always(&["delete-volumes-param-ignored"], "Volumes go with their container", &[Before(&[R::ContainerDelete], lifecycle::delete_volumes)]),
    always(&["delete-volumes-shared-500"], "Volumes that are shared", &[Before(&[R::ContainerDelete], lifecycle::delete_shared)]),
    always(&["wait-on-created-container"], "Waiting for what never ran", &[Woven]),
    always(&["wait-polls-every-second"], "Waiting polls", &[Woven]),
    always(&["resize-parameters"], "Resizing", &[Woven]),
    always(&["exit-status-differs"], "Exit statuses", &[After(INSPECT, exit::inspect), Each(LIST, exit::list)]),
    always(&["wait-without-error-field"], "A wait has no Error", &[After(&[R::Wait], lifecycle::no_error_field)]),
    // What a container sees.
    always(&["top-not-running-500"], "Top of what is stopped", &[Answered(&[R::Top], top::not_running)]),
    always(&["top-fixed-columns"], "Columns of top", &[Before(&[R::Top], top::no_arguments), After(&[R::Top], top::fixed_columns)]),
    always(&["zsched-process"], "zsched", &[After(&[R::Top], top::zsched)]),
    always(&["ipmgmtd-process"], "ipmgmtd", &[After(&[R::Top], top::ipmgmtd)]),
    always(&["etc-hosts-and-resolv"], "The hosts of a zone", &[Woven]),
    always(&["mdata-tools-in-container"], "Programs of the platform", &[Woven]),
    always(&["kernel-version-in-container"], "The emulated kernel", &[Woven]),
    always(&["native-filesystems"], "/native", &[Woven]),
    always(&["objfs-system-object"], "/system/object", &[Woven]),
    always(&["ctfs-system-contract"], "/system/contract", &[Woven]),
    always(&["root-filesystem-zfs"], "A ZFS root", &[Woven]),
    always(&["tmpfs-zero"], "No tmpfs", &[Woven]),
    // Inspect and list.
    always(&["memory-rounds-up-to-package"], "Memory of the package", &[After(INSPECT, resources::rounded_memory)]),
    always(&["memory-default-1g"], "1 GiB by default", &[After(INSPECT, resources::default_memory)]),
    always(&["package-label-selects-size"], "The label of the package", &[After(INSPECT, resources::rounded_memory)]),
    always(&["memory-swap-from-package"], "Swap of the package", &[Before(CREATE, resources::no_swap), After(INSPECT, resources::swap)]),
    always(&["cpu-shares-from-package"], "CPU shares of the package", &[Before(CREATE, resources::no_shares), After(INSPECT, resources::shares)]),
    always(&["inspect-config-memory-from-vm"], "Memory in Config", &[After(INSPECT, resources::config_memory)]),
    always(&["inspect-labels-package"], "The package is a label", &[After(INSPECT, resources::inspect_label)]),
    always(&["list-labels-package-unknown"], "The package is a label in lists", &[Each(LIST, resources::list_label)]),
    always(&["own-ip-stack-per-container"], "An address of one's own", &[
        Before(CREATE, ports::publish_nothing_beneath), After(INSPECT, ports::show_asked)]),
    always(&["inspect-hostconfig-portbindings-shape", "publish-empty-hostport", "publish-only-first-binding"], "Port bindings", &[
        After(INSPECT, ports::inspect_bindings)]),
    since(LATER, &["inspect-ports-hostip", "publish-all-same-number"], "Ports in inspect", &[After(INSPECT, ports::inspect_ports)]),
    always(&["inspect-exposed-ports-lost"], "Exposed ports", &[After(INSPECT, ports::lost_ports)]),
    always(&["list-ports-ip"], "Ports in lists", &[Each(LIST, ports::list_ports)]),
    always(&["inspect-networkmode-always-bridge"], "The network mode is bridge", &[After(INSPECT, network::mode_is_bridge)]),
    always(&["inspect-networksettings-when-stopped"], "A stopped container keeps its address", &[After(INSPECT, network::keep_address)]),
    always(&["inspect-networksettings-primary-nic-only", "publish-adds-external-nic"], "The primary interface", &[
        After(INSPECT, network::primary_nic_only)]),
    always(&["inspect-dns-always-filled"], "Resolvers", &[After(INSPECT, network::dns_filled)]),
    always(&["host-hostname-domain"], "Domain names", &[After(INSPECT, network::domain)]),
    always(&["inspect-no-mounts"], "No Mounts", &[After(INSPECT, inspect::no_mounts)]),
    always(&["inspect-driver-sdc"], "Drivers", &[After(INSPECT, inspect::driver)]),
    always(&["inspect-paths"], "Paths within the container", &[After(INSPECT, inspect::paths)]),
    always(&["inspect-links"], "Links", &[After(INSPECT, links::inspect)]),
    always(&["exec-state-in-one-process"], "No ids of execs", &[After(INSPECT, inspect::no_exec_ids)]),
    always(&["env-not-deduplicated"], "Environments are joined", &[After(INSPECT, inspect::env_twice)]),
    always(&["state-restarting-always-false"], "Never restarting", &[After(INSPECT, inspect::never_restarting), Each(LIST, list::never_restarting)]),
    always(&["oom-killed-never-set"], "Never out of memory", &[After(INSPECT, inspect::never_oom)]),
    always(&["started-at-is-zone-boot"], "Times in milliseconds", &[After(INSPECT, inspect::zone_times)]),
    always(&["inspect-extra-legacy-fields"], "Fields of old", &[After(INSPECT, inspect::legacy_fields), After(INSPECT, inspect::null_fields)]),
    always(&["inspect-missing-fields"], "Fields that are missing", &[After(INSPECT, inspect::missing_fields)]),
    always(&["list-image-name"], "The name of the image", &[Each(LIST, list::image_name)]),
    always(&["list-status-words"], "A second is 1 seconds", &[Each(LIST, list::counted_seconds)]),
    always(&["list-size-ignored"], "No sizes in lists", &[Before(LIST, list::no_sizes)]),
    always(&["list-missing-fields"], "Fields that lists miss", &[Each(LIST, list::missing_fields)]),
    always(&["status-created-by-missing-restartcount"], "Created containers", &[Woven]),
    always(&["list-filter-status-anded"], "Filters of statuses", &[Woven]),
    always(&["list-filter-status-values"], "Values of statuses", &[Woven]),
    always(&["list-filter-unknown-ignored"], "Unknown filters", &[Woven]),
    always(&["list-filter-name-without-slash"], "Filters of names", &[Woven]),
    always(&["list-filter-type-error"], "Filters of another type", &[Woven]),
    always(&["list-before-since-500"], "Before and since", &[Woven]),
    always(&["list-before-since-by-parameter"], "Before and since as parameters", &[Woven]),
    always(&["list-limit-not-checked"], "Any limit", &[Woven]),
    always(&["list-filter-exited-as-text"], "Exit codes as text", &[Woven]),
    always(&["list-filter-label-quirks"], "Filters of labels", &[Woven]),
    always(&["list-filter-package-label"], "The filter of the package", &[Woven]),
    // Execs and streams.
    always(&["exec-create-status-200"], "Making an exec is a 200", &[Answered(&[R::ExecCreate], exec::status_200)]),
    always(&["exec-create-not-running"], "An exec needs a running container", &[Woven]),
    always(&["exec-create-empty-cmd"], "An exec without a command", &[Woven]),
    always(&["exec-user-privileged-ignored"], "The user of an exec", &[Woven]),
    always(&["exec-attach-flags-ignored"], "Both streams of an exec", &[Woven]),
    always(&["exec-detached-runs-at-create", "exec-start-detached-201"], "Detached execs", &[Woven]),
    always(&["exec-start-always-101"], "Starting an exec is a 101", &[Woven]),
    always(&["exec-start-options-ignored"], "Options of the start of an exec", &[Woven]),
    always(&["exec-tty-needs-stdin"], "A terminal needs an input", &[Woven]),
    always(&["exec-start-twice"], "Starting an exec again", &[Woven]),
    always(&["exec-start-unknown-404-empty"], "Starting an unknown exec", &[Woven]),
    always(&["exec-missing-command"], "An exec of a missing command", &[Woven]),
    always(&["exec-exit-code-signal-null"], "An exec that a signal ends", &[Woven]),
    always(&["exec-inspect-fields"], "What an exec tells", &[Woven]),
    always(&["exec-inspect-only-once"], "An exec is inspected once", &[Woven]),
    always(&["exec-inspect-unknown-hangs"], "Inspecting an unknown exec", &[Woven]),
    always(&["exec-resize-status-200"], "Resizing an exec", &[Woven]),
    always(&["attach-always-101"], "Attaching is a 101", &[Woven]),
    always(&["attach-flags-by-presence"], "Flags of attaching", &[Woven]),
    always(&["attach-detach-keys"], "Keys to detach with", &[Woven]),
    always(&["stream-error-after-101"], "Errors after the status line", &[Woven]),
    always(&["stream-not-binary-safe"], "Streams are text", &[Woven]),
    always(&["stream-frame-length-in-characters"], "Lengths in characters", &[Woven]),
    always(&["logs-response-framing"], "Logs are raw", &[Woven]),
    always(&["logs-stream-selection-ignored"], "Logs of both streams", &[Woven]),
    always(&["logs-since-details-ignored"], "Logs since", &[Woven]),
    always(&["logs-tail-missing-or-invalid"], "Logs need a tail", &[Woven]),
    always(&["logs-timestamps-format"], "Times in logs", &[Woven]),
    always(&["logs-current-file-only"], "One file of logs", &[
        Before(CREATE, logs::one_file), After(INSPECT, logs::show_files)]),
    // Archives.
    always(&["archive-missing-path-param"], "Copying without a path", &[
        Before(&[R::ArchiveGet, R::ArchiveHead, R::ArchivePut], archive::needs_path)]),
    always(&["archive-content-type"], "application/tar", &[
        Answered(&[R::ArchiveGet, R::Copy], archive::content_type), Answered(&[R::ArchivePut], archive::put_content_type)]),
    always(&["archive-path-stat-header"], "The header of a path", &[Answered(&[R::ArchiveGet, R::ArchiveHead], archive::path_stat)]),
    always(&["archive-missing-file"], "A missing file", &[
        Answered(&[R::ArchiveGet, R::ArchiveHead, R::ArchivePut], archive::missing_file)]),
    always(&["archive-put-to-file"], "Unpacking into a file", &[Woven]),
    always(&["archive-put-bad-tar-200"], "A broken archive", &[Answered(&[R::ArchivePut], archive::bad_tar)]),
    always(&["archive-no-overwrite"], "A file in the place of a directory", &[Answered(&[R::ArchivePut], archive::never_refused)]),
    always(&["archive-put-read-only-rules"], "Unpacking where it is read-only", &[Answered(&[R::ArchivePut], archive::never_refused)]),
    always(&["archive-follow-link"], "Links are not followed", &[Woven]),
    always(&["copy-endpoint-still-there"], "The older copy", &[Woven]),
    // Networks.
    always(&["network-list-shape", "network-no-predefined", "network-list-filters-ignored"], "Networks of the account", &[
        Before(&[R::NetworkList], network::list), Before(&[R::NetworkInspect], network::inspect)]),
    always(&["network-create-not-implemented"], "docker network create", &[Before(&[R::NetworkCreate], network::create)]),
    always(&["network-rm-not-implemented"], "docker network rm", &[Before(&[R::NetworkDelete], network::rm)]),
    always(&["network-connect-not-implemented"], "docker network connect", &[Before(&[R::NetworkConnect], network::connect)]),
    always(&["network-disconnect-not-implemented"], "docker network disconnect", &[Before(&[R::NetworkDisconnect], network::disconnect)]),
    always(&["network-prune-not-implemented"], "docker network prune", &[Before(&[R::NetworkPrune], network::prune)]),
    // Volumes.
    always(&["volumes-disabled"], "Volumes are off", &[Before(VOLUMES, volumes::disabled)]),
    always(&["volume-driver-rules"], "Drivers of volumes", &[Before(&[R::VolumeCreate], volumes::driver)]),
    always(&["volume-name-rules"], "Names of volumes", &[
        Before(&[R::VolumeCreate, R::VolumeDelete, R::VolumeInspect], volumes::name_rules)]),
    always(&["volume-size-option"], "Sizes of volumes", &[Before(&[R::VolumeCreate], volumes::size)]),
    always(&["volume-network-option"], "Networks of volumes", &[Before(&[R::VolumeCreate], volumes::network)]),
    always(&["volume-list-filters"], "Filters of volumes", &[
        Before(&[R::VolumeList], volume_filters::check), After(&[R::VolumeList], volume_filters::whole_names)]),
    always(&["volume-not-reachable"], "Volumes of another network", &[Before(CREATE, volumes::reachable)]),
    always(&["volume-content-copy"], "New volumes are empty", &[Before(CREATE, volumes::no_content)]),
    always(&["volumes-from-own-volumes-only"], "Only volumes of one's own are taken over", &[After(INSPECT, volumes::show_sources)]),
    always(&["volume-create-duplicate"], "A volume that is there", &[Woven]),
    always(&["volume-create-slow"], "Making a volume takes its time", &[Woven]),
    always(&["volume-create-response"], "Making a volume tells its name", &[Answered(&[R::VolumeCreate], volumes::create_response)]),
    always(&["volume-list-fields", "volume-auto-create"], "What volumes tell", &[
        After(&[R::VolumeInspect], volumes::fields), After(&[R::VolumeList], volumes::list_fields)]),
    always(&["volume-inspect-missing-404-empty"], "A missing volume", &[Woven]),
    always(&["volume-delete-errors"], "Removing a missing volume", &[Woven]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_stands_once() {
        let mut ids: Vec<&str> = ALL.iter().flat_map(|behaviour| behaviour.ids.iter().copied()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
