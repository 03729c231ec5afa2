//! Workers that do as they are told: what honest ones do in each phase, as calls.

use sabha_protocol::{
    Commitment, Digest, Divergence, Outcome, RoundKey, RunId, SlotIndex, SlotSet,
    audit::{Audits, Opening, SeatState, answer, seal},
    round::{Checkpoint, Phase, SlotState},
    segments_root,
};

use crate::{Attesters, Rounds, SeatOf, Seats, Specs, mock::*};

/// The state roots of an honest slot.
pub fn roots(key: RoundKey, slot: SlotIndex) -> Vec<Digest> {
    (0..5u8).map(|leaf| Digest::of(&[leaf, key.round as u8, slot as u8])).collect()
}

pub fn commitment(roots: &[Digest]) -> Commitment {
    Commitment {
        segments_root: segments_root(roots),
        update_digest: roots[roots.len() - 1],
        mean_loss: 2.0.into(),
    }
}

pub fn trained(key: RoundKey, slot: SlotIndex) -> Outcome {
    Outcome::Trained(commitment(&roots(key, slot)))
}

pub fn diverged() -> Outcome {
    Outcome::Diverged(Divergence { step: 3, instruction: 1, element: 4 })
}

pub fn checkpoint(key: RoundKey) -> Checkpoint {
    Checkpoint { root: Digest::of(&[key.round as u8, 1]), blob: Digest::of(&[key.round as u8, 2]) }
}

pub fn slots(id: RunId) -> u16 {
    Specs::<Test>::get(id).expect("it is open").rounds.slots
}

pub fn all(id: RunId) -> SlotSet {
    let mut set = SlotSet::default();
    (0..slots(id)).for_each(|slot| set.insert(slot));
    set
}

/// Until the round is open, with all its slots assigned.
pub fn opened(id: RunId, key: RoundKey) {
    until(400, || {
        let assigned = |slot| {
            matches!(
                crate::Slots::<Test>::get((id, key, slot)).map(|s| s.state),
                Some(SlotState::Assigned { .. })
            )
        };
        Rounds::<Test>::contains_key(id, key) && (0..slots(id)).all(assigned)
    });
}

/// The worker of a slot and its generation.
pub fn holder(id: RunId, key: RoundKey, slot: SlotIndex) -> (AccountId, u16) {
    let slot = slot_of(id, key, slot);
    (*slot.worker().expect("a worker"), slot.generation)
}

/// The slot's worker commits.
pub fn commit(id: RunId, key: RoundKey, slot: SlotIndex, outcome: Outcome) {
    let (owner, generation) = holder(id, key, slot);
    let done = Training::commit(signed(hot(owner)), id, key, slot, generation, outcome);
    assert_eq!(done.expect("it is accepted").pays_fee, frame_support::dispatch::Pays::No);
}

/// All slots are committed honestly.
pub fn train(id: RunId, key: RoundKey) {
    opened(id, key);
    (0..slots(id)).for_each(|slot| commit(id, key, slot, trained(key, slot)));
    block(true);
}

/// The attesters of the round's current panel.
pub fn panel(id: RunId, key: RoundKey) -> Vec<(u16, AccountId)> {
    let Phase::Availability { panel, .. } = round_of(id, key).phase else { return Vec::new() };
    let mut places: Vec<_> =
        Attesters::<Test>::iter_prefix((id, key, panel)).map(|(place, a)| (place, a.worker)).collect();
    places.sort();
    places
}

/// All attesters report `got`.
pub fn attest(id: RunId, key: RoundKey, got: SlotSet) {
    let panel = panel(id, key);
    assert!(!panel.is_empty(), "nobody attests");
    for (place, worker) in panel {
        Training::report(signed(hot(worker)), id, key, place, got).expect("it is accepted");
    }
    block(true);
}

/// Whose turn it is to aggregate.
pub fn aggregator(id: RunId, key: RoundKey) -> Option<AccountId> {
    match Rounds::<Test>::get(id, key)?.phase {
        Phase::Aggregating { aggregator, .. } => aggregator,
        _ => None,
    }
}

/// The aggregator posts the next checkpoint.
pub fn aggregate(id: RunId, key: RoundKey) {
    until(50, || aggregator(id, key).is_some());
    let worker = aggregator(id, key).expect("somebody's turn");
    Training::post_root(signed(hot(worker)), id, key, checkpoint(key)).expect("it is accepted");
    block(true);
}

/// From its draw to its window, honestly.
pub fn built(id: RunId, key: RoundKey) {
    train(id, key);
    attest(id, key, all(id));
    aggregate(id, key);
}

/// Until the auditors are drawn.
pub fn seated(id: RunId, key: RoundKey) {
    until(100, || matches!(round_of(id, key).audits, Audits::Sealing { .. }));
}

/// The seats of a round, in order.
pub fn seats(id: RunId, key: RoundKey) -> Vec<(u16, SeatOf<Test>)> {
    let mut seats: Vec<_> = Seats::<Test>::iter_prefix((id, key)).collect();
    seats.sort_by_key(|(place, _)| *place);
    seats
}

/// The audited segments of a slot.
pub fn segments(id: RunId, key: RoundKey, slot: SlotIndex) -> Vec<u32> {
    let spec = Specs::<Test>::get(id).expect("it is open");
    round_of(id, key).audited_segments(&terms(id, &spec), slot)
}

/// What an honest auditor of the slot finds, if the slot was trained honestly.
pub fn truth(id: RunId, key: RoundKey, slot: SlotIndex) -> Digest {
    let roots = roots(key, slot);
    let ends = segments(id, key, slot);
    answer::of_roots(&ends.iter().map(|segment| roots[*segment as usize + 1]).collect::<Vec<_>>())
}

pub fn honest(id: RunId, key: RoundKey, place: u16) -> Option<Digest> {
    Some(truth(id, key, Seats::<Test>::get((id, key, place))?.slot))
}

pub fn salt(place: u16) -> [u8; 32] {
    [place as u8; 32]
}

/// Every auditor that `answers` has an answer for seals it.
pub fn seal_all(id: RunId, key: RoundKey, answers: impl Fn(u16) -> Option<Digest>) {
    for (place, seat) in seats(id, key) {
        if let Some(answer) = answers(place) {
            let sealed = seal(&answer, &salt(place), &seat.auditor);
            Training::seal(signed(hot(seat.auditor)), id, key, place, sealed).expect("it is accepted");
        }
    }
    block(true);
}

/// Opens the leaves of the audited segments in `roots`.
pub fn openings(id: RunId, key: RoundKey, slot: SlotIndex, roots: &[Digest]) -> crate::Leaves {
    let leaves: Vec<_> = segments(id, key, slot)
        .iter()
        .map(|segment| Opening::of(roots, segment + 1).expect("there is such a leaf"))
        .collect();
    leaves.try_into().expect("few")
}

/// Every audited slot's worker publishes its leaves.
pub fn publish_all(id: RunId, key: RoundKey) {
    for slot in round_of(id, key).unanswered.iter().collect::<Vec<_>>() {
        let leaves = openings(id, key, slot, &roots(key, slot));
        Training::publish(signed(BOB), id, key, slot, leaves).expect("they are accepted");
    }
    block(true);
}

/// Every auditor reveals what `answers` says it sealed.
pub fn reveal_all(id: RunId, key: RoundKey, answers: impl Fn(u16) -> Option<Digest>) {
    for (place, seat) in seats(id, key) {
        if let (Some(answer), SeatState::Sealed(_)) = (answers(place), seat.state) {
            Training::reveal(signed(hot(seat.auditor)), id, key, place, answer, salt(place), false)
                .expect("it is accepted");
        }
    }
    block(true);
}

/// The audits of a round, honestly.
pub fn audited(id: RunId, key: RoundKey) {
    seated(id, key);
    seal_all(id, key, |place| honest(id, key, place));
    publish_all(id, key);
    reveal_all(id, key, |place| honest(id, key, place));
}

/// Until nothing of the round is left.
pub fn settled(id: RunId, key: RoundKey) {
    until(400, || !Rounds::<Test>::contains_key(id, key));
}

/// Everybody does its duties, and a block passes.
pub fn do_duties() {
    duties_once();
    block(true);
}

/// Everybody does its duties, as the view function tells them.
pub fn duties_once() {
    use crate::Duty::*;
    for owner in FIRST..=ACCOUNTS {
        for duty in Training::duties_of(hot(owner)) {
            let who = signed(hot(owner));
            let done = match duty {
                Train { run, round, slot, generation, .. } => {
                    Training::commit(who, run, round, slot, generation, trained(round, slot))
                }
                Attest { run, round, place, slots, .. } => Training::report(who, run, round, place, slots),
                Aggregate { run, round, .. } => Training::post_root(who, run, round, checkpoint(round)),
                Audit { run, round, place, slot, .. } => {
                    let sealed = seal(&truth(run, round, slot), &salt(place), &owner);
                    Training::seal(who, run, round, place, sealed)
                }
                Publish { run, round, slot, .. } => {
                    Training::publish(who, run, round, slot, openings(run, round, slot, &roots(round, slot)))
                }
                Reveal { run, round, place, .. } => {
                    let answer = honest(run, round, place).expect("the seat is there");
                    Training::reveal(who, run, round, place, answer, salt(place), false)
                }
            };
            done.expect("a duty that is told of can be done");
        }
    }
}
