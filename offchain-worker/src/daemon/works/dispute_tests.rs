//! Auditors who found another result, and defenders of many games, with the real engine.

use super::*;
use crate::{
    daemon::{work::Time, works::tests::Machine},
    engine::{EngineError, State},
};
use sabha_protocol::{
    SlotIndex,
    dispute::{Game, player},
    round,
};
use std::sync::atomic::{AtomicU32, Ordering};

const SLOT: SlotIndex = 1;

/// A cheat that flips bits in one step and lets that propagate, and what it committed.
fn cheat(step: u32) -> (Machine, Commitment) {
    let mut cheat = Machine::new();
    let what = What::Element { step, instruction: 77, element: 3, bits: 1 << 14 };
    cheat.lies(Lie { round: 0, once: false, what });
    let commitment = cheat.train(0, SLOT, None);
    (cheat, commitment)
}

/// Audits the cheat's slot, with the states that it serves or without, and returns a game's table for it.
fn audited(auditor: &Machine, cheat: &Machine, told: Commitment, segments: &[u32], served: bool) -> Table {
    let leaves = cheat.leaves(SLOT, &told);
    if served {
        cheat.serve(SLOT, &told, segments);
    }
    let job = auditor.audit_job(SLOT, Outcome::Trained(told), segments);
    let found = auditor.found(&Job { time: Time::of_test(true), ..job });
    assert_eq!(found.unserved, !served);
    let ends = |segment: &u32| (*segment, leaves[*segment as usize + 1]);
    let published: Vec<(u32, Digest)> = segments.iter().map(ends).collect();
    Table { published, ..auditor.table(Side::Challenger, SLOT, Outcome::Trained(told)) }
}

/// What is said to a turn of a table.
fn says<'a>(
    machine: &'a Machine,
    traces: &'a ExactEngine,
    hands: &mut Hands<'a>,
    table: &Table,
    phase: Phase,
    shown: Option<Shown>,
) -> Said {
    let table = Arc::new(table.clone());
    let turn = Turn { table, position: Position { phase, shown }, until: 9 };
    machine.workshop.think(traces, hands, &turn, &Stop::new()).unwrap()
}

/// Plays a game about a claim to its end; who has nothing to say, or nothing that counts, loses.
fn play(challenger: &Machine, table: &Table, defender: &Machine, claim: Claim) -> Side {
    let (spec, subject) = (table.spec.clone(), table.subject);
    let facts = Facts { spec: &spec, round: 0, base: None, subject, update: &|_| None };
    let defended = Table { side: Side::Defender, ..defender.table(Side::Defender, SLOT, outcome_of(table)) };
    let traces = ExactEngine::cpu();
    let (mut asking, mut showing) = (Hands::default(), Hands::default());
    let mut game = Game::new(&facts, claim, &Digest::default(), 100, 0).unwrap();
    let mut shown = None;
    loop {
        let position = game.position;
        match game.turn() {
            Side::Defender => {
                let said = says(defender, &traces, &mut showing, &defended, Phase::Playing(game), None);
                let Said::Answer(made) = said else { panic!("{said:?}") };
                let before = game;
                game.answer(&facts, &position, &made, 1).unwrap();
                shown = Some(Shown { before, answer: made });
            }
            Side::Challenger => {
                let phase = Phase::Playing(game);
                match says(challenger, &traces, &mut asking, table, phase, shown.clone()) {
                    Said::Press(made) => match game.press(&facts, &position, &made, 1) {
                        Ok(None) => {}
                        Ok(Some(loser)) => return loser,
                        Err(error) => panic!("{error}: {made:?}"),
                    },
                    Said::Nothing => return Side::Challenger,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

fn outcome_of(table: &Table) -> Outcome {
    let dispute::Subject::Slot { outcome, .. } = table.subject else { panic!("a slot") };
    outcome
}

/// The claim that is named, without a checkpoint, a stream or an engine: nothing is executed.
fn named_at_once(auditor: &Machine, table: &Table) -> Claim {
    let mut spec = table.spec.clone();
    spec.data.stream = Digest([4; 32]);
    let base = Some(round::Checkpoint { root: Digest([7; 32]), blob: Digest([8; 32]) });
    let nothing = Table { spec, base, ..table.clone() };
    let (traces, mut hands) = (ExactEngine::cpu(), Hands::default());
    let said = says(auditor, &traces, &mut hands, &nothing, Phase::Naming { until: 9 }, None);
    assert!(hands.hands.is_empty());
    let Said::Name(claim) = said else { panic!("{said:?}") };
    claim
}

#[test]
fn an_auditor_names_the_segment_that_it_executed_and_wins() {
    // Segments of three steps; the lie is in segment 2, and segment 3 is right, if one believes its start.
    let (cheat, told) = cheat(7);
    let auditor = cheat.auditor();
    let table = audited(&auditor, &cheat, told, &[0, 2], true);
    let claim = named_at_once(&auditor, &table);
    assert_eq!(claim, Claim::Segment(2));
    assert_eq!(play(&auditor, &table, &cheat, claim), Side::Defender);
}

/// The segment behind a lie follows from it: an auditor of that one alone agrees, whatever it starts from.
#[test]
fn an_auditor_of_the_segments_behind_a_lie_agrees() {
    let (cheat, told) = cheat(4);
    let auditor = cheat.auditor();
    let table = audited(&auditor, &cheat, told, &[3], true);
    let notes = Notes::read(&table.folder).unwrap();
    assert_eq!(notes.leaves.get(&4).copied().flatten(), Some(table.published[0].1));
}

/// A worker that serves no states is executed from its start, and its leaves are looked at in the game.
#[test]
fn an_auditor_who_was_not_served_looks_at_the_leaves_and_wins() {
    let (cheat, told) = cheat(4);
    let auditor = cheat.auditor();
    let table = audited(&auditor, &cheat, told, &[3], false);
    let claim = named_at_once(&auditor, &table);
    assert_eq!(claim, Claim::Slot);
    assert_eq!(play(&auditor, &table, &cheat, claim), Side::Defender);
}

/// The first segment starts from a state that nobody published: it is looked at in the game, and the lie found behind it.
#[test]
fn an_auditor_of_the_first_segment_looks_at_what_it_starts_from() {
    let (cheat, told) = cheat(1);
    let auditor = cheat.auditor();
    let table = audited(&auditor, &cheat, told, &[0], true);
    let claim = named_at_once(&auditor, &table);
    assert_eq!(claim, Claim::Slot);
    assert_eq!(play(&auditor, &table, &cheat, claim), Side::Defender);
}

/// Notes that are gone: the slot is executed again.
#[test]
fn an_auditor_without_notes_finds_the_same() {
    let (cheat, told) = cheat(7);
    let auditor = cheat.auditor();
    let table = auditor.table(Side::Challenger, SLOT, Outcome::Trained(told));
    let (traces, mut hands) = (ExactEngine::cpu(), Hands::default());
    let said = says(&auditor, &traces, &mut hands, &table, Phase::Naming { until: 9 }, None);
    assert_eq!(said, Said::Name(Claim::Slot));
    assert_eq!(play(&auditor, &table, &cheat, Claim::Slot), Side::Defender);
    assert_eq!(player::find(&[], &[]), None);
}

/// Counts the steps that are replayed, whatever device that is on.
struct Counts(Arc<AtomicU32>);

struct CountsSession(Box<dyn crate::engine::Session>, Arc<AtomicU32>);

impl Engine for Counts {
    fn follows(&self, version: u16) -> bool {
        ExactEngine::cpu().follows(version)
    }

    fn describe(&self) -> String {
        "counts".into()
    }

    fn resume(&self, spec: &RunSpec, state: &State) -> Result<Box<dyn crate::engine::Session>, EngineError> {
        Ok(Box::new(CountsSession(ExactEngine::cpu().resume(spec, state)?, self.0.clone())))
    }

    fn load(
        &self,
        model: &sabha_protocol::spec::ModelSpec,
        checkpoint: &crate::engine::Checkpoint,
    ) -> Result<Box<dyn crate::engine::Inference>, EngineError> {
        ExactEngine::cpu().load(model, checkpoint)
    }
}

impl crate::engine::Session for CountsSession {
    fn steps_done(&self) -> u32 {
        self.0.steps_done()
    }

    fn step(
        &mut self,
        batch: &crate::data::Batch,
        rate: f32,
    ) -> Result<crate::engine::StepOutcome, EngineError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.step(batch, rate)
    }

    fn state(&self) -> Result<State, EngineError> {
        self.0.state()
    }
}

/// Sixty-four games of one slot at once, all at the same place: it is executed once, by the engine that the machine trains with.
#[test]
fn many_games_about_a_slot_take_one_execution() {
    let mut honest = Machine::new();
    let told = Outcome::Trained(honest.train(0, SLOT, None));
    let steps = Arc::new(AtomicU32::new(0));
    honest.works_with(Box::new(Counts(steps.clone())));
    let (spec, traces) = (honest.spec.clone(), ExactEngine::cpu());
    let mut hands = Hands::default();
    let subject = dispute::Subject::Slot { slot: SLOT, outcome: told };
    let facts = Facts { spec: &spec, round: 0, base: None, subject, update: &|_| None };
    let mut took = Vec::new();
    for game in 0..64u32 {
        let table = Table { game, ..honest.table(Side::Defender, SLOT, told) };
        let name = Digest::of(&game.to_le_bytes());
        let begun = Game::new(&facts, Claim::Segment(2), &name, 100, 0).unwrap();
        let said = says(&honest, &traces, &mut hands, &table, Phase::Playing(begun), None);
        assert!(matches!(said, Said::Answer(_)), "{said:?}");
        took.push(steps.load(Ordering::Relaxed));
    }
    assert!(took[0] > 0 && took[0] <= 3, "one segment, from the state that was kept: {took:?}");
    assert!(took.iter().all(|steps| *steps == took[0]), "{took:?}");
    assert_eq!(hands.hands.len(), 1);
}

/// Memory is reserved for one execution, and none is begun that does not fit.
#[test]
fn what_does_not_fit_is_not_begun() {
    let mut honest = Machine::new();
    let told = Outcome::Trained(honest.train(0, SLOT, None));
    let need = memory::dispute(&honest.spec);
    honest.limit(need - 1);
    let table = honest.table(Side::Challenger, SLOT, told);
    let error = honest.workshop.find_wrong(&table, &Stop::new()).unwrap_err().to_string();
    assert!(error.contains("playing in a dispute") && error.contains("is the limit"), "{error}");
    honest.limit(need);
    assert_eq!(honest.workshop.find_wrong(&table, &Stop::new()).unwrap(), None);
}
