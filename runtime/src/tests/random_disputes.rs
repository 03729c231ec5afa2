//! What people try in disputes, for [`super::random_calls`]. Nobody here has executed anything.

use super::random_calls::{ALL, Act, Dice, run, send};
use crate::Runtime;
use pallet_sabha_disputes::{Call, Games, Stage, Target};
use sabha_numerics::program::Program;
use sabha_protocol::{
    Digest, RoundKey,
    dispute::{
        Answer, Claim, Move, Side, Stage as Position,
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
    let slots: Vec<_> = Slots::<Runtime>::iter().collect();
    let rounds: Vec<_> = Rounds::<Runtime>::iter_keys().collect();
    let claim =
        [Claim::Segment(0), Claim::Segment(dice.below(6)), Claim::Begin, Claim::Finish, Claim::Divergence];
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
fn game(dice: &mut Dice) -> (u32, Sr25519Keyring, Option<(Digest, Position)>) {
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
    let played = match dispute.stage {
        Stage::Playing(game) => Some((game.position, game.stage)),
        Stage::Naming { .. } => None,
    };
    (id, who.unwrap_or_else(|| dice.pick(&ALL)), played)
}

/// As many nodes as the top of the tree over an aggregation's outputs has.
fn top_of(game: u32) -> Option<u32> {
    let dispute = Games::<Runtime>::get(game)?;
    let spec = pallet_sabha_training::Specs::<Runtime>::get(dispute.run)?;
    let round = pallet_sabha_training::Rounds::<Runtime>::get(dispute.run, dispute.round)?;
    let inner = programs::aggregate(&spec, round.accepted.len().into()).inner();
    let shape = Shape { leaves: inner.len() as u64 };
    u32::try_from(shape.below(shape.root())?.count).ok()
}

/// What can be said without executing anything: in an aggregation, that the posted tree is whatever comes to mind; questions.
pub fn move_in_game(dice: &mut Dice) -> Act {
    let (game, who, played) = game(dice);
    let Some((position, stage)) = played else {
        let claim = dice.pick(&[Claim::Segment(0), Claim::Segment(1), Claim::Slot, Claim::Begin, Claim::Aggregate]);
        return send(who, Dispute::name_claim { game, claim });
    };
    let some =
        |count: u32| (0..count).map(|at| Digest([at as u8; 32])).collect::<Vec<_>>().try_into().expect("few");
    match stage {
        Position::Tracing(_) => {
            let count = if dice.one_in(8) { dice.below(64) } else { top_of(game).unwrap_or(0) };
            send(
                who,
                Dispute::answer { game, position, answer: Box::new(Answer::Trace { top: some(count) }) },
            )
        }
        Position::Leaves { asked: Some(_) } => {
            let row = some(dice.below(4));
            let answer = Box::new(Answer::Nodes { row, path: Default::default() });
            send(who, Dispute::answer { game, position, answer })
        }
        Position::Opening | Position::Between { .. } => {
            let answer = Box::new(Answer::Ends { first: None, last: None, top: some(dice.below(3)) });
            send(who, Dispute::answer { game, position, answer })
        }
        Position::Leaves { .. } | Position::States { .. } | Position::Outputs { .. } => {
            let node = Node { height: dice.below(8) as u8, index: u64::from(dice.below(3)) };
            let made = Box::new(if dice.one_in(2) { Move::AskPosted(node) } else { Move::AskEnd(node) });
            send(who, Dispute::press { game, position, made })
        }
    }
}
