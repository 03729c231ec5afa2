//! The draw: tickets in storage, the words of sessions, and who may be drawn.

use core::marker::PhantomData;

use codec::Encode;
use frame_support::traits::{Get, Randomness};
use sabha_protocol::{
    Balance, Session,
    defaults::{DRAW_LAG, RETAINED, TICKETS},
    draw::{
        Lot, SessionWords, Subject, Word,
        tickets::{self, Head, Ticket, TicketStore},
    },
};
use sp_arithmetic::traits::SaturatedConversion;

use crate::{
    Agenda, Config, LeftTickets, Pallet, TicketHead, TicketPlaces, Tickets, Words, WorkerOf, Workers,
};

/// The tickets in storage.
pub(crate) struct StoredTickets<T>(PhantomData<T>);

impl<T> StoredTickets<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Config> TicketStore for StoredTickets<T> {
    type Account = T::AccountId;

    fn head(&self) -> Head {
        TicketHead::<T>::get()
    }

    fn set_head(&mut self, head: Head) {
        TicketHead::<T>::put(head);
    }

    fn ticket(&self, index: u32) -> Option<Ticket<T::AccountId>> {
        Tickets::<T>::get(index)
    }

    fn set_ticket(&mut self, index: u32, ticket: Option<Ticket<T::AccountId>>) {
        Tickets::<T>::set(index, ticket);
    }

    fn place(&self, worker: &T::AccountId, ordinal: u16) -> Option<u32> {
        TicketPlaces::<T>::get(worker, ordinal)
    }

    fn set_place(&mut self, worker: &T::AccountId, ordinal: u16, index: Option<u32>) {
        TicketPlaces::<T>::set(worker, ordinal, index);
    }

    fn left(&self, position: u32) -> Option<u32> {
        LeftTickets::<T>::get(position)
    }

    fn set_left(&mut self, position: u32, index: Option<u32>) {
        LeftTickets::<T>::set(position, index);
    }
}

impl<T: Config> Pallet<T> {
    /// How many tickets a stake is worth.
    pub(crate) fn tickets_of(stake: Balance) -> u16 {
        let whole = stake.checked_div(T::MinStake::get()).unwrap_or(0);
        whole.min(TICKETS.into()).saturated_into()
    }

    /// Puts tickets up to what the stake is worth into the draw, and takes those above out of it.
    pub(crate) fn set_tickets(owner: &T::AccountId, worker: &mut WorkerOf<T>, count: u16) {
        let (mut store, session) = (StoredTickets::<T>::new(), T::Session::get());
        for ordinal in worker.tickets..count {
            tickets::join(&mut store, owner, ordinal, session);
        }
        for ordinal in count..worker.tickets {
            tickets::leave(&mut store, owner, ordinal, session);
            worker.left = Some(session);
        }
        worker.tickets = count;
    }

    /// Shortens the ticket array by one step. Returns whether there was anything to do.
    pub(crate) fn compact_tickets() -> bool {
        let head = TicketHead::<T>::get();
        head.len > head.live && tickets::compact(&mut StoredTickets::<T>::new(), T::Session::get())
    }

    /// The first candidate of a draw that is not jailed, whose ticket is covered by its stake, that has `stake` free, and that `fits`. One
    /// that is not ready any more is no exception: whoever sees that a draw will hit it must not be able to dodge. None if the word
    /// of the draw is not known, or no longer.
    pub(crate) fn draw(
        (subject, frozen): (Subject, Session),
        stake: Balance,
        fits: impl Fn(&T::AccountId, &WorkerOf<T>) -> bool,
    ) -> Option<T::AccountId> {
        let word = Self::word(frozen.saturating_add(DRAW_LAG))?;
        let now = T::ActiveBlocks::get();
        Lot::new(&word, &subject).draw(TicketHead::<T>::get().len_before(frozen), |index| {
            let ticket = Tickets::<T>::get(index).filter(|ticket| ticket.counts_in(frozen))?;
            let worker = Workers::<T>::get(&ticket.worker)?;
            let fit = ticket.ordinal < Self::tickets_of(worker.stake)
                && worker.free_stake() >= stake
                && now >= worker.jailed_until
                && fits(&ticket.worker, &worker);
            fit.then_some(ticket.worker)
        })
    }

    /// The randomness of a session, if it is known and still kept.
    pub(crate) fn word(session: Session) -> Option<Word> {
        Words::<T>::get().into_iter().find(|(at, _)| *at == session).map(|(_, word)| word)
    }

    /// In the first block of a session: keep its randomness, forget the oldest, and look at every run anew.
    pub(crate) fn note_session() -> bool {
        let session = T::Session::get();
        let mut words = Words::<T>::get();
        if words.last().is_some_and(|(last, _)| *last >= session) {
            return false;
        }
        let (random, _) = T::Randomness::random(&(b"sabha training word", session).encode());
        let mut word = Word::default();
        for (to, from) in word.iter_mut().zip(random.as_ref()) {
            *to = *from;
        }
        if words.len() >= RETAINED as usize {
            words.remove(0);
        }
        // There is room: one was removed.
        let _ = words.try_push((session, word));
        Words::<T>::put(words);
        Agenda::<T>::mutate(|agenda| agenda.iter_mut().for_each(|(_, wake)| *wake = 0));
        true
    }
}

impl<T: Config> SessionWords for Pallet<T> {
    fn word(session: Session) -> Option<Word> {
        Self::word(session)
    }
}
