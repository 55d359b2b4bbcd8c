//! The divergence docs as `divergence docs` writes them for the project's own suite.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use regex::Regex;

fn divergence(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_divergence"))
        .arg("--root")
        .arg(root)
        .args(arguments)
        .env_remove("DOCKER_HOST")
        .output()
        .unwrap()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, written to a folder beside the suites that they link to.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    let output = divergence(project(), &["docs", "--to", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    divergence::store::files_with_text(folder).unwrap()
}

#[test]
fn the_same_files_give_the_same_pages_and_check_tells_a_stale_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = pages(folder.path());
    assert_eq!(pages(tempfile::tempdir().unwrap().path()), first);
    let to = folder.path().to_str().unwrap();
    let check = || divergence(project(), &["docs", "--check", "--to", to]);
    assert_eq!(check().status.code(), Some(0));
    std::fs::write(folder.path().join("divergence.md"), "# Something else\n").unwrap();
    std::fs::remove_file(folder.path().join("README.md")).unwrap();
    std::fs::write(folder.path().join("commands/gone.md"), "<!-- Made by `divergence docs`. -->\n").unwrap();
    std::fs::write(folder.path().join("notes.md"), "Written by hand.\n").unwrap();
    let output = check();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in ["divergence.md is stale", "README.md is not there", "commands/gone.md is made by nothing"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("notes.md"), "{text}");
    let mut again = pages(folder.path());
    assert_eq!(again.remove("notes.md").unwrap(), "Written by hand.\n");
    assert_eq!(again, first);
}

#[test]
fn every_link_within_the_docs_leads_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(&folder.path().join("docs"));
    let link = Regex::new(r#"\]\(([^)\s]+)\)|href="([^"]+)""#).unwrap();
    let anchor = Regex::new(r#"id="([^"]+)""#).unwrap();
    let mut seen = 0;
    for (page, text) in &pages {
        let text = &text.replace("&#x2f;", "/");
        for found in link.captures_iter(text) {
            let target = found.get(1).or(found.get(2)).unwrap().as_str();
            if target.starts_with("http://") || target.starts_with("https://") || target.starts_with("data:")
            {
                continue;
            }
            seen += 1;
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let mut path: Vec<&str> = page.split('/').collect();
            path.pop();
            path.insert(0, "docs");
            for part in file.split('/') {
                match part {
                    ".." => drop(path.pop()),
                    part => path.push(part),
                }
            }
            let path = if file.is_empty() { format!("docs/{page}") } else { path.join("/") };
            match path.strip_prefix("docs/") {
                None => assert!(project().join(&path).is_file(), "{target} of {page}"),
                Some(other) => {
                    let text = pages.get(other).unwrap_or_else(|| panic!("{target} of {page}"));
                    let has = anchor.captures_iter(text).any(|its| &its[1] == fragment);
                    assert!(fragment.is_empty() || has, "{target} of {page}");
                }
            }
        }
    }
    assert!(seen > 500, "{seen} links");
}

/// What the page that was written by hand until 2015 said, fact by fact.
#[test]
fn nothing_that_the_page_of_2015_said_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(folder.path());
    let page = pages["divergence.md"].replace('\\', "");
    let mut from = 0;
    for heading in [
        "# Divergence",
        "## Features",
        "## Container behaviour and contents",
        "### Extra processes",
        "### Extra files",
        "### Extra file systems",
        "### Exit statuses",
        "## Performance of container management",
        "## API methods and Docker commands",
    ] {
        let at = page[from..].find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading}"));
        from += at;
    }
    for fact in [
        "features/resources.md",
        "features/networks.md",
        "features/volumes.md",
        "zsched",
        "PID 0",
        "kernel threads",
        "docker:noipmgmtd",
        "internal_metadata",
        "ipmgmtd",
        "TCP/IP",
        "/var/log/sdc-dockerinit.log",
        "exec()",
        "/native",
        "http://illumos.org/man/7fs/objfs",
        "/system/contract",
        "http://illumos.org/man/4/contract",
        "DOCKER-41",
        "within zones",
        "much slower",
        "Bug_compatibility",
        "restart policies",
        "commands/README.md",
        "a laptop",
    ] {
        assert!(page.contains(fact), "{fact}");
    }
    let list = page.lines().find(|line| line.starts_with("- Release 0.3: ")).unwrap();
    for command in [
        "build", "commit", "diff", "events", "export", "import", "load", "login", "port", "pause", "push",
        "rename", "save", "stats", "tag", "unpause",
    ] {
        assert!(list.contains(&format!("`docker {command}`")), "{command} in {list}");
    }
    // It makes no call of its own, so no scenario can show that it is missing.
    assert!(pages["features/unimplemented.md"].contains("docker logout"));
}

#[test]
fn every_statement_has_its_evidence_and_no_command_claims_without_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(folder.path());
    let mut statements = 0;
    for (page, text) in pages.iter().filter(|(page, _)| page.ends_with(".md")) {
        let anchors = text.matches("<a id=\"").count();
        statements += anchors;
        for part in ["- How it is known: ", "- Releases: ", "- Written down in ["] {
            assert_eq!(text.matches(part).count(), anchors, "{part} in {page}");
        }
        if let Some(told) = text.lines().find(|line| line.starts_with("No known divergence: ")) {
            let count: usize =
                told["No known divergence: ".len()..].split(' ').next().unwrap().parse().unwrap();
            assert!(count > 0, "{told} in {page}");
        }
        assert!(!text.contains("No known divergence: 0"), "{page}");
        let examples = text.matches("<details>").count();
        // Other engines were recorded themselves.
        match page.starts_with("engines/") {
            true => assert!(!text.contains("standing in for"), "{page}"),
            false => assert!(text.matches("standing in for sdc-docker").count() >= examples, "{page}"),
        }
    }
    assert!(statements > 300, "{statements}");
}
