//! What was sent as a command that repeats it: a request with `curl`, a command by itself.

use std::path::Path;

use crate::engine::command::{DOCKER, quoted};
use crate::exchange::{Recording, Sent};

/// What was sent on a recording, as it is repeated by hand.
pub fn command(sent: &Sent, recording: &Recording) -> String {
    if sent.method == DOCKER {
        return typed(sent);
    }
    words(sent, &recording.address, recording.certificates.as_deref())
}

fn words(sent: &Sent, address: &str, certificates: Option<&Path>) -> String {
    let mut words = vec!["curl".to_owned(), "-sS".to_owned(), "-i".to_owned()];
    let base = match address.strip_prefix("unix://") {
        Some(path) => {
            words.extend(["--unix-socket".to_owned(), quoted(path)]);
            "http://localhost".to_owned()
        }
        None if address.starts_with("https://") => {
            words.push("-k".to_owned());
            for (option, file) in [("--cert", "cert.pem"), ("--key", "key.pem")] {
                let file = certificates.map(|folder| quoted(&folder.join(file).to_string_lossy()));
                words.extend(file.into_iter().flat_map(|file| [option.to_owned(), file]));
            }
            address.to_owned()
        }
        None => format!("http://{}", address.trim_start_matches("tcp://").trim_start_matches("http://")),
    };
    match sent.method.as_str() {
        "GET" => {}
        "HEAD" => words.push("--head".to_owned()),
        method => words.extend(["-X".to_owned(), method.to_owned()]),
    }
    let ours = ["host", "user-agent", "content-length", "connection", "upgrade", "transfer-encoding"];
    for (name, value) in &sent.headers {
        if !ours.contains(&name.to_ascii_lowercase().as_str()) {
            words.extend(["-H".to_owned(), quoted(&format!("{name}: {value}"))]);
        }
    }
    match std::str::from_utf8(&sent.body.0) {
        Ok("") => {}
        // A tar archive is text by its letters, and nothing to read.
        Ok(text) if text.len() <= 4096 && !text.contains('\0') => {
            words.extend(["--data-binary".to_owned(), quoted(text)])
        }
        Ok(_) | Err(_) => words.extend(["--data-binary".to_owned(), "@body".to_owned()]),
    }
    words.extend(["--path-as-is".to_owned(), "-g".to_owned(), quoted(&format!("{base}{}", sent.target))]);
    words.join(" ")
}

/// A command with the environment that it was given; an archive for its input is told as `body`.
fn typed(sent: &Sent) -> String {
    let set = sent.headers.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let command = set.chain([DOCKER.to_owned(), sent.target.clone()]).collect::<Vec<_>>().join(" ");
    match std::str::from_utf8(&sent.body.0) {
        Ok("") => command,
        Ok(text) if text.len() <= 4096 && !text.contains('\0') => {
            format!("printf %s {} | {command}", quoted(text))
        }
        Ok(_) | Err(_) => format!("{command} < body"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Bytes;

    #[test]
    fn the_command_repeats_the_request() {
        let sent = Sent {
            method: "POST".to_owned(),
            target: "/v1.21/containers/create?name=it".to_owned(),
            headers: vec![
                ("Host".to_owned(), "localhost".to_owned()),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: Bytes(br#"{"Image": "it's"}"#.to_vec()),
        };
        insta::assert_snapshot!(words(&sent, "unix:///var/run/docker.sock", None), @r#"curl -sS -i --unix-socket /var/run/docker.sock -X POST -H 'Content-Type: application/json' --data-binary '{"Image": "it'\''s"}' --path-as-is -g 'http://localhost/v1.21/containers/create?name=it'"#);
        let ping = Sent {
            method: "GET".to_owned(),
            target: "/_ping".to_owned(),
            headers: Vec::new(),
            body: Bytes::default(),
        };
        insta::assert_snapshot!(words(&ping, "tcp://127.0.0.1:2375", None), @"curl -sS -i --path-as-is -g http://127.0.0.1:2375/_ping");
    }
}
