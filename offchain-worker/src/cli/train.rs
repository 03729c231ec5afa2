//! `train`: being written.

use super::Context;

/// Arguments of `train`.
#[derive(clap::Args, Debug)]
pub struct TrainArgs {}

/// Runs the command.
///
/// # Errors
/// Always, for now.
pub fn run(_args: TrainArgs, _context: &Context) -> anyhow::Result<()> {
    anyhow::bail!("being written")
}
