//! What must always hold.

use alloc::collections::BTreeMap;

use frame_support::{
    ensure,
    traits::{
        Get,
        fungible::{Inspect, InspectHold},
    },
};
use pallet_sabha_training::Runs;
use sabha_protocol::{
    Balance,
    allocation::{Campaign, Stage, Support, stride},
};
use sp_runtime::TryRuntimeError;

use crate::{
    Asked, Backers, Config, Counted, HoldReason, Matching, Pallet, ProposalOf, Proposals, Specs, Turns,
};

impl<T: Config> Pallet<T> {
    /// Check what must always hold:
    /// - the pot holds the escrow of every proposal, what was pledged and given less what was paid and refunded, and the existential deposit;
    /// - a proposal's sums are those of its backers, and so is its support; exactly those who count have a place;
    /// - a proposal's run has its budget, and there is none before it is met;
    /// - what all ask of the matching pot is the sum of what each asks;
    /// - exactly the runs that are not over compete, and no more is shared than can be;
    /// - what is on hold in an account is what its proposals deposited;
    /// - specifications are kept of exactly the proposals that may become runs; no backer is without a proposal.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let (mut escrow, mut asked) = (0 as Balance, 0 as Balance);
        let mut deposits = BTreeMap::<T::AccountId, Balance>::new();
        for (run, proposal) in Proposals::<T>::iter() {
            let campaign = &proposal.campaign;
            let held = campaign.escrow().ok_or("more was paid and refunded than was pledged and given")?;
            escrow = escrow.saturating_add(held);
            asked = asked.saturating_add(Self::ideal(campaign));
            let deposit = deposits.entry(proposal.proposer.clone()).or_default();
            *deposit = deposit.saturating_add(proposal.deposit);
            Self::try_state_backers(run, campaign)?;
            Self::try_state_run(run, &proposal)?;
        }
        ensure!(Asked::<T>::get() == asked, "what is asked of the matching pot is miscounted");
        for who in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&HoldReason::Proposal.into(), &who);
            let deposit = deposits.remove(&who).unwrap_or(0);
            ensure!(held == deposit, "what is on hold is not what was deposited");
        }
        ensure!(deposits.is_empty(), "a proposer is no account");
        let all = escrow.saturating_add(T::Currency::minimum_balance());
        ensure!(T::Currency::balance(&Self::account_id()) >= all, "the pot does not cover the escrows");
        ensure!(Specs::<T>::iter_keys().all(Proposals::<T>::contains_key), "a specification has no proposal");
        ensure!(
            Backers::<T>::iter_keys().all(|(run, _)| Proposals::<T>::contains_key(run)),
            "a backer has no proposal"
        );
        ensure!(
            Counted::<T>::iter_keys().all(|(run, _)| Proposals::<T>::contains_key(run)),
            "a place has no proposal"
        );
        ensure!(
            Matching::<T>::get().most_of_pot <= sabha_protocol::allocation::quadratic::PARTS,
            "a proposal could have more than the pot"
        );
        Self::try_state_turns()
    }

    fn try_state_backers(run: u32, campaign: &Campaign) -> Result<(), TryRuntimeError> {
        let (mut backed, mut backers, mut support) = (0 as Balance, 0u32, Support::default());
        for (who, backer) in Backers::<T>::iter_prefix(run) {
            let pledge = backer.pledge;
            ensure!(pledge.amount >= T::MinPledge::get(), "a pledge is too small");
            ensure!(pledge.counted <= pledge.amount, "more counts than was pledged");
            backed = backed.saturating_add(pledge.amount);
            backers = backers.saturating_add(1);
            support = support.change(0, pledge.counted).ok_or("the support does not fit")?;
            ensure!(backer.place.is_some() == (pledge.counted > 0), "exactly those who count have a place");
            if let Some(place) = backer.place {
                ensure!(Counted::<T>::get(run, place) == Some(who), "a place is somebody else's");
            }
        }
        ensure!((backed, backers) == (campaign.backed, campaign.backers), "pledges are miscounted");
        ensure!(support == campaign.support, "the support is not that of the backers");
        let places = Counted::<T>::iter_prefix(run).count();
        ensure!(places == campaign.support.accounts as usize, "places are miscounted");
        Ok(())
    }

    fn try_state_run(run: u32, proposal: &ProposalOf<T>) -> Result<(), TryRuntimeError> {
        let campaign = &proposal.campaign;
        let spec = Specs::<T>::get(run);
        let is_run = Runs::<T>::get(run);
        match campaign.stage {
            Stage::Funding { .. } | Stage::Counting { .. } => {
                let spec = spec.ok_or("a proposal has no specification")?;
                ensure!(spec.hash() == proposal.spec_hash, "a proposal's specification is another");
                ensure!(is_run.is_none(), "a proposal is a run already");
            }
            Stage::Running => {
                ensure!(spec.is_none(), "a run's specification is kept twice");
                let record = is_run.ok_or("a proposal has no run")?;
                ensure!(!record.status.is_over(), "a run is over, and its proposal was not told");
                // Anybody may add to it.
                ensure!(record.funded >= campaign.moved, "a run has not what it was given");
                ensure!(record.owner == Self::account_id(), "a run's rest would go to somebody else");
                ensure!(campaign.escrow() == Some(0), "a run's money is not in the run");
            }
            Stage::Over { .. } => {
                ensure!(spec.is_none(), "the specification of a proposal that is over remains");
                let was_run = campaign.moved > 0;
                ensure!(was_run == is_run.is_some(), "a proposal is over, and its run is not, or never was");
                if let Some(record) = is_run {
                    ensure!(record.refunded == campaign.returned, "a run returned something else");
                }
                if campaign.backers == 0 {
                    ensure!(campaign.escrow() == Some(0), "something is kept when all were refunded");
                }
            }
        }
        Ok(())
    }

    fn try_state_turns() -> Result<(), TryRuntimeError> {
        let turns = Turns::<T>::get();
        let running =
            Proposals::<T>::iter().filter(|(_, proposal)| proposal.campaign.stage == Stage::Running);
        let (mut count, mut missing) = (0usize, false);
        for (run, _) in running {
            count = count.saturating_add(1);
            missing |= turns.get(run).is_none();
        }
        ensure!(!missing && turns.entries.len() == count, "exactly the runs that are not over compete");
        ensure!(turns.shared() <= stride::MOST_SHARED, "more is shared than can be");
        for entry in &turns.entries {
            let record = Runs::<T>::get(entry.run).ok_or("what competes is no run")?;
            ensure!(entry.active == record.pause().is_none(), "a paused run competes, or another does not");
        }
        Ok(())
    }
}
