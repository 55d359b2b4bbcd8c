//! Runs the same Docker API scenarios against stock Docker and a candidate such as
//! sdc-docker, compares what comes back, and knows which differences are known.
//!
//! One way through, and one module for each arrow:
//!
//! ```text
//! suites/**/*.toml --suite--> Scenario --run on an engine--> Recording --normalise--> Snapshot
//!                                                                                        |
//! reference Snapshot + candidate Snapshot --compare--> Differences --judge with--> Verdict --> Report
//!                                                                    Divergences
//! ```
//!
//! Read [`case`] first: it follows one case from its file to its verdict. Imports only go
//! downward:
//!
//! ```text
//! main, cli            arguments, environment, terminal: one function per command
//! accept capture check coverage docs lint  what the commands of those names do
//! report               verdicts added up; console, junit, curl are its sinks
//! session seats        which engines, with which images, cleaned up at the end
//! case                 load -> run -> normalise -> compare -> judge
//! run                  steps, captures, streams, ledger, cleanup           (network)
//! engine simulator     how an engine is asked; sdc-docker's stand-in       (network)
//! store                the only module that touches suites/ and snapshots/ (files)
//! judge                divergences + differences -> verdict                (pure)
//! compare normalise    snapshots from recordings, differences from both    (pure)
//! suite                scenarios and divergences from texts, with carets   (pure)
//! scenario divergence exchange snapshot verdict documented pointer route version  (values)
//! ```
//!
//! Twelve words carry everything: scenario, step, case, engine (reference and candidate),
//! exchange, recording, snapshot, difference, divergence, finding, verdict, report.

pub mod accept;
pub mod capture;
pub mod case;
pub mod check;
pub mod cli;
pub mod compare;
pub mod config;
pub mod coverage;
pub mod divergence;
pub mod docker_option;
pub mod docs;
pub mod documented;
pub mod engine;
pub mod engine_id;
pub mod exchange;
pub mod frames;
pub mod judge;
pub mod lint;
pub mod mistake;
pub mod normalise;
pub mod partition;
pub mod pointer;
pub mod report;
pub mod route;
pub mod run;
pub mod scenario;
pub mod schema;
pub mod seats;
pub mod session;
pub mod simulator;
pub mod snapshot;
pub mod store;
pub mod suite;
pub mod timing;
pub mod verdict;
pub mod version;
pub mod views;
