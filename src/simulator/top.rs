//! `GET /containers/X/top`: fixed columns of raw numbers, and the processes of the platform
//! (sdc-docker `lib/backends/sdc/containers.js:3573-3600`).

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::create::fault_text;
use super::inside::platform_processes;
use super::json::{put, text};

const TITLES: [&str; 8] = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];

/// The arguments for `ps` are not read (catalogue: top-fixed-columns).
pub fn no_arguments(call: &mut Call) -> Result<(), Answer> {
    call.query.retain(|(key, _)| key != "ps_args");
    Ok(())
}

/// The same columns always, with numbers in their cells (catalogue: top-fixed-columns).
pub fn fixed_columns(_: &Call, top: &mut Value) {
    let titles = super::json::strings(top, "/Titles");
    let rows = top.get("Processes").and_then(Value::as_array).cloned().unwrap_or_default();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let row = |row: &Value| {
        let cell = |title: &str| {
            let at = titles.iter().position(|its| its == title)?;
            row.get(at)?.as_str().map(str::to_owned)
        };
        let command = cell("CMD").or_else(|| cell("COMMAND")).unwrap_or_default();
        let pid = cell("PID").unwrap_or_default();
        json!(["0", pid, cell("PPID").unwrap_or_default(), "0", now.to_string(), "-1", "0", command])
    };
    let mut rows: Vec<Value> = rows.iter().map(row).collect();
    rows.sort_by_key(|row| row.get(1).and_then(Value::as_str).and_then(|pid| pid.parse::<u32>().ok()));
    put(top, "", "Titles", json!(TITLES));
    put(top, "", "Processes", json!(rows));
}

/// zsched comes first (catalogue: zsched-process).
pub fn zsched(call: &Call, top: &mut Value) {
    add(call, top, "zsched");
}

/// ipmgmtd comes next, in SmartOS containers (catalogue: ipmgmtd-process).
pub fn ipmgmtd(call: &Call, top: &mut Value) {
    add(call, top, "/lib/inet/ipmgmtd");
}

fn add(call: &Call, top: &mut Value, process: &str) {
    let container = call.service.state.container(text(&call.container, "/Id"));
    let titles = super::json::strings(top, "/Titles");
    let Some(Value::Array(rows)) = top.get_mut("Processes") else { return };
    let all = platform_processes(&call.service, container.as_ref());
    for (at, (pid, command)) in all.into_iter().enumerate().filter(|(_, (_, command))| *command == process) {
        let cell = |title: &String| match title.as_str() {
            "PID" => pid.to_string(),
            "CMD" | "COMMAND" => command.to_owned(),
            "STIME" => time::OffsetDateTime::now_utc().unix_timestamp().to_string(),
            "TTY" => "-1".to_owned(),
            _ => "0".to_owned(),
        };
        rows.insert(at.min(rows.len()), json!(titles.iter().map(cell).collect::<Vec<_>>()));
    }
}

/// The state that top needs is named (catalogue: top-not-running-500).
pub fn not_running(_: &Call, answer: &mut Answer) {
    if answer.is_error() && fault_text(answer).contains("is not running") {
        *answer = Answer::error(500, "Container state \"stopped\" not allowed for this command");
    }
}
