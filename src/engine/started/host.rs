//! An engine as a process of this machine that shares neither network nor storage with another
//! one: it has a network and mounts of its own, in which its usual folders are those of its own
//! folder. So it reports the same places as an engine that was installed here.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};
use tokio::time::sleep;

use super::{Implementation, PAUSE, StartError};

/// How long an engine may take to stop its containers.
const STOPPING: Duration = Duration::from_secs(20);
/// How long killed processes may take to be gone.
const DYING: Duration = Duration::from_secs(10);

/// What both have in common: mounts of the machine come, those made here do not leave.
const PREPARE: &str = r#"set -e
own() { mkdir -p "$1" "$folder/$2"; mount --bind "$folder/$2" "$1"; }
folder=$1
ip link set lo up
echo $$ >"$folder/pid"
"#;

/// The usual places of dockerd, and of a containerd of the machine that it would use.
const DOCKER: &str = r#"own /var/lib/docker data
own /var/run/docker exec
own /run/containerd containerd
exec dockerd --pidfile "$folder/docker.pid" --host "unix://$folder/engine.sock"
"#;

/// The usual places of podman; its locks lie in shared memory.
const PODMAN: &str = r#"own /var/lib/containers data
own /run/containers run
own /run/libpod libpod
own /run/netns netns
own /dev/shm shm
export CONTAINERS_CONF="$folder/containers.conf"
exec podman system service --time=0 "unix://$folder/engine.sock"
"#;

/// Starts the process; it does not answer yet.
pub(super) fn launch(implementation: Implementation, folder: &Path) -> Result<Child, StartError> {
    if !getuid().is_root() {
        return Err(StartError::NotRoot);
    }
    let (program, advice, script) = match implementation {
        Implementation::Docker => ("dockerd", "ci/docker installs Debian's docker.io", DOCKER),
        Implementation::Podman => ("podman", "`ci/engines host-podman` installs Debian's", PODMAN),
    };
    let needed = [
        (program, advice),
        ("unshare", "util-linux has it"),
        ("ip", "iproute2 has it"),
        ("sh", "dash has it"),
    ];
    for (program, advice) in needed {
        if !is_on_path(program) {
            return Err(StartError::NoProgram(program, advice));
        }
    }
    if implementation == Implementation::Podman {
        let networks = format!("[network]\nnetwork_config_dir = \"{}/networks\"\n", folder.display());
        configure_podman(folder, &networks)?;
    }
    let said = |verb: &str| {
        let verb = format!("{verb} {}", folder.display());
        move |error| StartError::Io(verb, error)
    };
    let log = File::create(folder.join("log")).map_err(said("write to"))?;
    let both = log.try_clone().map_err(said("write to"))?;
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--propagation", "slave", "sh", "-c"]);
    command.arg(format!("{PREPARE}{script}")).arg("sh").arg(folder);
    command.stdin(Stdio::null()).stdout(log).stderr(both);
    // Ctrl-C is for the run alone, which ends the engine once its cases have cleaned up.
    command.process_group(0);
    command.spawn().map_err(|error| StartError::Io("run unshare".to_owned(), error))
}

/// Writes `containers.conf`. Soft limits equal hard ones, cgroups are not systemd's and events go to
/// a file, since an engine in a place of its own can neither raise limits nor ask systemd.
pub(super) fn configure_podman(folder: &Path, more: &str) -> Result<(), StartError> {
    let text = format!(
        "[containers]\ndefault_ulimits = [\"nofile=20000:20000\", \"nproc=4096:4096\"]\n[engine]\n\
         cgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"runc\"\n{more}"
    );
    let file = folder.join("containers.conf");
    fs::write(&file, text).map_err(|error| StartError::Io(format!("write {}", file.display()), error))
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What an engine said last.
pub(super) fn end_of_log(folder: &Path) -> String {
    let text = fs::read(folder.join("log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// Ends the processes of a folder's engine, if any are alive, and removes the folder.
pub async fn end(folder: &Path) -> Result<(), StartError> {
    if !folder.exists() {
        return Ok(());
    }
    let own = inside(folder);
    let main = fs::read_to_string(folder.join("pid")).ok().and_then(|text| text.trim().parse::<i32>().ok());
    if let Some(main) = main.filter(|main| own.contains(main)) {
        signal(main, Signal::TERM);
        let until = Instant::now() + STOPPING;
        while inside(folder).contains(&main) && Instant::now() < until {
            sleep(PAUSE).await;
        }
    }
    let until = Instant::now() + DYING;
    loop {
        let left = with_children(inside(folder));
        if left.is_empty() {
            break;
        }
        if Instant::now() > until {
            let pids: Vec<String> = left.iter().map(i32::to_string).collect();
            let error = io::Error::other(format!("processes {} do not end", pids.join(", ")));
            return Err(StartError::Io(format!("end the engine of {}", folder.display()), error));
        }
        left.into_iter().for_each(|pid| signal(pid, Signal::KILL));
        sleep(PAUSE).await;
    }
    fs::remove_dir_all(folder).map_err(|error| StartError::Io(format!("remove {}", folder.display()), error))
}

fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // One that is gone meanwhile needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// The processes that live in the engine's mounts. A number that was given to another process in
/// the meantime is never among them: only the engine's own mounts show its folder in place of
/// another one.
fn inside(folder: &Path) -> BTreeSet<i32> {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return BTreeSet::new() };
    let mounted = format!("/{name}/");
    let is_inside = |pid: &i32| {
        let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        // The fourth field is what of a file system is mounted.
        mounts.lines().any(|line| line.split(' ').nth(3).is_some_and(|root| root.contains(&mounted)))
    };
    processes().into_iter().filter(is_inside).collect()
}

fn processes() -> Vec<i32> {
    let listing = fs::read_dir("/proc").into_iter().flatten().flatten();
    listing.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// These and all that descend from them.
fn with_children(mut found: BTreeSet<i32>) -> BTreeSet<i32> {
    if found.is_empty() {
        return found;
    }
    let parents: Vec<(i32, i32)> =
        processes().into_iter().filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    loop {
        let before = found.len();
        let children = parents.iter().filter(|(_, parent)| found.contains(parent)).map(|(pid, _)| *pid);
        let children: Vec<i32> = children.collect();
        found.extend(children);
        if found.len() == before {
            return found;
        }
    }
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
