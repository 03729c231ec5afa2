//! The tickets that draws are made from: a dense array, each entry with the sessions it counts in.
//!
//! A ticket that joins in session s counts in sets frozen from s + 1 on, one that leaves in s to the last time in s. Nothing that
//! a set frozen in an earlier session consists of is ever moved or overwritten while that set may still be drawn from: joins append, or
//! take over entries that have not counted for [`RETAINED`] sessions. So each frozen set is a fixed list, and costs no copy: its
//! length is noted, the entries know the rest.
//!
//! Joining, leaving and [`compact`] touch a bounded number of storage items for each ticket; none depends on how many there are.

use super::{Lot, Subject, Word};
use crate::{
    Session,
    defaults::{DRAW_LAG, RETAINED},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One unit of somebody's stake.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Ticket<Account> {
    /// Whose stake.
    pub worker: Account,
    /// Which of the worker's tickets.
    pub ordinal: u16,
    /// The first session whose frozen set has it.
    pub since: Session,
    /// The last one, once it has left.
    pub until: Option<Session>,
}

impl<Account> Ticket<Account> {
    /// Whether the set frozen in `session` has it.
    pub fn counts_in(&self, session: Session) -> bool {
        self.since <= session && self.until.is_none_or(|until| session <= until)
    }

    /// Whether no set that is still kept in session `now` has it.
    fn is_dead(&self, now: Session) -> bool {
        self.until.is_some_and(|until| may_withdraw(until, now))
    }
}

/// What is known of the array as a whole: of one size.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Head {
    /// The session of the last change.
    pub session: Session,
    /// Entries, left ones included.
    pub len: u32,
    /// From here on all entries have left.
    pub tail: u32,
    /// Tickets that have not left.
    pub live: u32,
    /// Front of the queue of entries that have left.
    pub front: u32,
    /// Back of that queue.
    pub back: u32,
    /// The last sessions with changes before `session`, the latest first, and the lengths at their ends.
    pub ends: [(Session, u32); RETAINED as usize],
}

impl Head {
    /// Notes the length at the end of the last changed session, if `now` is a later one.
    fn turn(&mut self, now: Session) {
        if now > self.session {
            self.ends.rotate_right(1);
            if let Some(first) = self.ends.first_mut() {
                *first = (self.session, self.len);
            }
            self.session = now;
        }
    }

    /// The length of the array when session `frozen` began: entries beyond it are not in that session's set.
    pub fn len_before(&self, frozen: Session) -> u32 {
        if self.session < frozen {
            return self.len;
        }
        self.ends.iter().find(|(session, _)| *session < frozen).map_or(0, |(_, len)| *len)
    }
}

/// Where the array is kept: storage maps on chain, vectors elsewhere.
pub trait TicketStore {
    /// Identifies a worker.
    type Account: Clone + PartialEq;
    /// The array's head.
    fn head(&self) -> Head;
    /// Replaces the head.
    fn set_head(&mut self, head: Head);
    /// An entry.
    fn ticket(&self, index: u32) -> Option<Ticket<Self::Account>>;
    /// Replaces or removes an entry.
    fn set_ticket(&mut self, index: u32, ticket: Option<Ticket<Self::Account>>);
    /// Where a worker's ticket is, while it has not left.
    fn place(&self, worker: &Self::Account, ordinal: u16) -> Option<u32>;
    /// Notes where a worker's ticket is.
    fn set_place(&mut self, worker: &Self::Account, ordinal: u16, index: Option<u32>);
    /// An element of the queue of entries that have left.
    fn left(&self, position: u32) -> Option<u32>;
    /// Replaces or removes an element of that queue.
    fn set_left(&mut self, position: u32, index: Option<u32>);
}

/// Adds a worker's ticket. Does nothing if it is there already.
pub fn join<S: TicketStore>(store: &mut S, worker: &S::Account, ordinal: u16, now: Session) {
    if store.place(worker, ordinal).is_some() {
        return;
    }
    let mut head = store.head();
    head.turn(now);
    let index = reuse(store, &mut head, now).unwrap_or_else(|| {
        let end = head.len;
        head.len = head.len.saturating_add(1);
        end
    });
    put(store, worker, ordinal, index, now);
    head.tail = head.tail.max(index.saturating_add(1));
    head.live = head.live.saturating_add(1);
    store.set_head(head);
}

/// Takes a worker's ticket away. Does nothing if there is none.
pub fn leave<S: TicketStore>(store: &mut S, worker: &S::Account, ordinal: u16, now: Session) {
    let Some(index) = store.place(worker, ordinal) else { return };
    let mut head = store.head();
    head.turn(now);
    end(store, &mut head, index, now);
    store.set_place(worker, ordinal, None);
    head.live = head.live.saturating_sub(1);
    store.set_head(head);
}

/// Shortens the array by one step: drops a dead entry at its end, or moves the last ticket into a dead entry. Returns whether there
/// was anything to do. Draws slow down while most entries have left; a few steps a block undo that.
pub fn compact<S: TicketStore>(store: &mut S, now: Session) -> bool {
    let mut head = store.head();
    head.turn(now);
    let done = shorten(store, &mut head, now);
    store.set_head(head);
    done
}

fn shorten<S: TicketStore>(store: &mut S, head: &mut Head, now: Session) -> bool {
    let end_of = |length: u32| length.checked_sub(1);
    if let Some(last) = end_of(head.len)
        && store.ticket(last).is_none_or(|ticket| ticket.is_dead(now))
    {
        store.set_ticket(last, None);
        head.len = last;
        head.tail = head.tail.min(last);
        return true;
    }
    let Some(last) = end_of(head.tail) else { return false };
    let live = store.ticket(last).filter(|ticket| ticket.until.is_none());
    if let Some(Ticket { worker, ordinal, .. }) = live {
        let Some(index) = reuse(store, head, now) else { return false };
        // One beyond it is dropped from the end in time.
        if index >= last {
            return true;
        }
        end(store, head, last, now);
        put(store, &worker, ordinal, index, now);
    }
    head.tail = last;
    true
}

/// The worker of the first candidate that the set frozen in session `frozen` has, and that `accept` agrees to.
pub fn draw<S: TicketStore>(
    store: &S,
    word: &Word,
    subject: &Subject,
    frozen: Session,
    mut accept: impl FnMut(&S::Account) -> bool,
) -> Option<S::Account> {
    Lot::new(word, subject).draw(store.head().len_before(frozen), |index| {
        store
            .ticket(index)
            .filter(|ticket| ticket.counts_in(frozen) && accept(&ticket.worker))
            .map(|ticket| ticket.worker)
    })
}

/// Whether the set frozen in `frozen`, and the word that draws from it, are there in session `now`.
pub fn can_draw(frozen: Session, now: Session) -> bool {
    let first = frozen.saturating_add(DRAW_LAG);
    first <= now && now < frozen.saturating_add(RETAINED)
}

/// Whether no set that is kept in session `now` has a ticket that left in session `left`. A stake that is withdrawn earlier would leave
/// draws that were known to hit it to somebody else.
pub fn may_withdraw(left: Session, now: Session) -> bool {
    left.saturating_add(RETAINED) < now
}

fn put<S: TicketStore>(store: &mut S, worker: &S::Account, ordinal: u16, index: u32, now: Session) {
    let since = now.saturating_add(1);
    store.set_ticket(index, Some(Ticket { worker: worker.clone(), ordinal, since, until: None }));
    store.set_place(worker, ordinal, Some(index));
}

/// Ends an entry, and queues it for reuse.
fn end<S: TicketStore>(store: &mut S, head: &mut Head, index: u32, now: Session) {
    if let Some(ticket) = store.ticket(index) {
        store.set_ticket(index, Some(Ticket { until: Some(now), ..ticket }));
    }
    store.set_left(head.back, Some(index));
    head.back = head.back.wrapping_add(1);
}

/// Takes a dead entry off the queue. They died in the queue's order; those that were dropped meanwhile, or taken over, are skipped
/// (at most two, so that the work is bounded).
fn reuse<S: TicketStore>(store: &mut S, head: &mut Head, now: Session) -> Option<u32> {
    for _ in 0..3 {
        let index = store.left(head.front)?;
        let ticket = store.ticket(index);
        let gone = index >= head.len || ticket.as_ref().is_none_or(|ticket| ticket.until.is_none());
        let dead = ticket.is_some_and(|ticket| ticket.is_dead(now));
        if !gone && !dead {
            return None;
        }
        store.set_left(head.front, None);
        head.front = head.front.wrapping_add(1);
        if dead && !gone {
            return Some(index);
        }
    }
    None
}
