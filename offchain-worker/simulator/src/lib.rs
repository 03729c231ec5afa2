//! The protocol at scale: thousands of workers and rounds on the real state machine ([`sabha_protocol::round`]), some of whom cheat.
//!
//! A [`Scenario`] says how many workers there are, which [`Cheat`] a share of them commits, which share of them audits in collusion
//! with the cheats, and what the run's terms are. [`play`] plays it, several runs side by side, and returns a [`Report`]: how often
//! a cheat was caught and how often the arithmetic of [`sabha_protocol::economics`] says it should be, what a cheat's slot earned
//! against an honest one, what audits cost, what was paid to whom, and whether the books balance to the unit.
//!
//! Nothing is trained: a state root is a hash of its place, a faked segment one that does not follow from the state before. Disputes
//! are decided rightly and at once, for that is what the dispute game guarantees. The same seed gives the same report.

mod report;
mod scenario;
mod tally;
mod world;

pub use report::{Earnings, Report, table};
pub use scenario::{Cheat, Scenario, ScenarioError};

use rayon::prelude::*;

/// Plays a scenario.
///
/// # Errors
/// If the scenario contradicts itself.
pub fn play(scenario: &Scenario) -> Result<Report, ScenarioError> {
    play_unless(scenario, &|| false)
}

/// Plays a scenario, unless `stop` says so; it is asked now and then.
///
/// # Errors
/// If the scenario contradicts itself, or is stopped.
pub fn play_unless(scenario: &Scenario, stop: &(dyn Fn() -> bool + Sync)) -> Result<Report, ScenarioError> {
    scenario.check()?;
    let runs: Option<Vec<tally::Tally>> = (0..scenario.runs)
        .into_par_iter()
        .map(|run| world::World::new(scenario, scenario.seed.wrapping_add(run.into())).play(stop))
        .collect();
    Ok(Report::of(scenario, &runs.ok_or(ScenarioError::Stopped)?))
}

#[cfg(test)]
mod tests;
