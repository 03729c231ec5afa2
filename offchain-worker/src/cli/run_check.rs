//! `run_check`: being written.

use super::Context;

/// Arguments of `run_check`.
#[derive(clap::Args, Debug)]
pub struct CheckArgs {}

/// Runs the command.
///
/// # Errors
/// Always, for now.
pub fn run(_args: CheckArgs, _context: &Context) -> anyhow::Result<()> {
    anyhow::bail!("being written")
}
