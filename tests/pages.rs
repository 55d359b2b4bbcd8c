//! The HTML pages in a real headless Chromium: search, filters, links, no error on the console, and
//! nothing of an engine's answer that acts.
//!
//! A page is copied with a script at its end that uses it and writes down what it saw; Chromium
//! prints the page when all is done. Without Chromium the tests are left out, loudly, unless
//! `DIVERGENCE_CHROMIUM=required`.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![expect(clippy::print_stderr, reason = "what is left out is said loudly")]

use std::path::Path;
use std::process::Command;

use divergence::engine_id::{EngineId, Kind};
use divergence::exchange::{Answer, Bytes, Exchange, RecordedStep, Recording, Sent};
use divergence::report::{CaseReport, Report, Side, html};
use divergence::scenario::{CaseId, ScenarioId, StepId};
use divergence::snapshot::{Part, Snapshot, StepSnapshot};
use divergence::store::last::Played;
use divergence::verdict::{Finding, FindingKind, Verdict, VerdictKind};
use serde_json::{Value, json};

/// What a script said of a page, a line each, or none without a Chromium.
fn browse(folder: &Path, page: &str, script: &str) -> Option<Vec<String>> {
    let Some(chromium) = chromium() else {
        assert!(std::env::var_os("DIVERGENCE_CHROMIUM").is_none(), "a Chromium is required");
        eprintln!("left out: no chromium is installed (Debian's package `chromium`)");
        return None;
    };
    let text = std::fs::read_to_string(folder.join(page)).unwrap();
    let probe = format!(
        "<script>addEventListener('load', async () => {{\n\
         const told = [];\n\
         const say = (what, ok) => told.push(`${{ok ? 'ok' : 'FAIL'}} ${{what}}`);\n\
         const byId = (id) => document.getElementById(id);\n\
         const type = (id, value) => {{ byId(id).value = value; byId(id).dispatchEvent(new Event('input')); }};\n\
         const soon = () => new Promise((done) => setTimeout(done, 50));\n\
         try {{\n{script}\n}} catch (error) {{ say(`threw ${{error}}`, false); }}\n\
         const pre = document.createElement('pre');\npre.id = 'told';\npre.textContent = told.join('\\n') + '\\nend';\n\
         document.body.append(pre);\n}});</script></body>"
    );
    let copy = folder.join(format!("probed-{page}"));
    let (before, after) = text.rsplit_once("</body>").unwrap();
    std::fs::write(&copy, format!("{before}{probe}{after}")).unwrap();
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium)
        .args("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run".split(' '))
        .args("--disable-background-networking --disable-component-update --disable-sync".split(' '))
        .args(["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", copy.display()))
        .output()
        .unwrap();
    let console = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaints: Vec<&str> = console.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = page.rsplit_once("<pre id=\"told\">").unwrap_or_else(|| panic!("{console}{page:.2000}")).1;
    let told: Vec<String> = told.split_once("</pre>").unwrap().0.lines().map(str::to_owned).collect();
    assert_eq!(told.last().unwrap(), "end", "{told:?}");
    let failed: Vec<&String> = told.iter().filter(|line| line.starts_with("FAIL")).collect();
    assert!(failed.is_empty(), "{failed:?}");
    Some(told)
}

fn chromium() -> Option<&'static str> {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| Path::new(path).is_file())
}

#[test]
fn the_matrix_is_searched_filtered_and_opens_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_divergence"))
        .args(["--root", env!("CARGO_MANIFEST_DIR"), "docs", "--to", to])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let script = r##"
        const rows = [...document.querySelectorAll("#matrix tbody tr")];
        const visible = () => rows.filter((row) => !row.hidden);
        const entries = () => [...document.querySelectorAll("details.entry")].filter((one) => !one.hidden && one.id);
        say("all rows show at first", visible().length === rows.length && rows.length > 120);
        type("search", "docker kill");
        say("a search finds a command", visible().some((row) => row.id === "docker-kill"));
        say("and not the others", !visible().some((row) => row.id === "docker-events") && visible().length < rows.length);
        say("what is found is counted aloud", byId("count").getAttribute("aria-live") === "polite" && byId("count").textContent.startsWith(`${visible().length} of`));
        type("search", "exit-status-differs");
        say("a search finds a divergence", entries().length === 1 && entries()[0].id === "exit-status-differs");
        type("search", "no such thing anywhere");
        say("a search may find nothing", visible().length === 0 && entries().length === 0);
        type("search", "");
        type("group", "route");
        say("routes alone", visible().length > 50 && visible().every((row) => row.dataset.group === "route"));
        type("group", "");
        type("state", "agrees");
        const states = (row) => [...row.querySelectorAll("button")].map((cell) => cell.dataset.state);
        say("what agrees somewhere", visible().length > 0 && visible().every((row) => states(row).includes("agrees")));
        type("state", "");
        type("kind", "performance");
        say("by kind", entries().length > 0 && entries().every((one) => one.dataset.kind === "performance"));
        byId("reset").click();
        await soon();
        say("everything is there again", visible().length === rows.length && byId("kind").value === "");
        const cell = document.querySelector("#docker-kill button[data-state=diverges]");
        cell.focus();
        cell.click();
        const panel = byId("panel");
        const ids = cell.dataset.ids.split(" ");
        say("a cell opens its evidence", panel.open && panel.querySelectorAll("details").length === ids.length);
        say("with a title", byId("panel-title").textContent.startsWith("docker kill, release"));
        say("both sides and how it is known", panel.querySelectorAll("pre").length >= 2 && panel.textContent.includes("How it is known"));
        say("the address names the cell", location.hash === `#${cell.id}`);
        say("ids stay unique", document.querySelectorAll(`[id="${ids[0]}"]`).length === 1);
        byId("panel-close").click();
        await soon();
        say("it closes, and the focus is back", !panel.open && document.activeElement === cell && location.hash === "");
        cell.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true, cancelable: true }));
        say("arrows move between cells", document.activeElement.closest("tr") === cell.closest("tr").nextElementSibling);
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
        say("a slash begins a search", document.activeElement === byId("search"));
        const agreeing = document.querySelector("button[data-state=agrees]");
        agreeing.click();
        say("what agrees names its scenarios", /^[a-z-]+\/[a-z0-9-]+$/.test(panel.querySelector("li").textContent));
        panel.close();
        location.hash = "#exit-status-differs";
        await soon();
        await soon();
        say("a link opens a divergence", byId("exit-status-differs").open);
        say("every control has a label", [...document.querySelectorAll("input, select")].every((one) => one.labels.length === 1));
        say("headers say what they head", [...document.querySelectorAll("#matrix th")].every((one) => one.scope));
        const links = [...document.querySelectorAll("a")].map((link) => link.href);
        say("links leave by file or to tickets", links.length > 100 && links.every((link) => /^(file|http|https):/.test(link)));
    "##;
    if let Some(told) = browse(folder.path(), "matrix.html", script) {
        assert_eq!(told.len(), 24, "{told:#?}");
    }
}

const HOSTILE: &str = "<script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 2\"></pre></details>\u{1b}[31m${7*7}{{ 7*7 }}";

fn case(number: usize, verdict: VerdictKind, text: &str) -> CaseReport {
    let finding = Finding {
        finding: if verdict == VerdictKind::Fails { FindingKind::New } else { FindingKind::Known },
        divergence: Some("some-divergence".to_owned()),
        pin: None,
        step: StepId("ask".to_owned()),
        at: format!("/body/{text}"),
        reference: Some(json!("fine")),
        candidate: Some(json!(text)),
        absent: Vec::new(),
        note: Some(format!("see {text}")),
    };
    let case = case_id(number);
    let verdict = Verdict { case, verdict, reason: None, findings: vec![finding] };
    CaseReport::of(verdict, Some([80.0 + number as f64, 900.0]))
}

fn case_id(number: usize) -> CaseId {
    let scenario = ScenarioId(format!("area/case-{:04}", number / 2));
    CaseId { scenario, api: if number.is_multiple_of(2) { "1.21" } else { "1.24" }.parse().unwrap() }
}

fn engine(identity: &str) -> EngineId {
    EngineId {
        identity: identity.to_owned(),
        release: "0.7".parse().unwrap(),
        kind: Kind::Live,
        world: "default".to_owned(),
    }
}

fn report(cases: Vec<CaseReport>) -> Report {
    let side = |name: &str| Side::of(name, &engine(name), false);
    Report::new(side("docker"), side("sdc-docker"), "default", cases)
}

fn snapshot(case: &CaseId, identity: &str, trees: &[Value]) -> Snapshot {
    let part = |tree: &Value| Part {
        name: String::new(),
        route: None,
        request: "GET /v1.24/containers/<cid>/json".to_owned(),
        tree: tree.clone(),
    };
    let step = |(number, tree): (usize, &Value)| StepSnapshot {
        id: StepId(if number == 0 { "ask".to_owned() } else { format!("step-{number}") }),
        parts: vec![part(tree)],
    };
    let steps = trees.iter().enumerate().map(step).collect();
    Snapshot { case: case.clone(), engine: engine(identity), fingerprint: String::new(), steps }
}

fn recording(snapshot: &Snapshot, bodies: &dyn Fn(&Value) -> Vec<u8>, header: &str) -> Recording {
    let step = |step: &StepSnapshot| RecordedStep {
        id: step.id.clone(),
        exchanges: vec![Exchange {
            part: String::new(),
            route: None,
            sent: Sent {
                method: "GET".to_owned(),
                target: format!("/v1.24/containers/x/json?name={header}"),
                headers: vec![("Host".to_owned(), "localhost".to_owned())],
                body: Bytes::default(),
            },
            answer: Some(Answer {
                status: 200,
                reason: header.to_owned(),
                headers: vec![("X-Answer".to_owned(), header.to_owned())],
                body: Bytes(bodies(&step.parts[0].tree)),
                end: None,
            }),
            printed: None,
            failure: None,
            millis: vec![12.5],
        }],
        unreached: None,
    };
    Recording {
        case: snapshot.case.clone(),
        engine: snapshot.engine.clone(),
        address: "tcp://127.0.0.1:2375".to_owned(),
        certificates: None,
        label: divergence::scenario::RUN_LABEL.to_owned(),
        steps: snapshot.steps.iter().map(step).collect(),
        names: Vec::new(),
        before: None,
    }
}

#[test]
fn a_hostile_candidate_harms_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = |_: &Value| [HOSTILE.as_bytes(), b"\xff\xfe\x00", HOSTILE.as_bytes()].concat();
    let played = |case: &CaseId| {
        let reference = snapshot(case, "docker", &[json!({"status": 200, "body": {"text": "fine"}})]);
        let candidate = snapshot(case, "sdc-docker", &[json!({"status": 200, "body": {"text": HOSTILE}})]);
        Some(Played {
            reference_recording: Some(recording(&reference, &|_| b"fine".to_vec(), "OK")),
            candidate_recording: Some(recording(&candidate, &hostile, HOSTILE)),
            reference: Some(reference),
            candidate: Some(candidate),
        })
    };
    let cases = vec![
        case(0, VerdictKind::Fails, HOSTILE),
        case(1, VerdictKind::Diverges, HOSTILE),
        case(2, VerdictKind::Conforms, "plain"),
    ];
    let page = html::to_html(&report(cases), &played).unwrap();
    assert!(!page.contains('\u{1b}') && !page.contains("<script>window"), "{page}");
    std::fs::write(folder.path().join("report.html"), page).unwrap();
    let script = r##"
        const first = byId("case-0");
        say("the failing case comes first", document.querySelector("main section h3 a").getAttribute("href") === "#case-0");
        say("one section fails", document.querySelectorAll("main section").length === 1);
        first.open = true;
        for (let tries = 0; tries < 40 && !first.querySelector(".sides"); tries++) await soon();
        const panes = [...first.querySelectorAll(".sides pre")];
        say("both sides stand side by side", panes.length === 2 && panes[1].textContent.includes("<script>window.hacked"));
        say("what differs is marked", panes.every((pane) => pane.querySelectorAll("mark").length === 1));
        say("there is a curl for each side", first.querySelectorAll(".copy pre").length === 2 && first.querySelector(".copy pre").textContent.startsWith("curl -sS"));
        // The clipboard of a browser without a window answers when it likes, and not in virtual time.
        let copied = "";
        Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { copied = text; } } });
        first.querySelector(".copy button").click();
        await soon();
        say("a curl is copied", copied === first.querySelector(".copy pre").textContent && copied.length > 0);
        say("and that is told", first.querySelector(".copy button").textContent === "Copied");
        type("view", "raw");
        for (let tries = 0; tries < 40 && !first.querySelector(".sides pre")?.textContent.includes("----"); tries++) await soon();
        const raw = first.querySelectorAll(".sides pre")[1].textContent;
        say("bytes that are no text are written out", raw.includes("\\xff\\xfe") && !raw.includes("\ufffd") && raw.includes("\\u{1b}[31m") && raw.includes("\\u{0}"));
        say("raw headers show", raw.includes("X-Answer: <script>"));
        type("verdict", "fails");
        const shown = [...document.querySelectorAll("details.case")].filter((one) => !one.hidden);
        say("filtered by verdict", shown.length === 1 && shown[0] === first);
        type("verdict", "");
        type("search", "some-divergence case-0001");
        say("searched", byId("count").textContent === "1 of 3 cases");
        say("times are drawn", document.querySelectorAll("svg circle").length === 3);
        await soon();
        say("nothing of an answer ran", window.hacked === undefined && document.querySelectorAll("img").length === 0);
    "##;
    if let Some(told) = browse(folder.path(), "report.html", script) {
        assert_eq!(told.len(), 14, "{told:#?}");
    }
}

/// Ids as engines make them: nothing to compress.
fn noise(seed: usize) -> String {
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    (0..4).map(|_| word()).collect()
}

#[test]
fn a_report_of_600_scenarios_is_below_5_megabytes() {
    let trees: Vec<Value> = (0..6).map(|number| json!({"status": 200, "headers": {"content-type": ["application/json"],
        "x-request-id": ["<id>"]}, "body": {"json": {"Id": "<cid>", "Number": number, "Config": {"Env": ["PATH=/bin"],
        "Labels": {"divergence.run": "<run>"}, "Image": "busybox"}, "HostConfig": {"Memory": 0, "Binds": null,
        "RestartPolicy": {"Name": "", "MaximumRetryCount": 0}}, "State": {"Running": true, "ExitCode": 0}}}})).collect();
    let played = |case: &CaseId| {
        let number: usize = case.scenario.name().trim_start_matches("case-").parse().unwrap();
        let seed = 2 * number + usize::from(case.api.to_string() == "1.24");
        let body = |side: usize| {
            move |tree: &Value| {
                let ids: Vec<String> = (0..4).map(|at| noise(seed * 64 + side * 8 + at)).collect();
                format!("{tree}{ids:?}").into_bytes()
            }
        };
        let (reference, candidate) = (snapshot(case, "docker", &trees), snapshot(case, "sdc-docker", &trees));
        Some(Played {
            reference_recording: Some(recording(&reference, &body(0), "OK")),
            candidate_recording: Some(recording(&candidate, &body(1), "OK")),
            reference: Some(reference),
            candidate: Some(candidate),
        })
    };
    let cases = (0..1200).map(|number| case(number, VerdictKind::Diverges, "plain")).collect();
    let page = html::to_html(&report(cases), &played).unwrap();
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert!(page.len() > 500_000, "{} bytes: the exchanges are in it", page.len());
}
