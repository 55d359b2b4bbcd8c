//! `lint`: what a compose file or a `docker run` line may not rely on.

use std::io::{Read as _, Write as _};
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{CliError, Common};
use crate::divergence::Effect;
use crate::lint::{Remark, Used, command, compose, remarks};
use crate::report::console::{Ink, clean, counted, paint};
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

Exit code 1 when something would be refused, 0 when options are ignored or differ at most, 4 when
there is nothing to look at. What is said comes from suites/options.toml and the
divergences that it names, as the docs do.";

/// Looks at files.
pub fn lint(args: &LintArgs, common: &Common, output: &mut Output) -> Result<u8, CliError> {
    let loaded = common.store()?.load()?;
    let mut told = Vec::new();
    let mut all: Vec<Remark> = Vec::new();
    let mut unknown_here = 0;
    let mut found: Vec<(String, Vec<Used>)> = Vec::new();
    if let Some(line) = &args.line {
        if !command::has_command(line) {
            return Err(CliError::Nothing(no_command("--line")));
        }
        found.push(("--line".to_owned(), command::used(line)));
    }
    for file in &args.files {
        found.push((file.clone(), used_in(file)?));
    }
    for (file, used) in found {
        let remarks = remarks(&used, &loaded.suite, &args.release);
        let unknown: Vec<&Used> = used.iter().filter(|each| each.option.is_none()).collect();
        unknown_here += unknown.len();
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
    let differ = if differs == 1 { "differs" } else { "differ" };
    let sum = format!("{refused} refused, {ignored} ignored, {differs} {differ}");
    writeln!(output.out, "{} on sdc-docker {}", paint(&sum, ink, output.colour), args.release)?;
    if unknown_here > 0 && !args.verbose {
        let options = counted(unknown_here, "option");
        writeln!(output.out, "{options} not known here, of which nothing is said; -v names them")?;
    }
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
        return Err(CliError::Nothing(no_command(file)));
    }
    compose::used(&text).map_err(|error| match error {
        compose::NoCompose::Yaml(_) => CliError::Usage(format!("{file} {error}")),
        compose::NoCompose::NoService => CliError::Nothing(format!("{file} {error}")),
    })
}

fn no_command(source: &str) -> String {
    format!("{source} has no line with `docker run` or `docker create`")
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
