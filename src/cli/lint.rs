//! `lint`: what a compose file or a `docker run` line may not rely on.

use std::io::{Read as _, Write as _};
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common};
use crate::divergence::Effect;
use crate::lint::{Remark, Used, command, compose, remarks};
use crate::report::console::{Ink, clean, paint};
use crate::report::exit;
use crate::store;
use crate::version::Version;

/// Arguments of `lint`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LintArgs {
    /// Compose files (.yml, .yaml), or scripts with `docker run` lines; `-` is standard input
    #[arg(required_unless_present = "line", value_name = "FILE")]
    files: Vec<String>,
    /// A `docker run` line itself
    #[arg(long, value_name = "TEXT")]
    line: Option<String>,
    /// The release of sdc-docker that it is to run on
    #[arg(long, default_value = "0.7")]
    release: Version,
    /// Also tell what options are used of which nothing is known
    #[arg(long, short)]
    verbose: bool,
}

const EXAMPLES: &str = "\
Examples:
  divergence lint docker-compose.yml
  divergence lint deploy.sh --release 0.3
  divergence lint --line 'docker run --privileged -p 8080:80 nginx'
  divergence lint docker-compose.yml --format json | jq '.files[].remarks[].divergence'

Exit code 1 when something would be refused, 0 when all that differs is ignored or otherwise
done, 4 when there is nothing to look at. What is said comes from suites/options.toml and the
divergences that it names, as the docs do.";

/// Looks at files.
pub fn lint(args: &LintArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let loaded = common.store()?.load()?;
    let mut told = Vec::new();
    let mut all: Vec<Remark> = Vec::new();
    let line = args.line.as_ref().map(|line| ("--line".to_owned(), command::used(line)));
    if line.as_ref().is_some_and(|(_, used)| used.is_empty()) && args.files.is_empty() {
        return Err(CliError::Nothing("--line: no `docker run` with an option".to_owned()));
    }
    let mut found: Vec<(String, Vec<Used>)> = line.into_iter().collect();
    for file in &args.files {
        found.push((file.clone(), used_in(file)?));
    }
    for (file, used) in found {
        let remarks = remarks(&used, &loaded.suite, &args.release);
        let unknown: Vec<&Used> = used.iter().filter(|each| each.option.is_none()).collect();
        if output.json {
            let unknown: Vec<_> = unknown
                .iter()
                .map(|each| json!({"line": each.line, "place": each.place, "written": each.written}))
                .collect();
            told.push(json!({"file": file, "options": used.len(), "remarks": remarks, "unknown": unknown}));
        } else {
            for remark in &remarks {
                write_remark(&file, remark, output)?;
            }
            for each in unknown.iter().filter(|_| args.verbose) {
                let at = format!("{file}:{}", each.line);
                writeln!(output.out, "{at}  {}  {}: not known here", each.place, clean(&each.written))?;
            }
        }
        all.extend(remarks);
    }
    let count = |effect| all.iter().filter(|remark| remark.effect == effect).count();
    let [refused, ignored, differs] = [Effect::Refused, Effect::Ignored, Effect::Differs].map(count);
    let code = if refused > 0 { exit::FAILS } else { exit::FINE };
    if output.json {
        output.json(&json!({"format": 1, "release": args.release, "files": told, "refused": refused,
            "ignored": ignored, "differs": differs}))?;
        return Ok(code);
    }
    let ink = if refused > 0 { Ink::Bad } else { Ink::Good };
    let sum = format!("{refused} refused, {ignored} ignored, {differs} otherwise");
    writeln!(output.out, "{} on sdc-docker {}", paint(&sum, ink, output.colour), args.release)?;
    output.out.flush()?;
    Ok(code)
}

fn used_in(file: &str) -> Result<Vec<Used>, CliError> {
    let text = match file {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        file => store::read(Path::new(file))?,
    };
    let is_yaml = Path::new(file).extension().is_some_and(|its| its == "yml" || its == "yaml");
    if !is_yaml && command::has_command(&text) {
        return Ok(command::used(&text));
    }
    if !is_yaml && file != "-" {
        return Err(CliError::Nothing(format!("{file} has no line with `docker run` or `docker create`")));
    }
    compose::used(&text).map_err(|error| match error {
        compose::NoCompose::Yaml(_) => CliError::Usage(format!("{file} {error}")),
        compose::NoCompose::NoService => CliError::Nothing(format!("{file} {error}")),
    })
}

fn write_remark(file: &str, remark: &Remark, output: &mut Output) -> Result<(), CliError> {
    let Remark { line, place, written, effect, divergence, title, docs, .. } = remark;
    let ink = match effect {
        Effect::Refused => Ink::Bad,
        Effect::Ignored | Effect::Differs => Ink::Strong,
    };
    let word = paint(&format!("{:7}", effect.word()), ink, output.colour);
    writeln!(output.out, "{file}:{line}  {}  {}", clean(place), clean(written))?;
    Ok(writeln!(output.out, "    {word}  {title} ({divergence})\n             {docs}")?)
}
