//! `drain`: tell the chain that the worker takes no more slots.

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
/// [`crate::error::Exit::Refused`] if the chain refuses: no such worker, or it takes none.
pub async fn run(args: DrainArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    signed
        .send_and_print(
            context,
            &Call::drain(),
            "the worker takes no more slots; one that it has is still to be finished",
        )
        .await
}
