//! Losses that a worker has committed, as a view has seen them: of each run by itself, the latest last.

use super::chart::chart;
use sabha_protocol::{Generation, RoundKey, RunId, SlotIndex};
use std::collections::VecDeque;

/// Lines that a curve takes.
const CURVE: usize = 6;

/// Runs that are remembered: those that something was seen of last.
const RUNS: usize = 8;

/// Losses of a run that are remembered: more than a terminal has columns.
const KEPT: usize = 1_000;

/// A result.
type Place = (RoundKey, SlotIndex, Generation);

/// What was seen, the run of the latest loss last.
#[derive(Clone, Debug, Default)]
pub struct Losses(Vec<(RunId, VecDeque<(Place, f64)>)>);

impl Losses {
    /// Notes a loss, if it is new.
    pub fn note(&mut self, run: RunId, round: RoundKey, slot: SlotIndex, generation: Generation, loss: f64) {
        let place = (round, slot, generation);
        let known = self.0.iter().position(|(id, _)| *id == run);
        let mut curve = match known {
            Some(index) if self.0.get(index).is_some_and(|(_, curve)| has(curve, place)) => return,
            Some(index) => self.0.remove(index).1,
            None => VecDeque::new(),
        };
        curve.push_back((place, loss));
        if curve.len() > KEPT {
            curve.pop_front();
        }
        self.0.push((run, curve));
        if self.0.len() > RUNS {
            self.0.remove(0);
        }
    }

    /// Curves with their headings, that of the latest loss first: as many as fit into `rows`.
    pub fn lines(&self, rows: usize, columns: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for (run, curve) in self.0.iter().rev() {
            let values: Vec<f64> = curve.iter().map(|(_, loss)| *loss).collect();
            let Some(((round, slot, _), last)) = curve.back() else { continue };
            let drawn = chart(&values, CURVE, columns);
            if drawn.is_empty() || lines.len().saturating_add(drawn.len()).saturating_add(2) > rows {
                continue;
            }
            let heading = format!(
                "run {run}: loss of its {} slots since this began, the last {last:.4} (round {}, slot {slot})",
                values.len(),
                round.round
            );
            lines.extend([String::new(), heading]);
            lines.extend(drawn);
        }
        lines
    }
}

/// Whether a result was seen before: the latest are asked for most.
fn has(curve: &VecDeque<(Place, f64)>, place: Place) -> bool {
    curve.iter().rev().any(|(known, _)| *known == place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(round: u32) -> RoundKey {
        RoundKey { round, attempt: 0 }
    }

    #[test]
    fn each_run_has_a_curve_of_its_own_and_the_latest_comes_first() {
        let mut losses = Losses::default();
        // What is seen at each block again, and slots that end in another order than their numbers.
        for _ in 0..2 {
            losses.note(7, key(0), 0, 0, 9.0);
            losses.note(3, key(4), 2, 0, 2.0);
            losses.note(3, key(4), 1, 0, 1.5);
        }
        let found = losses.lines(40, 49);
        let heading = |run, of, last, round, slot| {
            format!(
                "run {run}: loss of its {of} slots since this began, the last {last} (round {round}, slot {slot})"
            )
        };
        assert_eq!(found[..2], [String::new(), heading(3, 2, "1.5000", 4, 1)]);
        assert_eq!(found[2..2 + CURVE], chart(&[2.0, 1.5], CURVE, 49));
        assert_eq!(found[2 + CURVE..4 + CURVE], [String::new(), heading(7, 1, "9.0000", 0, 0)]);
        assert_eq!(found[4 + CURVE..], chart(&[9.0], CURVE, 49));
        // Where there is room for one, it is the latest; another generation is another result.
        losses.note(7, key(0), 0, 1, 8.0);
        let found = losses.lines(2 + CURVE, 49);
        assert_eq!((found.len(), &found[1]), (2 + CURVE, &heading(7, 2, "8.0000", 0, 0)));
        assert_eq!(losses.lines(1 + CURVE, 49), Vec::<String>::new());
    }

    #[test]
    fn what_is_remembered_does_not_grow_for_ever() {
        let mut losses = Losses::default();
        for run in 0..100 {
            losses.note(run, key(0), 0, 0, 1.0);
        }
        for round in 0..5_000 {
            losses.note(99, key(round), 0, 0, 1.0);
        }
        assert_eq!((losses.0.len(), losses.0.last().unwrap().1.len()), (RUNS, KEPT));
    }

    #[test]
    fn nothing_is_drawn_of_what_is_no_number() {
        let mut losses = Losses::default();
        losses.note(1, key(0), 0, 0, f64::NAN);
        assert_eq!(losses.lines(40, 49), Vec::<String>::new());
    }
}
