//! Whose turn it is: what training asks and tells.

use frame_support::{defensive, ensure, pallet_prelude::DispatchResult, traits::Get};
use pallet_sabha_training::Scheduler;
use sabha_protocol::{
    ActiveBlock, Balance, RunId,
    allocation::{Room, Stage, stride},
    pool::{PoolId, RewardPools},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::Perbill;

use crate::{Config, Error, Event, Pallet, Proposals, Turns};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_set_share(run: RunId, share: Perbill) -> DispatchResult {
        Self::running(run)?;
        Turns::<T>::try_mutate(|turns| {
            // It goes with the run's end, which comes later than a decision to stop it.
            ensure!(turns.get(run).is_some(), Error::<T>::NotRunning);
            ensure!(turns.set_share(run, share.deconstruct()), Error::<T>::TooMuchShared);
            Ok::<(), Error<T>>(())
        })?;
        Self::deposit_event(Event::ShareSet { run, share });
        Ok(())
    }

    /// A run's part of capacity when all want some.
    pub(crate) fn capacity_of(run: RunId) -> Option<Perbill> {
        let turns = Turns::<T>::get();
        turns.get(run).filter(|entry| entry.wants())?;
        let wanting = turns.entries.iter().filter(|entry| entry.wants());
        let all = wanting.fold(0u64, |sum, entry| sum.saturating_add(turns.weight(entry.run).into()));
        Some(Perbill::from_rational(u64::from(turns.weight(run)), all))
    }

    fn patience() -> ActiveBlock {
        T::Patience::get().saturated_into()
    }
}

const _: () = assert!(stride::WHOLE == 1_000_000_000, "shares are counted as Perbill counts");

impl<T: Config> Scheduler for Pallet<T> {
    fn may_open(run: RunId, in_flight: u32, capacity: u32) -> bool {
        let room = Room { in_flight, capacity, now: T::ActiveBlocks::get(), patience: Self::patience() };
        // A run that nobody proposed competes with nobody.
        Turns::<T>::mutate(|turns| turns.get(run).is_none() || turns.may_open(run, room))
    }

    fn opened(run: RunId, rounds: u32) {
        Turns::<T>::mutate(|turns| turns.opened(run, rounds, T::ActiveBlocks::get(), Self::patience()));
    }

    fn trained(run: RunId) -> Option<RunId> {
        Turns::<T>::mutate(|turns| {
            turns.trained(run, T::ActiveBlocks::get());
            turns.next()
        })
    }

    fn paused(run: RunId, paused: bool) {
        Turns::<T>::mutate(|turns| turns.set_active(run, !paused, T::ActiveBlocks::get()));
    }

    fn ended(run: RunId, completed: bool, refunded: Balance) {
        Turns::<T>::mutate(|turns| turns.remove(run));
        let Some(mut proposal) = Proposals::<T>::get(run) else { return };
        if proposal.campaign.stage != Stage::Running {
            return;
        }
        let restored = match proposal.campaign.end(refunded) {
            Ok(restored) => restored,
            Err(_) => {
                defensive!("the end of a run does not fit its campaign");
                return;
            }
        };
        // Both accounts are endowed: it cannot fail.
        if Self::restore(restored).is_err() {
            defensive!("the pot does not hold what a run has returned");
            return;
        }
        proposal.completed = completed;
        if !completed {
            // Nothing will ever be earned with it. Both were made when it began.
            let _ = T::Pools::close(PoolId::Backers(run));
            let _ = T::Pools::close(PoolId::Compute(run));
        }
        Proposals::<T>::insert(run, proposal);
        Self::deposit_event(Event::Ended { run, completed, returned: refunded, restored });
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn fill(run: RunId) {
        crate::benchmarking::fill_turns::<T>(run);
    }
}
