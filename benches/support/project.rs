//! Projects of any size, for what is measured.

use std::io;
use std::path::Path;

use divergence::engine_id::Kind;
use divergence::snapshot::Snapshot;
use divergence::store::snapshots::to_text;
use divergence::suite::{SuiteFiles, load};

use super::made::{case, changed, engine, rows, snapshot};

/// A project of so many scenarios, with snapshots of both sides that differ in one known place each.
pub fn write(root: &Path, scenarios: usize) -> io::Result<()> {
    let put = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(root))?;
        std::fs::write(path, text)
    };
    let settings = "api = [\"1.21\"]\n[deadlines]\nrequest = 30\nuntil = 20\n[worlds.default]\ntitle = \"x\"\nfile = \"fixtures/x.toml\"\n";
    put("suites/suite.toml", settings)?;
    put("fixtures/x.toml", "")?;
    put("suites/normalise.toml", include_str!("../../suites/normalise.toml"))?;
    for from in (0..scenarios).step_by(10) {
        let area = format!("area-{}", from / 500);
        let mut pins = String::from(
            "title = \"One\"\nkind = \"deficiency\"\nwhy = \"It is so.\"\nevidence = \"read\"\n",
        );
        for at in from..scenarios.min(from + 10) {
            let name = format!("{area}/case-{at}");
            let file = format!("suites/{area}/scenarios/case-{at}.toml");
            let text = format!(
                "title = \"Case {at}\"\n[[steps]]\nid = \"list\"\nrequest = \"GET /containers/json?limit={at}\"\n"
            );
            put(&file, &text)?;
            let suite = load(&SuiteFiles { scenarios: vec![(file.clone(), text)], ..SuiteFiles::default() });
            let fingerprint = suite.unwrap().scenarios.remove(0).fingerprint;
            for (identity, release, kind, folder, rows) in [
                ("docker", "20.10.24", Kind::Live, "docker-20.10", rows(2)),
                ("sdc-docker", "0.7", Kind::Simulator, "simulator-0.7", changed(rows(2))),
            ] {
                let engine = engine(identity, release, kind);
                let whole = Snapshot {
                    case: case(&name),
                    engine,
                    fingerprint: fingerprint.clone(),
                    ..snapshot(rows)
                };
                put(&format!("snapshots/{folder}/{area}/case-{at}@1.21.snap"), &to_text(&whole, &file))?;
            }
            pins.push_str(&format!(
                "[[observations]]\nscenario = \"{name}\"\nat = \"list/body/json/0/Status\"\nreference = \"Up 2 hours\"\n\
                 candidate = \"Exited (137) a second ago\"\n"
            ));
        }
        put(&format!("suites/{area}/divergences/sdc-docker/pins-{from}.toml"), &pins)?;
    }
    Ok(())
}
