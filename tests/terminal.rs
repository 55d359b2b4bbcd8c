//! `accept` on a real terminal: `script` of util-linux lends one, and a key is pressed at each prompt.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The project's own suite, copied, with one pin that does not hold.
struct Project {
    folder: tempfile::TempDir,
}

const FILE: &str = "suites/exit-statuses/divergences/sdc-docker/exit-status-differs.toml";

impl Project {
    fn new() -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for part in ["fixtures", "snapshots"] {
            std::os::unix::fs::symlink(root.join(part), project.path(part)).unwrap();
        }
        let copied =
            Command::new("cp").arg("-r").arg(root.join("suites")).arg(project.path("suites")).status();
        assert!(copied.unwrap().success());
        let text = project.text();
        let wrong = text.replacen("candidate = -9", "candidate = -8", 1);
        assert_ne!(text, wrong);
        std::fs::write(project.path(FILE), wrong).unwrap();
        let run = ["run", "--reference", "recorded:docker-20.10", "--candidate", "recorded:simulator-0.7"];
        let output = project.divergence(&[&run, ["exit-statuses/"].as_slice()].concat());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path(FILE)).unwrap()
    }

    fn divergence(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_divergence"));
        command.arg("--root").arg(self.folder.path()).args(arguments).env_remove("DOCKER_HOST");
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// `accept` on a terminal with these keys, one at each prompt. What it showed.
    fn accept(&self, keys: &str, editor: &str) -> String {
        let command = format!(
            "'{}' --root '{}' --color never accept",
            env!("CARGO_BIN_EXE_divergence"),
            self.folder.path().display()
        );
        let mut child = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env_remove("VISUAL")
            .env("EDITOR", editor)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (mut shown, mut answered) = (String::new(), 0);
        let mut keys = keys.chars();
        let mut buffer = [0; 4096];
        loop {
            let count = stdout.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                break;
            }
            shown.push_str(&String::from_utf8_lossy(&buffer[..count]));
            let prompts = shown.matches("uit: ").count() + shown.matches("evert: ").count();
            while answered < prompts {
                let key = keys.next().unwrap_or_else(|| panic!("a prompt more than keys: {shown}"));
                stdin.write_all(key.to_string().as_bytes()).unwrap();
                stdin.flush().unwrap();
                answered += 1;
            }
        }
        assert!(child.wait().unwrap().success(), "{shown}");
        assert_eq!(keys.next(), None, "keys are left: {shown}");
        shown
    }
}

#[test]
fn a_finding_is_looked_at_from_both_sides_and_pinned() {
    let project = Project::new();
    let shown = project.accept("bdp", "false");
    assert!(shown.contains("1 of 1: pin exit-status-differs anew"), "{shown}");
    assert!(
        shown.contains("137") && (shown.contains("GET /v1.21/") || shown.contains("POST /v1.21/")),
        "{shown}"
    );
    assert!(shown.contains("- candidate = -8") && shown.contains("+ candidate = -9"), "{shown}");
    assert!(shown.contains("1 file written"), "{shown}");
    assert!(project.text().contains("candidate = -9"));
}

#[test]
fn what_is_skipped_or_left_stays_as_it_is() {
    let project = Project::new();
    let before = project.text();
    assert!(project.accept("s", "false").contains("0 files written"));
    assert!(project.accept("q", "false").contains("0 files written"));
    assert_eq!(project.text(), before);
}

#[test]
fn an_editor_has_the_last_word_and_a_file_that_does_not_load_can_be_taken_back() {
    let project = Project::new();
    let editor = project.path("editor");
    std::fs::write(&editor, "#!/bin/sh\necho '# Looked at.' >>\"$1\"\n").unwrap();
    let shown = project.accept("e", &format!("sh '{}'", editor.display()));
    assert!(shown.contains("1 file written"), "{shown}");
    assert!(project.text().contains("# Looked at.") && project.text().contains("candidate = -9"));

    let project = Project::new();
    let before = project.text();
    let editor = project.path("editor");
    std::fs::write(&editor, "#!/bin/sh\necho 'nonsense' >>\"$1\"\n").unwrap();
    let shown = project.accept("ers", &format!("sh '{}'", editor.display()));
    assert!(shown.contains("nonsense") && shown.contains("0 files written"), "{shown}");
    assert_eq!(project.text(), before);
}

#[test]
fn without_a_terminal_a_flag_has_to_be_said() {
    let project = Project::new();
    let output = project.divergence(&["accept"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("say --yes, or --dry-run"), "{text}");
}

#[test]
fn shells_and_manuals_know_every_command() {
    let divergence = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_divergence")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let help = divergence(&["--help"]);
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = divergence(&["completions", shell]);
        for command in &commands {
            assert!(script.contains(command), "{command} in {shell}");
        }
    }
    let bash = divergence(&["completions", "bash"]);
    let mut check = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(bash.as_bytes()).unwrap();
    assert!(check.wait().unwrap().success());
    let folder = tempfile::tempdir().unwrap();
    divergence(&["man", "--to", folder.path().to_str().unwrap()]);
    let page = divergence(&["man"]);
    assert!(page.contains(".TH divergence 1"), "{page:.300}");
    for command in commands.iter().filter(|command| **command != "help") {
        assert!(page.contains(&command.replace('-', "\\-")), "{command}");
        assert!(folder.path().join(format!("divergence-{command}.1")).is_file(), "{command}");
        let help = divergence(&[command, "--help"]);
        assert!(help.contains("Examples:\n"), "{command} has no examples");
    }
}
