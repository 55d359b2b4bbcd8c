//! The `divergence` command: arguments, environment and terminal, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(divergence::cli::main())
}
