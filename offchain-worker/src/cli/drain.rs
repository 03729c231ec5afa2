//! `drain`: tell the chain that the worker cannot be drawn any more.

use super::{Context, on_chain::SendArgs};
use crate::chain::Call;
use clap::Args;

/// Arguments of `drain`.
#[derive(Args, Debug)]
pub struct DrainArgs {
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Runs the command.
///
/// # Errors
/// [`crate::error::Exit::Refused`] if the chain refuses: no such worker, or it is not ready.
pub async fn run(args: DrainArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    signed
        .send_and_print(
            context,
            &Call::drain(),
            "the worker is drawn for nothing any more; what it was drawn for is still to be done, its audits included",
        )
        .await
}
