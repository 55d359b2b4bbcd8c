//! Exit statuses as the platform computes them (catalogue: exit-status-differs).

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::call::Call;
use super::json::{flag, number, put, strings, text};

/// Signals that dump core: QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS.
const CORE: &[i64] = &[3, 4, 5, 6, 7, 8, 11, 24, 25, 31];
const LAST_SIGNAL: i64 = 64;

/// How a container may have come to its exit code.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Its command line.
    pub command: &'a [String],
    /// Whether a signal was sent to it.
    pub signalled: bool,
}

/// What sdc-docker shows for an exit code of stock Docker: a signal is negative, with 128 more
/// if it dumped core, and what the process chose itself passes (SmartOS `vmload/index.js`).
pub fn of_zone(docker: i64, end: End<'_>) -> i64 {
    match signal(docker, end) {
        Some(signal) if CORE.contains(&signal) => -(signal + 128),
        Some(signal) => -signal,
        None => docker,
    }
}

/// The signal behind an exit code of stock Docker, which does not tell `exit 137` from a kill: it
/// is one if some signal was sent, or if the kernel sends it to a process that failed. A command
/// that says `exit 137` itself is believed.
pub fn signal(docker: i64, end: End<'_>) -> Option<i64> {
    let signal = docker - 128;
    let chosen = format!("exit {docker}");
    let by_itself = end.command.iter().any(|word| word.contains(&chosen));
    let sent = end.signalled || CORE.contains(&signal);
    ((1..=LAST_SIGNAL).contains(&signal) && sent && !by_itself).then_some(signal)
}

/// Whether a signal was sent to a container, as far as is known: the kernel sends one where memory is
/// limited, and a command that is not the first process may have sent itself one. Of a container
/// that was not made here nothing is known.
fn signalled(call: &Call, id: &str) -> bool {
    call.service.state.container(id).is_none_or(|record| {
        record.signalled
            || text(&record.asked, "/HostConfig/PidMode") == "host"
            || number(&record.asked, "/HostConfig/Memory").is_some_and(|limit| limit > 0)
    })
}

/// What sdc-docker shows for the exit code of a container that is inspected.
pub fn of_container(call: &Call, docker: i64, container: &Value) -> i64 {
    let command = command(container);
    let signalled = signalled(call, text(container, "/Id"));
    of_zone(docker, End { command: &command, signalled })
}

/// What dockerinit ends with where stock Docker fails the start, by Docker's text and whether
/// the command is a directory (smartos-live `dockerinit/src/docker-common.h`).
pub fn start_failure(docker_text: &str, is_directory: bool) -> Option<i64> {
    if !docker_text.contains("OCI runtime") && !docker_text.contains("unable to find ") {
        return None;
    }
    let code = if docker_text.contains("executable file not found in $PATH") {
        17
    } else if docker_text.contains("unable to find user") {
        16
    } else if docker_text.contains("unable to find group") {
        14
    } else if docker_text.contains("chdir to cwd") {
        2
    } else if is_directory || docker_text.contains("is a directory") {
        26
    } else if docker_text.contains("permission denied") {
        27
    } else if docker_text.contains("no such file or directory") {
        25
    } else if docker_text.contains("exec format error") {
        3
    } else {
        return None;
    };
    Some(code)
}

/// What dockerexec says before its code (smartos-live `dockerinit/src/docker-common.h`).
pub fn failure_words(code: i64, command: &str) -> String {
    match code {
        13 => "no command specified on cmdline, argc: 1".to_owned(),
        17 => format!("failed to find {command} in PATH"),
        25 => format!("failed to stat({command}): No such file or directory"),
        26 => format!("{command} is a directory"),
        27 => format!("{command} is not executable"),
        _ => format!("failed to run {command}"),
    }
}

/// A time in milliseconds, as JavaScript writes it.
pub fn iso(time: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// The command line of a container that is inspected.
pub fn command(container: &Value) -> Vec<String> {
    let mut words = vec![text(container, "/Path").to_owned()];
    words.extend(strings(container, "/Args"));
    words
}

/// Whether dockerinit could not start the command of a container.
fn has_failed(call: &Call, container: &Value) -> bool {
    call.service.state.container(text(container, "/Id")).is_some_and(|record| record.start_failure.is_some())
}

/// The end of what dockerinit could not start, in inspect (catalogue: dockerinit-as-init).
pub fn show_failure(call: &Call, container: &mut Value) {
    let Some(record) = call.service.state.container(text(container, "/Id")) else {
        return;
    };
    let Some(code) = record.start_failure else {
        return;
    };
    let at = OffsetDateTime::from_unix_timestamp(record.failed_at.unwrap_or(0));
    put(container, "State", "ExitCode", json!(code));
    put(container, "State", "Error", json!(""));
    put(container, "State", "FinishedAt", json!(iso(at.unwrap_or(OffsetDateTime::UNIX_EPOCH))));
}

/// The end of what dockerinit could not start, in a list.
pub fn show_listed_failure(call: &Call, container: &mut Value) {
    let Some(record) = call.service.state.container(text(container, "/Id")) else {
        return;
    };
    let Some(code) = record.start_failure else {
        return;
    };
    let status = format!("Exited ({code}) {} ago", since(record.failed_at.unwrap_or(0)));
    put(container, "", "Status", json!(status));
    if container.get("State").is_some() {
        put(container, "", "State", json!("exited"));
    }
}

/// State.ExitCode (catalogue: exit-status-differs).
pub fn inspect(call: &Call, container: &mut Value) {
    if has_failed(call, container) || flag(container, "/State/Running") {
        return;
    }
    if let Some(code) = number(container, "/State/ExitCode") {
        let shown = of_container(call, code, container);
        put(container, "State", "ExitCode", json!(shown));
    }
}

/// The code in a list entry's Status (catalogue: exit-status-differs).
pub fn list(call: &Call, container: &mut Value) {
    if has_failed(call, container) {
        return;
    }
    let status = text(container, "/Status");
    let Some((docker, rest)) = status_code(status) else {
        return;
    };
    let command = vec![text(container, "/Command").to_owned()];
    let signalled = signalled(call, text(container, "/Id"));
    let shown = of_zone(docker, End { command: &command, signalled });
    let status = format!("Exited ({shown}){rest}");
    put(container, "", "Status", json!(status));
}

/// The code of `Exited (137) 2 seconds ago`, and what follows it.
pub fn status_code(status: &str) -> Option<(i64, &str)> {
    let (code, rest) = status.strip_prefix("Exited (")?.split_once(')')?;
    Some((code.parse().ok()?, rest))
}

/// How long ago a time was, in the words of a list.
fn since(at: i64) -> String {
    match OffsetDateTime::now_utc().unix_timestamp() - at {
        seconds if seconds < 1 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        seconds if seconds < 60 => format!("{seconds} seconds"),
        seconds if seconds < 120 => "About a minute".to_owned(),
        seconds => format!("{} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_facts() {
        let table: &[(i64, &str, i64)] = &[
            (0, "true", 0),
            (3, "sh -c 'exit 3'", 3),
            (42, "x", 42),
            (255, "sh -c 'exit 255'", 255),
            (137, "sleep 600", -9),
            (143, "sleep 600", -15),
            (139, "crash", -139),
            (134, "abort", -134),
            (137, "sh -c 'exit 137'", 137),
            (200, "x", 200),
        ];
        for (docker, command, zone) in table {
            let end = End { command: &[(*command).to_owned()], signalled: true };
            assert_eq!(of_zone(*docker, end), *zone, "{docker} {command}");
        }
    }

    #[test]
    fn a_code_that_no_signal_explains_is_the_process_s_own() {
        let end = End { command: &["sh".to_owned()], signalled: false };
        assert_eq!(of_zone(137, end), 137);
        assert_eq!(of_zone(139, end), -139);
    }

    #[test]
    fn start_failures_have_the_codes_of_dockerinit() {
        let runc = |text: &str| format!("OCI runtime create failed: {text}");
        let code = |text: &str, directory| start_failure(&runc(text), directory);
        assert_eq!(code("exec: \"nope\": executable file not found in $PATH", false), Some(17));
        assert_eq!(code("stat /nope: no such file or directory", false), Some(25));
        assert_eq!(code("exec: \"/tmp\": permission denied", true), Some(26));
        assert_eq!(code("exec: \"/etc/passwd\": permission denied", false), Some(27));
        assert_eq!(start_failure("driver failed programming external connectivity", false), None);
    }

    #[test]
    fn the_code_of_a_status_is_found() {
        assert_eq!(status_code("Exited (137) 2 seconds ago"), Some((137, " 2 seconds ago")));
        assert_eq!(status_code("Up 2 seconds"), None);
    }
}
