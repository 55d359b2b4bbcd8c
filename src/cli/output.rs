//! Where results, news and errors go, and how this terminal wants them.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use super::{CliError, Colour, Format};
use crate::report::console::{Ink, clean, paint};
use crate::store::{Store, StoreError};

/// The process's own output.
pub struct Output {
    /// For results.
    pub out: Box<dyn Write>,
    /// For news and errors.
    pub news: Box<dyn Write>,
    /// Whether results are JSON.
    pub json: bool,
    /// Whether results are coloured.
    pub colour: bool,
    /// Whether a person can be asked and shown progress.
    pub is_terminal: bool,
    /// Columns.
    pub width: usize,
}

impl Output {
    /// Standard output and error as they are.
    pub fn of_process(format: Format, colour: Colour) -> Output {
        let is_terminal = io::stdout().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Output {
            out: Box::new(io::BufWriter::new(io::stdout())),
            news: Box::new(io::stderr()),
            json: format == Format::Json,
            colour: match colour {
                Colour::Auto => is_terminal && wanted,
                Colour::Always => true,
                Colour::Never => false,
            },
            is_terminal,
            width: if is_terminal { 100 } else { 200 },
        }
    }

    /// Prints a result as JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        serde_json::to_writer_pretty(&mut self.out, value).map_err(io::Error::from)?;
        writeln!(self.out)?;
        Ok(self.out.flush()?)
    }

    /// A line that is no result: what was chosen and why, what was left out.
    pub fn tell(&mut self, line: &str) -> Result<(), CliError> {
        if self.json {
            writeln!(self.news, "{}", clean(line))?;
        } else {
            writeln!(self.out, "{}", clean(line))?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Tells what went wrong, with carets into files where there are some.
    pub fn error(&mut self, error: &CliError, store: Option<&Store>) {
        // If the error cannot be told, there is nobody left to tell it to.
        drop(self.out.flush());
        drop(self.try_error(error, store));
    }

    fn try_error(&mut self, error: &CliError, store: Option<&Store>) -> io::Result<()> {
        let CliError::Store(StoreError::Mistakes(mistakes)) = error else {
            let text = match error {
                CliError::Store(inner) => format!("failed to {inner}"),
                other => other.to_string(),
            };
            if self.json {
                writeln!(self.out, "{}", json!({"format": 1, "error": text, "exit": error.exit()}))?;
                self.out.flush()?;
            }
            return writeln!(self.news, "{} {}", paint("error:", Ink::Bad, self.colour), clean(&text));
        };
        let mut told = Vec::new();
        for mistake in mistakes {
            let text = store.map(|store| store.text_of(&mistake.file)).unwrap_or_default();
            let (line, column) = match &mistake.span {
                Some(span) => crate::mistake::position(&text, span.start),
                None => (1, 1),
            };
            told.push(json!({"file": mistake.file, "line": line, "column": column,
                             "message": mistake.message, "help": mistake.help}));
            writeln!(self.news, "{}", mistake.render(&text, self.width, self.colour).trim_end())?;
        }
        if self.json {
            let report =
                json!({"format": 1, "error": error.to_string(), "mistakes": told, "exit": error.exit()});
            writeln!(self.out, "{report}")?;
            self.out.flush()?;
        }
        writeln!(self.news, "\n{} failed to {error}; nothing was run", paint("error:", Ink::Bad, self.colour))
    }
}
