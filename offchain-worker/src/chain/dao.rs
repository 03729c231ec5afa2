//! Proposals and models, as the worker sees them. As in [`super::types`], fields are matched by name.

use super::{
    error::ChainError,
    names::{constant, storage, view},
    queries::{At, decode, incompatible},
};
use crate::keys::AccountId;
use sabha_protocol::{
    ActiveBlock, Balance, Digest, RoundIndex, RunId,
    allocation::Stage,
    models::{Licence, ModelId, Table},
    round::Checkpoint,
    spec::ModelSpec,
};
use subxt::{dynamic::Value, ext::scale_decode::DecodeAsType};

/// A proposal: a run to come, one that goes on, or one that is over and not cleared away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its number, and that of the run that it becomes.
    pub id: RunId,
    /// Who proposed it.
    pub proposer: AccountId,
    /// What it is called.
    pub title: String,
    /// The licence of the model.
    pub licence: Licence,
    /// The model whose checkpoint it begins from.
    pub parent: Option<ModelId>,
    /// Binds the specification.
    pub spec_hash: Digest,
    /// What backers and pot together must give, in units of 10^-12 SBH.
    pub goal: Balance,
    /// How far it is.
    pub stage: Stage,
    /// Everything that was ever pledged, in units of 10^-12 SBH.
    pub pledged: Balance,
    /// What of it was withdrawn or refunded, in units of 10^-12 SBH.
    pub refunded: Balance,
    /// What the pledges that stand add up to, in units of 10^-12 SBH.
    pub backed: Balance,
    /// Accounts with a pledge.
    pub backers: u32,
    /// Accounts whose pledges the matching pot counts.
    pub counted: u32,
    /// What the DAO gave of the matching pot, in units of 10^-12 SBH.
    pub granted: Balance,
    /// What quadratic funding gave of it, in units of 10^-12 SBH.
    pub matched: Balance,
    /// What went back to the matching pot, in units of 10^-12 SBH.
    pub restored: Balance,
    /// What the run was given, in units of 10^-12 SBH.
    pub moved: Balance,
    /// What it has given back, in units of 10^-12 SBH.
    pub returned: Balance,
    /// Whether its run came to its end, and is not registered as a model yet.
    pub completed: bool,
}

impl Proposal {
    /// One word.
    pub fn word(&self) -> &'static str {
        match self.stage {
            Stage::Funding { .. } => "funding",
            Stage::Counting { .. } => "counting",
            Stage::Running => "running",
            Stage::Over { .. } if self.moved > 0 => "over",
            Stage::Over { .. } => "missed",
        }
    }

    /// The last active block for pledges, as long as it takes any.
    pub fn until(&self) -> Option<ActiveBlock> {
        match self.stage {
            Stage::Funding { until } | Stage::Counting { until, .. } => Some(until),
            Stage::Running | Stage::Over { .. } => None,
        }
    }

    /// What is given: pledges, grant and match.
    pub fn given(&self) -> Balance {
        self.backed.saturating_add(self.granted).saturating_add(self.matched)
    }

    /// What of it the pallet's pot holds: everything that came in, less everything that went out; none if more went out.
    pub fn escrow(&self) -> Option<Balance> {
        let parts = [self.granted, self.matched, self.returned];
        let came = parts.into_iter().try_fold(self.pledged, Balance::checked_add)?;
        [self.refunded, self.restored, self.moved].into_iter().try_fold(came, Balance::checked_sub)
    }
}

/// A registered model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its number.
    pub id: ModelId,
    /// What it is called.
    pub name: String,
    /// Its licence.
    pub licence: Licence,
    /// Its weights: the state's root, and the digest of the blob.
    pub checkpoint: Checkpoint,
    /// Its shape.
    pub shape: ModelSpec,
    /// What it was trained by; none if it was imported.
    pub trained: Option<Trained>,
    /// The model that its run began from.
    pub parent: Option<ModelId>,
    /// Who has which part of what is paid for it.
    pub table: Table,
    /// What was paid for it so far, that for its forks included, in units of 10^-12 SBH.
    pub revenue: Balance,
    /// Whether no run can begin from it any more.
    pub deprecated: bool,
    /// What to use instead.
    pub successor: Option<ModelId>,
}

/// The run that a model is the result of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    /// The run.
    pub run: RunId,
    /// Who proposed it.
    pub proposer: AccountId,
    /// Binds its specification.
    pub spec_hash: Digest,
    /// Rounds that are in the checkpoint.
    pub rounds: RoundIndex,
    /// What it cost, in units of 10^-12 SBH.
    pub cost: Balance,
    /// Manifest roots of what its stream was made of, each with the dataset and bytes that the chain knew of it.
    pub sources: Vec<(Digest, Option<(u32, u64)>)>,
}

/// Something that was reported of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: f32,
    /// A blob that says how.
    pub evidence: Option<Digest>,
}

impl At {
    /// A proposal.
    ///
    /// # Errors
    /// If the node does not answer, or the runtime differs from what this release knows; so for all that follow.
    pub async fn proposal(&self, id: RunId) -> Result<Option<Proposal>, ChainError> {
        let record: Option<ProposalRecord> =
            self.typed(storage::PROPOSALS, vec![Value::u128(id.into())]).await?;
        Ok(record.map(|record| record.of(id)))
    }

    /// Every proposal that is not cleared away, in order.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn proposals(&self) -> Result<Vec<Proposal>, ChainError> {
        let mut all = self
            .entries(storage::PROPOSALS, vec![], |key, value| {
                let id: RunId = decode(storage::PROPOSALS, key)?;
                let record: ProposalRecord = value.decode_as().map_err(incompatible(storage::PROPOSALS))?;
                Ok(record.of(id))
            })
            .await?;
        all.sort_by_key(|proposal| proposal.id);
        Ok(all)
    }

    /// What an account has pledged to a proposal, in units of 10^-12 SBH; none if it has not.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn pledge(&self, run: RunId, who: &AccountId) -> Result<Option<Balance>, ChainError> {
        let keys = vec![Value::u128(run.into()), Value::from_bytes(who.0)];
        let backer: Option<BackerRecord> = self.typed(storage::BACKERS, keys).await?;
        Ok(backer.map(|backer| backer.pledge.amount))
    }

    /// What the matching pot would add to a proposal now.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn match_of(&self, run: RunId) -> Result<Balance, ChainError> {
        self.plain_view(view::MATCH_OF, run).await
    }

    /// What an account would be refunded of a proposal now.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn refund_of(&self, run: RunId, who: &AccountId) -> Result<Balance, ChainError> {
        self.plain_view(view::REFUND_OF, (run, who)).await
    }

    /// Whether settling a proposal would do something.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn can_settle(&self, run: RunId) -> Result<bool, ChainError> {
        self.plain_view(view::CAN_SETTLE, run).await
    }

    /// The longest time for pledges.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn longest_funding(&self) -> Result<ActiveBlock, ChainError> {
        self.plain_view(view::LONGEST_FUNDING, ()).await
    }

    /// What a proposer puts on hold, in units of 10^-12 SBH.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn proposal_deposit(&self) -> Result<Balance, ChainError> {
        self.constant(constant::PROPOSAL_DEPOSIT)
    }

    /// The most accounts that one `settle` looks at.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn most_counted(&self) -> Result<u32, ChainError> {
        self.constant(constant::MAX_COUNT)
    }

    /// A model.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn model(&self, id: ModelId) -> Result<Option<Model>, ChainError> {
        let record: Option<ModelRecord> = self.typed(storage::MODELS, vec![Value::u128(id.into())]).await?;
        Ok(record.map(|record| record.of(id)))
    }

    /// Every model, in order.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn models(&self) -> Result<Vec<Model>, ChainError> {
        let mut all = self
            .entries(storage::MODELS, vec![], |key, value| {
                let id: ModelId = decode(storage::MODELS, key)?;
                let record: ModelRecord = value.decode_as().map_err(incompatible(storage::MODELS))?;
                Ok(record.of(id))
            })
            .await?;
        all.sort_by_key(|model| model.id);
        Ok(all)
    }

    /// What was reported of a model.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn metrics(&self, id: ModelId) -> Result<Vec<Metric>, ChainError> {
        let records: Option<Vec<MetricRecord>> =
            self.typed(storage::METRICS, vec![Value::u128(id.into())]).await?;
        Ok(records.unwrap_or_default().into_iter().map(MetricRecord::of).collect())
    }

    /// What forks were paid for a model and nobody has distributed, in units of 10^-12 SBH.
    ///
    /// # Errors
    /// As for [`Self::proposal`].
    pub async fn accrued(&self, id: ModelId) -> Result<Balance, ChainError> {
        Ok(self.plain(storage::ACCRUED, vec![Value::u128(id.into())]).await?.unwrap_or_default())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `Licence`.
#[derive(Clone, Copy, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum LicenceRecord {
    Apache2,
    Mit,
    Bsd3,
    Cc0,
    CcBy4,
    CcBySa4,
}

impl From<LicenceRecord> for Licence {
    fn from(record: LicenceRecord) -> Self {
        match record {
            LicenceRecord::Apache2 => Self::Apache2,
            LicenceRecord::Mit => Self::Mit,
            LicenceRecord::Bsd3 => Self::Bsd3,
            LicenceRecord::Cc0 => Self::Cc0,
            LicenceRecord::CcBy4 => Self::CcBy4,
            LicenceRecord::CcBySa4 => Self::CcBySa4,
        }
    }
}

/// `Stage`.
#[derive(Clone, Copy, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum StageRecord {
    Funding { until: ActiveBlock },
    Counting { until: ActiveBlock, left: u32 },
    Running,
    Over { back: Balance, given: Balance },
}

impl From<StageRecord> for Stage {
    fn from(record: StageRecord) -> Self {
        match record {
            StageRecord::Funding { until } => Self::Funding { until },
            StageRecord::Counting { until, left } => Self::Counting { until, left },
            StageRecord::Running => Self::Running,
            StageRecord::Over { back, given } => Self::Over { back, given },
        }
    }
}

/// `Support`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct SupportRecord {
    accounts: u32,
}

/// `Campaign`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct CampaignRecord {
    goal: Balance,
    stage: StageRecord,
    pledged: Balance,
    refunded: Balance,
    backed: Balance,
    backers: u32,
    granted: Balance,
    matched: Balance,
    restored: Balance,
    moved: Balance,
    returned: Balance,
    support: SupportRecord,
}

/// `Allocation.Proposals`, without what is in its key.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct ProposalRecord {
    proposer: AccountId,
    title: Vec<u8>,
    licence: LicenceRecord,
    parent: Option<ModelId>,
    spec_hash: [u8; 32],
    campaign: CampaignRecord,
    completed: bool,
}

impl ProposalRecord {
    fn of(self, id: RunId) -> Proposal {
        let campaign = self.campaign;
        Proposal {
            id,
            proposer: self.proposer,
            title: text(&self.title),
            licence: self.licence.into(),
            parent: self.parent,
            spec_hash: Digest(self.spec_hash),
            goal: campaign.goal,
            stage: campaign.stage.into(),
            pledged: campaign.pledged,
            refunded: campaign.refunded,
            backed: campaign.backed,
            backers: campaign.backers,
            counted: campaign.support.accounts,
            granted: campaign.granted,
            matched: campaign.matched,
            restored: campaign.restored,
            moved: campaign.moved,
            returned: campaign.returned,
            completed: self.completed,
        }
    }
}

/// `Allocation.Backers`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct BackerRecord {
    pledge: PledgeRecord,
}

/// `Pledge`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct PledgeRecord {
    amount: Balance,
}

/// `Checkpoint`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct CheckpointRecord {
    root: [u8; 32],
    blob: [u8; 32],
}

/// `F32Bits`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct BitsRecord(u32);

impl BitsRecord {
    fn value(&self) -> f32 {
        f32::from_bits(self.0)
    }
}

/// `ModelSpec`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ShapeRecord {
    vocabulary: u32,
    width: u32,
    layers: u32,
    heads: u32,
    feed_forward: u32,
    context: u32,
    rope_base: BitsRecord,
    norm_epsilon: BitsRecord,
    tied_embedding: bool,
}

/// `Table`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct TableRecord {
    data: u16,
    compute: u16,
    backers: u16,
    parents: u16,
}

/// `Source`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct SourceRecord {
    manifest: [u8; 32],
    dataset: Option<(u32, u64)>,
}

/// `Origin`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum OriginRecord {
    Trained {
        run: RunId,
        proposer: AccountId,
        spec_hash: [u8; 32],
        rounds: RoundIndex,
        cost: Balance,
        sources: Vec<SourceRecord>,
    },
    Imported,
}

/// `Status`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum StatusRecord {
    Current,
    Deprecated { successor: Option<ModelId> },
}

/// `Models.Models`, without what is in its key.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct ModelRecord {
    name: Vec<u8>,
    licence: LicenceRecord,
    checkpoint: CheckpointRecord,
    shape: ShapeRecord,
    origin: OriginRecord,
    parent: Option<ModelId>,
    table: TableRecord,
    revenue: Balance,
    status: StatusRecord,
}

impl ModelRecord {
    fn of(self, id: ModelId) -> Model {
        let (deprecated, successor) = match self.status {
            StatusRecord::Current => (false, None),
            StatusRecord::Deprecated { successor } => (true, successor),
        };
        let trained = match self.origin {
            OriginRecord::Trained { run, proposer, spec_hash, rounds, cost, sources } => {
                let sources = sources.into_iter().map(|source| (Digest(source.manifest), source.dataset));
                let (spec_hash, sources) = (Digest(spec_hash), sources.collect());
                Some(Trained { run, proposer, spec_hash, rounds, cost, sources })
            }
            OriginRecord::Imported => None,
        };
        let ShapeRecord { vocabulary, width, layers, heads, feed_forward, context, .. } = self.shape;
        let TableRecord { data, compute, backers, parents } = self.table;
        Model {
            id,
            name: text(&self.name),
            licence: self.licence.into(),
            checkpoint: Checkpoint { root: Digest(self.checkpoint.root), blob: Digest(self.checkpoint.blob) },
            shape: ModelSpec {
                vocabulary,
                width,
                layers,
                heads,
                feed_forward,
                context,
                rope_base: self.shape.rope_base.value().into(),
                norm_epsilon: self.shape.norm_epsilon.value().into(),
                tied_embedding: self.shape.tied_embedding,
            },
            trained,
            parent: self.parent,
            table: Table { data, compute, backers, parents },
            revenue: self.revenue,
            deprecated,
            successor,
        }
    }
}

/// `Metric`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct MetricRecord {
    name: Vec<u8>,
    value: BitsRecord,
    evidence: Option<[u8; 32]>,
}

impl MetricRecord {
    fn of(self) -> Metric {
        Metric { name: text(&self.name), value: self.value.value(), evidence: self.evidence.map(Digest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escrow_is_what_came_less_what_went() {
        let proposal = Proposal {
            id: 0,
            proposer: AccountId::from([1; 32]),
            title: "A model".into(),
            licence: Licence::Mit,
            parent: None,
            spec_hash: Digest([1; 32]),
            goal: 100,
            stage: Stage::Funding { until: 9 },
            pledged: 70,
            refunded: 20,
            backed: 50,
            backers: 2,
            counted: 1,
            granted: 10,
            matched: 0,
            restored: 0,
            moved: 0,
            returned: 0,
            completed: false,
        };
        assert_eq!((proposal.escrow(), proposal.given(), proposal.until()), (Some(60), 60, Some(9)));
        let over = Proposal { stage: Stage::Over { back: 0, given: 0 }, ..proposal.clone() };
        assert_eq!((over.word(), over.until()), ("missed", None));
        assert_eq!(Proposal { refunded: 81, ..proposal }.escrow(), None);
    }
}
