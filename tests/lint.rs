//! `divergence lint` over compose files and `docker run` lines: every verdict as the catalogue has it.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn lint(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_divergence"))
        .args(["--root", env!("CARGO_MANIFEST_DIR"), "lint"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Line, effect and divergence of every remark.
fn remarks(output: &Output) -> BTreeSet<(u64, String, String)> {
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let remark = |remark: &Value| {
        let text = |key: &str| remark[key].as_str().unwrap().to_owned();
        (remark["line"].as_u64().unwrap(), text("effect"), text("divergence"))
    };
    told["files"][0]["remarks"].as_array().unwrap().iter().map(remark).collect()
}

const COMPOSE: &str = r#"version: "2"
x-all: &all
  restart: unless-stopped
services:
  web:
    <<: *all
    image: nginx
    command: nginx -g daemon
    environment: { MODE: fast }
    working_dir: /srv
    user: www
    hostname: web
    tty: true
    dns: 8.8.8.8
    privileged: true
    cap_add: [NET_ADMIN]
    cap_drop:
      - ALL
    network_mode: host
    stop_signal: SIGINT
    cpu_shares: 512
    mem_limit: 512m
    memswap_limit: 1g
    expose: ["9000"]
    ports:
      - "8080:80"
      - "443:443"
      - "53"
      - { target: 22, published: 2222, host_ip: 127.0.0.1 }
    volumes:
      - /srv/www:/www:ro
      - data:/data
      - data:/more:z
      - /cache
    links:
      - db
    logging:
      driver: syslog
    labels:
      com.joyent.package: g4-small
  db:
    build: .
    network_mode: "service:web"
    volumes_from: [web, a, b]
    logging: { driver: json-file }
    restart: always
    privileged: false
volumes:
  data: {}
networks:
  back: {}
  out: { external: true }
"#;

/// What must be said of it in release 0.7, by line: all facts of the catalogue's entries.
const EXPECTED: &[(u64, &str, &str)] = &[
    (6, "ignored", "restart-policy-unless-stopped-dropped"),
    (15, "ignored", "privileged-ignored"),
    (16, "ignored", "capabilities-ignored"),
    (18, "ignored", "capabilities-ignored"),
    (19, "refused", "network-mode-host-none"),
    (20, "ignored", "stop-signal-ignored"),
    (21, "ignored", "cpu-shares-from-package"),
    (22, "differs", "memory-rounds-up-to-package"),
    (23, "ignored", "memory-swap-from-package"),
    (24, "ignored", "expose-at-create-ignored"),
    (26, "refused", "publish-remap-refused"),
    (28, "differs", "publish-empty-hostport"),
    (29, "refused", "publish-remap-refused"),
    (29, "differs", "publish-only-first-binding"),
    (31, "refused", "host-bind-refused"),
    (33, "refused", "bind-flags-limited"),
    (38, "refused", "log-driver-not-enabled"),
    (40, "differs", "package-label-selects-size"),
    (43, "refused", "network-mode-container"),
    (44, "refused", "volumes-from-limit"),
    (51, "refused", "network-create-not-implemented"),
];

#[test]
fn a_compose_file_with_thirty_options_is_told_as_the_catalogue_has_it() {
    let output = lint(&["-", "--format", "json"], COMPOSE);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = remarks(&output);
    for (line, effect, id) in EXPECTED {
        assert!(
            told.contains(&(*line, (*effect).to_owned(), (*id).to_owned())),
            "{line} {effect} {id}: {told:#?}"
        );
    }
    // What is as on Docker: image, command, environment, folder, user, name, terminal, name server,
    // a port of the same number, a volume of its own, a link, the log driver that is always there,
    // the restart policy always, no privileges, a network that is there already.
    let fine = [7, 8, 9, 10, 11, 12, 13, 14, 34, 45, 46, 47, 52];
    let wrong: Vec<_> = told.iter().filter(|(line, _, _)| fine.contains(line)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    // The same number is not refused, whatever else is said of publishing.
    assert!(!told.iter().any(|(line, effect, _)| *line == 27 && effect == "refused"), "{told:#?}");
}

#[test]
fn the_release_decides() {
    let output = lint(&["-", "--release", "0.3", "--format", "json"], COMPOSE);
    assert!(
        remarks(&output).contains(&(42, "refused".to_owned(), "build-not-implemented".to_owned())),
        "{output:?}"
    );
    let output = lint(&["-", "--format", "json"], COMPOSE);
    assert!(!remarks(&output).iter().any(|(line, _, _)| *line == 42), "{output:?}");
}

#[test]
fn docker_run_lines_are_read_as_a_shell_reads_them() {
    let script = "#!/bin/sh\necho docker run --privileged\nsudo docker run -itd --name web \\\n  -p8080:80 -v \"/my files\":/b --net=none \\\n  nginx --privileged\ndocker container create --cap-drop ALL busybox\n";
    let output = lint(&["-", "--format", "json"], script);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = remarks(&output);
    for (line, effect, id) in [
        (3, "refused", "publish-remap-refused"),
        (3, "refused", "host-bind-refused"),
        (3, "refused", "network-mode-host-none"),
        (6, "ignored", "capabilities-ignored"),
    ] {
        assert!(told.contains(&(line, effect.to_owned(), id.to_owned())), "{id}: {told:#?}");
    }
    assert!(
        !told.iter().any(|(_, _, id)| id == "privileged-ignored"),
        "it is an argument of nginx: {told:#?}"
    );
    let text = String::from_utf8_lossy(&lint(&["-"], script).stdout).into_owned();
    assert!(
        text.contains("-:3  docker run  -v /my files:/b")
            && text.contains("docs/features/volumes.md#host-bind-refused"),
        "{text}"
    );
}

#[test]
fn the_exit_code_tells_whether_anything_would_be_refused() {
    assert_eq!(lint(&["--line", "docker run --name x busybox"], "").status.code(), Some(0));
    assert_eq!(lint(&["--line", "docker run --privileged busybox"], "").status.code(), Some(0), "ignored");
    assert_eq!(lint(&["--line", "docker run --net host busybox"], "").status.code(), Some(1));
    assert_eq!(lint(&["--line", "echo hello"], "").status.code(), Some(4));
    assert_eq!(lint(&["-"], "services: [").status.code(), Some(2));
    assert_eq!(lint(&["-"], "a: 1\n").status.code(), Some(4));
    assert_eq!(lint(&["/nowhere/compose.yml"], "").status.code(), Some(2));
    assert_eq!(lint(&[], "").status.code(), Some(2));
}

#[test]
fn what_is_linted_is_in_the_docs() {
    let docs = tempfile::tempdir().unwrap();
    let to = docs.path().to_str().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_divergence"))
        .args(["--root", env!("CARGO_MANIFEST_DIR"), "docs", "--to", to])
        .status()
        .unwrap();
    assert!(made.success());
    let told: Value = serde_json::from_slice(&lint(&["-", "--format", "json"], COMPOSE).stdout).unwrap();
    for remark in told["files"][0]["remarks"].as_array().unwrap() {
        let (page, anchor) = remark["docs"].as_str().unwrap().split_once('#').unwrap();
        let page = std::fs::read_to_string(docs.path().join(page.trim_start_matches("docs/"))).unwrap();
        let (_, entry) = page.split_once(&format!("<a id=\"{anchor}\"></a>")).unwrap();
        let entry = entry.split("<a id=").next().unwrap();
        let line = format!("- Option `{}`", remark["option"].as_str().unwrap());
        assert!(entry.contains(&line), "{line} in {entry}");
        assert!(entry.contains(&format!(": {}, where", remark["effect"].as_str().unwrap())), "{entry}");
    }
}
