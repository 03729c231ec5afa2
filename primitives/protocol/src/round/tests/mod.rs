//! A run on the board, with workers that do as they are told.

mod aggregation;
mod audits;
mod challenges;
mod cheats;
mod properties;
mod rounds;

use crate::{
    Commitment, Digest, Divergence, Outcome, RoundKey, RunSpec, SlotIndex, SlotSet, UNITS,
    audit::{Opening, SeatState, answer, seal},
    board::{Board, Member},
    round::{Checkpoint, Effect, Phase, Reveal, Round, SlotState},
    segments_root,
    spec::tests::spec,
};

/// Blocks of a session.
const SESSION: u32 = 20;

/// The example's run, with a budget that is just enough and ten workers that can take several slots each.
fn board() -> Board {
    board_of(&spec(), 10)
}

fn board_of(spec: &RunSpec, workers: Member) -> Board {
    let mut board = Board::new(spec, 0, SESSION, 1);
    board.progress.escrow = super::Progress::least_budget(&board.terms);
    (0..workers).for_each(|member| board.join(member, 200 * UNITS));
    board
}

/// The state roots of an honest slot.
fn roots(key: RoundKey, slot: SlotIndex) -> Vec<Digest> {
    (0..5u8).map(|leaf| Digest::of(&[leaf, key.round as u8, slot as u8])).collect()
}

fn commitment(roots: &[Digest]) -> Commitment {
    Commitment {
        segments_root: segments_root(roots),
        update_digest: roots[roots.len() - 1],
        mean_loss: 2.0.into(),
    }
}

fn trained(key: RoundKey, slot: SlotIndex) -> Outcome {
    Outcome::Trained(commitment(&roots(key, slot)))
}

fn diverged() -> Outcome {
    Outcome::Diverged(Divergence { step: 3, instruction: 1, element: 4 })
}

fn checkpoint(key: RoundKey) -> Checkpoint {
    Checkpoint { root: Digest::of(&[key.round as u8, 1]), blob: Digest::of(&[key.round as u8, 2]) }
}

fn round(board: &Board, key: RoundKey) -> &Round<Member> {
    &board.rounds[&key]
}

fn key(round: u32, attempt: u16) -> RoundKey {
    RoundKey { round, attempt }
}

/// One block passes, and somebody pokes.
fn block(board: &mut Board) {
    board.now += 1;
    board.poke();
}

/// Blocks pass until `done`, at most so many.
fn until(board: &mut Board, most: u32, done: impl Fn(&Board) -> bool) {
    for _ in 0..most {
        if done(board) {
            return;
        }
        block(board);
    }
    assert!(
        done(board),
        "not within {most} blocks: {:#?}",
        board.rounds.values().map(|r| &r.phase).collect::<Vec<_>>()
    );
}

/// Until the round is open, with all its slots assigned.
fn opened(board: &mut Board, key: RoundKey) {
    until(board, 400, |board| {
        let assigned = |index| {
            matches!(board.slots.get(&(key, index)).map(|s| &s.state), Some(SlotState::Assigned { .. }))
        };
        board.rounds.contains_key(&key) && (0..board.terms.rounds.slots).all(assigned)
    });
}

/// The worker of a slot and its generation.
fn holder(board: &Board, key: RoundKey, index: SlotIndex) -> (Member, u16) {
    let slot = &board.slots[&(key, index)];
    (*slot.worker().expect("a worker"), slot.generation)
}

fn commit(board: &mut Board, key: RoundKey, index: SlotIndex, outcome: Outcome) {
    let (worker, generation) = holder(board, key, index);
    board.commit(key, index, worker, generation, outcome).unwrap();
}

/// All slots are committed honestly.
fn train(board: &mut Board, key: RoundKey) {
    opened(board, key);
    for index in 0..board.terms.rounds.slots {
        commit(board, key, index, trained(key, index));
    }
    board.poke();
}

/// All attesters report `got`.
fn attest(board: &mut Board, key: RoundKey, got: SlotSet) {
    let places: Vec<_> =
        board.attesters.iter().filter(|(at, _)| at.0 == key).map(|(at, a)| (*at, a.worker)).collect();
    assert!(!places.is_empty(), "nobody attests");
    for ((key, panel, place), worker) in places {
        board.report(key, panel, place, worker, got).unwrap();
    }
    board.poke();
}

fn all(board: &Board) -> SlotSet {
    let mut set = SlotSet::default();
    (0..board.terms.rounds.slots).for_each(|slot| set.insert(slot));
    set
}

/// The aggregator posts the next checkpoint.
fn aggregate(board: &mut Board, key: RoundKey) {
    let seated = |board: &Board| match round(board, key).phase {
        Phase::Aggregating { aggregator, .. } => aggregator,
        _ => None,
    };
    until(board, 50, |board| seated(board).is_some());
    let worker = seated(board).unwrap();
    board.post_root(key, worker, checkpoint(key)).unwrap();
    board.poke();
}

/// From its draw to its window, honestly.
fn built(board: &mut Board, key: RoundKey) {
    train(board, key);
    let got = all(board);
    attest(board, key, got);
    aggregate(board, key);
}

/// Until the auditors are drawn.
fn seated(board: &mut Board, key: RoundKey) {
    until(board, 100, |board| matches!(round(board, key).audits, crate::audit::Audits::Sealing { .. }));
}

/// What an honest auditor of the slot finds, if the slot was trained honestly.
fn truth(board: &Board, key: RoundKey, slot: SlotIndex) -> Digest {
    let roots = roots(key, slot);
    let ends = round(board, key).audited_segments(&board.terms, slot);
    answer::of_roots(&ends.iter().map(|segment| roots[*segment as usize + 1]).collect::<Vec<_>>())
}

fn salt(place: u16) -> [u8; 32] {
    [place as u8; 32]
}

/// Every auditor that `answers` has an answer for seals it.
fn seal_all(board: &mut Board, key: RoundKey, answers: impl Fn(&Board, u16) -> Option<Digest>) {
    for (place, seat) in board.seats_of(key) {
        if let Some(answer) = answers(board, place) {
            board.seal(key, place, seat.auditor, seal(&answer, &salt(place), &seat.auditor)).unwrap();
        }
    }
    board.poke();
}

/// Opens the leaves of the audited segments in `roots`.
fn openings(board: &Board, key: RoundKey, slot: SlotIndex, roots: &[Digest]) -> Vec<Opening> {
    let segments = round(board, key).audited_segments(&board.terms, slot);
    segments.iter().map(|segment| Opening::of(roots, segment + 1).unwrap()).collect()
}

/// Every audited slot's worker publishes its leaves.
fn publish_all(board: &mut Board, key: RoundKey) {
    for slot in round(board, key).unanswered.iter().collect::<Vec<_>>() {
        let leaves = openings(board, key, slot, &roots(key, slot));
        board.publish(key, slot, &leaves).unwrap();
    }
    board.poke();
}

/// Every auditor reveals what `answers` says it sealed.
fn reveal_all(board: &mut Board, key: RoundKey, answers: impl Fn(&Board, u16) -> Option<Digest>) {
    for (place, seat) in board.seats_of(key) {
        if let (Some(answer), SeatState::Sealed(_)) = (answers(board, place), seat.state) {
            let reveal = Reveal { answer, salt: salt(place), unserved: false };
            board.reveal(key, place, seat.auditor, &reveal).unwrap();
        }
    }
    board.poke();
}

fn honest(board: &Board, key: RoundKey, place: u16) -> Option<Digest> {
    Some(truth(board, key, board.seats[&(key, place)].slot))
}

/// The audits of a round, honestly.
fn audited(board: &mut Board, key: RoundKey) {
    seated(board, key);
    seal_all(board, key, |board, place| honest(board, key, place));
    publish_all(board, key);
    reveal_all(board, key, |board, place| honest(board, key, place));
}

/// Until nothing of the round is left.
fn settled(board: &mut Board, key: RoundKey) {
    until(board, 400, |board| !board.rounds.contains_key(&key));
}

/// Whether the log of the round has such an effect.
fn logged(board: &Board, key: RoundKey, is: impl Fn(&Effect<Member>) -> bool) -> bool {
    board.log.iter().any(|happening| happening.key == key && is(&happening.effect))
}
