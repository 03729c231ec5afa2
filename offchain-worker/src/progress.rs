//! How far long work has come: a bar on a terminal, else a line now and then. On standard error, so that results can be piped.

use crate::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// The least time between two lines when there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Progress of one piece of work.
pub struct Progress {
    what: &'static str,
    bar: ProgressBar,
    lines: bool,
    began: Instant,
    told: Instant,
    at_start: u64,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Training steps.
    Steps,
}

impl Progress {
    /// Work of `total` units. `quiet` shows nothing: for `--json`.
    pub fn new(what: &'static str, unit: Unit, total: u64, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar =
            ProgressBar::with_draw_target(Some(total), target).with_style(style(unit)).with_prefix(what);
        let now = Instant::now();
        Self { what, bar, lines: !terminal && !quiet, began: now, told: now, at_start: 0 }
    }

    /// The work begins at `done` of its units: it goes on from an earlier time.
    pub fn starts_at(&mut self, done: u64) {
        self.at_start = done;
        self.began = Instant::now();
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    /// `done` units are done in all; `message` says more, and is made only if it is shown.
    pub fn set(&mut self, done: u64, message: impl FnOnce() -> String) {
        if self.lines {
            if self.told.elapsed() >= TELL_EVERY {
                self.told = Instant::now();
                output::tell(self.line(done, &message()));
            }
        } else if !self.bar.is_hidden() {
            self.bar.set_message(message());
            self.bar.set_position(done);
        }
    }

    /// Units a second since the start.
    pub fn rate(&self, done: u64) -> f64 {
        let seconds = self.began.elapsed().as_secs_f64().max(1e-9);
        done.saturating_sub(self.at_start) as f64 / seconds
    }

    /// Says something that stays, above the bar.
    pub fn say(&self, line: impl std::fmt::Display) {
        self.bar.suspend(|| output::tell(line));
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, done: u64, message: &str) -> String {
        let total = self.bar.length().unwrap_or(0);
        let rate = self.rate(done);
        let left = if rate > 0.0 { total.saturating_sub(done) as f64 / rate } else { f64::INFINITY };
        let eta = if left.is_finite() { format!(", about {left:.0} s left") } else { String::new() };
        format!("{}: {done} of {total}{eta}, {message}", self.what)
    }
}

fn style(unit: Unit) -> ProgressStyle {
    let template = match unit {
        Unit::Bytes => "{prefix} {bar:30} {bytes}/{total_bytes}, {eta} left, {msg}",
        Unit::Steps => "{prefix} {bar:30} {pos}/{len}, {eta} left, {msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_templates() {
        for template in [Unit::Bytes, Unit::Steps] {
            let _ = style(template);
        }
        assert!(ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}, {eta} left, {msg}").is_ok());
        assert!(
            ProgressStyle::with_template("{prefix} {bar:30} {bytes}/{total_bytes}, {eta} left, {msg}")
                .is_ok()
        );
    }

    #[test]
    fn a_line_says_how_far_it_is_and_work_before_does_not_count_as_speed() {
        let mut progress = Progress::new("training", Unit::Steps, 100, true);
        progress.starts_at(90);
        assert_eq!(progress.rate(90), 0.0);
        assert_eq!(progress.line(90, "loss 1"), "training: 90 of 100, loss 1");
        std::thread::sleep(Duration::from_millis(20));
        assert!(progress.rate(92) <= 100.0, "{}", progress.rate(92));
        assert!(progress.line(92, "loss 1").contains(" s left"));
    }
}
