//! The command line: arguments, environment and terminal. One function per command.

mod accept;
mod agree;
mod capture;
mod check;
pub mod committed;
mod compare;
mod completions;
mod coverage;
mod docs;
mod engines;
mod explain;
mod lint;
mod list;
mod merge;
mod new;
mod output;
mod progress;
mod record;
mod reports;
mod review;
mod run;
mod schema;
mod select;
mod show;
mod simulate;
mod sink;
mod sweep;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::exit;
use crate::store::{Store, StoreError};
use output::Output;

/// Runs the same Docker API scenarios against stock Docker and sdc-docker, compares what comes
/// back, and knows which differences are known.
#[derive(Parser, Debug)]
#[command(version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  divergence run                            the whole suite, live where a Docker answers
  divergence run exit-statuses --api 1.21   one area at one API version
  divergence show exit-statuses/killed      both sides of it, step by step, with curl
  divergence accept --evidence read         write down what the last run found
  divergence explain exit-status-differs    everything known about one divergence

Exit codes: 0 as written, 1 something was found, 2 a mistake in arguments or files,
3 an engine could not be asked, 4 nothing ran.";

/// What every command takes.
#[derive(Args, Debug, Clone)]
struct Common {
    /// The project's folder [default: the nearest one at or above the current folder]
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Scenarios and divergences kept elsewhere
    #[arg(long, global = true, value_name = "DIR")]
    suites: Option<PathBuf>,
    /// Where the last run, the ledger and the simulator's state are kept [default: .divergence]
    #[arg(long, global = true, value_name = "DIR", env = "DIVERGENCE_STATE")]
    state: Option<PathBuf>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines; the shape is versioned
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run cases on both engines, compare, judge, report
    Run(run::RunArgs),
    /// Show both sides of a case of the last run, step by step
    Show(show::ShowArgs),
    /// List scenarios
    List(list::ListArgs),
    /// Check everything offline: files load, pins refer to real places, snapshots are there
    Check(check::CheckArgs),
    /// Tell what of Docker's documented API the scenarios exercise, and what is missing
    Coverage(coverage::CoverageArgs),
    /// Run cases on one engine and write its snapshots
    Record(record::RecordArgs),
    /// Turn the last run's findings into divergence files
    Accept(accept::AcceptArgs),
    /// Make the divergence docs and the compatibility matrix
    Docs(docs::DocsArgs),
    /// Tell what a compose file or a `docker run` line may not rely on
    Lint(lint::LintArgs),
    /// Hold two reports against each other, of releases or of engines
    Compare(compare::CompareArgs),
    /// Add up the reports of partitions
    Merge(merge::MergeArgs),
    /// Write what a real client asks as a scenario
    Capture(capture::CaptureArgs),
    /// Write a first scenario to fill in
    New(new::NewArgs),
    /// Tell everything known about a divergence
    Explain(explain::ExplainArgs),
    /// Tell which engines are configured and reachable
    Engines(engines::EnginesArgs),
    /// Remove what interrupted runs left behind on the engines
    Sweep(sweep::SweepArgs),
    /// Serve the simulator for other clients
    Simulate(simulate::SimulateArgs),
    /// Print the JSON Schema of a file format
    Schema(schema::SchemaArgs),
    /// Print what a shell completes
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man(completions::ManArgs),
}

/// How a command ended without a result.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// Files do not load, or cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Arguments that make no sense together, or name what is not there.
    #[error("{0}")]
    Usage(String),
    /// An engine cannot be asked.
    #[error("{0}")]
    Engine(String),
    /// Nothing was there to be run.
    #[error("{0}")]
    Nothing(String),
    /// The terminal or pipe is gone, or a report cannot be written.
    #[error("write the output: {0}")]
    Write(#[from] std::io::Error),
}

impl CliError {
    fn exit(&self) -> u8 {
        match self {
            CliError::Store(_) | CliError::Usage(_) => exit::MISTAKE,
            CliError::Engine(_) | CliError::Write(_) => exit::ERRS,
            CliError::Nothing(_) => exit::NOTHING,
        }
    }
}

/// Runs the command line of this process and returns its exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results; all else is a usage error. A closed pipe is no news.
            drop(error.print());
            return if error.use_stderr() { exit::MISTAKE } else { exit::FINE };
        }
    };
    let mut output = Output::of_process(cli.common.format, cli.common.color);
    let common = &cli.common;
    let result = match &cli.command {
        Command::Run(args) => run::run(args, common, &mut output),
        Command::Show(args) => show::show(args, common, &mut output),
        Command::List(args) => list::list(args, common, &mut output),
        Command::Check(args) => check::check(args, common, &mut output),
        Command::Coverage(args) => coverage::coverage(args, common, &mut output),
        Command::Record(args) => record::record(args, common, &mut output),
        Command::Accept(args) => accept::accept(args, common, &mut output),
        Command::Docs(args) => docs::docs(args, common, &mut output),
        Command::Lint(args) => lint::lint(args, common, &mut output),
        Command::Compare(args) => compare::compare(args, &mut output),
        Command::Merge(args) => merge::merge(args, common, &mut output),
        Command::Capture(args) => capture::capture(args, common, &mut output),
        Command::New(args) => new::new(args, common, &mut output),
        Command::Explain(args) => explain::explain(args, common, &mut output),
        Command::Engines(args) => engines::engines(args, common, &mut output),
        Command::Sweep(args) => sweep::sweep(args, common, &mut output),
        Command::Simulate(args) => simulate::simulate(args, common, &mut output),
        Command::Schema(args) => schema::schema(args, &mut output),
        Command::Completions(args) => completions::completions(args, &mut output),
        Command::Man(args) => completions::man(args, &mut output),
    };
    match result {
        Ok(code) => code,
        Err(CliError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => exit::FINE,
        Err(error) => {
            let files = common.store().ok();
            output.error(&error, files.as_ref());
            error.exit()
        }
    }
}

impl Common {
    fn store(&self) -> Result<Store, StoreError> {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let store = Store::find(self.root.as_deref(), &here, self.suites.as_deref())?;
        Ok(store.with_state(self.state.as_deref()))
    }
}
