//! Execs: made, started, inspected once (sdc-docker `lib/endpoints/exec.js`).

use hyper::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::attach::{self, Ending, Keys, Rewriting};
use super::call::{Call, unreachable};
use super::checks::random_hex;
use super::docker::Ask;
use super::exit::{self, End};
use super::frames::{Coding, frame};
use super::inside;
use super::json::{flag, number, put, strings, text};
use super::route::{Route, encode};
use super::service::Service;
use super::state::Exec;

use super::lifecycle;

/// Serves the calls of execs.
pub async fn serve(call: &mut Call, route: Route) -> Answer {
    match route {
        Route::ExecCreate => create(call).await,
        Route::ExecStart => start(call).await,
        Route::ExecInspect => inspect(call).await,
        _ => resize(call).await,
    }
}

async fn create(call: &mut Call) -> Answer {
    let Some(body) = call.json.clone().filter(Value::is_object) else {
        if call.on("uncaught-exception-drops-connection") {
            return Answer::new(0, Body::Drop);
        }
        return call.forward().await;
    };
    call.service.pause("management-calls-slow", "exec").await;
    if !flag(&call.container, "/State/Running") && call.on("exec-create-not-running") {
        let message = format!("Container {} is not running", call.name());
        return Answer::coded(409, "DockerContainerNotRunning", message);
    }
    let body = if call.on("create-field-type-errors") { in_types(body) } else { body };
    call.json = Some(body.clone());
    let mut exec = Exec {
        container: call.container_id().to_owned(),
        tty: flag(&body, "/Tty"),
        detach: flag(&body, "/Detach"),
        cmd: strings(&body, "/Cmd"),
        ..Exec::default()
    };
    if exec.cmd.is_empty() && call.on("exec-create-empty-cmd") {
        let id = random_hex(64);
        (exec.only_here, exec.failure) = (true, Some(13));
        call.service.state.change(|memory| memory.execs.insert(id.clone(), exec));
        return Answer::json(201, json!({ "Id": id }));
    }
    if call.on("exec-user-privileged-ignored")
        && let Some(Value::Object(body)) = &mut call.json
    {
        for key in ["User", "Privileged", "Env", "WorkingDir", "DetachKeys"] {
            body.shift_remove(key);
        }
    }
    if call.on("exec-attach-flags-ignored")
        && let Some(body) = &mut call.json
    {
        put(body, "", "AttachStdout", json!(true));
        put(body, "", "AttachStderr", json!(true));
    }
    // A terminal needs both (cn-agent `lib/docker-stdio.js:193-205`).
    exec.no_terminal = exec.tty && !flag(&body, "/AttachStdin") && call.on("exec-tty-needs-stdin");
    if exec.no_terminal
        && let Some(body) = &mut call.json
    {
        put(body, "", "Tty", json!(false));
    }
    let mut answer = call.forward().await;
    if let Some(id) = answer.value().map(|value| text(value, "/Id").to_owned()) {
        let detach = exec.detach;
        call.service.state.change(|memory| memory.execs.insert(id.clone(), exec));
        if detach && call.on("exec-detached-runs-at-create") {
            let ask = Ask::new(Method::POST, format!("/v1.41/exec/{}/start", encode(&id)));
            // Whether it runs shows in what it does; create only answers.
            let _ = call.service.docker.ask(ask.json(&json!({"Detach": true, "Tty": false}))).await;
        }
    }
    answer
}

/// A request in the types that Docker reads: to sdc-docker a flag is whatever counts as true, and
/// words are whatever can be written down.
fn in_types(mut body: Value) -> Value {
    for key in ["AttachStderr", "AttachStdin", "AttachStdout", "Detach", "Privileged", "Tty"] {
        if let Some(value) = body.get_mut(key) {
            *value = json!(is_truthy(value));
        }
    }
    if let Some(Value::Array(words)) = body.get_mut("Cmd") {
        words.iter_mut().filter(|word| !word.is_string()).for_each(|word| *word = json!(word.to_string()));
    }
    body
}

/// Whether JavaScript takes a value for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

async fn start(call: &mut Call) -> Answer {
    let id = call.name().to_owned();
    let Some(exec) = call.service.state.exec(&id) else {
        if call.on("exec-start-unknown-404-empty") {
            return Answer::empty(404);
        }
        return call.forward().await;
    };
    if exec.detach && call.on("exec-start-detached-201") && call.on("exec-detached-runs-at-create") {
        return Answer::empty(201);
    }
    if call.json.is_none() && !call.on("exec-start-options-ignored") {
        return call.forward().await;
    }
    let mut wanted = call.json.clone().unwrap_or(json!({}));
    if call.on("exec-start-options-ignored") {
        wanted = json!({"Detach": false, "Tty": exec.tty});
    }
    if exec.no_terminal {
        put(&mut wanted, "", "Tty", json!(false));
    }
    if exec.started && call.on("exec-start-twice") {
        // The port of the first start is closed by now.
        let session = attach::said(Vec::new());
        return Answer::new(101, Body::Hijack { head: attach::head(call, "exec-start-always-101"), session });
    }
    call.service.state.change(|memory| {
        if let Some(exec) = memory.execs.get_mut(&id) {
            exec.started = true;
        }
    });
    if exec.only_here {
        let mut bytes = Vec::new();
        frame(2, fatal(13, "").as_bytes(), Coding::default(), &mut bytes);
        let head = attach::head(call, "exec-start-always-101");
        return Answer::new(101, Body::Hijack { head, session: attach::said(bytes) });
    }
    if flag(&wanted, "/Detach") {
        call.json = Some(wanted);
        return call.forward().await;
    }
    let ask = Ask::new(Method::POST, call.beneath(&format!("/exec/{}/start", encode(&id)))).json(&wanted);
    let beneath = match call.service.docker.upgrade(ask).await {
        Ok(Ok(beneath)) => beneath,
        Ok(Err(refused)) => return refused,
        Err(error) => return unreachable(error),
    };
    let coding = match exec.tty {
        true if exec.no_terminal => Coding { bare: true, ..Coding::of(call) },
        true => Coding::default(),
        false => Coding::of(call),
    };
    let head = attach::head(call, "exec-start-always-101");
    let rewriting = if exec.tty { Rewriting::None } else { rewriting(call, &id, &exec).await };
    let session = attach::session(beneath, coding, rewriting, Keys::None, Ending::default());
    Answer::new(101, Body::Hijack { head, session })
}

/// What becomes of the output: looks at the zone are rewritten, and what the engine says of a
/// command that it cannot run becomes what dockerexec says (catalogue: exec-missing-command).
async fn rewriting(call: &Call, id: &str, exec: &Exec) -> Rewriting {
    let look = inside::look(&exec.cmd);
    let fails = call.on("exec-missing-command");
    if look.is_none() && !fails {
        return Rewriting::None;
    }
    let command = exec.cmd.first().cloned().unwrap_or_default();
    let is_directory =
        command.contains('/') && lifecycle::is_directory(call, &exec.container, &command).await;
    let is_there = look.is_none() && !command.contains('/');
    let service = std::sync::Arc::clone(&call.service);
    let container = service.state.container(&exec.container);
    let id = id.to_owned();
    // Only output of looks, and of commands that may not be there, has to be read as a whole; a
    // shell always is there.
    if look.is_none()
        && is_there
        && matches!(command.as_str(), "sh" | "echo" | "cat" | "sleep" | "true" | "false")
    {
        return Rewriting::None;
    }
    Rewriting::Whole(Box::new(move |stdout, stderr| {
        let text = String::from_utf8_lossy(&stdout).into_owned();
        if let Some(told) = look.and_then(inside::told).filter(|_| service.on("mdata-tools-in-container")) {
            note_end(&service, &id, 0);
            return (format!("{told}\n").into_bytes(), Vec::new());
        }
        if fails
            && text.starts_with("OCI runtime exec failed")
            && let Some(code) = exit::start_failure(&text, is_directory)
        {
            note_end(&service, &id, code);
            return (Vec::new(), fatal(code, &command).into_bytes());
        }
        match look {
            Some(look) => (inside::rewrite(look, &text, &service, container.as_ref()).into_bytes(), stderr),
            None => (stdout, stderr),
        }
    }))
}

/// Keeps the exit code of an exec that ended otherwise beneath.
fn note_end(service: &Service, id: &str, code: i64) {
    service.state.change(|memory| {
        if let Some(exec) = memory.execs.get_mut(id) {
            exec.failure = Some(code);
        }
    });
}

/// The line of dockerexec for a command that it cannot run.
fn fatal(code: i64, command: &str) -> String {
    let now = exit::iso(time::OffsetDateTime::now_utc());
    format!("{now} FATAL (code: {code}): {}\r\n", exit::failure_words(code, command))
}

async fn inspect(call: &mut Call) -> Answer {
    let id = call.name().to_owned();
    let Some(exec) = call.service.state.exec(&id) else {
        if call.on("exec-inspect-unknown-hangs") {
            return Answer::new(0, Body::Hang);
        }
        return call.forward().await;
    };
    if call.on("exec-inspect-only-once") {
        call.service.state.change(|memory| memory.execs.remove(&id));
    }
    let mut answer = match exec.only_here {
        true => Answer::json(200, json!({"Running": false})),
        false => call.forward().await,
    };
    if answer.status == 404 && call.on("exec-state-in-one-process") {
        // The record outlives the container.
        answer = Answer::json(200, json!({"Running": exec.detach}));
    }
    let Some(value) = answer.value() else { return answer };
    let running = flag(value, "/Running");
    let mut code = value.get("ExitCode").cloned().unwrap_or(Value::Null);
    if let Some(failure) = exec.failure.filter(|code| *code == 0 || call.on("exec-missing-command")) {
        code = json!(failure);
    }
    if call.on("exec-exit-code-signal-null")
        && number(value, "/ExitCode")
            .is_some_and(|code| exit::signal(code, End { command: &exec.cmd, signalled: true }).is_some())
    {
        code = Value::Null;
    }
    if !call.on("exec-inspect-fields") {
        put(value, "", "ExitCode", code);
        return answer;
    }
    let mut told = json!({ "Running": exec.detach });
    if !running && exec.started {
        put(&mut told, "", "ExitCode", code);
    }
    *value = told;
    answer
}

async fn resize(call: &mut Call) -> Answer {
    let is_running = call.service.state.exec(call.name()).is_some_and(|exec| exec.started);
    if !is_running && call.on("exec-inspect-unknown-hangs") {
        return Answer::new(0, Body::Hang);
    }
    let answer = call.forward().await;
    if call.on("exec-resize-status-200") && !answer.is_error() { Answer::empty(200) } else { answer }
}

/// 201 becomes 200 (catalogue: exec-create-status-200).
pub fn status_200(_: &Call, answer: &mut Answer) {
    if answer.status == 201 {
        answer.status = 200;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_whatever_counts_as_true() {
        let asked = json!({"Tty": "x", "Detach": 0, "AttachStdin": null, "Privileged": [], "Cmd": ["ls", 5], "User": 5});
        let read = json!({"Tty": true, "Detach": false, "AttachStdin": false, "Privileged": true, "Cmd": ["ls", "5"], "User": 5});
        assert_eq!(in_types(asked), read);
    }
}
