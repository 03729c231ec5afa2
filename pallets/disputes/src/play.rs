//! Moves.

use frame_support::{ensure, traits::Get};
use sabha_protocol::{
    Digest,
    dispute::{Answer, Facts, Game, GameError, Move, Side},
};
use sp_runtime::DispatchResult;

use crate::{Config, DisputeOf, Error, Event, GameId, Games, LastShown, Pallet, Shown, Stage, facts::Known};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_answer(
        who: &T::AccountId,
        id: GameId,
        position: &Digest,
        answer: &Answer,
    ) -> DispatchResult {
        let now = T::ActiveBlocks::get();
        let mut shown = None;
        Self::make(who, id, Side::Defender, |game, facts| {
            let before = *game;
            game.answer(facts, position, answer, now)?;
            shown = Some(Shown { before, answer: answer.clone() });
            Ok(None)
        })?;
        if let Some(shown) = shown {
            LastShown::<T>::insert(id, shown);
        }
        Ok(())
    }

    pub(crate) fn do_press(who: &T::AccountId, id: GameId, position: &Digest, made: &Move) -> DispatchResult {
        let now = T::ActiveBlocks::get();
        Self::make(who, id, Side::Challenger, |game, facts| game.press(facts, position, made, now))
    }

    /// Makes a move, and ends the game if that decides it.
    fn make(
        who: &T::AccountId,
        id: GameId,
        side: Side,
        play: impl FnOnce(&mut Game, &Facts<'_>) -> Result<Option<Side>, GameError>,
    ) -> DispatchResult {
        let mut dispute: DisputeOf<T> = Games::<T>::get(id).ok_or(Error::<T>::NoSuchGame)?;
        let party = match side {
            Side::Challenger => &dispute.challenger,
            Side::Defender => &dispute.defender,
        };
        ensure!(Self::speaks_for(who, party), Error::<T>::NotYours);
        let Stage::Playing(mut game) = dispute.stage else { return Err(Error::<T>::NotNamed.into()) };
        ensure!(Self::stands(&dispute), Error::<T>::Overtaken);
        let known = Known::<T>::of(dispute.run, dispute.round, dispute.target)?;
        let loser = known.with(|facts| play(&mut game, facts)).map_err(Error::<T>::from)?;
        dispute.stage = Stage::Playing(game);
        let (position, until) = (game.position, dispute.until());
        Self::deposit_event(Event::Moved { game: id, side, position, until });
        match loser {
            Some(loser) => Self::decide(id, &dispute, loser, false),
            None => {
                Games::<T>::insert(id, dispute);
                Ok(())
            }
        }
    }

    pub(crate) fn do_time_out(id: GameId) -> DispatchResult {
        let dispute = Games::<T>::get(id).ok_or(Error::<T>::NoSuchGame)?;
        ensure!(Self::stands(&dispute), Error::<T>::Overtaken);
        let loser = dispute.expired(T::ActiveBlocks::get()).ok_or(Error::<T>::TimeLeft)?;
        Self::decide(id, &dispute, loser, true)
    }
}
