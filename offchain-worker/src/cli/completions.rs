//! `completions`: completions for a shell.

use super::{Cli, Context};
use crate::output::Output;
use clap::{Args, CommandFactory};
use std::io::Write;

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker completions bash > ~/.local/share/bash-completion/completions/sabha-worker"
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Prints the completions to standard output.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(args: CompletionsArgs, _context: &Context) -> anyhow::Result<()> {
    // Into memory first: clap panics where it cannot write.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sabha-worker", &mut text);
    Ok(Output::lock().write_all(&text)?)
}
