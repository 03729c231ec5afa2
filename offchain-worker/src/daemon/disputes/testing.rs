//! A workshop that notes in which order it is asked, and how often it has to execute something else.

use crate::{
    daemon::work::{Ended, Job, Origin, Position, Said, Table, Turn, Turns, Workshop},
    engine::testing::tiny_spec,
    stop::Stop,
};
use sabha_protocol::{
    ActiveBlock, Divergence, Outcome, RunSpec, SlotIndex,
    dispute::{
        Side, Subject,
        record::{GameId, Phase},
    },
    round::Checkpoint,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

/// A turn of a defender of a slot.
pub(super) fn turn(game: GameId, slot: SlotIndex, until: ActiveBlock) -> Turn {
    let outcome = Outcome::Diverged(Divergence { step: 0, instruction: 0, element: 0 });
    let table = Table {
        game,
        side: Side::Defender,
        round: 0,
        spec: tiny_spec(),
        base: None,
        subject: Subject::Slot { slot, outcome },
        updates: vec![],
        folder: PathBuf::from(slot.to_string()),
        published: vec![],
        seen: PathBuf::new(),
        origins: vec![],
    };
    let position = Position { phase: Phase::Naming { until }, shown: None };
    Turn { table: Arc::new(table), position, until }
}

#[derive(Default)]
pub(super) struct Fake {
    gate: Mutex<()>,
    log: Mutex<(Vec<GameId>, u32)>,
}

impl Fake {
    /// While this is held, it thinks.
    pub(super) fn gate(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap()
    }

    /// The games in the order in which something was said to them, and how often something was executed.
    pub(super) fn log(&self) -> (Vec<GameId>, u32) {
        self.log.lock().unwrap().clone()
    }
}

impl Workshop for Fake {
    fn work(&self, _: &Job, _: &Stop) -> anyhow::Result<Ended> {
        unreachable!("it only plays")
    }

    fn remake(&self, _: &RunSpec, _: Checkpoint, _: &[Origin], _: &Stop) -> anyhow::Result<Checkpoint> {
        unreachable!("it only plays")
    }

    fn is_able(&self, _: &RunSpec) -> bool {
        unreachable!("it only plays")
    }

    fn hold(&self, _: &RunSpec, _: Checkpoint, _: &Stop) -> anyhow::Result<()> {
        unreachable!("it only plays")
    }

    fn play(&self, turns: &mut dyn Turns, _: &Stop) {
        let mut at_hand = None;
        while let Some(turn) = turns.next(at_hand.as_ref(), &mut || ()) {
            drop(self.gate());
            let bench = turn.table.bench();
            let mut log = self.log.lock().unwrap();
            log.0.push(turn.table.game);
            log.1 += u32::from(at_hand.as_ref() != Some(&bench));
            drop(log);
            at_hand = Some(bench);
            turns.say(turn.table.game, turn.position.name(), Ok(Said::Nothing));
        }
    }
}
