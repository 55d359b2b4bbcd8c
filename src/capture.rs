//! Recording a real client: a proxy between it and an engine, what they said to each other, and
//! the scenario that asks the same. Judges nothing; only the proxy touches the network.

pub mod body;
pub mod conversation;
pub mod infer;
pub mod naming;
pub mod observed;
pub mod polls;
pub mod proxy;
pub mod secrets;
pub mod steps;
pub mod values;
pub mod write;
