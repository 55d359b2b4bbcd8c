//! What a command printed, as structure: its exit code, a text or a view of each stream, and apart
//! from them what the CLI logs and the ids of requests.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::body;
use crate::exchange::{Bytes, Printed};
use crate::scenario::View;

/// `exit`, `stdout` and `stderr`, which are there even when they are empty; `log` and
/// `request-ids` where there are some.
pub fn printed(printed: &Printed, views: &[(&str, View)]) -> Map<String, Value> {
    let text = |place: &str, bytes: &Bytes| {
        let view = views.iter().find(|(its, _)| *its == place).map(|(_, view)| *view);
        match view {
            Some(View::Tar) => body::body(&bytes.0, "", view),
            _ => body::stream(&bytes.0, view),
        }
    };
    let said = Said::of(&printed.stderr);
    let mut tree = Map::new();
    tree.extend(printed.exit.map(|exit| ("exit".to_owned(), exit.into())));
    tree.insert("stdout".to_owned(), text("stdout", &printed.stdout));
    tree.insert("stderr".to_owned(), text("stderr", &said.text));
    for (place, found) in [("log", said.log), ("request-ids", said.request_ids)] {
        tree.extend((!found.is_empty()).then(|| (place.to_owned(), json!(found))));
    }
    tree
}

/// Standard error taken apart by shape.
struct Said {
    text: Bytes,
    /// Lines of the CLI's own log, without their time.
    log: Vec<String>,
    /// What stands in parentheses at the end of a line.
    request_ids: Vec<String>,
}

impl Said {
    fn of(stderr: &Bytes) -> Said {
        static LOGGED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"^time="[^"\n]+" (level=\w+ msg=.*)$"#).expect("a constant pattern")
        });
        static REQUEST_ID: LazyLock<Regex> = LazyLock::new(|| {
            let uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
            Regex::new(&format!(r#" \(({uuid})\)("?)$"#)).expect("a constant pattern")
        });
        let Ok(text) = std::str::from_utf8(&stderr.0) else {
            return Said { text: stderr.clone(), log: Vec::new(), request_ids: Vec::new() };
        };
        let (mut rest, mut log, mut request_ids) = (String::new(), Vec::new(), Vec::new());
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\r', '\n']);
            let end = &line[bare.len()..];
            request_ids.extend(REQUEST_ID.captures(bare).map(|found| found[1].to_owned()));
            let bare = REQUEST_ID.replace(bare, "$2");
            match LOGGED.captures(&bare) {
                // The CLI gave a request up by itself: below API 1.25 it watches events and removes
                // containers beside its main work, and whether it is still at that when it ends is
                // a matter of luck.
                Some(logged) if logged[1].ends_with("context canceled\"") => {}
                Some(logged) => log.push(logged[1].to_owned()),
                None => rest.extend([bare.as_ref(), end]),
            }
        }
        Said { text: Bytes(rest.into_bytes()), log, request_ids }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_and_request_ids_stand_apart_and_what_the_cli_gave_up_by_itself_is_not_told() {
        let id = "0f0f0f0f-1111-2222-3333-0f0f0f0f0f0f";
        let stderr = format!(
            "printed: time=\"x\" level=error\n\
            time=\"2026-11-29T05:01:03Z\" level=error msg=\"error getting events from daemon: context canceled\"\n\
            time=\"2026-11-29T05:01:03Z\" level=error msg=\"error getting events: gone ({id})\"\n\
            Error: no such thing ({id})\r\n(not one) (0f0f0f0f)\nno newline ({id})"
        );
        let bytes = |text: &str| Bytes(text.into());
        let all = Printed { exit: Some(1), stdout: bytes(""), stderr: bytes(&stderr) };
        let told = printed(&all, &[("stdout", View::Lines)]);
        let left =
            "printed: time=\"x\" level=error\nError: no such thing\r\n(not one) (0f0f0f0f)\nno newline";
        let log = "level=error msg=\"error getting events: gone\"";
        let expected = json!({
            "exit": 1, "stdout": { "lines": [] }, "stderr": left, "log": [log], "request-ids": [id, id, id],
        });
        assert_eq!(Value::Object(told), expected);
        let none = printed(&Printed { exit: None, stdout: bytes("x"), stderr: bytes("") }, &[]);
        assert_eq!(Value::Object(none), json!({ "stdout": "x", "stderr": "" }));
    }
}
