//! What commands that talk to a node share: connecting, signing, and telling what became of it.

use super::Context;
use crate::{
    chain::{Call, ChainResult, Client, Included, Until, Worker},
    config::{ChainArgs, Config, SignerArgs},
    error::{Exit, ResultExt, failure},
    keys::{AccountId, Key},
};
use sabha_protocol::{Balance, amount};
use serde::Serialize;

/// Flags of commands that read from the chain.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryArgs {
    /// Which chain.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// Read the latest finalised block instead of the best one
    #[arg(long)]
    pub finalised: bool,
}

/// Flags of commands that send a transaction.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct SendArgs {
    /// Which chain.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// Who signs.
    #[command(flatten)]
    pub signer: SignerArgs,
    /// Wait until the transaction is in a finalised block, not only in the best one
    #[arg(long)]
    pub finalised: bool,
}

/// A connection with the configuration it was made from.
pub struct Session {
    /// The configuration, flags applied.
    pub config: Config,
    /// The connection.
    pub client: Client,
}

/// A connection with a key.
pub struct Signed {
    /// The connection.
    pub session: Session,
    /// Who signs.
    pub key: Key,
    until: Until,
}

/// A transaction in a block, as JSON.
#[derive(Serialize)]
pub struct Receipt {
    /// The call.
    pub call: String,
    /// Who signed.
    pub signer: AccountId,
    /// The block's number.
    pub block: u64,
    /// The block's hash.
    pub block_hash: String,
    /// The transaction's hash.
    pub transaction: String,
}

impl Receipt {
    fn new(call: &Call, signer: AccountId, included: &Included) -> Self {
        Self {
            call: call.name.to_string(),
            signer,
            block: included.number,
            block_hash: format!("{:?}", included.block),
            transaction: format!("{:?}", included.transaction),
        }
    }
}

impl QueryArgs {
    /// Connects, and reads the block that the flags name.
    ///
    /// # Errors
    /// [`Exit::NoNode`], [`Exit::WrongChain`] or [`Exit::BadInput`] (configuration).
    pub async fn open(&self, context: &Context) -> anyhow::Result<(Session, crate::chain::At)> {
        let session = Session::open(context, &self.chain).await?;
        let client = &session.client;
        let at = if self.finalised { client.at_finalised().await } else { client.at_best().await };
        let at = at.coded()?;
        Ok((session, at))
    }
}

impl SendArgs {
    /// Reads the key, then connects.
    ///
    /// # Errors
    /// As [`QueryArgs::open`]; [`Exit::BadInput`] if there is no usable key.
    pub async fn open(&self, context: &Context) -> anyhow::Result<Signed> {
        let config = Config::load(&context.global)?.with_chain(&self.chain).with_signer(&self.signer);
        let key = Key::load(config.worker.key.as_deref()).exit(Exit::BadInput)?;
        let client = Client::connect(&config.chain).await.coded()?;
        let until = if self.finalised { Until::Finalised } else { Until::Best };
        Ok(Signed { session: Session { config, client }, key, until })
    }
}

impl Session {
    /// Connects as the configuration and `chain` say.
    ///
    /// # Errors
    /// As [`QueryArgs::open`].
    pub async fn open(context: &Context, chain: &ChainArgs) -> anyhow::Result<Self> {
        let config = Config::load(&context.global)?.with_chain(chain);
        let client = Client::connect(&config.chain).await.coded()?;
        Ok(Self { config, client })
    }
}

impl Signed {
    /// Sends a call and waits until it is in a block.
    ///
    /// # Errors
    /// [`Exit::Refused`] with the chain's reason; [`Exit::NoNode`].
    pub async fn send(&self, call: &Call) -> anyhow::Result<(Included, Receipt)> {
        let included = self.session.client.submit(call, &self.key, self.until).await.coded()?;
        let receipt = Receipt::new(call, self.key.account(), &included);
        Ok((included, receipt))
    }

    /// Sends a call and prints what became of it: `done` says it in words.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_and_print(&self, context: &Context, call: &Call, done: &str) -> anyhow::Result<()> {
        let (_, receipt) = self.send(call).await?;
        let text = format!("{done} (block {}, transaction {})", receipt.block, receipt.transaction);
        context.print(&receipt, text)
    }

    /// The worker that the key speaks for.
    ///
    /// # Errors
    /// [`Exit::Refused`] if it speaks for none.
    pub async fn worker(&self) -> anyhow::Result<Worker> {
        let at = self.session.client.at_best().await.coded()?;
        worker_of(&at, &self.key.account()).await
    }
}

/// The worker that `who` owns or is the hot key of.
///
/// # Errors
/// [`Exit::Refused`] if there is none.
pub async fn worker_of(at: &crate::chain::At, who: &AccountId) -> anyhow::Result<Worker> {
    at.worker_of(who).await.coded()?.ok_or_else(|| {
        let remedy = "register one with `sabha-worker register`";
        failure(
            Exit::Refused,
            format!("{who} neither owns a worker on this chain nor is one's hot key: {remedy}"),
        )
    })
}

/// Checks a worker's endpoint before it is signed: a call that the runtime cannot read is answered with a trap, not with a reason.
///
/// # Errors
/// [`Exit::BadInput`] if it is too long, or has other characters than printable ASCII without blanks.
pub fn check_endpoint(at: &crate::chain::At, endpoint: &str) -> anyhow::Result<()> {
    let most = at.max_endpoint_len().coded()?;
    endpoint_fits(endpoint, most).map_err(|message| failure(Exit::BadInput, message))
}

fn endpoint_fits(endpoint: &str, most: u32) -> Result<(), String> {
    if let Some(other) = endpoint.chars().find(|c| !c.is_ascii_graphic()) {
        return Err(format!("--endpoint has {other:?} in it: printable ASCII without blanks is expected"));
    }
    match endpoint.len() {
        bytes if bytes > usize::try_from(most).unwrap_or(usize::MAX) => {
            Err(format!("--endpoint has {bytes} characters: give an address of at most {most}"))
        }
        _ => Ok(()),
    }
}

/// Parses an amount for clap.
///
/// # Errors
/// Says what is expected.
pub fn parse_amount(text: &str) -> Result<Balance, String> {
    amount::parse(text).map_err(|error| error.to_string())
}

/// An amount with its unit, for people.
pub fn sbh(value: Balance) -> String {
    format!("{} SBH", amount::display(value))
}

/// `#[serde(serialize_with = …)]` for amounts: JSON numbers cannot hold them exactly.
///
/// # Errors
/// The serialiser's.
pub fn as_text<S: serde::Serializer>(value: &Balance, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&amount::display(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_short_and_printable() {
        for good in ["", "https://worker.example:9955/a", &"x".repeat(128)] {
            assert_eq!(endpoint_fits(good, 128), Ok(()));
        }
        for (bad, part) in [
            (&*"x".repeat(129), "at most 128"),
            ("a\nb", "'\\n'"),
            ("a b", "' '"),
            ("ñ", "'ñ'"),
            ("\u{7f}", "ASCII"),
        ] {
            let message = endpoint_fits(bad, 128).unwrap_err();
            assert!(message.starts_with("--endpoint") && message.contains(part), "{message}");
        }
    }
}
