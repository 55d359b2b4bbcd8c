//! Runs the same Docker API scenarios against stock Docker and a candidate such as
//! sdc-docker, compares what comes back, and knows which differences are known.

pub mod compare;
pub mod config;
pub mod divergence;
pub mod engine;
pub mod engine_id;
pub mod exchange;
pub mod frames;
pub mod judge;
pub mod mistake;
pub mod normalise;
pub mod pointer;
pub mod route;
pub mod run;
pub mod scenario;
pub mod schema;
pub mod snapshot;
pub mod suite;
pub mod timing;
pub mod verdict;
pub mod version;
pub mod views;
