//! How games begin.

use codec::Encode;
use frame_support::{
    ensure,
    traits::{Get, fungible::MutateHold},
};
use frame_system::pallet_prelude::BlockNumberFor;
use pallet_sabha_training::{OnDisagreement, Pallet as Training, Slots};
use sabha_protocol::{
    ActiveBlock, Digest, RoundKey, RunId, SlotIndex,
    dispute::{Claim, Game},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::{ArithmeticError, DispatchResult};

use crate::{
    Config, Dispute, Error, Event, GameId, Games, HoldReason, NextGame, Pallet, Risk, Stage, Target,
    facts::Known,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_challenge(
        who: T::AccountId,
        run: RunId,
        round: RoundKey,
        target: Target,
        claim: Claim,
    ) -> DispatchResult {
        let known = Known::<T>::of(run, round, target)?;
        ensure!(known.defender != who, Error::<T>::OwnClaim);
        ensure!(known.challenges < T::MaxChallenges::get(), Error::<T>::TooManyChallenges);
        let game = NextGame::<T>::get();
        let next = game.checked_add(1).ok_or(ArithmeticError::Overflow)?;
        let (clock, now) = (Self::clock(known.spec.clocks.dispute), T::ActiveBlocks::get());
        let bond = known.bond();
        let name = Self::name(game, run, round, target, &who);
        let played =
            known.with(|facts| Game::new(facts, claim, &name, clock, now)).map_err(Error::<T>::from)?;
        T::Currency::hold(&HoldReason::Challenge.into(), &who, bond)?;
        match target {
            Target::Slot { slot, .. } => Training::<T>::open_challenge(run, round, slot)?,
            Target::Aggregation => Training::<T>::open_root_challenge(run, round)?,
        }
        NextGame::<T>::put(next);
        let (challenger, defender) = (who, known.defender);
        let dispute = Dispute {
            run,
            round,
            target,
            challenger: challenger.clone(),
            defender: defender.clone(),
            risk: Risk::Bond(bond),
            stage: Stage::Playing(played),
        };
        Games::<T>::insert(game, dispute);
        Self::deposit_event(Event::Challenged {
            game,
            run,
            round,
            target,
            claim,
            challenger,
            defender,
            bond,
        });
        Ok(())
    }

    pub(crate) fn do_name_claim(who: &T::AccountId, game: GameId, claim: Claim) -> DispatchResult {
        let mut dispute = Games::<T>::get(game).ok_or(Error::<T>::NoSuchGame)?;
        let Stage::Naming { until } = dispute.stage else { return Err(Error::<T>::AlreadyNamed.into()) };
        ensure!(Self::speaks_for(who, &dispute.challenger), Error::<T>::NotYours);
        ensure!(Self::stands(&dispute), Error::<T>::Overtaken);
        let now = T::ActiveBlocks::get();
        let left = until.checked_sub(now).ok_or(Error::<T>::OutOfTime)?;
        let known = Known::<T>::of(dispute.run, dispute.round, dispute.target)?;
        let Dispute { run, round, target, .. } = dispute;
        let name = Self::name(game, run, round, target, &dispute.challenger);
        let clock = Self::clock(known.spec.clocks.dispute);
        let mut played =
            known.with(|facts| Game::new(facts, claim, &name, clock, now)).map_err(Error::<T>::from)?;
        // Its clock has run since the answers differed.
        played.clocks.challenger = left;
        dispute.stage = Stage::Playing(played);
        Games::<T>::insert(game, dispute);
        Self::deposit_event(Event::ClaimNamed { game, claim });
        Ok(())
    }

    /// What each side of a game has, if what it is about lapses after so many active blocks: the chain's chess clock, but never so
    /// much that there were no blocks left in which the one whose time is up can be found to have lost.
    pub(crate) fn clock(lapses: ActiveBlock) -> ActiveBlock {
        let room: u32 = T::Availability::get().saturated_into();
        let most = lapses.saturating_sub(room).checked_div(2).unwrap_or(0);
        T::ChessClock::get().saturated_into::<u32>().min(most)
    }

    /// Tells a game from every other one, on this chain or another, and on each branch of it.
    fn name(game: GameId, run: RunId, round: RoundKey, target: Target, challenger: &T::AccountId) -> Digest {
        let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(0u32));
        Digest::of(&(b"sabha 2026 game v1", genesis, game, run, round, target, challenger).encode())
    }

    /// Whether `who` may move for `party`: it is that account, or the hot key of the worker that it owns.
    pub(crate) fn speaks_for(who: &T::AccountId, party: &T::AccountId) -> bool {
        who == party || pallet_sabha_training::HotKeys::<T>::get(who).as_ref() == Some(party)
    }
}

impl<T: Config> OnDisagreement<T::AccountId> for Pallet<T> {
    fn opened(
        run: RunId,
        round: RoundKey,
        place: u16,
        slot: SlotIndex,
        auditor: &T::AccountId,
        until: ActiveBlock,
    ) {
        let record = Slots::<T>::get((run, round, slot));
        let found = record.and_then(|record| Some((record.generation, record.worker().cloned()?)));
        let game = NextGame::<T>::get();
        let next = game.checked_add(1);
        let (Some((generation, defender)), Some(next)) = (found, next) else {
            // It lapses, as one that nobody decides.
            frame_support::defensive!("a disagreement about no slot, or the four billionth");
            return;
        };
        NextGame::<T>::put(next);
        let now = T::ActiveBlocks::get();
        let until = now.saturating_add(Self::clock(until.saturating_sub(now)));
        let dispute = Dispute {
            run,
            round,
            target: Target::Slot { slot, generation },
            challenger: auditor.clone(),
            defender: defender.clone(),
            risk: Risk::Seat(place),
            stage: Stage::Naming { until },
        };
        Games::<T>::insert(game, dispute);
        Self::deposit_event(Event::Disagreed {
            game,
            run,
            round,
            slot,
            place,
            challenger: auditor.clone(),
            defender,
            until,
        });
    }
}
