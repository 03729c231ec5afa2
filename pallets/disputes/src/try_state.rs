//! What must always hold.

use alloc::collections::BTreeMap;

use frame_support::{ensure, traits::fungible::InspectHold};
use pallet_sabha_training::{Rounds, Seats, Slots};
use sabha_protocol::{Balance, RoundKey, RunId, SlotIndex, audit::SeatState};
use sp_runtime::TryRuntimeError;

use crate::{Config, DisputeOf, Games, HoldReason, LastShown, NextGame, Pallet, Risk, Stage, Target};

/// Games that stand, counted by what they are about.
#[derive(Default)]
struct Counts {
    challenges: BTreeMap<(RunId, RoundKey, SlotIndex), u16>,
    disagreements: BTreeMap<(RunId, RoundKey, SlotIndex), u16>,
    root: BTreeMap<(RunId, RoundKey), u16>,
}

impl<T: Config> Pallet<T> {
    /// Check what must always hold:
    /// - what is on hold in an account for challenges is the sum of its bonds, also if it has none;
    /// - as many games stand about each slot and aggregation as it counts challenges and disagreements, so each of them has its game, and
    ///   every other game can be closed;
    /// - a game's sides are those of its target and seat;
    /// - only who risks a seat is still to name a claim;
    /// - what was shown last is of a game;
    /// - games are numbered from the past.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut counts = Counts::default();
        let mut bonds = BTreeMap::<T::AccountId, Balance>::new();
        for (id, dispute) in Games::<T>::iter() {
            ensure!(id < NextGame::<T>::get(), "a game is from the future");
            let naming = matches!(dispute.stage, Stage::Naming { .. });
            match dispute.risk {
                Risk::Bond(amount) => {
                    ensure!(!naming, "a challenge names no claim");
                    let sum = bonds.entry(dispute.challenger.clone()).or_default();
                    *sum = sum.saturating_add(amount);
                }
                Risk::Seat(_) => {
                    ensure!(dispute.target != Target::Aggregation, "a seat audits no aggregation");
                }
            }
            if Self::stands(&dispute) {
                Self::try_state_sides(&dispute)?;
                Self::count(&dispute, &mut counts);
            }
        }
        for id in LastShown::<T>::iter_keys() {
            ensure!(Games::<T>::contains_key(id), "what was shown is of no game");
        }
        // Of every account: nothing is left on hold of a game that is over.
        for account in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&HoldReason::Challenge.into(), &account);
            let bonds = bonds.remove(&account).unwrap_or(0);
            ensure!(held == bonds, "what is on hold is not the sum of bonds");
        }
        ensure!(bonds.is_empty(), "a bond is of no account");
        for (key, slot) in Slots::<T>::iter() {
            let (challenges, open) = (counts.challenges.remove(&key), counts.disagreements.remove(&key));
            ensure!(
                challenges.unwrap_or(0) == slot.checks.challenges,
                "a slot's challenges are not the games about it"
            );
            ensure!(
                open.unwrap_or(0) == slot.checks.open,
                "a slot's disagreements are not the games about it"
            );
        }
        for (run, key, round) in Rounds::<T>::iter() {
            let games = counts.root.remove(&(run, key)).unwrap_or(0);
            ensure!(
                games == round.root_challenges,
                "challenges of an aggregation are not the games about it"
            );
        }
        Ok(())
    }

    /// Of a game that stands.
    fn try_state_sides(dispute: &DisputeOf<T>) -> Result<(), TryRuntimeError> {
        let (run, key) = (dispute.run, dispute.round);
        let defender = match dispute.target {
            Target::Slot { slot, .. } => {
                Slots::<T>::get((run, key, slot)).and_then(|slot| slot.worker().cloned())
            }
            Target::Aggregation => {
                Rounds::<T>::get(run, key).and_then(|round| round.result).map(|(_, worker)| worker)
            }
        };
        ensure!(defender.as_ref() == Some(&dispute.defender), "a game's defender made no claim");
        if let (Risk::Seat(place), Target::Slot { slot, .. }) = (dispute.risk, dispute.target) {
            let seat = Seats::<T>::get((run, key, place)).ok_or("a game's seat is missing")?;
            let differed = matches!(seat.state, SeatState::Differed { .. });
            ensure!(
                differed && seat.slot == slot && seat.auditor == dispute.challenger,
                "a game is of another's seat"
            );
        }
        Ok(())
    }

    fn count(dispute: &DisputeOf<T>, counts: &mut Counts) {
        let (run, key) = (dispute.run, dispute.round);
        let count = match (dispute.target, dispute.risk) {
            (Target::Slot { slot, .. }, Risk::Bond(_)) => {
                counts.challenges.entry((run, key, slot)).or_default()
            }
            (Target::Slot { slot, .. }, Risk::Seat(_)) => {
                counts.disagreements.entry((run, key, slot)).or_default()
            }
            (Target::Aggregation, _) => counts.root.entry((run, key)).or_default(),
        };
        *count = count.saturating_add(1);
    }
}
