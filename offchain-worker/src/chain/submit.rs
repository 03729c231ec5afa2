//! Signing, sending, and learning what became of it: not only whether a transaction was included, but what it did.

use super::{
    calls::Call,
    client::{ChainTypes, Client, Hash},
    error::ChainError,
    names::Name,
    queries::At,
};
use crate::keys::Key;
use std::time::Duration;
use subxt::{
    client::OnlineClientAtBlockImpl,
    config::DefaultExtrinsicParamsBuilder,
    error::{BackendError, DispatchError, ExtrinsicError, RpcError, TransactionEventsError},
    ext::codec::Decode,
    rpcs,
    transactions::{TransactionProgress, TransactionStatus},
};

/// Blocks during which a signed transaction may be included. After that it cannot haunt its sender.
pub const ERA_BLOCKS: u64 = 64;

/// What to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// A block of the best chain has the transaction: soon, and a reorganisation may still undo it.
    #[default]
    Best,
    /// A finalised block has it.
    Finalised,
}

/// A transaction that is in a block and succeeded.
#[derive(Clone, Debug)]
pub struct Included {
    /// The block.
    pub block: Hash,
    /// The block's number.
    pub number: u64,
    /// The transaction's hash.
    pub transaction: Hash,
    /// Its events: name and encoded fields.
    events: Vec<(String, String, Vec<u8>)>,
}

impl Included {
    /// The first field of the first event `name`, if there is one.
    pub fn first_field<T: Decode>(&self, name: Name) -> Option<T> {
        self.events
            .iter()
            .find(|(pallet, item, _)| pallet == name.pallet && item == name.item)
            .and_then(|(_, _, fields)| T::decode(&mut fields.as_slice()).ok())
    }
}

/// Signs and sends transactions of one account, one after another, without waiting for a block between them: their nonces follow each
/// other.
pub struct Sender<'a> {
    client: &'a Client,
    key: &'a Key,
    at: At,
    /// The next nonce; none if it is to be asked for.
    nonce: Option<u64>,
}

/// A transaction that a node has taken.
pub struct Sent {
    client: Client,
    call: Name,
    hash: Hash,
    progress: TransactionProgress<ChainTypes, OnlineClientAtBlockImpl<ChainTypes>>,
}

impl Client {
    /// Signs `call` with `key` (sr25519, a mortal era, no tip), sends it and waits until it is in a block.
    ///
    /// # Errors
    /// [`ChainError::Refused`], with the pallet's error and its documentation, if it was included and failed;
    /// [`ChainError::NotAccepted`] if the pool did not take it; [`ChainError::NotIncluded`] if it took too long.
    pub async fn submit(&self, call: &Call, key: &Key, until: Until) -> Result<Included, ChainError> {
        self.sender(key).await?.send(call).await?.included(until).await
    }

    /// What sends transactions of `key`. Nothing else of this process may send for the same key meanwhile.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn sender<'a>(&'a self, key: &'a Key) -> Result<Sender<'a>, ChainError> {
        // The era's first block is a finalised one, which no reorganisation takes away, unless that is so old that the era would soon be
        // over: finality may stand still while clocks run.
        let (finalised, best) = (self.at_finalised().await?, self.at_best().await?);
        let lag = best.number().saturating_sub(finalised.number());
        let at = if lag > ERA_BLOCKS / 4 { best } else { finalised };
        Ok(Sender { client: self, key, at, nonce: None })
    }
}

impl Sender<'_> {
    /// Signs `call` and sends it. What became of it is told by [`Sent::included`].
    ///
    /// # Errors
    /// [`ChainError::NotAccepted`] if the pool did not take it; else if the node does not answer.
    pub async fn send(&mut self, call: &Call) -> Result<Sent, ChainError> {
        let client = self.client;
        let payload = call.payload(self.at.block())?;
        // Until a node has taken the transaction, its nonce may be free or not.
        let nonce = match self.nonce.take() {
            Some(nonce) => nonce,
            None => client.next_nonce(&self.key.account()).await?,
        };
        let params =
            DefaultExtrinsicParamsBuilder::<ChainTypes>::new().mortal(ERA_BLOCKS).nonce(nonce).build();
        let mut transactions = self.at.block().transactions();
        let signing = transactions.create_signed(&payload, self.key.pair(), params);
        let transaction = client.within(&format!("signing {}", call.name), signing).await?;
        let hash = transaction.hash();
        tracing::debug!(call = %call.name, nonce, ?hash, "sending a transaction");

        let sending = tokio::time::timeout(client.limits.request, transaction.submit_and_watch());
        let progress = match sending.await {
            Ok(Ok(progress)) => progress,
            Ok(Err(error)) => return Err(not_accepted(call, error)),
            Err(_) => {
                return Err(ChainError::Timeout {
                    what: format!("sending {}", call.name),
                    after: client.limits.request,
                });
            }
        };
        self.nonce = nonce.checked_add(1);
        Ok(Sent { client: client.clone(), call: call.name, hash, progress })
    }
}

impl Sent {
    /// Waits until it is in a block.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn included(self, until: Until) -> Result<Included, ChainError> {
        let Self { client, call, hash, mut progress } = self;
        let watching = async {
            while let Some(status) = progress.next().await {
                let status = status.map_err(|error| ChainError::Rpc {
                    what: format!("watching {call}"),
                    reason: error.to_string(),
                })?;
                let found = match status {
                    TransactionStatus::InBestBlock(found) if until == Until::Best => found,
                    TransactionStatus::InFinalizedBlock(found) => found,
                    TransactionStatus::Error { message }
                    | TransactionStatus::Invalid { message }
                    | TransactionStatus::Dropped { message } => {
                        return Err(ChainError::NotAccepted { call, reason: message });
                    }
                    _ => continue,
                };
                return Ok(found);
            }
            Err(ChainError::Rpc {
                what: format!("watching {call}"),
                reason: "the node said no more about it".into(),
            })
        };
        let after = client.limits.inclusion;
        let found = bounded(after, watching).await.ok_or(ChainError::NotIncluded { call, after })??;

        let what = format!("reading what {call} did");
        let succeeded = bounded(client.limits.request, found.wait_for_success())
            .await
            .ok_or_else(|| ChainError::Timeout { what: what.clone(), after: client.limits.request })?;
        let events = succeeded.map_err(|error| match error {
            TransactionEventsError::ExtrinsicFailed(dispatch) => refused(call, &dispatch),
            other => ChainError::Rpc { what: what.clone(), reason: other.to_string() },
        })?;
        let block = found.block_hash();
        let number = client.at(block).await?.number();
        let events = events
            .iter()
            .filter_map(Result::ok)
            .map(|event| {
                (event.pallet_name().into(), event.event_name().into(), event.field_bytes().to_vec())
            })
            .collect();
        tracing::debug!(call = %call, number, ?block, "included");
        Ok(Included { block, number, transaction: hash, events })
    }
}

async fn bounded<T>(after: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(after, future).await.ok()
}

/// The chain's refusal, with the error's name and documentation.
fn refused(call: Name, error: &DispatchError) -> ChainError {
    let (name, docs) = match error {
        DispatchError::Module(module) => match module.details() {
            Ok(details) => {
                let docs: Vec<&str> = details.variant.docs.iter().map(|line| line.trim()).collect();
                (format!("{}.{}", details.pallet.name(), details.variant.name), docs.join(" "))
            }
            Err(_) => (module.to_string(), String::new()),
        },
        other => (other.to_string(), String::new()),
    };
    ChainError::Refused { call, name, docs: docs.trim().into() }
}

/// Why the pool did not take a transaction, with the detail that the node gave.
fn not_accepted(call: &Call, error: ExtrinsicError) -> ChainError {
    match error {
        ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
            rpcs::Error::User(user),
        ))) => {
            let detail = user
                .data
                .as_ref()
                .and_then(|data| serde_json::from_str::<String>(data.get()).ok())
                .map(|detail| format!(": {detail}"))
                .unwrap_or_default();
            ChainError::NotAccepted { call: call.name, reason: format!("{}{detail}", user.message) }
        }
        other => ChainError::Rpc { what: format!("sending {}", call.name), reason: other.to_string() },
    }
}
