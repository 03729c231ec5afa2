//! Panels: the draw, seals and votes.

use alloc::vec::Vec;

use frame_support::{ensure, traits::Get};
use sabha_protocol::{
    Digest, Session,
    datasets::{ClaimId, Seat, SeatState, Stage, Vote, vote},
    defaults::DRAW_LAG,
    draw::{Lot, Purpose, SessionWords, Subject},
};
use sp_runtime::DispatchResult;

use crate::{
    ClaimOf, Claims, Config, CuratorStatus, Curators, Error, Event, Pallet, Panel, TicketHead, Tickets,
};

impl<T: Config> Pallet<T> {
    /// The curators of a claim's panel, as far as any are found; none if the word is not known. Whoever can be drawn was there
    /// before the claim was told, and nobody knew the word then. One that has left the draw since is no exception: nobody must be
    /// able to dodge. A seat that falls to somebody whose stake is all reserved stays empty: else whoever fills others' seats, with claims
    /// for a fee, would have the next panel to itself.
    pub(crate) fn draw(id: ClaimId, claim: &ClaimOf<T>, frozen: Session) -> Option<Panel<T::AccountId>> {
        let word = T::Words::word(frozen.saturating_add(DRAW_LAG))?;
        let len = TicketHead::<T>::get().len_before(frozen);
        let mut panel = Panel::<T::AccountId>::default();
        for place in 0..claim.seats {
            let generation = claim.panels.into();
            let subject = Subject { purpose: Purpose::Curator, run: id, round: 0, place, generation };
            let found = Lot::new(&word, &subject).draw(len, |index| {
                let ticket = Tickets::<T>::get(index).filter(|ticket| ticket.counts_in(frozen))?;
                let curator = Curators::<T>::get(&ticket.worker)?;
                let fit = ticket.ordinal < Self::tickets_of(curator.stake)
                    && curator.status != CuratorStatus::Absent
                    && ticket.worker != claim.claimant
                    && panel.iter().all(|seat| seat.curator != ticket.worker);
                let is_free = curator.free_stake() >= T::SeatStake::get();
                fit.then(|| is_free.then_some(ticket.worker))
            });
            if let Some(curator) = found.flatten() {
                // There is room: a dataset's panel is within the bound.
                let _ = panel.try_push(Seat { curator, state: SeatState::Drawn });
            }
        }
        Some(panel)
    }

    /// Gives a claim its panel, whose stakes are reserved.
    pub(crate) fn seat(id: ClaimId, claim: &mut ClaimOf<T>, panel: Panel<T::AccountId>, until: u32) {
        for seat in &panel {
            Curators::<T>::mutate(&seat.curator, |curator| {
                if let Some(curator) = curator {
                    curator.reserved = curator.reserved.saturating_add(T::SeatStake::get());
                }
            });
        }
        let curators: Vec<_> = panel.iter().map(|seat| seat.curator.clone()).collect();
        claim.panel = panel;
        claim.stage = Stage::Sealing { until };
        Self::deposit_event(Event::PanelDrawn { claim: id, panel: claim.panels, curators, until });
    }

    pub(crate) fn do_seal_vote(who: &T::AccountId, id: ClaimId, seal: Digest) -> DispatchResult {
        let mut claim = Self::claim_of(id)?;
        let Stage::Sealing { until } = claim.stage else { return Err(Error::<T>::WrongStage.into()) };
        ensure!(T::ActiveBlocks::get() <= until, Error::<T>::TooLate);
        let place = Self::seat_of(&mut claim, who)?;
        ensure!(place.state == SeatState::Drawn, Error::<T>::AlreadySealed);
        place.state = SeatState::Sealed(seal);
        Claims::<T>::insert(id, claim);
        Self::deposit_event(Event::VoteSealed { claim: id, curator: who.clone() });
        Ok(())
    }

    pub(crate) fn do_reveal_vote(
        who: &T::AccountId,
        id: ClaimId,
        vote: Vote,
        salt: &[u8; 32],
    ) -> DispatchResult {
        let mut claim = Self::claim_of(id)?;
        let Stage::Revealing { until } = claim.stage else { return Err(Error::<T>::WrongStage.into()) };
        ensure!(T::ActiveBlocks::get() <= until, Error::<T>::TooLate);
        ensure!(vote.is_valid(), Error::<T>::BadVote);
        let sealed = vote::seal(id, claim.panels, &vote, salt, who);
        let place = Self::seat_of(&mut claim, who)?;
        let SeatState::Sealed(seal) = place.state else { return Err(Error::<T>::NotSealed.into()) };
        ensure!(seal == sealed, Error::<T>::WrongSeal);
        place.state = SeatState::Revealed(vote);
        Claims::<T>::insert(id, claim);
        Self::deposit_event(Event::VoteRevealed { claim: id, curator: who.clone(), vote });
        Ok(())
    }

    fn seat_of<'a>(
        claim: &'a mut ClaimOf<T>,
        who: &T::AccountId,
    ) -> Result<&'a mut Seat<T::AccountId>, Error<T>> {
        claim.panel.iter_mut().find(|seat| seat.curator == *who).ok_or(Error::<T>::NoSeat)
    }
}
