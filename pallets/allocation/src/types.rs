//! What storage and events hold.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::BoundedVec;
use sabha_protocol::{
    Balance, Digest,
    allocation::{Campaign, Pledge},
    models::{Licence, ModelId},
    round::Checkpoint,
    spec::{ModelSpec, limits},
};
use scale_info::TypeInfo;
use sp_runtime::traits::ConstU32;

/// A proposal: a run to come, one that is going on, or one that is over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Proposal<AccountId, Title> {
    /// Who proposed it.
    pub proposer: AccountId,
    /// What is on hold for it in the proposer's account, in units of 10^-12 SBH.
    pub deposit: Balance,
    /// What it is called: printable ASCII.
    pub title: Title,
    /// The licence of the model.
    pub licence: Licence,
    /// The model whose checkpoint it begins from.
    pub parent: Option<ModelId>,
    /// Binds the specification.
    pub spec_hash: Digest,
    /// The model's shape.
    pub model: ModelSpec,
    /// Manifest roots of the datasets that it is trained on.
    pub sources: BoundedVec<Digest, ConstU32<{ limits::SOURCES }>>,
    /// Its money.
    pub campaign: Campaign,
    /// Whether its run came to its end, and is not registered as a model yet.
    pub completed: bool,
}

/// A backer of a proposal.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Backer {
    /// What it pledged.
    pub pledge: Pledge,
    /// Its place among those whose pledges count.
    pub place: Option<u32>,
}

/// Why a proposal came to nothing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Failure {
    /// Its goal was not met in time.
    Missed,
    /// Its proposer gave it up.
    Cancelled,
    /// The DAO stopped it.
    Stopped,
    /// Its specification is not valid any more: the chain's durations, or its parent, have changed.
    Outdated,
}

/// The registered models, as far as runs can begin from them.
pub trait Parents {
    /// The checkpoint, shape and licence of a model that runs may begin from.
    fn parent(model: ModelId) -> Option<(Checkpoint, ModelSpec, Licence)>;
}

/// There are none.
impl Parents for () {
    fn parent(_: ModelId) -> Option<(Checkpoint, ModelSpec, Licence)> {
        None
    }
}
