//! What will be read soon, fetched a little at a time.

use super::Workspace;

/// Runs of values that will be read soon.
pub(super) struct Ahead {
    /// The first that was not asked for.
    pub run: *const f32,
    /// How many there are.
    pub runs: usize,
    /// How far apart.
    pub stride: usize,
    /// Values of a run.
    pub length: usize,
    /// The next value of the run.
    pub at: usize,
}

impl Ahead {
    /// The lines of all runs, roughly.
    pub fn lines(&self) -> usize {
        self.runs * self.length.div_ceil(Workspace::LINE)
    }

    /// Asks for some lines.
    pub fn fetch(&mut self, lines: usize) {
        for _ in 0..lines {
            if self.runs == 0 {
                return;
            }
            prefetch(self.run.wrapping_add(self.at));
            self.at += Workspace::LINE;
            if self.at >= self.length {
                self.at = 0;
                self.runs -= 1;
                self.run = self.run.wrapping_add(self.stride);
            }
        }
    }
}

/// Asks for a line to be brought into the second-level cache. The address need not be valid.
#[inline(always)]
fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which SSE has, as every x86-64 does.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T1 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
