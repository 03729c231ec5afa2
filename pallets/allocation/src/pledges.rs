//! Pledges: given, taken back, refunded; and what the DAO gives.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Contains, Get},
};
use pallet_sabha_training::Pallet as Training;
use sabha_protocol::{
    Balance, RunId,
    allocation::Stage,
    pool::{PoolId, RewardPools},
};

use crate::{Backer, Backers, Config, Counted, Error, Event, Pallet, ProposalOf, Proposals, Turns};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_pledge(who: T::AccountId, run: RunId, amount: Balance) -> DispatchResult {
        let mut proposal = Self::proposal(run)?;
        let mut backer = Backers::<T>::get(run, &who).unwrap_or_default();
        let before = proposal.campaign;
        let judged = T::Judged::contains(&who);
        proposal
            .campaign
            .pledge(&mut backer.pledge, amount, judged, T::ActiveBlocks::get())
            .map_err(Error::<T>::from)?;
        ensure!(backer.pledge.amount >= T::MinPledge::get(), Error::<T>::BelowLeastPledge);
        let pot = Self::account_id();
        Self::transfer(&who, &pot, amount)?;
        let running = proposal.campaign.stage == Stage::Running;
        if running {
            Training::<T>::add_budget(&pot, run, amount)?;
            Turns::<T>::mutate(|turns| turns.set_backing(run, proposal.campaign.weight()));
        }
        T::Pools::add_shares(PoolId::Backers(run), &who, amount)?;
        Self::place(run, &who, &proposal, &mut backer);
        Self::note_asked(&before, &proposal.campaign);
        Backers::<T>::insert(run, &who, backer);
        Proposals::<T>::insert(run, proposal);
        let counted = judged && !running;
        Self::deposit_event(Event::Pledged { run, backer: who, amount, counted });
        Ok(())
    }

    pub(crate) fn do_withdraw(who: T::AccountId, run: RunId, amount: Balance) -> DispatchResult {
        let mut proposal = Self::proposal(run)?;
        let mut backer = Backers::<T>::get(run, &who).ok_or(Error::<T>::NotABacker)?;
        let before = proposal.campaign;
        proposal.campaign.withdraw(&mut backer.pledge, amount).map_err(Error::<T>::from)?;
        let left = backer.pledge.amount;
        ensure!(left == 0 || left >= T::MinPledge::get(), Error::<T>::BelowLeastPledge);
        T::Pools::remove_shares(PoolId::Backers(run), &who, amount)?;
        Self::transfer(&Self::account_id(), &who, amount)?;
        Self::place(run, &who, &proposal, &mut backer);
        Self::note_asked(&before, &proposal.campaign);
        Backers::<T>::set(run, &who, (left > 0).then_some(backer));
        Proposals::<T>::insert(run, proposal);
        Self::deposit_event(Event::Withdrawn { run, backer: who, amount });
        Ok(())
    }

    pub(crate) fn do_fund(run: RunId, amount: Balance) -> DispatchResult {
        let mut proposal = Self::proposal(run)?;
        proposal.campaign.grant(amount, T::ActiveBlocks::get()).map_err(Error::<T>::from)?;
        ensure!(amount <= Self::available(), Error::<T>::PotTooSmall);
        Self::transfer(&T::MatchingPot::get(), &Self::account_id(), amount)?;
        Proposals::<T>::insert(run, proposal);
        Self::deposit_event(Event::Granted { run, amount });
        Ok(())
    }

    pub(crate) fn do_refund(who: &T::AccountId, run: RunId) -> DispatchResult {
        let mut proposal = Self::proposal(run)?;
        ensure!(matches!(proposal.campaign.stage, Stage::Over { .. }), Error::<T>::WrongStage);
        let backer = Backers::<T>::take(run, who).ok_or(Error::<T>::NotABacker)?;
        let before = proposal.campaign;
        let refund = proposal.campaign.refund(backer.pledge).map_err(Error::<T>::from)?;
        Self::transfer(&Self::account_id(), who, refund.backer)?;
        Self::restore(refund.dust)?;
        Self::unplace(run, &before, backer);
        // Shares of what never was a run are worth nothing: the pool goes. Whoever holds them still can, until then.
        if proposal.campaign.moved == 0 {
            let pool = PoolId::Backers(run);
            let held = T::Pools::shares(pool, who);
            if held > 0 {
                T::Pools::remove_shares(pool, who, held)?;
            }
            if proposal.campaign.backers == 0 {
                T::Pools::close(pool)?;
            }
        }
        Proposals::<T>::insert(run, proposal);
        Self::deposit_event(Event::Refunded { run, backer: who.clone(), amount: refund.backer });
        Ok(())
    }

    /// Gives a backer a place among those who count if it has begun to, and takes it away if it has ceased to. `proposal` is as it is
    /// afterwards.
    fn place(run: RunId, who: &T::AccountId, proposal: &ProposalOf<T>, backer: &mut Backer) {
        let accounts = proposal.campaign.support.accounts;
        match (backer.place, backer.pledge.counted > 0) {
            (None, true) => {
                let place = accounts.saturating_sub(1);
                backer.place = Some(place);
                Counted::<T>::insert(run, place, who);
            }
            (Some(place), false) => {
                backer.place = None;
                Self::fill(run, place, accounts);
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// Takes the place of a backer that is gone.
    fn unplace(run: RunId, before: &sabha_protocol::allocation::Campaign, backer: Backer) {
        if let Some(place) = backer.place {
            Self::fill(run, place, before.support.accounts.saturating_sub(1));
        }
    }

    /// Fills a place that has become free with the last one, `last`.
    pub(crate) fn fill(run: RunId, place: u32, last: u32) {
        let Some(moved) = Counted::<T>::take(run, last) else { return };
        if place != last {
            Backers::<T>::mutate(run, &moved, |backer| {
                if let Some(backer) = backer {
                    backer.place = Some(place);
                }
            });
            Counted::<T>::insert(run, place, moved);
        }
    }
}
