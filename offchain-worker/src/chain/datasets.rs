//! Datasets, claims, curators and reward pools, as the chain stores them.
//!
//! These are records of its pallets, which this crate does not link: the same fields in the same order, which [`super::compat`] checks
//! against a runtime's metadata.

use super::{
    client::Client,
    error::ChainError,
    names::{storage, view},
    queries::At,
};
use crate::keys::AccountId;
use codec::{Decode, Encode};
use sabha_protocol::{
    ActiveBlock, Balance, Digest, Session,
    datasets::{ClaimId, DatasetId, Modality, Seat, SeatState, Stage, Unit},
    pool::{PoolId, Shares},
};
use serde::Serialize;
use std::time::Duration;
use subxt::{dynamic::Value, ext::scale_decode::DecodeAsType};

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Dataset {
    /// The account that registered it.
    pub owner: AccountId,
    /// Title, for people.
    pub title: String,
    /// What the data is made of.
    pub modality: Modality,
    /// BCP-47 language tag.
    pub language: String,
    /// The licence that every claim must be under.
    pub licence: String,
    /// What is counted and paid.
    pub unit: Unit,
    /// Bytes that a unit has at least.
    pub unit_bytes: u32,
    /// What an accepted unit is paid, in units of 10^-12 SBH.
    pub rate: Balance,
    /// Curators of a claim's panel.
    pub panel: u16,
    /// What there is for it, in units of 10^-12 SBH.
    pub budget: Balance,
    /// Of it, what is promised to claims that are not settled.
    pub reserved: Balance,
    /// Claims that are not settled.
    pub claims: u32,
    /// Units that were accepted.
    pub units: u64,
    /// What was paid for them, in units of 10^-12 SBH.
    pub paid: Balance,
    /// Whether it takes claims.
    pub open: bool,
}

/// What a claim brings, once that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Told {
    /// The root over its shards.
    pub root: Digest,
    /// Its units.
    pub units: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// Who appealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Appeal {
    /// The account.
    pub appellant: AccountId,
    /// What it has on hold for it, in units of 10^-12 SBH.
    pub bond: Balance,
}

/// A claim that is not settled.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DataClaim {
    /// The dataset.
    pub dataset: DatasetId,
    /// Who is paid if it is accepted.
    pub claimant: AccountId,
    /// What it began with.
    pub seal: Digest,
    /// How far it is.
    pub stage: Stage,
    /// What it brings.
    pub told: Option<Told>,
    /// What the claimant has on hold for it, in units of 10^-12 SBH.
    pub bond: Balance,
    /// What its claimant paid for the panel.
    pub fee: Balance,
    /// What is left of that.
    pub purse: Balance,
    /// What the dataset's budget has promised to it.
    pub reserved: Balance,
    /// Curators that its panel should have.
    pub seats: u16,
    /// Panels that were drawn before this one.
    pub panels: u8,
    /// Those that were found.
    pub panel: Vec<Seat<AccountId>>,
    /// Who appealed.
    pub appeal: Option<Appeal>,
}

impl DataClaim {
    /// What this curator of the panel did so far.
    pub fn seat_of(&self, curator: &AccountId) -> Option<SeatState> {
        self.panel.iter().find(|seat| seat.curator == *curator).map(|seat| seat.state)
    }

    /// One word for how far it is.
    pub fn word(&self) -> &'static str {
        match self.stage {
            Stage::Committed { .. } => "committed",
            Stage::Drawing { .. } => "drawing",
            Stage::Sealing { .. } => "sealing",
            Stage::Revealing { .. } => "revealing",
            Stage::Judged { .. } => "judged",
            Stage::Appealed { .. } => "appealed",
        }
    }

    /// The last active block of its stage, if it has one.
    pub fn until(&self) -> Option<ActiveBlock> {
        match self.stage {
            Stage::Drawing { .. } => None,
            Stage::Committed { until, .. }
            | Stage::Sealing { until }
            | Stage::Revealing { until }
            | Stage::Judged { until, .. }
            | Stage::Appealed { until, .. } => Some(until),
        }
    }
}

/// Data that was accepted: what remains of its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Accepted {
    /// The dataset.
    pub dataset: DatasetId,
    /// Whose claim it was.
    pub claimant: AccountId,
    /// Units that were accepted.
    pub units: u64,
    /// Bytes of all shards.
    pub bytes: u64,
}

/// Whether a curator can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum CuratorStatus {
    /// Has its tickets in the draw.
    Ready,
    /// Was silent: its tickets count for nothing.
    Absent,
    /// Has none.
    Idle {
        /// The active block since which.
        since: ActiveBlock,
    },
}

/// A curator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Curator {
    /// What it has on hold, in units of 10^-12 SBH.
    #[serde(serialize_with = "crate::cli::on_chain::as_text")]
    pub stake: Balance,
    /// Of it, what answers for seats that are not settled.
    #[serde(serialize_with = "crate::cli::on_chain::as_text")]
    pub reserved: Balance,
    /// Whether it can be drawn.
    pub status: CuratorStatus,
    /// Tickets that it has in the draw.
    pub tickets: u16,
    /// The session in which tickets of it left the draw at last.
    pub left: Option<Session>,
    /// Votes within the tolerance.
    pub sound: u32,
    /// Votes that were far from what was decided, or missing.
    pub failed: u32,
}

/// What of the chain's durations claims, and who judges them, need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct DurationsRecord {
    slot_ms: u64,
    availability: ActiveBlock,
}

/// The randomness of a session.
pub type Word = (Session, [u8; 32]);

impl At {
    /// A dataset.
    ///
    /// # Errors
    /// If the node does not answer, or the runtime differs from what this release knows; so for all that follow.
    pub async fn dataset(&self, id: DatasetId) -> Result<Option<Dataset>, ChainError> {
        self.plain(storage::DATASETS, vec![Value::u128(id.into())]).await
    }

    /// Every dataset, in order.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn datasets(&self) -> Result<Vec<(DatasetId, Dataset)>, ChainError> {
        self.plain_entries(storage::DATASETS).await
    }

    /// A claim that is not settled.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn data_claim(&self, id: ClaimId) -> Result<Option<DataClaim>, ChainError> {
        self.plain(storage::DATA_CLAIMS, vec![Value::u128(id.into())]).await
    }

    /// Every claim that is not settled, in order.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn data_claims(&self) -> Result<Vec<(ClaimId, DataClaim)>, ChainError> {
        self.plain_entries(storage::DATA_CLAIMS).await
    }

    /// The shards of a claim.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn claim_shards(&self, id: ClaimId) -> Result<Vec<Digest>, ChainError> {
        let shards = self.plain(storage::CLAIM_SHARDS, vec![Value::u128(id.into())]).await?;
        Ok(shards.unwrap_or_default())
    }

    /// Where a claim's data is served, as its claimant says.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn claim_locators(&self, id: ClaimId) -> Result<Vec<String>, ChainError> {
        let locators: Option<Vec<Vec<u8>>> =
            self.plain(storage::CLAIM_LOCATORS, vec![Value::u128(id.into())]).await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(locators.unwrap_or_default().into_iter().map(text).collect())
    }

    /// The data that was accepted, by the root of its manifest.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn accepted(&self, root: &Digest) -> Result<Option<Accepted>, ChainError> {
        self.plain(storage::ACCEPTED_ROOTS, vec![Value::from_bytes(root.0)]).await
    }

    /// The licences that datasets may be under.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn licences(&self) -> Result<Vec<String>, ChainError> {
        let licences: Option<Vec<String>> = self.plain(storage::LICENCES, vec![]).await?;
        Ok(licences.unwrap_or_default())
    }

    /// A curator.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn curator(&self, who: &AccountId) -> Result<Option<Curator>, ChainError> {
        self.plain(storage::CURATORS, vec![Value::from_bytes(who.0)]).await
    }

    /// The claims on whose panels `who` sits, in order.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn seats_of(&self, who: &AccountId) -> Result<Vec<(ClaimId, DataClaim)>, ChainError> {
        self.plain_view(view::SEATS_OF, who).await
    }

    /// Whether a poke of a claim would do something.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn is_due(&self, claim: ClaimId) -> Result<bool, ChainError> {
        self.plain_view(view::IS_DUE, claim).await
    }

    /// The latest session's randomness that is known.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn latest_word(&self) -> Result<Option<Word>, ChainError> {
        let words: Option<Vec<Word>> = self.plain(storage::WORDS, vec![]).await?;
        Ok(words.unwrap_or_default().into_iter().max())
    }

    /// The number of the session.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn session(&self) -> Result<Session, ChainError> {
        Ok(self.plain(storage::SESSION, vec![]).await?.unwrap_or_default())
    }

    /// How old a claim's seal must be before the claim is told, in active blocks.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn availability(&self) -> Result<ActiveBlock, ChainError> {
        Ok(self.durations().await?.availability)
    }

    /// The time of a slot: blocks come no faster.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn slot(&self) -> Result<Duration, ChainError> {
        Ok(Duration::from_millis(self.durations().await?.slot_ms))
    }

    async fn durations(&self) -> Result<DurationsRecord, ChainError> {
        let record: Option<DurationsRecord> = self.typed(storage::DURATIONS, vec![]).await?;
        record.ok_or_else(|| ChainError::Incompatible {
            what: storage::DURATIONS.to_string(),
            reason: "the chain has none".into(),
        })
    }

    /// The pools that `who` is a member of, with its shares and what it can claim.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn memberships(&self, who: &AccountId) -> Result<Vec<(PoolId, Shares, Balance)>, ChainError> {
        self.plain_view(view::MEMBERSHIPS, who).await
    }

    /// The account that `who` is paid to by pools, where it is not its own.
    ///
    /// # Errors
    /// As for [`Self::dataset`].
    pub async fn payout_of(&self, who: &AccountId) -> Result<Option<AccountId>, ChainError> {
        // The deposit for saying so follows.
        self.first(storage::PAYOUTS, vec![Value::from_bytes(who.0)]).await
    }
}

impl Client {
    /// The state after the latest finalised block, or the best one.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn at_followed(&self, follow: crate::config::Follow) -> Result<At, ChainError> {
        match follow {
            crate::config::Follow::Finalised => self.at_finalised().await,
            crate::config::Follow::Best => self.at_best().await,
        }
    }
}
