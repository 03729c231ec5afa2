//! What must always hold.

mod rounds;
mod workers;

use alloc::collections::{BTreeMap, BTreeSet};

use frame_support::{
    ensure,
    traits::{Get, fungible::Inspect},
};
use sabha_protocol::{
    Balance,
    round::{LIVE, Phase, Terms},
};
use sp_runtime::TryRuntimeError;

use crate::{
    Agenda, Capacity, Config, InFlight, NextRunId, Pallet, Passes, Rounds, RunOf, RunStatus, Runs, Specs,
    Unserved, Words, Workers,
};

/// What workers must have reserved, and how many attestations they must answer for, as the rounds have it.
#[derive(Default)]
pub(crate) struct Obligations<AccountId> {
    pub reserved: BTreeMap<AccountId, Balance>,
    pub attesting: BTreeMap<AccountId, u32>,
    pub training: BTreeMap<AccountId, u16>,
}

impl<T: Config> Pallet<T> {
    /// Check what must always hold:
    /// - what is on hold in an owner's account is its worker's stake, and no more of it is reserved than there is;
    /// - what a worker has reserved, and how often it trains and attests, is what unsettled slots, seats, aggregations and attestations
    ///   say: so each has its worker;
    /// - exactly ready workers have tickets;
    /// - hot keys and workers correspond one to one, and no hot key owns another worker;
    /// - tickets and their places correspond one to one, and are counted right;
    /// - the agenda has exactly the runs that are not over; these have their specification, the others neither that nor rounds;
    /// - the rounds of a run are those of its progress, in order, and its checkpoint's;
    /// - slots, seats and attesters belong to a round, and are counted right in it: nothing remains of a settled one;
    /// - an escrow is what was paid in and regained, less what was paid and refunded;
    /// - what is kept of slashes belongs to convicted slots;
    /// - the pot holds every escrow, what is kept, what workers are owed, and the existential deposit;
    /// - slots in flight, and places of ready workers, are counted right.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut obligations =
            Obligations { reserved: BTreeMap::new(), attesting: BTreeMap::new(), training: BTreeMap::new() };
        let claims = Self::try_state_runs(&mut obligations)?;
        Self::try_state_orphans()?;
        let owed = Self::try_state_workers(obligations)?;
        Self::try_state_tickets()?;
        Self::try_state_words()?;
        let claims = owed.saturating_add(claims).saturating_add(T::Currency::minimum_balance());
        ensure!(T::Currency::balance(&Self::account_id()) >= claims, "the pot does not cover what is owed");
        Self::try_state_room()
    }

    /// Returns the sum of all escrows and of what is kept.
    fn try_state_runs(obligations: &mut Obligations<T::AccountId>) -> Result<Balance, TryRuntimeError> {
        let agenda: BTreeSet<_> = Agenda::<T>::get().into_iter().map(|(id, _)| id).collect();
        ensure!(agenda.len() == Agenda::<T>::get().len(), "a run is in the agenda twice");
        let (mut claims, mut open) = (0, 0usize);
        for (id, run) in Runs::<T>::iter() {
            ensure!(id < NextRunId::<T>::get(), "a run is from the future");
            let spent = run.paid.saturating_add(run.refunded);
            ensure!(
                run.funded.saturating_add(run.regained).checked_sub(spent) == Some(run.progress.escrow),
                "an escrow is not what came in less what went out"
            );
            claims = run.progress.escrow.saturating_add(run.kept).saturating_add(claims);
            if run.status.is_over() {
                ensure!(!Specs::<T>::contains_key(id), "the specification of a run that is over remains");
                ensure!(!agenda.contains(&id), "a run that is over is in the agenda");
                ensure!(run.kept == 0, "something is kept for a run that is over");
                let all = run.progress.finalised >= run.rounds;
                ensure!(
                    all == (run.status == RunStatus::Completed),
                    "a run ended otherwise than its status says"
                );
            } else {
                ensure!(agenda.contains(&id), "a run is not in the agenda");
                open = open.saturating_add(1);
                let spec = Specs::<T>::get(id).ok_or("an open run has no specification")?;
                ensure!(spec.hash() == run.spec_hash, "a run's specification is another");
                ensure!(spec.rounds.count == run.rounds, "a run's rounds are not its specification's");
                let terms = Terms::new(id, &spec);
                Self::try_state_progress(&terms, &run)?;
                Self::try_state_rounds(&terms, &run, obligations)?;
            }
        }
        ensure!(agenda.len() == open, "the agenda has a run that does not exist");
        ensure!(Specs::<T>::iter_keys().all(Runs::<T>::contains_key), "a specification has no run");
        ensure!(Passes::<T>::iter_keys().all(|id| agenda.contains(&id)), "a pass has no run");
        Ok(claims)
    }

    fn try_state_progress(terms: &Terms, run: &RunOf<T>) -> Result<(), TryRuntimeError> {
        let progress = &run.progress;
        let live: BTreeSet<_> = progress.open.iter().chain(progress.settling.iter()).copied().collect();
        let stored: BTreeSet<_> = Rounds::<T>::iter_key_prefix(terms.run).collect();
        ensure!(live == stored, "a run's rounds are not those of its progress");
        let count = progress.open.len().saturating_add(progress.settling.len());
        ensure!(live.len() == count && count <= LIVE as usize, "a run has too many rounds, or one twice");
        let mut expected = progress.finalised;
        for key in &progress.open {
            ensure!(key.round == expected, "open rounds are out of order");
            let round = Rounds::<T>::get(terms.run, key).ok_or("an open round is missing")?;
            ensure!(round.void.is_none(), "a voided round is open");
            expected = expected.saturating_add(1);
        }
        ensure!(progress.next.round == expected, "the next round is not the next");
        ensure!(progress.next.round <= terms.rounds.count, "a run is ahead of itself");
        ensure!(run.status == RunStatus::Open || progress.pause.is_some(), "a stopped run opens rounds");
        Ok(())
    }

    fn try_state_room() -> Result<(), TryRuntimeError> {
        let in_flight = Rounds::<T>::iter()
            .fold(0u32, |sum, (run, _, round)| sum.saturating_add(Self::demand(run, &round)));
        ensure!(InFlight::<T>::get() == in_flight, "slots in flight are miscounted");
        for (run, (key, slots)) in Unserved::<T>::iter() {
            let round = Rounds::<T>::get(run, key).ok_or("a slot that nobody serves has no round")?;
            let training = matches!(round.phase, Phase::Training { .. });
            ensure!(training && slots.and(&round.open) == slots, "a slot that nobody serves is not open");
        }
        let places =
            Workers::<T>::iter_values().fold(0u32, |sum, worker| sum.saturating_add(Self::places(&worker)));
        ensure!(Capacity::<T>::get() == places, "places of workers are miscounted");
        Ok(())
    }

    fn try_state_words() -> Result<(), TryRuntimeError> {
        let words = Words::<T>::get();
        let sessions: BTreeSet<_> = words.iter().map(|(session, _)| *session).collect();
        ensure!(
            sessions.iter().eq(words.iter().map(|(session, _)| session)),
            "the words of sessions are out of order"
        );
        ensure!(sessions.last().is_none_or(|last| *last <= T::Session::get()), "a word is from the future");
        Ok(())
    }
}
