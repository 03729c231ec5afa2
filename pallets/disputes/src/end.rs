//! How games end, and what becomes of bonds.

use frame_support::{
    ensure,
    storage::with_storage_layer,
    traits::{
        Get, Imbalance,
        fungible::{Balanced, BalancedHold, Credit, MutateHold},
        tokens::Precision::Exact,
    },
};
use pallet_sabha_training::{Pallet as Training, Workers};
use sabha_protocol::{Balance, dispute::Side, round::Verdict};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
    Config, DisputeOf, Error, Event, GameId, Games, HoldReason, LastShown, Pallet, Risk, Stage, Swept, Target,
};

impl<T: Config> Pallet<T> {
    /// Ends a game that stands with a loser.
    pub(crate) fn decide(id: GameId, dispute: &DisputeOf<T>, loser: Side, timed_out: bool) -> DispatchResult {
        Games::<T>::remove(id);
        LastShown::<T>::remove(id);
        let (run, round, target) = (dispute.run, dispute.round, dispute.target);
        Self::deposit_event(Event::Decided { game: id, run, round, target, loser, timed_out });
        match loser {
            Side::Defender => Self::convict(dispute)?,
            Side::Challenger => Self::acquit(dispute)?,
        }
        match (dispute.risk, loser) {
            (Risk::Bond(bond), Side::Defender) => Self::release(id, &dispute.challenger, bond),
            (Risk::Bond(bond), Side::Challenger) => Self::slash(id, dispute, bond),
            // The training pallet has done it.
            (Risk::Seat(_), _) => Ok(()),
        }
    }

    fn convict(dispute: &DisputeOf<T>) -> DispatchResult {
        let (run, round) = (dispute.run, dispute.round);
        // A defender loses only when a claim is named.
        let Stage::Playing(game) = &dispute.stage else { return Err(Error::<T>::NotNamed.into()) };
        let claim = game.at_fault();
        match (dispute.target, dispute.risk) {
            (_, Risk::Seat(place)) => Training::<T>::resolve(run, round, place, Verdict::WorkerWrong(claim)),
            (Target::Slot { slot, .. }, Risk::Bond(_)) => {
                Training::<T>::convict(run, round, slot, claim, Some(&dispute.challenger))
            }
            (Target::Aggregation, Risk::Bond(_)) => {
                Training::<T>::convict_aggregator(run, round, Some(&dispute.challenger))
            }
        }
    }

    /// That the challenger lost proves nothing about the claim: others may challenge it as before.
    fn acquit(dispute: &DisputeOf<T>) -> DispatchResult {
        let (run, round) = (dispute.run, dispute.round);
        match (dispute.target, dispute.risk) {
            (_, Risk::Seat(place)) => Training::<T>::resolve(run, round, place, Verdict::AuditorWrong),
            (Target::Slot { slot, .. }, Risk::Bond(_)) => Training::<T>::close_challenge(run, round, slot),
            (Target::Aggregation, Risk::Bond(_)) => Training::<T>::close_root_challenge(run, round),
        }
    }

    /// Ends a game that was overtaken.
    pub(crate) fn do_close(id: GameId) -> DispatchResult {
        let dispute = Games::<T>::get(id).ok_or(Error::<T>::NoSuchGame)?;
        ensure!(!Self::stands(&dispute), Error::<T>::NotOvertaken);
        Games::<T>::remove(id);
        LastShown::<T>::remove(id);
        Self::deposit_event(Event::Closed { game: id });
        match dispute.risk {
            Risk::Bond(bond) => Self::release(id, &dispute.challenger, bond),
            Risk::Seat(_) => Ok(()),
        }
    }

    /// Looks at the game behind the one that was looked at last, and ends it if nothing but a call is missing for that. Returns whether
    /// there was one behind it; else it began again with the first.
    pub(crate) fn sweep() -> bool {
        let last = Swept::<T>::get();
        let behind = Games::<T>::iter_keys_from(Games::<T>::hashed_key_for(last)).next();
        let goes_on = behind.is_some();
        let Some(game) = behind.or_else(|| Games::<T>::iter_keys().next()) else { return false };
        Swept::<T>::put(game);
        let Some(dispute) = Games::<T>::get(game) else { return goes_on };
        let ended = with_storage_layer(|| {
            if !Self::stands(&dispute) {
                return Self::do_close(game);
            }
            match dispute.expired(T::ActiveBlocks::get()) {
                Some(loser) => Self::decide(game, &dispute, loser, true),
                None => Ok(()),
            }
        });
        if let Err(error) = ended {
            frame_support::defensive!("a game cannot be ended", error);
        }
        goes_on
    }

    fn release(game: GameId, challenger: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount > 0 {
            T::Currency::release(&HoldReason::Challenge.into(), challenger, amount, Exact)?;
        }
        Self::deposit_event(Event::BondReleased { game, challenger: challenger.clone(), amount });
        Ok(())
    }

    /// Half of the bond is burnt, so that nobody challenges itself for nothing. The other half is for what the defender's moves cost
    /// it, and for the wait; if its payout account cannot take that, it is burnt too.
    fn slash(game: GameId, dispute: &DisputeOf<T>, amount: Balance) -> Result<(), DispatchError> {
        let challenger = dispute.challenger.clone();
        let (credit, missing): (Credit<T::AccountId, T::Currency>, Balance) =
            T::Currency::slash(&HoldReason::Challenge.into(), &challenger, amount);
        ensure!(missing == 0 && credit.peek() == amount, Error::<T>::Books);
        let half = amount.checked_div(2).unwrap_or(0);
        let (paid, burnt) = credit.split(half);
        drop(burnt);
        let refused = match Workers::<T>::get(&dispute.defender) {
            Some(worker) => T::Currency::resolve(&worker.payout, paid).err(),
            None => Some(paid),
        };
        let paid = if refused.is_some() { 0 } else { half };
        drop(refused);
        let burnt = amount.saturating_sub(paid);
        Self::deposit_event(Event::BondSlashed { game, challenger, burnt, paid });
        Ok(())
    }
}
