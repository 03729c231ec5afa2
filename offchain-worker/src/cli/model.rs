//! `model`: being written.

use super::Context;

/// Arguments of `model`.
#[derive(clap::Args, Debug)]
pub struct ModelArgs {}

/// Runs the command.
///
/// # Errors
/// Always, for now.
pub fn run(_args: ModelArgs, _context: &Context) -> anyhow::Result<()> {
    anyhow::bail!("being written")
}
