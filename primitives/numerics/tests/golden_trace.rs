//! The roots of a small run, step by step, against those that are committed.
//!
//! They are part of what a result means. If this test fails, results of runs that are under way would change: that needs a new
//! numerics version, with the old one kept for as long as an open run names it. See `golden/trace.txt`.

extern crate alloc;

#[path = "golden/run.rs"]
mod golden;

use golden::{CASES, Executed, STEPS, Stage, root, run};
use sabha_numerics::Digest;

const COMMITTED: &str = include_str!("golden/trace.txt");

fn text(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The trace as it is now, a line for each program.
fn current() -> Vec<String> {
    let mut lines = Vec::new();
    for case in &CASES {
        let mut seen = |executed: &Executed| {
            assert_eq!(executed.instructions.len(), executed.trace.outputs.len());
            lines.push(format!("{} {} {}", case.name, executed.stage, text(&root(&executed.trace.leaves))));
        };
        run(case, STEPS, &mut seen).unwrap();
    }
    lines
}

#[test]
fn every_root_is_the_committed_one() {
    let committed: Vec<&str> =
        COMMITTED.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let current = current();
    let first = current.iter().zip(&committed).find(|(now, before)| now.as_str() != **before);
    if first.is_some() || current.len() != committed.len() {
        // For the one who gives out a new numerics version.
        println!("{}", current.join("\n"));
        panic!(
            "the roots have changed, first at {first:?} (now, committed; {} and {} lines). This changes what runs that \
             are under way compute: undo it, or give out a new numerics version and keep the old one beside it",
            current.len(),
            committed.len()
        );
    }
    for case in &CASES {
        for step in 1..=STEPS {
            let begin = format!("{} {} ", case.name, Stage::Step(step));
            assert!(committed.iter().any(|line| line.starts_with(&begin)), "no root of {begin}");
        }
    }
    println!("golden trace: {} roots, all equal", committed.len());
}

/// A trace that never changes would agree with anything; and the run must be one that trains.
#[allow(clippy::disallowed_methods)]
#[test]
fn roots_differ_and_the_loss_falls() {
    for case in &CASES {
        let mut roots = Vec::new();
        let mut losses = Vec::new();
        let mut seen = |executed: &Executed| {
            roots.push(root(&executed.trace.leaves));
            let last = executed.trace.leaves.last().map_or(0, |leaf| leaf[0]);
            if let Stage::Step(_) | Stage::Evaluate = executed.stage {
                losses.push(f32::from_bits(last));
            }
        };
        run(case, STEPS, &mut seen).unwrap();
        let after = losses.pop().unwrap();
        // A state holds the sum of losses so far.
        let before = losses[0];
        assert!((before - (case.model.vocabulary as f32).ln()).abs() < 0.2, "{}: {before}", case.name);
        assert!(after < before - 0.2, "{}: {before} {after}", case.name);
        roots.sort_unstable();
        roots.dedup();
        assert_eq!(roots.len(), 2 + STEPS as usize + 5, "{}: two roots are equal", case.name);
    }
}
