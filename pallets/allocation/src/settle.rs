//! Settlement: who still counts, and whether the goal is met.

use frame_support::{
    dispatch::Pays,
    ensure,
    traits::{Contains, Get},
};
use pallet_sabha_training::Pallet as Training;
use sabha_protocol::{
    RunId,
    allocation::{Decision, Entry, Stage},
    pool::{PoolId, RewardPools},
};
use sp_runtime::DispatchError;

use crate::{Backers, Config, Counted, Error, Event, Failure, Pallet, ProposalOf, Proposals, Specs, Turns};

impl<T: Config> Pallet<T> {
    /// Returns how many accounts were looked at, and whether that is to be paid for: a proposal that is open again could be settled for ever.
    pub(crate) fn do_settle(run: RunId, most: u32) -> Result<(u32, Pays), DispatchError> {
        let mut proposal = Self::proposal(run)?;
        if proposal.campaign.is_funding() {
            let matched = Self::matched(&proposal.campaign);
            proposal.campaign.close(matched, T::ActiveBlocks::get()).map_err(Error::<T>::from)?;
            let accounts = proposal.campaign.support.accounts;
            Self::deposit_event(Event::Closed { run, accounts });
        }
        let looked = Self::recount(run, &mut proposal, most)?;
        let Stage::Counting { left, .. } = proposal.campaign.stage else {
            return Err(Error::<T>::WrongStage.into());
        };
        let reopened = if left == 0 {
            Self::decide(run, proposal)?
        } else {
            // A call that looks at nobody is not free of charge.
            ensure!(looked > 0, Error::<T>::ZeroAmount);
            Proposals::<T>::insert(run, proposal);
            false
        };
        Ok((looked, if reopened { Pays::Yes } else { Pays::No }))
    }

    /// Looks at up to `most` accounts, from the last place down. The last one takes the place of one that is dropped: it was looked at
    /// before.
    fn recount(run: RunId, proposal: &mut ProposalOf<T>, most: u32) -> Result<u32, DispatchError> {
        let (mut looked, mut dropped) = (0u32, 0u32);
        let before = proposal.campaign;
        while let Stage::Counting { left, .. } = proposal.campaign.stage
            && left > 0
            && looked < most
        {
            let place = left.saturating_sub(1);
            let who = Counted::<T>::get(run, place).ok_or(Error::<T>::Books)?;
            let mut backer = Backers::<T>::get(run, &who).ok_or(Error::<T>::Books)?;
            proposal
                .campaign
                .recount(&mut backer.pledge, T::Judged::contains(&who))
                .map_err(Error::<T>::from)?;
            if backer.pledge.counted == 0 {
                backer.place = None;
                Backers::<T>::insert(run, &who, backer);
                Self::fill(run, place, proposal.campaign.support.accounts);
                dropped = dropped.saturating_add(1);
            }
            looked = looked.saturating_add(1);
        }
        Self::note_asked(&before, &proposal.campaign);
        if let Stage::Counting { left, .. } = proposal.campaign.stage
            && looked > 0
        {
            Self::deposit_event(Event::CountedAgain { run, dropped, left });
        }
        Ok(looked)
    }

    /// All accounts were looked at. Returns whether it takes pledges again.
    fn decide(run: RunId, mut proposal: ProposalOf<T>) -> Result<bool, DispatchError> {
        let spec = Specs::<T>::get(run).ok_or(Error::<T>::Books)?;
        let Ok(base) = Self::check(&spec, proposal.licence, proposal.parent) else {
            // Nobody could ever start it.
            return Self::fail(run, proposal, Failure::Outdated).map(|()| false);
        };
        let (now, before) = (T::ActiveBlocks::get(), proposal.campaign);
        let matched = Self::matched(&proposal.campaign);
        if !Training::<T>::has_room() && proposal.campaign.reopen(matched).map_err(Error::<T>::from)? {
            // Pledges can be withdrawn until there is room.
            Proposals::<T>::insert(run, proposal);
            Self::deposit_event(Event::Reopened { run });
            return Ok(true);
        }
        match proposal.campaign.decide(matched, now).map_err(Error::<T>::from)? {
            Decision::Start { budget } => {
                let (pot, source) = (Self::account_id(), T::MatchingPot::get());
                Self::transfer(&source, &pot, matched)?;
                let entry = Entry::new(
                    run,
                    proposal.campaign.weight(),
                    spec.rounds.slots,
                    spec.round_work(),
                    spec.rounds.count,
                    now,
                );
                Training::<T>::start_run(run, &pot, spec, budget, base)?;
                Turns::<T>::try_mutate(|turns| turns.add(entry).then_some(()).ok_or(Error::<T>::Books))?;
                let common = proposal.campaign.granted.saturating_add(matched);
                if common > 0 {
                    T::Pools::add_shares(PoolId::Backers(run), &source, common)?;
                }
                Self::note_asked(&before, &proposal.campaign);
                Specs::<T>::remove(run);
                Proposals::<T>::insert(run, proposal);
                Self::deposit_event(Event::Started { run, budget, matched });
            }
            Decision::GoOn => {
                Proposals::<T>::insert(run, proposal);
                Self::deposit_event(Event::Reopened { run });
                return Ok(true);
            }
            Decision::Missed { restore } => {
                Self::restore(restore)?;
                Self::failed(run, proposal, &before, Failure::Missed);
            }
        }
        Ok(false)
    }

    /// Whether `settle` would do something.
    pub(crate) fn is_settleable(run: RunId) -> bool {
        let Some(proposal) = Proposals::<T>::get(run) else { return false };
        let mut campaign = proposal.campaign;
        match campaign.stage {
            Stage::Funding { .. } => {
                campaign.close(Self::matched(&proposal.campaign), T::ActiveBlocks::get()).is_ok()
            }
            Stage::Counting { .. } => true,
            Stage::Running | Stage::Over { .. } => false,
        }
    }
}
