//! `ready`: tell the chain that the worker can be drawn.

use super::{Context, on_chain::SendArgs};
use crate::chain::Call;
use clap::Args;

/// Arguments of `ready`.
#[derive(Args, Debug)]
pub struct ReadyArgs {
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Runs the command.
///
/// # Errors
/// [`crate::error::Exit::Refused`] if the chain refuses: no such worker, or it is ready already.
pub async fn run(args: ReadyArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    signed
        .send_and_print(context, &Call::ready(), "the worker can be drawn, from the next session's set on")
        .await
}
