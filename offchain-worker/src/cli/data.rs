//! `data`: being written.

use super::Context;

/// Arguments of `data`.
#[derive(clap::Args, Debug)]
pub struct DataArgs {}

/// Runs the command.
///
/// # Errors
/// Always, for now.
pub fn run(_args: DataArgs, _context: &Context) -> anyhow::Result<()> {
    anyhow::bail!("being written")
}
