//! `completions`: completions for a shell.

use super::{Cli, Context};
use clap::{Args, CommandFactory};

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
/// None.
pub fn run(args: CompletionsArgs, _context: &Context) -> anyhow::Result<()> {
    clap_complete::generate(args.shell, &mut Cli::command(), "sabha-worker", &mut std::io::stdout());
    Ok(())
}
