//! `completions` and `man`: what shells and manuals know of the command line, made of it.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::output::Output;
use super::{Cli, CliError};
use crate::report::exit;

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  divergence completions bash >/etc/bash_completion.d/divergence
  divergence completions zsh >~/.zfunc/_divergence
  divergence completions fish >~/.config/fish/completions/divergence.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  divergence man | man -l -
  divergence man --to /usr/local/share/man/man1     a page for each command as well")]
pub struct ManArgs {
    /// Write the pages of all commands to this folder
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub fn completions(args: &CompletionsArgs, output: &mut Output) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "divergence", &mut script);
    output.out.write_all(&script)?;
    output.out.flush()?;
    Ok(exit::FINE)
}

/// Prints the manual page, or writes those of all commands.
pub fn man(args: &ManArgs, output: &mut Output) -> Result<u8, CliError> {
    match &args.to {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(Cli::command(), folder)?;
            writeln!(output.out, "pages written to {}", folder.display())?;
        }
        None => clap_mangen::Man::new(Cli::command()).render(&mut output.out)?,
    }
    output.out.flush()?;
    Ok(exit::FINE)
}
