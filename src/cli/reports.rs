//! Reports read back from the JSON that `run` wrote.

use std::path::Path;

use serde_json::Value;

use super::CliError;
use crate::report::{FORMAT, Report};
use crate::store;

/// Reads a report; one of another format is refused before anything else is said of it.
pub fn read(file: &str) -> Result<Report, CliError> {
    let text = store::read(Path::new(file))?;
    let bad = |what: String| CliError::Usage(format!("{file} {what}"));
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        bad(format!("is no report: {error}; `divergence run --report json=FILE` writes one"))
    })?;
    match value.get("format").and_then(Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            return Err(bad(format!("is a report of format {format}; this program reads format {FORMAT}")));
        }
        None => {
            return Err(bad(
                "is no report: it has no `format`; `divergence run --report json=FILE` writes one".to_owned(),
            ));
        }
    }
    serde_json::from_str(&text).map_err(|error| bad(format!("is no report: {error}")))
}
