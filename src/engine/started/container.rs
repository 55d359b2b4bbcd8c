//! An engine in a container on the local Docker, made by testcontainers. That one asks no other
//! image of its own to be there, and pulls the engine's only where it is not at hand. It keeps no
//! hold on the container: who ends it is the run, or a sweep, by the name in the ledger.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{HostConfig, Mount, MountType};
use bollard::query_parameters::{
    InspectContainerOptions, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::TryStreamExt as _;
use rustix::process::getgid;
use testcontainers::core::{ImageExt as _, WaitFor, client::ClientError};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, TestcontainersError};

use super::{Implementation, Place, StartError};
use crate::engine::address::Address;
use crate::engine::client::{client, is_not_there};
use crate::scenario::RUN_LABEL;

/// How long one request to the local Docker may take.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the engine may take to end its own containers, in seconds.
const STOPPING: i32 = 10;
/// Where the container sees the engine's folder.
const SHARE: &str = "/divergence";
/// Where `ci/engines` puts its images.
const OWN: &str = "divergence-engine";

/// Starts the container; the engine does not answer yet.
pub(super) async fn launch(
    implementation: Implementation,
    name: &str,
    place: Place<'_>,
) -> Result<(), StartError> {
    let docker = connect(place)?;
    let image = match docker.inspect_image(&format!("{OWN}/{name}")).await {
        Ok(_) => format!("{OWN}/{name}"),
        Err(error) if is_not_there(&error) || name.contains('/') => name.to_owned(),
        Err(error) => return Err(StartError::Docker(place.docker.clone(), error.to_string())),
    };
    let (repository, tag) = image.rsplit_once(':').unwrap_or((&image, "latest"));
    let (storage, command) = match implementation {
        Implementation::Docker => {
            let socket = format!("unix://{SHARE}/engine.sock");
            // Its socket is for who runs this.
            let group = getgid().as_raw().to_string();
            (
                "/var/lib/docker",
                vec!["dockerd".to_owned(), "--host".to_owned(), socket, "--group".to_owned(), group],
            )
        }
        Implementation::Podman => {
            super::host::configure_podman(place.folder, "")?;
            let words = ["podman", "system", "service", "--time=0"];
            let socket = format!("unix://{SHARE}/engine.sock");
            ("/var/lib/containers", words.into_iter().map(str::to_owned).chain([socket]).collect())
        }
    };
    let folder = place.folder.to_owned();
    let request = GenericImage::new(repository, tag)
        .with_wait_for(WaitFor::Nothing)
        .with_container_name(place.name)
        .with_hostname(rustix::system::uname().nodename().to_string_lossy())
        .with_label(RUN_LABEL, place.name)
        .with_env_var("CONTAINERS_CONF", format!("{SHARE}/containers.conf"))
        .with_cmd(command)
        .with_host_config_modifier(move |host| confine(host, &folder, storage));
    match request.start().await {
        Ok(container) => {
            // Its end would ask for a runtime wherever it is dropped, and heed a variable.
            std::mem::forget(container);
            Ok(())
        }
        Err(TestcontainersError::Client(ClientError::PullImage { err, .. })) => {
            let own = name.rsplit('/').next().unwrap_or(name).replace(':', "-");
            Err(StartError::NoImage { name: name.to_owned(), own, why: err.to_string() })
        }
        Err(error) => Err(StartError::Docker(place.docker.clone(), error.to_string())),
    }
}

/// All that an engine needs of its host, and no more: some machines do not have SYS_RESOURCE to
/// give, so that `--privileged` fails there. Nothing is published.
fn confine(host: &mut HostConfig, folder: &Path, storage: &str) {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>());
    let mount = |typ, source: Option<String>, target: &str| Mount {
        typ: Some(typ),
        source,
        target: Some(target.to_owned()),
        ..Mount::default()
    };
    host.privileged = Some(false);
    host.init = Some(true);
    host.cap_add = texts(&["ALL"]);
    host.cap_drop = texts(&["SYS_RESOURCE"]);
    host.security_opt = texts(&["seccomp=unconfined", "apparmor=unconfined"]);
    host.masked_paths = Some(Vec::new());
    host.readonly_paths = Some(Vec::new());
    host.device_cgroup_rules = texts(&["a *:* rwm"]);
    host.publish_all_ports = Some(false);
    host.tmpfs = Some(HashMap::from(["/run", "/tmp"].map(|place| (place.to_owned(), String::new()))));
    let share = mount(MountType::BIND, Some(folder.display().to_string()), SHARE);
    // Without a name it goes with the container.
    let mut mounts = vec![share, mount(MountType::VOLUME, None, storage)];
    // The second version of cgroups is seen in a namespace, and not shared.
    if !Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        mounts.push(mount(MountType::BIND, Some("/sys/fs/cgroup".to_owned()), "/sys/fs/cgroup"));
    }
    host.mounts = Some(mounts);
}

/// How the container ended, if it did.
pub(super) async fn ended(place: Place<'_>) -> Option<String> {
    let docker = connect(place).ok()?;
    let state = docker.inspect_container(place.name, None::<InspectContainerOptions>).await.ok()?.state?;
    (state.running == Some(false)).then(|| format!("exit status {}", state.exit_code.unwrap_or_default()))
}

/// A process of the container, as this machine counts.
pub(super) async fn pid(place: Place<'_>) -> Option<u32> {
    let docker = connect(place).ok()?;
    let state = docker.inspect_container(place.name, None::<InspectContainerOptions>).await.ok()?.state?;
    u32::try_from(state.pid?).ok()
}

/// What the engine said last.
pub(super) async fn end_of_log(place: Place<'_>) -> String {
    let Ok(docker) = connect(place) else { return String::new() };
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail("8").build();
    let frames: Result<Vec<_>, Error> = docker.logs(place.name, Some(options)).try_collect().await;
    frames.unwrap_or_default().iter().map(ToString::to_string).collect::<String>().trim_end().to_owned()
}

/// Ends the container, if it is there, and removes it with its volume.
pub(super) async fn remove(place: Place<'_>) -> Result<(), StartError> {
    let docker = connect(place)?;
    // The engine ends its own containers, so that nothing of theirs stays in shared cgroups.
    let stop = StopContainerOptionsBuilder::default().t(STOPPING).build();
    let _ = docker.stop_container(place.name, Some(stop)).await;
    let remove = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match docker.remove_container(place.name, Some(remove)).await {
        Ok(()) => Ok(()),
        Err(error) if is_not_there(&error) => Ok(()),
        Err(error) => Err(StartError::Docker(place.docker.clone(), error.to_string())),
    }
}

fn connect(place: Place<'_>) -> Result<Docker, StartError> {
    match place.docker {
        Address::Unix(_) => client(place.docker, LIMIT)
            .map_err(|error| StartError::Docker(place.docker.clone(), error.to_string())),
        elsewhere => Err(StartError::Elsewhere(elsewhere.clone())),
    }
}
