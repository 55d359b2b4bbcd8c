//! Start, stop, kill, rename, wait and removal.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answer::{Answer, Body};
use super::call::Call;
use super::create::fault_text;
use super::docker::Ask;
use super::json::{flag, number, text};
use super::route::{Route, encode};
use super::{exit, links};

/// The mode bit of a directory in Docker's path stat.
const DIRECTORY: u64 = 1 << 31;
/// How long a wait on a container that never ran is polled (sdc-docker `lib/backends/sdc/containers.js:3606`).
const NEVER_RAN: Duration = Duration::from_secs(15);
/// The code of dockerinit for a working directory that is not there.
const NO_DIRECTORY: i64 = 2;

/// Serves the calls of this file.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    let slow = match route {
        Route::Start => "start",
        Route::Stop => "stop",
        Route::Restart => "restart",
        Route::Kill => "kill",
        Route::Rename => "rename",
        Route::ContainerDelete => "rm",
        _ => "",
    };
    call.service.pause("management-calls-slow", slow).await;
    if matches!(route, Route::Stop | Route::Restart | Route::Kill | Route::ContainerDelete) {
        signalled(call, true);
    }
    match route {
        Route::Start | Route::Restart => start(call).await,
        Route::Rename => rename(call).await,
        Route::ContainerDelete => delete(call).await,
        Route::Wait => wait(call).await,
        Route::Resize => resize(call).await,
        _ => call.forward().await,
    }
}

fn running(call: &Call) -> bool {
    flag(&call.container, "/State/Running")
}

/// Remembers whether a signal was sent to the container.
fn signalled(call: &Call, sent: bool) {
    let id = call.container_id();
    call.service.state.change(|m| {
        if let Some(record) = m.containers.get_mut(id) {
            record.signalled = sent;
        }
    });
}

async fn start(call: &mut Call) -> Answer {
    let id = call.container_id().to_owned();
    if call.service.state.container(&id).is_some_and(|record| record.lacks_directory) {
        return failed(call, NO_DIRECTORY);
    }
    let answer = call.forward().await;
    if !answer.is_error() {
        call.service.state.change(|m| {
            if let Some(record) = m.containers.get_mut(&id) {
                record.started = true;
                record.start_failure = None;
                // A container that ran already may have been sent one.
                record.signalled &= answer.status == 304;
            }
        });
        return answer;
    }
    if !call.on("dockerinit-as-init") {
        return answer;
    }
    match failure(call, fault_text(&answer)).await {
        Some(code) => failed(call, code),
        None => answer,
    }
}

/// A start that dockerinit ends: the container has run, and has ended with a code of dockerinit's.
fn failed(call: &Call, code: i64) -> Answer {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    call.service.state.change(|m| {
        let record = m.containers.entry(call.container_id().to_owned()).or_default();
        record.started = true;
        record.start_failure = Some(code);
        record.failed_at = Some(now);
    });
    Answer::empty(204)
}

async fn rename(call: &mut Call) -> Answer {
    let answer = call.forward().await;
    if !answer.is_error() {
        links::renamed(call, call.param("name").unwrap_or("").trim_start_matches('/'));
    }
    answer
}

/// The code that dockerinit leaves for a start that Docker refuses.
async fn failure(call: &Call, docker_text: &str) -> Option<i64> {
    let path = text(&call.container, "/Path");
    let directory = path.contains('/') && is_directory(call, call.container_id(), path).await;
    exit::start_failure(docker_text, directory)
}

/// Whether a path in a container is a directory.
pub async fn is_directory(call: &Call, container: &str, path: &str) -> bool {
    use base64::Engine as _;
    let target = format!("/v1.41/containers/{}/archive?path={}", encode(container), encode(path));
    let Ok(answer) = call.service.docker.ask(Ask::new(Method::HEAD, target)).await else {
        return false;
    };
    answer
        .header("x-docker-container-path-stat")
        .and_then(|stat| base64::engine::general_purpose::STANDARD.decode(stat).ok())
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .and_then(|stat| stat.get("mode").and_then(Value::as_u64))
        .is_some_and(|mode| mode & DIRECTORY != 0)
}

async fn delete(call: &mut Call) -> Answer {
    let id = call.container_id().to_owned();
    let answer = call.forward().await;
    if !answer.is_error() {
        links::target_removed(call);
        call.service.state.change(|m| {
            m.containers.remove(&id);
        });
    }
    answer
}

async fn wait(call: &mut Call) -> Answer {
    let record = call.service.state.container(call.container_id());
    if let Some(code) = record.as_ref().and_then(|r| r.start_failure)
        && !running(call)
    {
        return Answer::json(200, json!({ "StatusCode": code }));
    }
    // A start that failed leaves a code behind.
    let never_ran = text(&call.container, "/State/Status") == "created"
        && number(&call.container, "/State/ExitCode") == Some(0);
    if never_ran && call.on("wait-on-created-container") {
        if call.service.slow("wait-on-created-container") {
            tokio::time::sleep(NEVER_RAN).await;
        }
        return Answer::json(200, json!({}));
    }
    let limit = match call.on("request-timeouts") {
        true => call.service.world.idle,
        false => Duration::MAX,
    };
    let Ok(mut answer) = tokio::time::timeout(limit, call.forward()).await else {
        return Answer::new(0, Body::Drop);
    };
    if call.on("exit-status-differs")
        && let Some(code) = answer.value().and_then(|value| number(value, "/StatusCode"))
    {
        let code = exit::of_container(call, code, &call.container);
        if let Some(value) = answer.value() {
            super::json::put(value, "", "StatusCode", json!(code));
        }
    }
    if call.service.slow("wait-polls-every-second") {
        let past = Duration::from_nanos(u64::from(call.since.elapsed().subsec_nanos()));
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(past)).await;
    }
    answer
}

/// The answer of a wait is its status only (sdc-docker `lib/endpoints/containers.js:674`).
pub fn no_error_field(_: &Call, waited: &mut Value) {
    super::json::take(waited, "", "Error");
}

/// Resizing is remembered at most, for the next byte of a client that is attached (catalogue:
/// resize-parameters).
async fn resize(call: &mut Call) -> Answer {
    if call.on("resize-parameters") && is_sized(call) { Answer::empty(200) } else { call.forward().await }
}

/// The body of a start is not read (catalogue: start-hostconfig-body-ignored).
pub fn no_start_body(call: &mut Call) -> Result<(), Answer> {
    call.json = None;
    call.body = bytes::Bytes::new();
    call.headers.remove("content-type");
    Ok(())
}

/// Starting what runs is no news (catalogue: start-running-204).
/// Stopping what is stopped is none either (catalogue: stop-stopped-204).
pub fn not_modified_204(_: &Call, answer: &mut Answer) {
    if answer.status == 304 {
        answer.status = 204;
    }
}

/// The timeout of a stop is a number (catalogue: stop-timeout-validation).
pub fn stop_timeout(call: &mut Call) -> Result<(), Answer> {
    let Some(given) = call.param("t").map(str::to_owned) else {
        return Ok(());
    };
    if given.is_empty() {
        call.query.retain(|(key, _)| key != "t");
        return Ok(());
    }
    match given.trim().parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => {
            let whole = format!("{}", seconds.floor());
            call.set_param("t", &whole);
            Ok(())
        }
        _ => Err(Answer::invalid("stop timeout parameter must be an integer")),
    }
}

/// A restart waits ten seconds, whatever was asked (catalogue: restart-timeout-ignored).
pub fn restart_timeout(call: &mut Call) -> Result<(), Answer> {
    call.set_param("t", "10");
    Ok(())
}

/// Every kill is SIGKILL (catalogue: kill-signal-ignored).
pub fn always_sigkill(call: &mut Call) -> Result<(), Answer> {
    let known = call.param("signal").is_some_and(is_signal);
    if known {
        call.query.retain(|(key, _)| key != "signal");
    }
    Ok(())
}

/// A signal that does not exist is SIGKILL too (catalogue: kill-invalid-signal-204).
pub fn invalid_signal(call: &mut Call) -> Result<(), Answer> {
    let unknown = call.param("signal").is_some_and(|s| !is_signal(s));
    if unknown {
        call.query.retain(|(key, _)| key != "signal");
    }
    Ok(())
}

const SIGNALS: &str = "HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM \
    STKFLT CHLD CLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS UNUSED";

/// Whether stock Docker knows a signal by that name or number.
pub fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<u8>() {
        return (1..=64).contains(&number);
    }
    let name = text.to_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    text.is_empty() || name.starts_with("RTM") || SIGNALS.split_whitespace().any(|s| s == name)
}

/// Killing what does not run is no error (catalogue: kill-stopped-204).
pub fn kill_stopped(call: &Call, answer: &mut Answer) {
    if answer.is_error() && !running(call) && fault_text(answer).contains("is not running") {
        *answer = Answer::empty(204);
    }
}

/// A rename without a name ends the process (catalogue: uncaught-exception-drops-connection).
pub fn rename_needs_name(call: &mut Call) -> Result<(), Answer> {
    match call.param("name") {
        Some(_) => Ok(()),
        None => Err(Answer::new(0, Body::Drop)),
    }
}

/// Names that cannot be, and names that are taken (catalogue: rename-errors).
pub fn rename_errors(call: &Call, answer: &mut Answer) {
    let Some(name) = call.param("name") else {
        return;
    };
    if fault_text(answer).contains("is already in use") {
        *answer = Answer::coded(
            409,
            "ValidationFailed",
            "problem renaming container: Invalid VM parameters: \"alias\" (Duplicate) Already exists for this owner_uuid",
        );
    } else if answer.is_error() && answer.status < 404 || answer.is_error() && answer.status == 500 {
        *answer =
            Answer::error(500, format!("Error when allocating new name: Invalid container name ({name})"));
    }
}

/// 204 becomes 200 with an empty object (catalogue: rename-status-200).
pub fn rename_200(_: &Call, answer: &mut Answer) {
    if answer.status == 204 {
        *answer = Answer::json(200, json!({}));
    }
}

/// A running container is not removed (catalogue: delete-running-500).
pub fn delete_running(call: &mut Call) -> Result<(), Answer> {
    let forced = call
        .param("force")
        .is_some_and(|f| !["", "0", "no", "false", "none"].contains(&f.trim().to_lowercase().as_str()));
    if running(call) && !forced {
        return Err(Answer::conflict(
            "Conflict, You cannot remove a running container. Stop the container before attempting removal or use -f",
        ));
    }
    Ok(())
}

/// A conflict in Docker's own words, where those of sdc-docker are switched off, is a 500 all the same
/// (catalogue: error-500-for-conflicts).
pub fn conflict_is_500(_: &Call, answer: &mut Answer) {
    if answer.status == 409 {
        *answer = Answer::conflict(fault_text(answer).to_owned());
    }
}

/// The default name of a container is no link (catalogue: delete-link-param).
pub fn delete_link(call: &mut Call) -> Result<(), Answer> {
    match call.param("link") {
        Some("1" | "true" | "True") => {
            Err(Answer::conflict("Conflict, cannot remove the default name of the container"))
        }
        _ => Ok(()),
    }
}

/// Local volumes go with their zone (catalogue: delete-volumes-param-ignored).
pub fn delete_volumes(call: &mut Call) -> Result<(), Answer> {
    call.set_param("v", "1");
    Ok(())
}

/// Volumes that another container uses keep their owner (catalogue: delete-volumes-shared-500).
pub fn delete_shared(call: &mut Call) -> Result<(), Answer> {
    let id = call.container_id();
    let name = text(&call.container, "/Name").trim_start_matches('/');
    let user = call.service.state.read(|m| {
        m.containers
            .iter()
            .find(|(_, c)| {
                c.volumes_from.iter().any(|from| {
                    let from = from.split(':').next().unwrap_or("");
                    from == name || (from.len() >= 12 && id.starts_with(from))
                })
            })
            .map(|(other, _)| other.clone())
    });
    match user {
        Some(other) if other != id => Err(Answer::conflict(format!(
            "Error deleting container: {id} is sharing its volume(s) with {other}."
        ))),
        _ => Ok(()),
    }
}

/// A size that is none ends the process (catalogue: uncaught-exception-drops-connection).
pub fn resize_needs_size(call: &mut Call) -> Result<(), Answer> {
    if is_sized(call) { Ok(()) } else { Err(Answer::new(0, Body::Drop)) }
}

fn is_sized(call: &Call) -> bool {
    ["h", "w"].iter().all(|key| call.param(key).is_some_and(|v| v.parse::<f64>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_name_and_number() {
        assert!(is_signal("SIGTERM") && is_signal("term") && is_signal("9") && is_signal("RTMIN+3"));
        assert!(!is_signal("FOO") && !is_signal("99") && !is_signal("SIGFOO"));
    }
}
