//! What a process in a container sees of its zone: rewritten output of the few commands that
//! people look with. The containers beneath are Docker's, so it is told and not real.

use super::mounts;
use super::service::Service;
use super::state::Container;

/// The server that a container is on; a stand-in.
const SERVER: &str = "00000000-0000-4000-8000-0cc47adeb0a4";

const ROOT_SIZE: &str = "df -Pk / | awk 'NR == 2 { print $2 }'";

const PROCESS_COUNT: &str = "set -- /proc/[0-9]*; echo $#";

const METADATA_TOOL: &str = "/native/usr/sbin/mdata-get";

/// A command whose output is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// `ps`.
    Processes,
    /// `mount`.
    Mount,
    /// `cat /proc/mounts`.
    ProcMounts,
    /// `df`.
    Df,
    /// `df -Pk /`, of which awk prints the size.
    RootSize,
    /// `set -- /proc/[0-9]*`, of which a shell counts the arguments.
    ProcessCount,
    /// `uname -r`.
    Release,
    /// `cat /etc/hosts`.
    Hosts,
    /// `/native/usr/sbin/mdata-get sdc:server_uuid`, which the Docker beneath does not have.
    Metadata,
    /// `ls /native/usr/sbin/mdata-get`.
    MetadataTool,
}

/// Which look a command is, if it is one: by its own name, or as all of a shell's script.
pub fn look(command: &[String]) -> Option<Look> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    match words.as_slice() {
        [_, "-c", PROCESS_COUNT] => Some(Look::ProcessCount),
        [_, "-c", ROOT_SIZE] => Some(Look::RootSize),
        [shell, "-c", script] if matches!(name(shell).as_str(), "sh" | "bash" | "ash") => {
            let inner: Vec<String> = script.split_whitespace().map(str::to_owned).collect();
            let plain = !script.contains(['|', ';', '&', '>', '<', '$', '(', '`']);
            if plain && !inner.is_empty() { look(&inner) } else { None }
        }
        [program, rest @ ..] => match (name(program).as_str(), rest) {
            ("ps", _) => Some(Look::Processes),
            ("mount", []) => Some(Look::Mount),
            ("cat", ["/proc/mounts" | "/proc/self/mounts" | "/etc/mtab"]) => Some(Look::ProcMounts),
            ("df", []) => Some(Look::Df),
            ("uname", ["-r"]) => Some(Look::Release),
            ("cat", ["/etc/hosts"]) => Some(Look::Hosts),
            ("mdata-get", ["sdc:server_uuid"]) if *program == METADATA_TOOL => Some(Look::Metadata),
            ("ls", [METADATA_TOOL]) => Some(Look::MetadataTool),
            _ => None,
        },
        [] => None,
    }
}

/// What a look prints that the Docker beneath knows nothing of (catalogue: mdata-tools-in-container).
pub fn told(look: Look) -> Option<&'static str> {
    match look {
        Look::Metadata => Some(SERVER),
        Look::MetadataTool => Some(METADATA_TOOL),
        Look::Processes
        | Look::Mount
        | Look::ProcMounts
        | Look::Df
        | Look::RootSize
        | Look::ProcessCount
        | Look::Release
        | Look::Hosts => None,
    }
}

/// The output as a zone would show it.
pub fn rewrite(look: Look, output: &str, service: &Service, container: Option<&Container>) -> String {
    match look {
        Look::Processes => processes(output, service, container),
        Look::Mount | Look::ProcMounts | Look::Df => mounts::rewrite(look, output, service),
        Look::RootSize if service.on("disk-quota-from-package") => {
            root_size(service, container).map_or_else(|| output.to_owned(), |kib| format!("{kib}\n"))
        }
        Look::ProcessCount if service.on("log-driver-extra-processes") => {
            let count: usize = output.trim().parse().unwrap_or(0);
            format!("{}\n", count + log_processes(container))
        }
        // The emulated kernel (sdc-docker `lib/backends/sdc/containers.js:58`).
        Look::Release if service.on("kernel-version-in-container") => "3.13.0\n".to_owned(),
        Look::Hosts if service.on("etc-hosts-and-resolv") => hosts(output, container),
        Look::RootSize
        | Look::ProcessCount
        | Look::Release
        | Look::Hosts
        | Look::Metadata
        | Look::MetadataTool => output.to_owned(),
    }
}

/// How many processes send the log away: some, of which no name is known (catalogue:
/// log-driver-extra-processes).
fn log_processes(container: Option<&Container>) -> usize {
    let asked = container.map(|container| &container.asked);
    let driver = asked.map(|asked| super::json::text(asked, "/HostConfig/LogConfig/Type"));
    usize::from(driver.is_some_and(|driver| !["", "json-file", "none"].contains(&driver)))
}

/// The size of the root: the disk of the package (catalogue: disk-quota-from-package).
fn root_size(service: &Service, container: Option<&Container>) -> Option<u64> {
    let name = &container?.package;
    let package = service.world.packages.iter().find(|package| package.name == *name)?;
    Some(package.disk_mib * 1024)
}

/// The hosts file without the line that Docker writes for the container itself: a zone has only
/// what was asked for (catalogue: etc-hosts-and-resolv).
fn hosts(output: &str, container: Option<&Container>) -> String {
    let asked = container.map(|container| &container.asked);
    let extra = asked.map(|asked| super::json::strings(asked, "/HostConfig/ExtraHosts")).unwrap_or_default();
    let address = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let is_kept = |line: &&str| {
        let address = address(line);
        let is_local = address.starts_with("127.") || address.contains(':');
        is_local || extra.iter().any(|host| host.rsplit_once(':').is_some_and(|(_, its)| its == address))
    };
    output.lines().filter(is_kept).map(|line| format!("{line}\n")).collect()
}

/// The processes of the platform, as rows under the columns that `ps` printed.
fn processes(output: &str, service: &Service, container: Option<&Container>) -> String {
    let Some((titles, rows)) = output.split_once('\n') else { return output.to_owned() };
    let mut added = String::new();
    for (pid, command) in platform_processes(service, container) {
        added.push_str(&row(titles, pid, command));
        added.push('\n');
    }
    format!("{titles}\n{added}{rows}")
}

/// Name and PID of the processes that the platform adds (catalogue: zsched-process,
/// ipmgmtd-process).
pub fn platform_processes(service: &Service, container: Option<&Container>) -> Vec<(u32, &'static str)> {
    let mut added = Vec::new();
    if service.on("zsched-process") {
        added.push((0, "zsched"));
    }
    let is_smartos = container.is_some_and(|container| container.smartos);
    if is_smartos && service.on("ipmgmtd-process") {
        added.push((2, "/lib/inet/ipmgmtd"));
    }
    added
}

fn row(titles: &str, pid: u32, command: &str) -> String {
    let cell = |title: &str| match title {
        "PID" => format!("{pid:>5}"),
        "PPID" => format!("{:>5}", 0),
        "USER" | "UID" => format!("{:<8}", "root"),
        "TIME" => "0:00".to_owned(),
        "TTY" => "?".to_owned(),
        "STIME" | "START" => "00:00".to_owned(),
        "STAT" | "S" => "S".to_owned(),
        "COMMAND" | "CMD" => command.to_owned(),
        _ => "0".to_owned(),
    };
    titles.split_whitespace().map(cell).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_recognised_also_behind_a_shell() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        assert_eq!(look(&words("/bin/ps -ef")), Some(Look::Processes));
        assert_eq!(look(&words("cat /proc/mounts")), Some(Look::ProcMounts));
        let shell = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        assert_eq!(look(&shell("mount")), Some(Look::Mount));
        assert_eq!(look(&shell("mount | wc -l")), None);
        assert_eq!(look(&words("echo ps")), None);
    }

    #[test]
    fn the_hosts_file_has_what_was_asked_for() {
        let asked = serde_json::json!({"HostConfig": {"ExtraHosts": ["foo:1.2.3.4"]}});
        let container = Container { asked, ..Container::default() };
        let output = "127.0.0.1\tlocalhost\n::1\tlocalhost\n1.2.3.4\tfoo\n172.17.0.2\tweb\n";
        assert_eq!(hosts(output, Some(&container)), "127.0.0.1\tlocalhost\n::1\tlocalhost\n1.2.3.4\tfoo\n");
    }

    #[test]
    fn a_row_fits_the_columns() {
        assert_eq!(row("PID   USER     TIME  COMMAND", 0, "zsched"), "    0 root     0:00 zsched");
    }
}
