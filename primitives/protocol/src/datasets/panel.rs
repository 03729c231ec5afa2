//! The life of a claim: its stages, what is due, and what a panel's members did.

use super::{PANELS, Vote, median};
use crate::{
    ActiveBlock, Digest, Session,
    defaults::{DRAW_LAG, RETAINED},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What was decided about a claim.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Ruling {
    /// No panel had a quorum.
    None,
    /// The median of a panel.
    Panel(Vote),
    /// The arbiter's.
    Arbiter {
        /// Which part is accepted, and how good it is.
        vote: Vote,
        /// What the panel's votes are measured by: this, or the panel's own median if the panel is not at fault.
        measure: Option<Vote>,
        /// Whether it is another outcome than the panel's.
        overturned: bool,
    },
}

impl Ruling {
    /// What was decided, if anything was.
    pub const fn vote(&self) -> Option<Vote> {
        match self {
            Self::None => None,
            Self::Panel(vote) | Self::Arbiter { vote, .. } => Some(*vote),
        }
    }

    /// What the votes of the panel are measured by, if by anything.
    pub const fn measure(&self) -> Option<Vote> {
        match self {
            Self::None => None,
            Self::Panel(vote) => Some(*vote),
            Self::Arbiter { measure, .. } => *measure,
        }
    }

    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        match self.vote() {
            None => Outcome::Lapsed,
            Some(vote) if vote.is_rejection() => Outcome::Rejected,
            Some(vote) => Outcome::Accepted(vote),
        }
    }

    /// The arbiter's ruling after this one. It overturns this one if it is another outcome, or as far from it as no honest vote
    /// is. A panel that judged rightly what was there then is not at fault: data may have been withdrawn since.
    pub fn arbitrated(&self, vote: Vote, panel_at_fault: bool) -> Self {
        let overturned = self
            .vote()
            .is_none_or(|before| before.is_rejection() != vote.is_rejection() || before.is_far_from(&vote));
        let measure = if panel_at_fault { Some(vote) } else { self.measure() };
        Self::Arbiter { vote, measure, overturned }
    }
}

/// What a claim comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A part of it is paid.
    Accepted(Vote),
    /// It was false: its bond is lost.
    Rejected,
    /// Nobody judged it: nothing is paid or lost.
    Lapsed,
}

/// How far a claim is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage {
    /// Sealed. Its content is still to be told; or it was, and the budget does not cover it yet.
    Committed {
        /// The active block of its seal.
        since: ActiveBlock,
        /// The last one for its content; or, if that was told, for which its shards are kept for it.
        until: ActiveBlock,
    },
    /// A panel is to be drawn.
    Drawing {
        /// The session whose set it is drawn from, with the word two sessions later.
        frozen: Session,
    },
    /// Its panel seals votes.
    Sealing {
        /// The last active block for it.
        until: ActiveBlock,
    },
    /// Its panel reveals votes.
    Revealing {
        /// The last active block for it.
        until: ActiveBlock,
    },
    /// It is decided. Its data must be served, and anybody can appeal.
    Judged {
        /// What was decided.
        ruling: Ruling,
        /// The last active block for an appeal.
        until: ActiveBlock,
        /// Whether that was the arbiter, whose ruling is final.
        last: bool,
    },
    /// The arbiter may decide otherwise.
    Appealed {
        /// What was decided before.
        ruling: Ruling,
        /// The last active block for the arbiter.
        until: ActiveBlock,
        /// The last active block for which the data must be served, if the arbiter does not decide: an appeal shortens that for nobody.
        retention: ActiveBlock,
    },
}

/// One curator of a panel.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Seat<Account> {
    /// Who was drawn.
    pub curator: Account,
    /// How far it is.
    pub state: SeatState,
}

/// How far a curator is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum SeatState {
    /// Looks at the data.
    Drawn,
    /// Has sealed its vote.
    Sealed(Digest),
    /// Has revealed it.
    Revealed(Vote),
}

/// What a curator did, seen from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// Voted as was decided, within the tolerance; or nothing was decided.
    Sound,
    /// Voted otherwise.
    Far,
    /// Did not seal, or not reveal. That costs more than to be far from the median, so revealing is never the worse choice.
    Silent,
}

impl<Account> Seat<Account> {
    /// The vote, if it was revealed.
    pub const fn vote(&self) -> Option<Vote> {
        match self.state {
            SeatState::Revealed(vote) => Some(vote),
            _ => None,
        }
    }

    /// What the curator did, where `decided` is what was decided at last. `asked`: whether votes were to be revealed; a panel that ends
    /// before that is the fault of those who did not seal.
    pub fn conduct(&self, decided: Option<Vote>, asked: bool) -> Conduct {
        match (self.state, decided) {
            (SeatState::Drawn, _) => Conduct::Silent,
            (SeatState::Sealed(_), _) if asked => Conduct::Silent,
            (SeatState::Revealed(vote), Some(decided)) if vote.is_far_from(&decided) => Conduct::Far,
            _ => Conduct::Sound,
        }
    }
}

/// Votes that a panel of so many seats needs.
pub const fn quorum(seats: u16) -> u16 {
    (seats / 2).saturating_add(1)
}

/// What a panel of `seats` seats, of whom these were found, decides; none without a quorum.
pub fn decide<Account>(panel: &[Seat<Account>], seats: u16) -> Option<Vote> {
    let votes: Vec<Vote> = panel.iter().filter_map(Seat::vote).collect();
    (votes.len() >= usize::from(quorum(seats))).then(|| median(&votes)).flatten()
}

/// What time, or the panel, has made due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its content was not told in time, or the budget did not cover it in time: it ends.
    Expire,
    /// A panel can be drawn.
    Draw,
    /// It was not drawn in time: the set is to be frozen anew.
    Freeze,
    /// Seals are closed, votes are to be revealed.
    Reveal,
    /// The panel can have no quorum, or has answered: a decision, or the next panel.
    Decide,
    /// The arbiter did not decide: what was decided before stands.
    Stand,
    /// Everybody is to have what is due to it.
    Settle,
}

/// What is due for a claim whose panel of `seats` seats has these members.
pub fn due<Account>(
    stage: &Stage,
    panel: &[Seat<Account>],
    seats: u16,
    now: ActiveBlock,
    session: Session,
) -> Option<Due> {
    let any = |is: fn(&SeatState) -> bool| panel.iter().any(|seat| is(&seat.state));
    match stage {
        Stage::Committed { until, .. } => (now > *until).then_some(Due::Expire),
        Stage::Drawing { frozen } => {
            if session >= frozen.saturating_add(RETAINED) {
                return Some(Due::Freeze);
            }
            (session >= frozen.saturating_add(DRAW_LAG)).then_some(Due::Draw)
        }
        Stage::Sealing { until } => {
            if any(|state| *state == SeatState::Drawn) && now <= *until {
                return None;
            }
            let sealed = panel.iter().filter(|seat| matches!(seat.state, SeatState::Sealed(_))).count();
            Some(if sealed < usize::from(quorum(seats)) { Due::Decide } else { Due::Reveal })
        }
        Stage::Revealing { until } => {
            let open = any(|state| matches!(state, SeatState::Sealed(_)));
            (!open || now > *until).then_some(Due::Decide)
        }
        Stage::Judged { until, last, .. } => (*last || now > *until).then_some(Due::Settle),
        Stage::Appealed { until, .. } => (now > *until).then_some(Due::Stand),
    }
}

/// Whether there is another panel after so many. Each time that a claim goes to the drawing it can have [`PANELS`] of them; they are
/// counted on, so that no seal of a vote fits two panels.
pub const fn another_panel(panels: u8) -> bool {
    !panels.is_multiple_of(PANELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: Vote = Vote { fraction: 10_000, quality: 80 };

    fn seat(state: SeatState) -> Seat<u8> {
        Seat { curator: 1, state }
    }

    fn panel(states: &[SeatState]) -> Vec<Seat<u8>> {
        states.iter().map(|state| seat(*state)).collect()
    }

    const DRAWN: SeatState = SeatState::Drawn;
    const SEALED: SeatState = SeatState::Sealed(Digest([1; 32]));
    const TOLD: SeatState = SeatState::Revealed(V);

    #[test]
    fn nothing_waits_for_a_panel_for_ever() {
        let at = |stage, states: &[SeatState], now| due(&stage, &panel(states), 3, now, 0);
        let sealing = Stage::Sealing { until: 10 };
        assert_eq!(at(sealing, &[SEALED, DRAWN, SEALED], 10), None);
        assert_eq!(at(sealing, &[SEALED, DRAWN, SEALED], 11), Some(Due::Reveal));
        assert_eq!(at(sealing, &[SEALED, SEALED, SEALED], 1), Some(Due::Reveal));
        assert_eq!(at(sealing, &[SEALED, DRAWN, DRAWN], 11), Some(Due::Decide));
        assert_eq!(at(sealing, &[], 1), Some(Due::Decide));
        let revealing = Stage::Revealing { until: 20 };
        assert_eq!(at(revealing, &[TOLD, DRAWN, SEALED], 20), None);
        assert_eq!(at(revealing, &[TOLD, DRAWN, SEALED], 21), Some(Due::Decide));
        assert_eq!(at(revealing, &[TOLD, DRAWN, TOLD], 1), Some(Due::Decide));
    }

    #[test]
    fn nothing_waits_for_anybody_else_either() {
        let at = |stage, now, session| due::<u8>(&stage, &[], 3, now, session);
        let committed = Stage::Committed { since: 1, until: 9 };
        assert_eq!(at(committed, 9, 0), None);
        assert_eq!(at(committed, 10, 0), Some(Due::Expire));
        let drawing = Stage::Drawing { frozen: 5 };
        assert_eq!(at(drawing, 0, 6), None);
        assert_eq!(at(drawing, 0, 7), Some(Due::Draw));
        assert_eq!(at(drawing, 0, 10), Some(Due::Draw));
        assert_eq!(at(drawing, 0, 11), Some(Due::Freeze));
        let ruling = Ruling::Panel(V);
        assert_eq!(at(Stage::Judged { ruling, until: 9, last: false }, 9, 0), None);
        assert_eq!(at(Stage::Judged { ruling, until: 9, last: false }, 10, 0), Some(Due::Settle));
        assert_eq!(at(Stage::Judged { ruling, until: 9, last: true }, 1, 0), Some(Due::Settle));
        assert_eq!(at(Stage::Appealed { ruling, until: 9, retention: 99 }, 9, 0), None);
        assert_eq!(at(Stage::Appealed { ruling, until: 9, retention: 99 }, 10, 0), Some(Due::Stand));
    }

    #[test]
    fn a_majority_of_the_seats_is_a_quorum() {
        assert_eq!([3, 4, 5, 15].map(quorum), [2, 3, 3, 8]);
        assert_eq!(decide(&panel(&[TOLD, DRAWN, SEALED]), 3), None);
        assert_eq!(decide(&panel(&[TOLD, TOLD]), 3), Some(V));
        // Seats for which nobody was found count.
        assert_eq!(decide(&panel(&[TOLD, TOLD]), 5), None);
    }

    #[test]
    fn there_are_three_panels_at_a_time() {
        assert_eq!([1, 2, 3, 4, 5, 6].map(another_panel), [true, true, false, true, true, false]);
        assert!(!another_panel(u8::MAX), "where counting ends");
    }

    #[test]
    fn silence_is_silence_whatever_was_decided() {
        for decided in [None, Some(V)] {
            assert_eq!(seat(SEALED).conduct(decided, true), Conduct::Silent);
            assert_eq!(seat(DRAWN).conduct(decided, true), Conduct::Silent);
            assert_eq!(seat(TOLD).conduct(decided, true), Conduct::Sound);
        }
        let none = Vote { fraction: 0, quality: 0 };
        assert_eq!(seat(TOLD).conduct(Some(none), true), Conduct::Far);
        // Nobody could reveal when too few had sealed.
        assert_eq!(seat(SEALED).conduct(None, false), Conduct::Sound);
        assert_eq!(seat(DRAWN).conduct(None, false), Conduct::Silent);
    }

    #[test]
    fn the_arbiter_overturns_either_way() {
        let vote = |fraction| Vote { fraction, quality: 50 };
        let overturned = |before: Ruling, after| {
            matches!(before.arbitrated(vote(after), true), Ruling::Arbiter { overturned: true, .. })
        };
        assert!(overturned(Ruling::Panel(vote(9_000)), 0));
        assert!(overturned(Ruling::Panel(vote(0)), 9_000));
        assert!(overturned(Ruling::Panel(vote(999)), 1_000));
        assert!(overturned(Ruling::Panel(vote(9_000)), 6_000));
        assert!(overturned(Ruling::None, 0));
        assert!(!overturned(Ruling::Panel(vote(9_000)), 8_000));
        assert!(!overturned(Ruling::Panel(vote(0)), 500));
        assert_eq!(Ruling::None.outcome(), Outcome::Lapsed);
        assert_eq!(Ruling::Panel(vote(999)).outcome(), Outcome::Rejected);
        assert_eq!(Ruling::None.arbitrated(vote(1_000), true).outcome(), Outcome::Accepted(vote(1_000)));
        let before = Ruling::Panel(vote(9_000));
        assert_eq!(before.arbitrated(vote(0), true).measure(), Some(vote(0)));
        assert_eq!(before.arbitrated(vote(0), false).measure(), Some(vote(9_000)));
    }
}
