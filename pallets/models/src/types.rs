//! What storage and events hold.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::BoundedVec;
use sabha_protocol::{
    Balance, Digest, RoundIndex, RunId,
    models::{Licence, ModelId, Table},
    round::Checkpoint,
    spec::{F32Bits, ModelSpec, limits},
};
use scale_info::TypeInfo;
use sp_runtime::traits::ConstU32;

/// Part of the stream that a model was trained on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Source {
    /// The manifest's root.
    pub manifest: Digest,
    /// The dataset that it was accepted for, and its bytes; none if the chain does not know it.
    pub dataset: Option<(u32, u64)>,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Origin<AccountId> {
    /// A run of this chain.
    Trained {
        /// The run, whose workers and backers have shares in pools of its number.
        run: RunId,
        /// Who proposed it.
        proposer: AccountId,
        /// Binds its specification.
        spec_hash: Digest,
        /// Rounds that are in the checkpoint.
        rounds: RoundIndex,
        /// What it cost, in units of 10^-12 SBH.
        cost: Balance,
        /// What its stream was made of.
        sources: BoundedVec<Source, ConstU32<{ limits::SOURCES }>>,
    },
    /// A referendum.
    Imported,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Model<AccountId, Name> {
    /// What it is called: printable ASCII.
    pub name: Name,
    /// Its licence.
    pub licence: Licence,
    /// Its weights: the state's root, and the digest of the blob.
    pub checkpoint: Checkpoint,
    /// Its shape.
    pub shape: ModelSpec,
    /// Where it comes from.
    pub origin: Origin<AccountId>,
    /// The model that its run began from.
    pub parent: Option<ModelId>,
    /// Who has which part of what is paid for it.
    pub table: Table,
    /// What was paid for it so far, that for its forks included, in units of 10^-12 SBH. Saturates.
    pub revenue: Balance,
    /// Whether runs can begin from it.
    pub status: Status,
}

/// Whether runs can begin from a model.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Status {
    /// They can.
    Current,
    /// They cannot any more.
    Deprecated {
        /// What to use instead.
        successor: Option<ModelId>,
    },
}

/// Something that was reported of a model.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Metric<Name> {
    /// What was measured: printable ASCII.
    pub name: Name,
    /// How much.
    pub value: F32Bits,
    /// A blob that says how.
    pub evidence: Option<Digest>,
}
