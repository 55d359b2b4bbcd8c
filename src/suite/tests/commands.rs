//! A step with `cli`: what it is read as, and every mistake in it.

use super::scenarios::with;
use super::{GOOD, Row, check, load};
use crate::scenario::{Action, Body, Need};

const ODD: &str = "raw = \"GET /vfoo/../info\"";

#[test]
fn a_command_is_split_into_words_and_needs_a_docker_cli() {
    let line = r#"cli = "docker run --name ${name:x} ${image:busybox} sh -c 'echo $A; exit 3'"
stdin = "${cid}"
seconds = 5"#;
    let suite = load(&with(GOOD.replace(ODD, line))).unwrap_or_else(|found| panic!("{found:#?}"));
    let scenario = &suite.scenarios[0];
    assert_eq!(scenario.needs, [Need::Image("busybox".to_owned()), Need::DockerCli]);
    let Some(Action::Cli(cli)) = scenario.steps.last().map(|step| &step.action) else { panic!() };
    let words: Vec<String> = cli.words.iter().map(|word| word.source()).collect();
    assert_eq!(words, ["run", "--name", "${name:x}", "${image:busybox}", "sh", "-c", "echo $A; exit 3"]);
    assert!(cli.label && matches!(&cli.stdin, Body::Text(text) if text.source() == "${cid}"));
    assert_eq!(cli.limit.as_secs(), 5);
}

#[test]
fn the_command() {
    let rows: &[Row] = &[
        (ODD, "cli = \"podman ps\"", "\"podman ps\"", "this is no docker command", "\"docker ps -a\""),
        (ODD, "cli = \"docker\"", "\"docker\"", "this is no docker command", "\"docker ps -a\""),
        (
            ODD,
            "cli = \"docker -H x ps\"",
            "\"docker -H x ps\"",
            "`-H` stands before the command",
            "is set for each engine",
        ),
        (
            ODD,
            "cli = \"docker ps | wc\"",
            "\"docker ps | wc\"",
            "`|` means something to a shell, and there is none",
            "give input with `stdin` or `tar`",
        ),
        (
            ODD,
            "cli = \"docker run x 'y\"",
            "\"docker run x 'y\"",
            "a quote is not closed",
            "words are split as a shell does it",
        ),
        (
            ODD,
            "cli = \"docker ps ${nobody}\"",
            "${nobody}",
            "`${nobody}` is not captured",
            "captured are: cid",
        ),
        (
            ODD,
            "cli = \"docker ps\"\nbackground = true",
            "background",
            "unknown key `background`",
            "`background` goes with `request` or `stream`",
        ),
        (
            ODD,
            "cli = \"docker load\"\nstdin = \"x\"\ntar = [{ path = \"a\", text = \"\" }]",
            "tar",
            "`stdin` and `tar` exclude each other",
            "one standard input",
        ),
    ];
    check(GOOD, rows, with);
}
