//! The calls that the worker makes, typed. Arguments are encoded by their own SCALE definition and then checked against the
//! node's metadata: a runtime whose call has changed is an error before anything is signed.

use super::{
    error::ChainError,
    names::{Name, call},
    types::Device,
};
use crate::keys::AccountId;
use codec::Encode;
use sabha_protocol::{
    ActiveBlock, Balance, Digest, Generation, Outcome, RoundKey, RunId, RunSpec, SlotIndex, SlotSet,
    audit::Opening,
    datasets::{ClaimId, DatasetId, Modality, Unit, Vote},
    dispute::{
        Answer, Claim, Judgement, Move,
        record::{GameId, Target},
        stream::StreamEvidence,
    },
    models::{Licence, ModelId},
    pool::{PoolId, Shares},
    round::{Checkpoint, Reveal},
};
use subxt::{
    client::OfflineClientAtBlockT,
    config::Config,
    ext::scale_value::Composite,
    transactions::{DynamicPayload, TransactionsClient},
};

/// A call with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which call.
    pub name: Name,
    arguments: Vec<u8>,
}

/// What `update_worker` changes; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode)]
pub struct WorkerChanges {
    /// The account that speaks for the worker day by day.
    pub hot_key: Option<AccountId>,
    /// The account that is paid.
    pub payout: Option<AccountId>,
    /// What it computes with.
    pub device: Option<Device>,
    /// How many slots it trains at a time.
    pub capacity: Option<u16>,
    /// Where it serves its results.
    pub endpoint: Option<String>,
}

/// A dataset that is to be registered.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct NewDataset {
    /// Title, for people.
    pub title: String,
    /// What the data is made of.
    pub modality: Modality,
    /// BCP-47 language tag.
    pub language: String,
    /// SPDX identifier of its licence.
    pub licence: String,
    /// What is counted and paid.
    pub unit: Unit,
    /// Bytes that a unit has at least.
    pub unit_bytes: u32,
    /// What an accepted unit is paid, in units of 10^-12 SBH.
    pub rate: Balance,
    /// Curators of a claim's panel.
    pub panel: u16,
}

impl Call {
    fn new(name: Name, arguments: impl Encode) -> Self {
        Self { name, arguments: arguments.encode() }
    }

    /// Its arguments, encoded.
    pub fn arguments(&self) -> &[u8] {
        &self.arguments
    }

    /// Registers the signer's worker. `stake` in units of 10^-12 SBH.
    pub fn register(
        hot_key: AccountId,
        payout: AccountId,
        device: Device,
        capacity: u16,
        endpoint: &str,
        stake: Balance,
    ) -> Self {
        Self::new(call::REGISTER, (hot_key, payout, device, capacity, endpoint, stake))
    }

    /// Changes the signer's worker.
    pub fn update_worker(changes: &WorkerChanges) -> Self {
        Self::new(call::UPDATE_WORKER, changes)
    }

    /// Raises the stake of the signer's worker, by units of 10^-12 SBH.
    pub fn add_stake(amount: Balance) -> Self {
        Self::new(call::ADD_STAKE, amount)
    }

    /// Is drawn from now on.
    pub fn ready() -> Self {
        Self::new(call::READY, ())
    }

    /// Is drawn for nothing any more.
    pub fn drain() -> Self {
        Self::new(call::DRAIN, ())
    }

    /// Asks for the stake.
    pub fn unbond() -> Self {
        Self::new(call::UNBOND, ())
    }

    /// Takes the stake.
    pub fn withdraw() -> Self {
        Self::new(call::WITHDRAW, ())
    }

    /// Proposes a run. `goal` in units of 10^-12 SBH, `duration` in active blocks.
    pub fn propose(
        title: &str,
        licence: Licence,
        parent: Option<ModelId>,
        spec: &RunSpec,
        goal: Balance,
        duration: ActiveBlock,
    ) -> Self {
        Self::new(call::PROPOSE, (title, licence, parent, spec, goal, duration))
    }

    /// Pledges units of 10^-12 SBH to a proposal, or adds them to the run that it has become.
    pub fn pledge(run: RunId, amount: Balance) -> Self {
        Self::new(call::PLEDGE, (run, amount))
    }

    /// Takes units of 10^-12 SBH of a pledge back.
    pub fn withdraw_pledge(run: RunId, amount: Balance) -> Self {
        Self::new(call::WITHDRAW_PLEDGE, (run, amount))
    }

    /// Settles a proposal, and looks at so many accounts at most.
    pub fn settle(run: RunId, most: u32) -> Self {
        Self::new(call::SETTLE, (run, most))
    }

    /// Gives a proposal up.
    pub fn cancel(run: RunId) -> Self {
        Self::new(call::CANCEL, run)
    }

    /// Pays a backer back.
    pub fn refund(run: RunId, backer: AccountId) -> Self {
        Self::new(call::REFUND, (run, backer))
    }

    /// Clears a proposal away whose backers were refunded.
    pub fn remove(run: RunId) -> Self {
        Self::new(call::REMOVE, run)
    }

    /// Stops a run in which nothing happens any more. Anybody may.
    pub fn stop_idle(run: RunId) -> Self {
        Self::new(call::STOP_IDLE, run)
    }

    /// Registers the result of a completed run as a model.
    pub fn register_model(run: RunId) -> Self {
        Self::new(call::REGISTER_MODEL, run)
    }

    /// Pays units of 10^-12 SBH for a model.
    pub fn pay(model: ModelId, amount: Balance) -> Self {
        Self::new(call::PAY, (model, amount))
    }

    /// Splits what forks of a model were paid for it.
    pub fn distribute(model: ModelId) -> Self {
        Self::new(call::DISTRIBUTE, model)
    }

    /// Does what is due for a run.
    pub fn poke(run: RunId) -> Self {
        Self::new(call::POKE, run)
    }

    /// Commits a slot's outcome.
    pub fn commit(
        run: RunId,
        round: RoundKey,
        slot: SlotIndex,
        generation: Generation,
        outcome: Outcome,
    ) -> Self {
        Self::new(call::COMMIT, (run, round, slot, generation, outcome))
    }

    /// Reports which updates of a round could be fetched.
    pub fn report(run: RunId, round: RoundKey, place: u16, got: SlotSet) -> Self {
        Self::new(call::REPORT, (run, round, place, got))
    }

    /// Posts the checkpoint that a round makes.
    pub fn post_root(run: RunId, round: RoundKey, checkpoint: Checkpoint) -> Self {
        Self::new(call::POST_ROOT, (run, round, checkpoint))
    }

    /// Seals what an audit found.
    pub fn seal(run: RunId, round: RoundKey, place: u16, seal: Digest) -> Self {
        Self::new(call::SEAL, (run, round, place, seal))
    }

    /// Publishes the leaves at the ends of a slot's audited segments.
    pub fn publish(run: RunId, round: RoundKey, slot: SlotIndex, leaves: &[Opening]) -> Self {
        Self::new(call::PUBLISH, (run, round, slot, leaves))
    }

    /// Reveals what was sealed.
    pub fn reveal(run: RunId, round: RoundKey, place: u16, reveal: &Reveal) -> Self {
        Self::new(call::REVEAL, (run, round, place, reveal.answer, reveal.salt, reveal.unserved))
    }

    /// Challenges a claim.
    pub fn challenge(run: RunId, round: RoundKey, target: Target, claim: Claim) -> Self {
        Self::new(call::CHALLENGE, (run, round, target, claim))
    }

    /// Names the claim that is wrong, in a game that one's own answer to an audit opened.
    pub fn name_claim(game: GameId, claim: Claim) -> Self {
        Self::new(call::NAME_CLAIM, (game, claim))
    }

    /// Shows what one was asked for.
    pub fn answer(game: GameId, position: Digest, answer: &Answer) -> Self {
        Self::new(call::ANSWER, (game, position, answer))
    }

    /// Asks for something, names something, or has an element judged.
    pub fn press(game: GameId, position: Digest, made: &Move) -> Self {
        match made {
            Move::Judge(judgement) => Self::judge(game, position, judgement),
            _ => Self::new(call::PRESS, (game, position, made)),
        }
    }

    /// Has an element judged.
    pub fn judge(game: GameId, position: Digest, judgement: &Judgement) -> Self {
        Self::new(call::JUDGE, (game, position, judgement))
    }

    /// Ends a game in which a side has no time left.
    pub fn time_out(game: GameId) -> Self {
        Self::new(call::TIME_OUT, game)
    }

    /// Ends a game that was overtaken.
    pub fn close(game: GameId) -> Self {
        Self::new(call::CLOSE, game)
    }

    /// Shows that a run's stream is false.
    pub fn refute_stream(run: RunId, evidence: &StreamEvidence) -> Self {
        Self::new(call::REFUTE_STREAM, (run, evidence))
    }

    /// Registers a dataset.
    pub fn register_dataset(dataset: &NewDataset) -> Self {
        Self::new(call::REGISTER_DATASET, dataset)
    }

    /// Lets a dataset take no claims any more.
    pub fn close_dataset(dataset: DatasetId) -> Self {
        Self::new(call::CLOSE_DATASET, dataset)
    }

    /// Adds to a dataset's budget, units of 10^-12 SBH.
    pub fn donate(dataset: DatasetId, amount: Balance) -> Self {
        Self::new(call::DONATE, (dataset, amount))
    }

    /// Begins a claim.
    pub fn commit_claim(dataset: DatasetId, seal: Digest) -> Self {
        Self::new(call::COMMIT_CLAIM, (dataset, seal))
    }

    /// Tells what is claimed.
    pub fn reveal_claim(
        claim: ClaimId,
        units: u64,
        bytes: u64,
        shards: &[Digest],
        locators: &[String],
        salt: [u8; 32],
    ) -> Self {
        Self::new(call::REVEAL_CLAIM, (claim, units, bytes, shards, locators, salt))
    }

    /// Gives a claim up before it is told.
    pub fn withdraw_claim(claim: ClaimId) -> Self {
        Self::new(call::WITHDRAW_CLAIM, claim)
    }

    /// Does what is due for a claim.
    pub fn poke_claim(claim: ClaimId) -> Self {
        Self::new(call::POKE_CLAIM, claim)
    }

    /// Makes the signer a curator. `stake` in units of 10^-12 SBH.
    pub fn register_curator(stake: Balance) -> Self {
        Self::new(call::REGISTER_CURATOR, stake)
    }

    /// Raises the signer's stake as a curator.
    pub fn add_curator_stake(amount: Balance) -> Self {
        Self::new(call::ADD_CURATOR_STAKE, amount)
    }

    /// Is drawn for panels from now on.
    pub fn ready_curator() -> Self {
        Self::new(call::READY_CURATOR, ())
    }

    /// Takes a curator out of the draw.
    pub fn drain_curator(curator: AccountId) -> Self {
        Self::new(call::DRAIN_CURATOR, curator)
    }

    /// Takes the signer's stake as a curator back.
    pub fn withdraw_curator() -> Self {
        Self::new(call::WITHDRAW_CURATOR, ())
    }

    /// Seals a vote about a claim.
    pub fn seal_vote(claim: ClaimId, seal: Digest) -> Self {
        Self::new(call::SEAL_VOTE, (claim, seal))
    }

    /// Reveals a sealed vote.
    pub fn reveal_vote(claim: ClaimId, vote: Vote, salt: [u8; 32]) -> Self {
        Self::new(call::REVEAL_VOTE, (claim, vote, salt))
    }

    /// Appeals against what was decided about a claim.
    pub fn appeal(claim: ClaimId) -> Self {
        Self::new(call::APPEAL, claim)
    }

    /// Takes what a pool owes the signer.
    pub fn claim_pay(pool: PoolId) -> Self {
        Self::new(call::CLAIM_PAY, pool)
    }

    /// Has somebody paid what a pool owes it.
    pub fn claim_pay_for(pool: PoolId, member: AccountId) -> Self {
        Self::new(call::CLAIM_PAY_FOR, (pool, member))
    }

    /// Takes what several pools owe the signer.
    pub fn claim_pay_batch(pools: &[PoolId]) -> Self {
        Self::new(call::CLAIM_PAY_BATCH, pools)
    }

    /// Gives shares of a pool to another account.
    pub fn transfer_shares(pool: PoolId, to: AccountId, shares: Shares) -> Self {
        Self::new(call::TRANSFER_SHARES, (pool, to, codec::Compact(shares)))
    }

    /// Names the account that pools pay the signer to; none for its own.
    pub fn set_payout(payout: Option<AccountId>) -> Self {
        Self::new(call::SET_PAYOUT, payout)
    }

    /// Gives to a pool, units of 10^-12 SBH.
    pub fn deposit(pool: PoolId, amount: Balance) -> Self {
        Self::new(call::DEPOSIT, (pool, codec::Compact(amount)))
    }

    /// Moves units of 10^-12 SBH to another account, and keeps the signer's alive.
    pub fn transfer(to: AccountId, amount: Balance) -> Self {
        // `MultiAddress::Id` is variant 0; the amount is compact.
        Self::new(call::TRANSFER, (0u8, to, codec::Compact(amount)))
    }

    /// The call as subxt signs it, checked against the metadata of `transactions`' block.
    ///
    /// # Errors
    /// [`ChainError::Incompatible`] if the runtime has no such call, or its arguments are of other types.
    pub fn payload<T: Config, C: OfflineClientAtBlockT<T>>(
        &self,
        client: &subxt::client::ClientAtBlock<T, C>,
    ) -> Result<DynamicPayload<Composite<()>>, ChainError> {
        let incompatible =
            |reason: String| ChainError::Incompatible { what: format!("the call {}", self.name), reason };
        let pallet = client
            .metadata_ref()
            .pallet_by_name(self.name.pallet)
            .ok_or_else(|| incompatible("the runtime has no such pallet".into()))?;
        let variant = pallet
            .call_variant_by_name(self.name.item)
            .ok_or_else(|| incompatible("the runtime has no such call".into()))?;
        let mut bytes = vec![pallet.call_index(), variant.index];
        bytes.extend_from_slice(&self.arguments);
        let transactions: TransactionsClient<T, C> = client.transactions();
        let payload =
            transactions.from_call_data_bytes(&bytes).map_err(|error| incompatible(error.to_string()))?;
        let again = transactions.call_data(&payload).map_err(|error| incompatible(error.to_string()))?;
        if again != bytes {
            return Err(incompatible("its arguments do not read back as they were written".into()));
        }
        Ok(payload)
    }
}
