//! What storage and events hold.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use sabha_protocol::{
    ActiveBlock, Balance, Digest, Session,
    datasets::{DatasetId, MAX_PANEL, MAX_SHARDS, Modality, Seat, Stage, Unit, words},
};
use scale_info::TypeInfo;

/// A title.
pub type Title = BoundedVec<u8, ConstU32<{ words::TITLE }>>;
/// A language tag.
pub type Language = BoundedVec<u8, ConstU32<{ words::LANGUAGE }>>;
/// A licence, by its SPDX identifier.
pub type Licence = BoundedVec<u8, ConstU32<{ words::LICENCE }>>;
/// Where data is served, as a hint.
pub type Locator = BoundedVec<u8, ConstU32<{ words::LOCATOR }>>;
/// Where a claim's data is served.
pub type Locators = BoundedVec<Locator, ConstU32<{ words::LOCATORS }>>;
/// The shards of a claim.
pub type Shards = BoundedVec<Digest, ConstU32<MAX_SHARDS>>;
/// The members of a panel.
pub type Panel<AccountId> = BoundedVec<Seat<AccountId>, ConstU32<{ MAX_PANEL as u32 }>>;

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Dataset<AccountId> {
    /// The account that registered it.
    pub owner: AccountId,
    /// Title, for people.
    pub title: Title,
    /// What the data is made of.
    pub modality: Modality,
    /// BCP-47 language tag; `zxx` for data without a language.
    pub language: Language,
    /// The licence that every claim must be under.
    pub licence: Licence,
    /// What is counted and paid.
    pub unit: Unit,
    /// Bytes that a unit has at least.
    pub unit_bytes: u32,
    /// What an accepted unit is paid, in units of 10^-12 SBH.
    pub rate: Balance,
    /// Curators of a claim's panel.
    pub panel: u16,
    /// What the pot has for it, promised amounts included, in units of 10^-12 SBH.
    pub budget: Balance,
    /// Of it, what is promised to claims that are not settled, in units of 10^-12 SBH.
    pub reserved: Balance,
    /// Claims that are not settled.
    pub claims: u32,
    /// Units that were accepted. Saturates.
    pub units: u64,
    /// What was paid for them, in units of 10^-12 SBH. Saturates.
    pub paid: Balance,
    /// Whether it takes claims.
    pub open: bool,
}

/// What a claim says that it brings.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Told {
    /// The root over its shards: its manifest's.
    pub root: Digest,
    /// Its units.
    pub units: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// Who appealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Appeal<AccountId> {
    /// The account.
    pub appellant: AccountId,
    /// What it has on hold for it, in units of 10^-12 SBH.
    pub bond: Balance,
}

/// A claim that is not settled.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Claim<AccountId> {
    /// The dataset.
    pub dataset: DatasetId,
    /// Who is paid if it is accepted.
    pub claimant: AccountId,
    /// What it began with: its root, hidden.
    pub seal: Digest,
    /// How far it is.
    pub stage: Stage,
    /// What it brings, once that was told.
    pub told: Option<Told>,
    /// What the claimant has on hold for it, in units of 10^-12 SBH.
    pub bond: Balance,
    /// What its claimant paid for the panel, in units of 10^-12 SBH.
    pub fee: Balance,
    /// What is left of that, and what was taken from silent curators: what the panel is paid from, in units of 10^-12 SBH.
    pub purse: Balance,
    /// What the dataset's budget has promised to it, in units of 10^-12 SBH.
    pub reserved: Balance,
    /// Curators that its panel should have.
    pub seats: u16,
    /// Panels that were drawn before this one.
    pub panels: u8,
    /// Those that were found.
    pub panel: Panel<AccountId>,
    /// Who appealed, if the appeal is open or was right.
    pub appeal: Option<Appeal<AccountId>>,
}

/// A claim that was accepted: what remains of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Accepted<AccountId> {
    /// The dataset.
    pub dataset: DatasetId,
    /// Whose it was.
    pub claimant: AccountId,
    /// Units that were accepted.
    pub units: u64,
    /// Bytes of all shards.
    pub bytes: u64,
}

/// Whether a curator can be drawn.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum CuratorStatus {
    /// Has its tickets in the draw.
    Ready,
    /// Was silent, or has less than the least stake after a slash: its tickets count for nothing, until it is ready again.
    Absent,
    /// Has none. It may still be drawn from sets that were frozen while it had some.
    Idle {
        /// The active block since which.
        since: ActiveBlock,
    },
}

/// A curator.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Curator {
    /// What it has on hold, in units of 10^-12 SBH.
    pub stake: Balance,
    /// Of it, what answers for seats that are not settled, in units of 10^-12 SBH.
    pub reserved: Balance,
    /// Whether it can be drawn.
    pub status: CuratorStatus,
    /// Tickets that it has in the draw. Those that its stake no longer covers count for nothing.
    pub tickets: u16,
    /// The session in which tickets of it left the draw at last.
    pub left: Option<Session>,
    /// Votes within the tolerance. Saturates.
    pub sound: u32,
    /// Votes that were far from what was decided, or missing. Saturates.
    pub failed: u32,
}

impl Curator {
    /// What of the stake answers for nothing.
    pub fn free_stake(&self) -> Balance {
        self.stake.saturating_sub(self.reserved)
    }
}
