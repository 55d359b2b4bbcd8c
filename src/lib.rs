//! Runs the same Docker API scenarios against stock Docker and a candidate such as
//! sdc-docker, compares what comes back, and knows which differences are known.
//!
//! One way through:
//!
//! ```text
//! suites/**/*.toml --load--> Scenario --run on an engine--> Recording --normalise--> Snapshot
//!                                                                                       |
//! reference Snapshot + candidate Snapshot --compare--> Differences --judge with--> Verdict --> Report
//!                                                                   Divergences
//! ```

pub mod divergence;
pub mod engine;
pub mod engine_id;
pub mod exchange;
pub mod frames;
pub mod mistake;
pub mod pointer;
pub mod route;
pub mod run;
pub mod scenario;
pub mod snapshot;
pub mod version;
