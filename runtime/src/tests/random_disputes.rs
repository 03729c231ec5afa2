//! What people try in disputes, for [`super::random_calls`]. Nobody here has executed anything.

use super::{
    random_calls::{ALL, Act, Dice, run, send},
    runs::roots,
};
use crate::Runtime;
use pallet_sabha_disputes::{Call, DisputeOf, Games, Stage, Target};
use sabha_numerics::program::Program;
use sabha_protocol::{
    Digest, RoundKey,
    audit::Opening,
    dispute::{
        Answer, Claim, Member, Move, Part, Row, Side, Span, Stage as Position,
        shape::{Node, Shape},
    },
    programs,
};
use sp_keyring::Sr25519Keyring;

type Dispute = Call<Runtime>;

/// Anybody's, mostly of something that exists.
pub fn challenge(dice: &mut Dice) -> Act {
    use pallet_sabha_training::{Rounds, Slots};

    let who = dice.pick(&ALL);
    let committed = |record: &pallet_sabha_training::SlotOf<Runtime>| record.outcome().is_some();
    let any = dice.one_in(8);
    let slots: Vec<_> = Slots::<Runtime>::iter().filter(|(_, record)| any || committed(record)).collect();
    let rounds: Vec<_> = Rounds::<Runtime>::iter_keys().collect();
    let claim = [
        Claim::Segment(0),
        Claim::Segment(dice.below(6)),
        Claim::Slot,
        Claim::Begin,
        Claim::Finish,
        Claim::Divergence,
    ];
    let claim = dice.pick(&claim);
    if !rounds.is_empty() && dice.one_in(3) {
        let (run, round) = dice.pick(&rounds);
        let claim = if dice.one_in(4) { claim } else { Claim::Aggregate };
        return send(who, Dispute::challenge { run, round, target: Target::Aggregation, claim });
    }
    let Some(((run, round, slot), record)) = slots.get(dice.below(slots.len() as u32) as usize).cloned()
    else {
        let target = Target::Slot { slot: 0, generation: 0 };
        return send(who, Dispute::challenge { run: run(dice), round: RoundKey::default(), target, claim });
    };
    let target = Target::Slot { slot, generation: record.generation };
    send(who, Dispute::challenge { run, round, target, claim })
}

/// A game, mostly one that exists, with who is to move in it.
fn pick(dice: &mut Dice) -> (u32, Sr25519Keyring, Option<DisputeOf<Runtime>>) {
    let games: Vec<_> = Games::<Runtime>::iter().collect();
    if games.is_empty() || dice.one_in(12) {
        return (dice.below(9), dice.pick(&ALL), None);
    }
    let (id, dispute) = games[dice.below(games.len() as u32) as usize].clone();
    let party = match dispute.turn() {
        Side::Challenger => dispute.challenger.clone(),
        Side::Defender => dispute.defender.clone(),
    };
    let who = Sr25519Keyring::from_account_id(&party).filter(|_| !dice.one_in(12));
    (id, who.unwrap_or_else(|| dice.pick(&ALL)), Some(dispute))
}

/// As many nodes as the top of the tree over a part's outputs has.
fn top_of(dispute: &DisputeOf<Runtime>, span: Span) -> Option<u32> {
    let spec = pallet_sabha_training::Specs::<Runtime>::get(dispute.run)?;
    let inner = match (span.part, dispute.target) {
        (Part::Step(step), Target::Slot { slot, .. }) => {
            let round = dispute.round.round;
            programs::step(&spec, programs::StepId { round, slot, step })?.inner()
        }
        (Part::Finish, _) => programs::finish(&spec).inner(),
        (Part::Aggregate, _) => {
            let round = pallet_sabha_training::Rounds::<Runtime>::get(dispute.run, dispute.round)?;
            programs::aggregate(&spec, round.accepted.len().into()).inner()
        }
        _ => programs::begin(&spec).inner(),
    };
    let shape = Shape { leaves: inner.len() as u64 };
    u32::try_from(shape.below(shape.root())?.count).ok()
}

/// Digests of nothing.
fn some(count: u32) -> Row {
    (0..count).map(|at| Digest([at as u8; 32])).collect::<Vec<_>>().try_into().expect("few")
}

/// What can be said without executing anything: the leaves that are committed are known, all that is posted between them is free.
pub fn move_in_game(dice: &mut Dice) -> Act {
    let (game, who, dispute) = pick(dice);
    let segments = 4;
    let Some(dispute) = dispute else {
        return send(who, Dispute::time_out { game });
    };
    let Stage::Playing(played) = dispute.stage else {
        let claim = [Claim::Segment(0), Claim::Segment(1), Claim::Slot, Claim::Begin, Claim::Aggregate];
        return send(who, Dispute::name_claim { game, claim: dice.pick(&claim) });
    };
    let position = played.position;
    let slot = match dispute.target {
        Target::Slot { slot, .. } => slot,
        Target::Aggregation => 0,
    };
    let leaf = |index| {
        let Opening { leaf, path } = Opening::of(&roots(dispute.round, slot), index)?;
        Some(Member { digest: leaf, path: path.try_into().ok()? })
    };
    let answer = |answer| send(who, Dispute::answer { game, position, answer: Box::new(answer) });
    let press = |made| send(who, Dispute::press { game, position, made: Box::new(made) });
    // All states between the ends of ten steps.
    let between = if dice.one_in(8) { dice.below(12) } else { 9 };
    match played.stage {
        Position::Leaves { asked: Some(_) } => answer(Answer::Nodes {
            row: roots(dispute.round, slot).try_into().expect("few"),
            path: Default::default(),
        }),
        Position::Leaves { asked: None } => {
            let segment = dice.below(segments + 1);
            match (leaf(segment), leaf(segment + 1)) {
                (Some(first), Some(last)) => press(Move::NameSegment { segment, first, last }),
                (Some(to), None) => press(Move::NameBegin { to }),
                _ => press(Move::AskPosted(Node { height: 0, index: 0 })),
            }
        }
        Position::Opening => answer(match played.claim {
            Claim::Begin => Answer::Ends { first: None, last: leaf(0), top: some(0) },
            Claim::Finish => Answer::Ends { first: leaf(segments), last: None, top: some(0) },
            Claim::Segment(at) => {
                Answer::Ends { first: leaf(at), last: leaf(at.saturating_add(1)), top: some(between) }
            }
            _ => Answer::Ends { first: None, last: None, top: some(between) },
        }),
        Position::Between { .. } => answer(Answer::Ends { first: None, last: None, top: some(between) }),
        Position::Tracing(span) => {
            let count = if dice.one_in(8) { dice.below(64) } else { top_of(&dispute, span).unwrap_or(0) };
            answer(Answer::Trace { top: some(count) })
        }
        Position::States { .. } | Position::Outputs { .. } => {
            let node = Node { height: dice.below(8) as u8, index: u64::from(dice.below(3)) };
            press(if dice.one_in(2) { Move::AskPosted(node) } else { Move::AskEnd(node) })
        }
    }
}
