//! The first run against an engine that is not of this machine is agreed to by a person.

use std::io::Write as _;

use super::CliError;
use super::output::Output;
use crate::case::{Seat, Source};
use crate::store::Store;

/// Asks before a first run against an engine elsewhere: it makes and removes containers there.
pub fn ask_first(seats: &[&Seat], yes: bool, store: &Store, output: &mut Output) -> Result<(), CliError> {
    for seat in seats {
        let Source::Live { endpoint, .. } = &seat.source else { continue };
        let place = endpoint.address.place();
        if yes || endpoint.address.is_loopback() || store.knows_engine(&place) {
            continue;
        }
        let most = endpoint.budget.as_ref().map(|budget| format!(", at most {} of them", budget.all()));
        let most = most.unwrap_or_default();
        if !output.is_terminal {
            return Err(CliError::Usage(format!(
                "{} at {place} is not on this machine: a run makes and removes containers there{most}; say --yes to do so",
                seat.name
            )));
        }
        write!(output.out, "{place} is not on this machine. Make and remove containers there{most}? [y/N] ")?;
        output.out.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !answer.trim().eq_ignore_ascii_case("y") {
            return Err(CliError::Usage("not run".to_owned()));
        }
        store.remember_engine(&place)?;
    }
    Ok(())
}
