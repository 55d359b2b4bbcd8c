//! A throw-away project with a scenario for each way to misbehave, and honest ones beside them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How many honest scenarios run beside the others.
const GOOD: usize = 12;

pub struct Project {
    folder: tempfile::TempDir,
}

/// How a run of the binary went.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// The most memory that it had at once.
    pub most_memory_kb: u64,
    pub took: Duration,
}

impl Project {
    /// A scenario that asks for a container of each name, in the three ways there are to ask.
    pub fn of<'n>(names: impl Iterator<Item = &'n str>) -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        project.write("suites/suite.toml", "api = [\"1.24\"]\n[deadlines]\nrequest = 2\nuntil = 2\n[worlds.default]\ntitle = \"-\"\nfile = \"fixtures/simulator/none.toml\"\n");
        project.write("fixtures/simulator/none.toml", "");
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/normalise.toml");
        project.write("suites/normalise.toml", &std::fs::read_to_string(rules).unwrap());
        let good = (0..GOOD).map(|number| format!("good-{number}"));
        for name in names.map(str::to_owned).chain(good) {
            let mut text = format!("title = \"The way {name}\"\n");
            for (id, step) in [
                ("request", format!("request = \"GET /containers/{name}/json\"")),
                ("raw", format!("raw = \"GET /v1.24/containers/{name}/json\"")),
                (
                    "stream",
                    format!(
                        "stream = \"GET /containers/{name}/logs?stdout=1\"\nuntil-end = {{ seconds = 2 }}"
                    ),
                ),
                ("after", "request = \"GET /_ping\"".to_owned()),
            ] {
                let _ = write!(text, "\n[[steps]]\nid = \"{id}\"\n{step}\n");
            }
            project.write(&format!("suites/containers/scenarios/{name}.toml"), &text);
        }
        project
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The names of the honest scenarios.
    pub fn good(&self) -> Vec<String> {
        (0..GOOD).map(|number| format!("good-{number}")).collect()
    }

    /// Runs the binary and watches how much memory it takes.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let begun = Instant::now();
        let [out, err] = ["stdout", "stderr"].map(|name| self.path(name));
        let mut child = Command::new(env!("CARGO_BIN_EXE_divergence"))
            .arg("--root")
            .arg(self.folder.path())
            .args(arguments)
            .env_remove("DOCKER_HOST")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        let mut most_memory_kb = 0;
        let code = loop {
            if let Some(code) = child.try_wait().unwrap() {
                break code.code();
            }
            // The kernel keeps the high-water mark: the last look before the end tells the most.
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kb = mark.and_then(|mark| mark.trim().trim_end_matches(" kB").parse().ok());
            most_memory_kb = most_memory_kb.max(kb.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(10));
        };
        let text = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        Ran { code, stdout: text(&out), stderr: text(&err), most_memory_kb, took: begun.elapsed() }
    }

    /// The verdicts of the last run by the name of the scenario.
    pub fn verdicts(&self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(self.path(".divergence/last/report.json")).unwrap();
        let report: Value = serde_json::from_str(&text).unwrap();
        let verdicts = report["verdicts"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told = |verdict: Value| {
            (text(&verdict["scenario"]).replace("containers/", ""), text(&verdict["verdict"]))
        };
        verdicts.into_iter().map(told).collect()
    }

    /// The time of the slowest exchange with the candidate in the last run.
    pub fn slowest(&self) -> Duration {
        let cases = std::fs::read_dir(self.path(".divergence/last/cases/containers")).unwrap();
        let millis = cases.flat_map(|case| {
            let text = std::fs::read_to_string(case.unwrap().path()).unwrap();
            let played: Value = serde_json::from_str(&text).unwrap();
            let steps = played["candidate_recording"]["steps"].as_array().cloned().unwrap_or_default();
            let millis = |step: Value| step["exchanges"][0]["millis"][0].as_f64();
            steps.into_iter().filter_map(millis).collect::<Vec<f64>>()
        });
        Duration::from_secs_f64(millis.fold(0.0, f64::max) / 1000.0)
    }

    /// What the candidate answered in a case of the last run: a tree for each step.
    pub fn case(&self, name: &str) -> BTreeMap<String, Value> {
        let path = self.path(&format!(".divergence/last/cases/containers/{name}@1.24.json"));
        let Ok(text) = std::fs::read_to_string(path) else { return BTreeMap::new() };
        let played: Value = serde_json::from_str(&text).unwrap();
        let steps = played["candidate"]["steps"].as_array().cloned().unwrap_or_default();
        let step = |step: Value| {
            (step["id"].as_str().unwrap_or_default().to_owned(), step["parts"][0]["tree"].clone())
        };
        steps.into_iter().map(step).collect()
    }
}
