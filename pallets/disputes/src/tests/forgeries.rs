//! Show a dispute oversized, overlapping or wrongly shaped proofs: each is refused, and changes nothing.

use codec::{Decode, Encode};
use frame_support::{assert_ok, assert_storage_noop};
use sabha_protocol::{
    Digest,
    dispute::{
        Answer, Claim, Input, Judgement, Move, Part, Side, Slice,
        player::{Seen, answer, challenge as doubt},
        shape::CHUNK,
    },
};

use super::{
    stage::*,
    world::{Lie, honest, train},
};
use crate::{Games, mock::*};

/// An answer with a node, a digest, a byte too many or too few, or in another order.
fn forgeries(answer: &Answer) -> Vec<Answer> {
    fn changes<T: Clone>(all: &[T], more: T) -> Vec<Vec<T>> {
        let longer = all.iter().cloned().chain([more]).collect();
        let mut changed = vec![longer];
        if let Some((_, shorter)) = all.split_last() {
            changed.push(shorter.to_vec());
        }
        if all.len() > 1 {
            changed.push(all.iter().rev().cloned().collect());
        }
        changed
    }
    let other = Digest([5; 32]);
    let mut forged = Vec::new();
    match answer {
        Answer::Nodes { row, path } => {
            let rows = changes(row, other).into_iter().filter_map(|row| row.try_into().ok());
            forged.extend(rows.map(|row| Answer::Nodes { row, path: path.clone() }));
            let paths = changes(path, other).into_iter().filter_map(|path| path.try_into().ok());
            forged.extend(paths.map(|path| Answer::Nodes { row: row.clone(), path }));
        }
        Answer::Chunk { bytes, path } => {
            let all = changes(bytes, 7).into_iter().filter(|other| other != &bytes.to_vec());
            let all = all.filter_map(|bytes| bytes.try_into().ok());
            forged.extend(all.map(|bytes| Answer::Chunk { bytes, path: path.clone() }));
            let paths = changes(path, other).into_iter().filter_map(|path| path.try_into().ok());
            forged.extend(paths.map(|path| Answer::Chunk { bytes: bytes.clone(), path }));
        }
        // What is posted here is bound by its length alone.
        Answer::Ends { first, last, top } => {
            for top in changes(top, other).into_iter().take(2).filter_map(|top| top.try_into().ok()) {
                forged.push(Answer::Ends { first: first.clone(), last: last.clone(), top });
            }
            forged.push(Answer::Ends { first: None, last: last.clone(), top: top.clone() });
            forged.push(Answer::Ends { first: first.clone(), last: None, top: top.clone() });
            forged.push(Answer::Ends { first: last.clone(), last: first.clone(), top: top.clone() });
        }
        Answer::Trace { top } => {
            let tops = changes(top, other).into_iter().take(2).filter_map(|top| top.try_into().ok());
            forged.extend(tops.map(|top| Answer::Trace { top }));
        }
    }
    forged
}

/// Openings too long, too short, of other chunks, of other inputs, and none.
fn malformed(judgement: &Judgement) -> Vec<Judgement> {
    let changed = |at: usize, change: &dyn Fn(&mut Input)| {
        let mut inputs = judgement.inputs.to_vec();
        change(&mut inputs[at]);
        Judgement { inputs: inputs.try_into().unwrap(), ..judgement.clone() }
    };
    let mut all = Vec::new();
    for at in 0..judgement.inputs.len() {
        let slice = |change: &dyn Fn(&mut Slice)| changed(at, &|input| change(&mut input.opened.slice));
        all.push(slice(&|slice| slice.bytes.try_extend([0; 1_024].into_iter()).unwrap()));
        all.push(slice(&|slice| slice.bytes.truncate(slice.bytes.len() - 1)));
        all.push(slice(&|slice| slice.bytes[0] ^= 1));
        all.push(slice(&|slice| slice.bytes.truncate(0)));
        all.push(slice(&|slice| slice.path.try_push(Digest([1; 32])).unwrap()));
        all.push(slice(&|slice| slice.first += 1));
        all.push(slice(&|slice| slice.first = u64::MAX));
        all.push(changed(at, &|input| input.input = 200));
        all.push(changed(at, &|input| match &mut input.opened.member {
            Some(member) => member.digest.0[0] ^= 1,
            None => input.opened.slice.bytes[0] ^= 1,
        }));
    }
    let none = || Judgement { inputs: Default::default(), ..judgement.clone() };
    all.push(none());
    all.push(Judgement { output: None, ..judgement.clone() });
    all.push(Judgement { element: u64::MAX, ..judgement.clone() });
    all.push(Judgement { instruction: u32::MAX, ..judgement.clone() });
    all
}

#[test]
fn oversized_overlapping_and_wrongly_shaped_proofs_are_refused() {
    run(|| {
        let id = window_of(&all_honest());
        let books = Books::of(id, holder(id));
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let lie = Lie { part: Part::Step(3), instruction: 60, element: 5, flip: 1 << 14 };
        let (mut truth, mut mistaken, mut seen) = (honest(0), train(0, Some(lie)), Seen::default());
        let (mut answers, mut judgements) = (0, 0);
        while Games::<Test>::contains_key(game) {
            let (playing, known) = (playing(game), known(game));
            if playing.turn() == Side::Defender {
                let made = known.with(|facts| answer(facts, &playing, &mut truth)).unwrap();
                for forged in forgeries(&made).into_iter().filter(|forged| *forged != made) {
                    let sent = Box::new(forged.clone());
                    assert_storage_noop!(assert!(
                        Disputes::answer(signed(holder(id)), game, playing.position, sent).is_err(),
                        "{forged:?}"
                    ));
                    answers += 1;
                }
                assert!(defend(game, &mut truth, &mut seen));
                continue;
            }
            let made = known.with(|facts| doubt(facts, &playing, &mut mistaken, &seen)).unwrap();
            let Move::Judge(judgement) = made else {
                assert!(press(game, &mut mistaken, &seen));
                continue;
            };
            let judge = |judgement: Judgement| {
                Disputes::judge(signed(BOB), game, playing.position, Box::new(judgement))
            };
            for wrong in malformed(&judgement) {
                assert_storage_noop!(assert!(judge(wrong.clone()).is_err(), "{wrong:?}"));
                judgements += 1;
            }
            // Overlapping: words that are opened twice are the same words, and prove no more.
            let mut twice = judgement.inputs.to_vec();
            twice.extend(judgement.inputs.iter().cloned());
            let overlapping = Judgement { inputs: twice.try_into().unwrap(), ..judgement };
            assert_ok!(judge(overlapping));
        }
        assert!(answers > 20 && judgements > 8, "{answers} answers, {judgements} judgements");
        assert_eq!(loser_of(game), Side::Challenger);
        books.acquitted();
        no_games();
    });
}

/// Oversized: what has no room is no call at all.
#[test]
fn an_oversized_proof_is_no_call() {
    let slice = |bytes: usize| (0u64, vec![0u8; bytes], Vec::<Digest>::new()).encode();
    let most = (sabha_numerics::op::MAX_READ * 4 + CHUNK) as usize;
    assert!(Slice::decode(&mut &slice(most)[..]).is_ok());
    assert!(Slice::decode(&mut &slice(most + 1)[..]).is_err());
    let trace = |nodes: usize| Answer::decode(&mut &encoded_trace(nodes)[..]);
    assert!(trace(64).is_ok() && trace(65).is_err());
}

fn encoded_trace(nodes: usize) -> Vec<u8> {
    let mut bytes = Answer::Trace { top: Default::default() }.encode();
    bytes.truncate(1);
    bytes.extend(vec![Digest::default(); nodes].encode());
    bytes
}
