//! What a curator does next, and how long that may take: from what the chain says and what is kept, and from nothing else.

use crate::{chain::DataClaim, keys::AccountId};
use sabha_protocol::{
    ActiveBlock,
    datasets::{ClaimId, SeatState, Stage},
};
use std::time::Duration;

/// Active blocks before a deadline at which a vote is made with what could be fetched until then.
pub const MARGIN: ActiveBlock = 4;

/// What is to be done about a claim; what comes first is more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// To reveal the vote that is kept.
    Reveal,
    /// To say that a vote was sealed of which nothing is kept here.
    Lost,
    /// To seal the vote that is kept.
    Seal,
    /// To look at the data, and make a vote.
    Look,
}

/// A step, and the last active block for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Next {
    /// What is to be done.
    pub step: Step,
    /// The last active block for it.
    pub until: ActiveBlock,
    /// The claim.
    pub claim: ClaimId,
    /// The number of its panel.
    pub panel: u8,
}

/// What `who` is to do about the claims for which it was drawn, the most urgent first: what is revealed and sealed takes no time, and a look
/// does. `is_kept` says whether a vote of it about a claim, and its panel, is kept.
pub fn next_steps(
    seats: &[(ClaimId, DataClaim)],
    who: &AccountId,
    is_kept: impl Fn(ClaimId, u8) -> bool,
) -> Vec<Next> {
    let next = |(id, claim): &(ClaimId, DataClaim)| {
        let is_kept = is_kept(*id, claim.panels);
        let (step, until) = match (claim.stage, claim.seat_of(who)?) {
            (Stage::Revealing { until }, SeatState::Sealed(_)) => {
                (if is_kept { Step::Reveal } else { Step::Lost }, until)
            }
            (Stage::Sealing { until }, SeatState::Drawn) => {
                (if is_kept { Step::Seal } else { Step::Look }, until)
            }
            _ => return None,
        };
        Some(Next { step, until, claim: *id, panel: claim.panels })
    };
    let mut steps: Vec<Next> = seats.iter().filter_map(next).collect();
    steps.sort();
    steps
}

/// How long a look may take that must be done before the active block `until`, while so many claims wait for one: its share of the time, so that
/// who serves one claim slowly does not take it from the others. Blocks come no faster than slots.
pub fn time_for(now: ActiveBlock, until: ActiveBlock, waiting: usize, slot: Duration) -> Duration {
    let left = until.saturating_sub(MARGIN).saturating_sub(now);
    let share = slot.saturating_mul(left).checked_div(u32::try_from(waiting.max(1)).unwrap_or(u32::MAX));
    // What is here is looked at in any case, and what is near comes.
    share.unwrap_or_default().max(slot.saturating_mul(MARGIN / 2))
}

/// Whether the claim is to be looked at once more, for what was not served.
pub fn can_wait(now: ActiveBlock, until: ActiveBlock) -> bool {
    now.saturating_add(MARGIN) < until
}

/// A claim, for tests.
#[cfg(test)]
pub(crate) fn claim(
    stage: Stage,
    panels: u8,
    panel: Vec<sabha_protocol::datasets::Seat<AccountId>>,
) -> DataClaim {
    DataClaim {
        dataset: 0,
        claimant: AccountId::from([9; 32]),
        seal: sabha_protocol::Digest([0; 32]),
        stage,
        told: None,
        bond: 0,
        fee: 0,
        purse: 0,
        reserved: 0,
        seats: 3,
        panels,
        panel,
        appeal: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_protocol::{
        Digest,
        datasets::{Seat, Vote},
    };

    const SEALED: SeatState = SeatState::Sealed(Digest([1; 32]));

    fn seated(stage: Stage, state: SeatState) -> DataClaim {
        let other = Seat { curator: AccountId::from([2; 32]), state: SeatState::Drawn };
        claim(stage, 1, vec![other, Seat { curator: AccountId::from([1; 32]), state }])
    }

    #[test]
    fn what_is_due_soonest_is_done_first_and_looks_come_last() {
        let me = AccountId::from([1; 32]);
        let revealed = SeatState::Revealed(Vote { fraction: 1, quality: 1 });
        let (sealing, revealing) = (|until| Stage::Sealing { until }, |until| Stage::Revealing { until });
        let seats = [
            (1, seated(sealing(20), SeatState::Drawn)),
            (2, seated(sealing(10), SeatState::Drawn)),
            (3, seated(sealing(30), SeatState::Drawn)),
            (4, seated(revealing(90), SEALED)),
            (5, seated(revealing(80), SEALED)),
            (6, seated(revealing(85), SEALED)),
            // Nothing is to be done about these.
            (7, seated(sealing(5), SEALED)),
            (8, seated(revealing(5), revealed)),
            (9, seated(revealing(5), SeatState::Drawn)),
            (10, seated(Stage::Drawing { frozen: 1 }, SeatState::Drawn)),
        ];
        let steps = next_steps(&seats, &me, |claim, panel| panel == 1 && [3, 4, 5].contains(&claim));
        let found: Vec<_> = steps.iter().map(|next| (next.step, next.claim)).collect();
        assert_eq!(
            found,
            [
                (Step::Reveal, 5),
                (Step::Reveal, 4),
                (Step::Lost, 6),
                (Step::Seal, 3),
                (Step::Look, 2),
                (Step::Look, 1)
            ]
        );
        // A vote for another panel is none for this one.
        let steps = next_steps(&seats[3..4], &me, |_, panel| panel == 0);
        assert_eq!(steps[0].step, Step::Lost);
        assert!(next_steps(&seats, &AccountId::from([8; 32]), |_, _| true).is_empty());
    }

    #[test]
    fn a_look_has_its_share_of_the_time() {
        let slot = Duration::from_secs(6);
        assert_eq!(time_for(100, 1_300, 1, slot), slot * 1_196);
        assert_eq!(time_for(100, 1_300, 4, slot), slot * 299);
        for (now, until) in [(100, 104), (100, 103), (100, 100), (100, 90), (100, 105)] {
            assert_eq!(time_for(now, until, 1, slot), slot * 2);
        }
        assert_eq!(time_for(0, u32::MAX, usize::MAX, slot), slot * 2);
        assert!(can_wait(100, 105) && !can_wait(100, 104) && !can_wait(u32::MAX, 1));
    }
}
