//! The run that games here are about. Each side of a game plays from an execution of it.

use std::sync::LazyLock;

use sabha_protocol::{
    RunSpec, SlotIndex, UNITS,
    defaults::{AUDIT, CLOCKS, rounds},
    dispute::Part,
    spec::{AuditSpec, ClockSpec},
};
pub use sabha_testing::{Forked, Lie, Missing, Run, World};

/// Its first round: three slots of eight steps, four segments of which two are audited.
pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| World::first(described()));
    &WORLD
}

fn described() -> RunSpec {
    RunSpec {
        rounds: rounds(1, 8, 2, 2),
        // More seats than slots: one slot has two.
        audit: AuditSpec { auditors: 4, auditor_price: 5 * UNITS / 4, ..AUDIT },
        // Room for a game after the audits.
        clocks: ClockSpec { window: 240, ..CLOCKS },
        ..sabha_testing::world::spec(40, 24, 2)
    }
}

/// The same run as somebody has it who changes its specification.
pub fn otherwise(change: impl FnOnce(&mut RunSpec)) -> World {
    let mut other = World::first(described());
    change(&mut other.spec);
    other
}

pub fn spec() -> RunSpec {
    world().spec.clone()
}

/// A slot, executed honestly.
pub fn honest(slot: SlotIndex) -> Run {
    world().run(slot, None)
}

/// A slot, executed with a lie.
pub fn train(slot: SlotIndex, lie: Option<Lie>) -> Run {
    world().run(slot, lie)
}

/// The updates of slots, aggregated.
pub fn aggregate(runs: &[Run], lie: Option<Lie>) -> Run {
    world().aggregate(runs, lie)
}

/// A lie about the first thing that a part ends with.
pub fn lie_at_end(part: Part) -> Lie {
    world().lie_at_end(0, part)
}
