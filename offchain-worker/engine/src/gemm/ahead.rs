//! What will be read soon, fetched a little at a time.
//!
//! A line that comes from beyond the second-level cache takes as long as some hundred multiplications, and only a few lines may be on their
//! way at a time: asked for one after another, they would hold up what waits for nothing. So tiles ask for one line every few terms.

use super::Workspace;

/// A line, and how many values further the next one is.
#[derive(Clone, Copy)]
pub(super) struct Next {
    /// Need not be valid.
    pub line: *const f32,
    pub step: usize,
}

impl Next {
    /// Asks for a line to be brought into the second-level cache, and turns to the next one.
    #[inline(always)]
    pub fn fetch(&mut self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a hint, which SSE has, as every x86-64 does. The address need not be valid.
        unsafe {
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T1 }>(self.line.cast());
        }
        self.line = self.line.wrapping_add(self.step);
    }
}

/// Runs of values that will be read soon.
pub(super) struct Ahead {
    /// The first.
    run: *const f32,
    /// How many there are.
    runs: usize,
    /// How far apart.
    stride: usize,
    /// Lines of a run, roughly.
    lines: usize,
    /// What was not asked for: the line of all runs, and there the run.
    line: usize,
    at: usize,
}

impl Ahead {
    /// Runs of `length` values.
    pub fn new(run: *const f32, runs: usize, stride: usize, length: usize) -> Self {
        Self { run, runs, stride, lines: length.div_ceil(Workspace::LINE), line: 0, at: 0 }
    }

    /// One run.
    pub fn one(run: *const f32, length: usize) -> Self {
        Self::new(run, length.div_ceil(Workspace::LINE), Workspace::LINE, 1)
    }

    /// Nothing.
    pub fn nothing() -> Self {
        Self::new(core::ptr::null(), 0, 0, 0)
    }

    /// The next `count` lines, of as many runs, or fewer at their end.
    pub fn take(&mut self, count: usize) -> Option<Next> {
        if self.line >= self.lines || self.runs == 0 {
            return None;
        }
        let line = self.run.wrapping_add(self.at * self.stride + self.line * Workspace::LINE);
        self.at += count.max(1);
        if self.at >= self.runs {
            (self.at, self.line) = (0, self.line + 1);
        }
        Some(Next { line, step: self.stride })
    }
}
