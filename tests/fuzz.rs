//! Chance against everything that reads what others wrote: suite files, snapshots, streams, archives,
//! answers, requests. A small number of cases here; `ci/fuzz` tries many.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod fuzz {
    pub mod answers;
    pub mod mutate;
    pub mod requests;
    pub mod texts;
}

use proptest::test_runner::Config;

/// So many cases, unless `PROPTEST_CASES` says another number.
fn cases(few: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    Config { cases: asked.unwrap_or(few), failure_persistence: None, ..Config::default() }
}
