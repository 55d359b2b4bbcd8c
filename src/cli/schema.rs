//! `schema`: the JSON Schema of a file format, for editors.

use clap::{Args, ValueEnum};

use super::CliError;
use super::output::Output;
use crate::report::exit;
use crate::schema;

/// Arguments of `schema`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  divergence schema scenario > scenario.schema.json")]
pub struct SchemaArgs {
    /// The file format
    #[arg(value_enum)]
    of: Of,
}

/// A file format.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// suites/<area>/scenarios/*.toml
    Scenario,
    /// suites/<area>/divergences/<engine>/*.toml
    Divergence,
    /// suites/suite.toml
    Suite,
    /// engines.toml
    Engines,
}

/// Prints a schema.
pub fn schema(args: &SchemaArgs, output: &mut Output) -> Result<u8, CliError> {
    output.json(&match args.of {
        Of::Scenario => schema::scenario_schema(),
        Of::Divergence => schema::divergence_schema(),
        Of::Suite => schema::suite_schema(),
        Of::Engines => schema::engines_schema(),
    })?;
    Ok(exit::FINE)
}
