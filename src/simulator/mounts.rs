//! The mounts of a zone, in the words of `mount`, `/proc/mounts` and `df`.

use super::inside::Look;
use super::service::Service;

/// One mount: device, destination, type, options.
type Mount = (String, String, String, String);

/// Rewrites the output of a look at the mounts, line by line.
pub fn rewrite(look: Look, output: &str, service: &Service) -> String {
    let mut told = String::new();
    for line in output.lines() {
        if look == Look::Df && line.starts_with("Filesystem") {
            told.push_str(line);
            told.push('\n');
            continue;
        }
        if let Some(line) = kept(look, line, service) {
            told.push_str(&line);
            told.push('\n');
        }
    }
    for mount in added(service) {
        told.push_str(&written(look, &mount));
        told.push('\n');
    }
    told
}

/// What the platform mounts (catalogue: native-filesystems, objfs-system-object,
/// ctfs-system-contract).
fn added(service: &Service) -> Vec<Mount> {
    let mount = |device: &str, destination: &str, kind: &str, options: &str| {
        (device.to_owned(), destination.to_owned(), kind.to_owned(), options.to_owned())
    };
    let mut added = Vec::new();
    if service.on("native-filesystems") {
        added
            .extend(service.world.native_mounts.iter().map(|path| mount(path, path, "lofs", "ro,nodevices")));
    }
    if service.on("objfs-system-object") {
        added.push(mount("objfs", "/system/object", "objfs", "rw"));
    }
    if service.on("ctfs-system-contract") {
        added.push(mount("ctfs", "/system/contract", "ctfs", "rw"));
    }
    added
}

fn written(look: Look, (device, destination, kind, options): &Mount) -> String {
    match look {
        Look::Mount => format!("{device} on {destination} type {kind} ({options})"),
        Look::Df => format!("{device:<20} {:>10} {:>9} {:>9} {:>3}% {destination}", 0, 0, 0, 0),
        _ => format!("{device} {destination} {kind} {options} 0 0"),
    }
}

/// The line of a mount of Docker's as a zone shows it; none where a zone has no such mount.
fn kept(look: Look, line: &str, service: &Service) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (destination, kind) = match (look, words.as_slice()) {
        (Look::Mount, [_, "on", destination, "type", kind, ..]) => (*destination, *kind),
        (Look::ProcMounts, [_, destination, kind, ..]) => (*destination, *kind),
        (Look::Df, [device, .., destination]) => (*destination, *device),
        _ => return Some(line.to_owned()),
    };
    // A ZFS root, and neither cgroups nor message queues (catalogue: root-filesystem-zfs).
    if service.on("root-filesystem-zfs") {
        if destination == "/" {
            let device = "zones/root";
            return Some(match look {
                Look::Df => line.replacen(kind, device, 1),
                _ => written(
                    look,
                    &(device.to_owned(), "/".to_owned(), "zfs".to_owned(), "rw,nodevices".to_owned()),
                ),
            });
        }
        if kind.starts_with("cgroup") || kind == "mqueue" || destination.starts_with("/sys/fs/cgroup") {
            return None;
        }
    }
    // No tmpfs of its own (catalogue: tmpfs-zero).
    if service.on("tmpfs-zero") && destination == "/dev/shm" {
        return None;
    }
    Some(line.to_owned())
}
