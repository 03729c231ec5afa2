//! Proposals: from the deposit to its return.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::MutateHold, tokens::Precision::Exact},
};
use pallet_sabha_training::Pallet as Training;
use sabha_protocol::{
    ActiveBlock, Balance, RunId, RunSpec,
    allocation::{Campaign, Stage},
    models::{Licence, ModelId},
    pool::{PoolId, RewardPools},
    round::Checkpoint,
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::DispatchError;

use crate::{
    Config, Error, Event, Failure, HoldReason, Pallet, Parents, Proposal, ProposalOf, Proposals, Specs,
    TitleOf, Turns,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_propose(
        proposer: T::AccountId,
        title: TitleOf<T>,
        licence: Licence,
        parent: Option<ModelId>,
        spec: RunSpec,
        goal: Balance,
        duration: ActiveBlock,
    ) -> DispatchResult {
        let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        ensure!(!title.is_empty() && title.iter().all(printable), Error::<T>::BadTitle);
        let longest: u32 = T::MaxFunding::get().saturated_into();
        ensure!((1..=longest).contains(&duration), Error::<T>::BadDuration);
        Self::check(&spec, licence, parent)?;
        ensure!(goal >= Training::<T>::least_budget(&spec), Error::<T>::GoalTooLow);
        let deposit = T::Deposit::get();
        T::Currency::hold(&HoldReason::Proposal.into(), &proposer, deposit)?;
        let run = Training::<T>::reserve_run()?;
        T::Pools::create(PoolId::Backers(run))?;

        let until = T::ActiveBlocks::get().saturating_add(duration);
        let spec_hash = spec.hash();
        let proposal = Proposal {
            proposer: proposer.clone(),
            deposit,
            title,
            licence,
            parent,
            spec_hash,
            model: spec.model,
            sources: spec.data.sources.clone(),
            campaign: Campaign::new(goal, until),
            completed: false,
        };
        Proposals::<T>::insert(run, proposal);
        Specs::<T>::insert(run, spec);
        Self::deposit_event(Event::Proposed { run, proposer, spec_hash, goal, until });
        Ok(())
    }

    /// Whether a run can be made of a specification here and now, and the checkpoint that it begins from.
    pub(crate) fn check(
        spec: &RunSpec,
        licence: Licence,
        parent: Option<ModelId>,
    ) -> Result<Option<Checkpoint>, DispatchError> {
        let base = match parent {
            None => {
                ensure!(spec.initial_checkpoint.is_none(), Error::<T>::OtherCheckpoint);
                None
            }
            Some(model) => {
                let (checkpoint, shape, theirs) =
                    T::Parents::parent(model).ok_or(Error::<T>::NoSuchParent)?;
                ensure!(spec.initial_checkpoint == Some(checkpoint.root), Error::<T>::OtherCheckpoint);
                ensure!(spec.model == shape, Error::<T>::OtherShape);
                ensure!(licence.may_follow(theirs), Error::<T>::LicenceNotKept);
                Some(checkpoint)
            }
        };
        Training::<T>::check_spec(spec, base.as_ref())?;
        Ok(base)
    }

    pub(crate) fn do_cancel(who: &T::AccountId, run: RunId) -> DispatchResult {
        let proposal = Self::proposal(run)?;
        ensure!(proposal.proposer == *who, Error::<T>::NotTheProposer);
        Self::fail(run, proposal, Failure::Cancelled)
    }

    pub(crate) fn do_stop(run: RunId) -> DispatchResult {
        let proposal = Self::proposal(run)?;
        if proposal.campaign.stage == Stage::Running {
            return Training::<T>::stop(run);
        }
        Self::fail(run, proposal, Failure::Stopped)
    }

    pub(crate) fn do_stop_idle(run: RunId) -> DispatchResult {
        Self::running(run)?;
        let turns = Turns::<T>::get();
        let entry = turns.get(run).ok_or(Error::<T>::NotRunning)?;
        let (now, idle) = (T::ActiveBlocks::get(), T::Idle::get().saturated_into());
        ensure!(entry.is_idle(now, idle) && !Training::<T>::is_at_work(run), Error::<T>::NotIdle);
        Training::<T>::stop(run)
    }

    /// Gives a proposal up that is no run.
    pub(crate) fn fail(run: RunId, mut proposal: ProposalOf<T>, reason: Failure) -> DispatchResult {
        let before = proposal.campaign;
        let restore = proposal.campaign.fail().map_err(Error::<T>::from)?;
        Self::restore(restore)?;
        Self::failed(run, proposal, &before, reason);
        Ok(())
    }

    /// Stores what is left of a proposal that came to nothing.
    pub(crate) fn failed(run: RunId, proposal: ProposalOf<T>, before: &Campaign, reason: Failure) {
        Self::note_asked(before, &proposal.campaign);
        Specs::<T>::remove(run);
        if proposal.campaign.backers == 0 {
            // It is open: nobody has closed it.
            let _ = T::Pools::close(PoolId::Backers(run));
        }
        Proposals::<T>::insert(run, proposal);
        Self::deposit_event(Event::Failed { run, reason });
    }

    pub(crate) fn do_remove(run: RunId) -> DispatchResult {
        let proposal = Self::proposal(run)?;
        ensure!(matches!(proposal.campaign.stage, Stage::Over { .. }), Error::<T>::WrongStage);
        ensure!(proposal.campaign.is_settled(), Error::<T>::NotRefunded);
        ensure!(!proposal.completed, Error::<T>::NotRegistered);
        T::Currency::release(&HoldReason::Proposal.into(), &proposal.proposer, proposal.deposit, Exact)?;
        Proposals::<T>::remove(run);
        Self::deposit_event(Event::Removed { run });
        Ok(())
    }

    /// A completed run's proposal, for its registration as a model.
    pub fn completed(run: RunId) -> Option<ProposalOf<T>> {
        Proposals::<T>::get(run).filter(|proposal| proposal.completed)
    }

    /// Notes that a completed run was registered as a model: its proposal can be removed.
    pub fn note_registered(run: RunId) {
        Proposals::<T>::mutate_extant(run, |proposal| proposal.completed = false);
    }

    pub(crate) fn proposal(run: RunId) -> Result<ProposalOf<T>, Error<T>> {
        Proposals::<T>::get(run).ok_or(Error::<T>::NoSuchProposal)
    }

    /// A proposal that is a run.
    pub(crate) fn running(run: RunId) -> Result<ProposalOf<T>, Error<T>> {
        let proposal = Self::proposal(run)?;
        ensure!(proposal.campaign.stage == Stage::Running, Error::<T>::NotRunning);
        Ok(proposal)
    }
}
