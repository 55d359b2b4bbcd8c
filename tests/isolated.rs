//! Runs keep to themselves: they leave an engine as it was, also when they are interrupted or
//! killed, touch nothing foreign, and do not disturb each other. Live, on the Docker of `DOCKER_HOST`
//! or the usual socket: left out, and said so, where none answers and none is required. `ci/kill`,
//! `ci/foreign` and `ci/jobs` are the same with larger numbers.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where it cannot go on, and says what it leaves out"
)]

#[path = "isolated/engine.rs"]
mod engine;
#[path = "isolated/foreign.rs"]
mod foreign;
#[path = "isolated/interrupted.rs"]
mod interrupted;
#[path = "isolated/together.rs"]
mod together;
