//! The learning rate of every step.
//!
//! Linear warm-up, then a cosine from `peak` to `floor` over the whole run (Loshchilov and Hutter, "SGDR", 2017). Because each
//! round starts with fresh optimiser moments, the first steps of a round are damped once more by a linear factor. All of it is
//! evaluated in `f64` by the pure-Rust `libm` at a pinned version and rounded to `f32` once, so the chain's Wasm, the CPU and
//! the GPU use the same bits.

/// A run's learning-rate schedule. Steps count from 0 over the whole run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The highest learning rate, reached at the end of the warm-up.
    pub peak: f32,
    /// The learning rate of the last step.
    pub floor: f32,
    /// Steps of linear warm-up at the start of the run.
    pub warmup_steps: u32,
    /// All steps of the run: rounds times inner steps.
    pub total_steps: u32,
    /// Inner steps of one round.
    pub inner_steps: u32,
    /// Damped steps at the start of each round; 0 for none.
    pub inner_warmup: u32,
}

impl Schedule {
    /// The learning rate of step `step` (0-based, over the run). Beyond the last step it stays at the floor.
    pub fn rate(&self, step: u32) -> f32 {
        let (peak, floor) = (f64::from(self.peak), f64::from(self.floor));
        let base = if step < self.warmup_steps {
            peak * f64::from(step.saturating_add(1)) / f64::from(self.warmup_steps)
        } else {
            let done = f64::from(step.saturating_sub(self.warmup_steps));
            let span = f64::from(self.total_steps.saturating_sub(self.warmup_steps).saturating_sub(1).max(1));
            let part = if done > span { 1.0 } else { done / span };
            floor + (peak - floor) * 0.5 * (1.0 + libm::cos(core::f64::consts::PI * part))
        };
        (base * self.damping(step)) as f32
    }

    /// The factor of a round's first steps: (i + 1) / (inner_warmup + 1), then 1.
    fn damping(&self, step: u32) -> f64 {
        let inner = step.checked_rem(self.inner_steps).unwrap_or(step);
        if inner < self.inner_warmup {
            f64::from(inner.saturating_add(1)) / (f64::from(self.inner_warmup) + 1.0)
        } else {
            1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        peak: 3e-3,
        floor: 3e-4,
        warmup_steps: 10,
        total_steps: 100,
        inner_steps: 20,
        inner_warmup: 2,
    };

    #[test]
    fn warms_up_peaks_and_ends_at_the_floor() {
        let plain = Schedule { inner_warmup: 0, ..SCHEDULE };
        assert_eq!(plain.rate(0), (3e-3f32 as f64 / 10.0) as f32);
        assert_eq!(plain.rate(9), 3e-3);
        assert_eq!(plain.rate(10), 3e-3);
        assert_eq!(plain.rate(99), 3e-4);
        assert_eq!(plain.rate(u32::MAX), 3e-4);
        assert!((11..99).all(|step| plain.rate(step + 1) < plain.rate(step)));
    }

    #[test]
    fn the_first_steps_of_a_round_are_damped() {
        let plain = Schedule { inner_warmup: 0, ..SCHEDULE };
        assert!((SCHEDULE.rate(40) / plain.rate(40) - 1.0 / 3.0).abs() < 1e-6);
        assert!((SCHEDULE.rate(41) / plain.rate(41) - 2.0 / 3.0).abs() < 1e-6);
        assert_eq!(SCHEDULE.rate(42), plain.rate(42));
    }

    #[test]
    fn degenerate_schedules_stay_finite() {
        for schedule in [
            Schedule { warmup_steps: 0, total_steps: 1, inner_steps: 1, inner_warmup: 0, ..SCHEDULE },
            Schedule { warmup_steps: 5, total_steps: 5, inner_steps: 5, inner_warmup: 9, ..SCHEDULE },
            Schedule { warmup_steps: 0, total_steps: 0, inner_steps: 0, inner_warmup: 0, ..SCHEDULE },
        ] {
            for step in [0, 1, 4, 5, 6, u32::MAX] {
                assert!(schedule.rate(step).is_finite(), "{schedule:?} at {step}");
            }
        }
    }

    /// Rates are part of what a result means: these bits must never change.
    #[test]
    fn golden_rates() {
        let bits: [u32; 8] = [0, 1, 9, 10, 37, 41, 77, 99].map(|step| SCHEDULE.rate(step).to_bits());
        assert_eq!(bits, GOLDEN_RATES);
    }
    const GOLDEN_RATES: [u32; 8] =
        [953267991, 970045207, 994352038, 994352038, 991912067, 986073653, 976492819, 966609234];
}
