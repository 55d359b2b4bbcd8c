//! The `divergence` command.

fn main() {}
