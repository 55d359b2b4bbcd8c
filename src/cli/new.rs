//! `new`: a first scenario to fill in.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common};
use crate::report::exit;
use crate::store;

/// Arguments of `new`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  divergence new containers/restart-counts\n  divergence run containers/restart-counts"
)]
pub struct NewArgs {
    /// The scenario's name: area/name
    name: String,
}

const SCAFFOLD: &str = r#"# What Docker promises, as one sentence. The file is checked by `divergence check`,
# and its keys are described by `divergence schema scenario`.
title = "A container that was made can be inspected"
page = "AREA"
needs = ["image:busybox"]

[[steps]]
id = "create"
request = "POST /containers/create?name=${name:it}"
json = '''{"Image": "${image:busybox}", "Cmd": ["sleep", "600"], "HostConfig": {}}'''
capture = { cid = "/body/json/Id" }

[[steps]]
id = "inspect"
request = "GET /containers/${cid}/json"
compare = ["/status", "/body/json/Name", "/body/json/State/Running"]    # default: everything
"#;

/// Writes a scenario that runs as it stands.
pub fn new(args: &NewArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let store = common.store()?;
    let (area, name) = scenario_name(&args.name)?;
    let file = format!("suites/{area}/scenarios/{name}.toml");
    let path = store.path_of(&file);
    if path.exists() {
        return Err(CliError::Usage(format!("{file} is there already")));
    }
    store::write(&path, &SCAFFOLD.replace("AREA", area))?;
    if output.json {
        output.json(&json!({"format": 1, "file": file, "scenario": args.name}))?;
    } else {
        writeln!(output.out, "wrote {file}\nnext: edit it, then `divergence run {}`", args.name)?;
        output.out.flush()?;
    }
    Ok(exit::FINE)
}

/// Area and name of a scenario that is to be written.
pub fn scenario_name(text: &str) -> Result<(&str, &str), CliError> {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    text.split_once('/').filter(|(area, name)| is_word(area) && is_word(name)).ok_or_else(|| {
        CliError::Usage(format!(
            "`{text}` is no scenario name: write area/name in lower-case letters, digits and dashes"
        ))
    })
}
