//! Draws: who is drawn for what follows from one 32-byte word of the chain's randomness, and from a set that was fixed before
//! anybody knew the word.
//!
//! # When
//!
//! A request names the session e in which it was made. The set it draws from is the one of the tickets that were there *before* e
//! began ([`tickets`]); the word is that of session e + 2 ([`crate::defaults::DRAW_LAG`]). So whoever joins, leaves, commits or
//! makes the request does not know the word yet, and whoever knows the word can change neither set nor request. The outcome does not depend on
//! when, within the sessions for which set and word are kept, somebody makes the draw; nor on who.
//!
//! A slot that is lost is drawn again at once: from the set of two sessions ago with this session's word, for the request is as old as
//! the assignment. Attesters and aggregators, too.
//!
//! # What is left
//!
//! A session's word is what the blocks of the session before it gathered (BABE), and complete when that one ends: the word of e + 2 with the
//! last block of e + 1. Whoever makes the last blocks of e + 1 can choose between few words by leaving blocks out, and no more: set
//! and request were fixed in e. Commitments count as frozen only with the session after theirs.
//!
//! Candidates are refused if their stake is reserved already, so who is drawn also depends on which reservations exist at that
//! moment.
//!
//! # By stake, cheaply
//!
//! Stake is cut into tickets of one size, held in a dense array; a draw scales 64 bits to its length and takes the ticket there. One
//! read a candidate, 1 / (share of tickets that can take it) candidates on average, at most [`CANDIDATES`]. Each unit of stake has
//! the same chance however it is divided between accounts. A tree of sums would need 17 reads a draw for 100,000 tickets, and a copy
//! of itself for each frozen session.

pub mod tickets;

use crate::{Digest, Generation, RoundIndex, RunId, defaults::CANDIDATES};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A session's randomness.
pub type Word = [u8; 32];

/// Where the words of sessions are kept.
pub trait SessionWords {
    /// The word of a session, if it is known and still kept.
    fn word(session: crate::Session) -> Option<Word>;
}

/// What is drawn.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Purpose {
    /// The worker of a slot.
    Slot,
    /// A worker that fetches the updates of a round.
    Attester,
    /// The worker that makes the next checkpoint.
    Aggregator,
    /// A worker that executes segments again.
    Auditor,
    /// Which slot each auditor of a round gets.
    Audited,
    /// Which segments of a slot are executed again.
    Segments,
    /// A curator of a claim of data: `run` is the claim, `place` the seat, `generation` the panel.
    Curator,
}

/// What a draw is for: no two draws of one word have the same subject.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Subject {
    /// What is drawn.
    pub purpose: Purpose,
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: RoundIndex,
    /// The slot or seat.
    pub place: u16,
    /// How often it was drawn before, earlier attempts at the round included.
    pub generation: Generation,
}

/// A sequence of random numbers that a word and a subject fix.
#[derive(Clone)]
pub struct Lot(blake3::OutputReader);

impl Lot {
    /// The sequence of `subject` under `word`.
    pub fn new(word: &Word, subject: &Subject) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 draw v1");
        hasher.update(word);
        hasher.update(&subject.encode());
        Self(hasher.finalize_xof())
    }

    /// The next number below `bound`; 0 if that is 0. Its bias is at most bound / 2^64.
    pub fn below(&mut self, bound: u32) -> u32 {
        let mut bytes = [0u8; 8];
        self.0.fill(&mut bytes);
        let scaled = u128::from(u64::from_le_bytes(bytes)).saturating_mul(bound.into()) >> 64;
        scaled as u32
    }

    /// The first of the candidates below `len` that `accept` makes something of. Looks at [`CANDIDATES`] at most.
    pub fn draw<T>(mut self, len: u32, mut accept: impl FnMut(u32) -> Option<T>) -> Option<T> {
        if len == 0 {
            return None;
        }
        (0..CANDIDATES).find_map(|_| accept(self.below(len)))
    }
}

/// Which of `count` things place `place` of many gets, so that each thing is got equally often, give or take one: a
/// permutation that the word fixes, repeated.
pub fn share_out(word: &Word, subject: &Subject, count: u16, place: u16) -> Option<u16> {
    let turn = place.checked_rem(count)?;
    let subject = Subject { place: 0, ..*subject };
    let mut lot = Lot::new(word, &subject);
    let mut order: alloc::vec::Vec<u16> = (0..count).collect();
    // Fisher and Yates, from the end, as far as everybody needs the same order.
    for last in (1..order.len()).rev() {
        let other = lot.below(u32::try_from(last).ok()?.saturating_add(1));
        order.swap(last, usize::try_from(other).ok()?);
    }
    order.get(usize::from(turn)).copied()
}

/// The answer of a hash as a word, for tests and simulations that have no chain.
pub fn word_of(seed: u64, session: u32) -> Word {
    Digest::of(&(b"sabha word", seed, session).encode()).0
}

#[cfg(test)]
mod tests;
