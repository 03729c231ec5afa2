//! Memory for packed operands, kept between products.

/// As much as a cache line, and aligned like one.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([f32; Workspace::LINE]);

/// Scratch memory that products pack operands into. It grows to what the largest product asked for and is reused, so a
/// sequence of products that was run once allocates nothing when it is run again.
#[derive(Default)]
pub struct Workspace {
    lines: Vec<Line>,
}

impl Workspace {
    /// Values in a cache line.
    pub(super) const LINE: usize = 16;

    /// A workspace without memory.
    pub const fn new() -> Self {
        Self { lines: Vec::new() }
    }

    /// The bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }

    /// `values` values of unspecified content at a multiple of 64 bytes.
    pub(super) fn take(&mut self, values: usize) -> &mut [f32] {
        let lines = values.div_ceil(Self::LINE);
        if self.lines.len() < lines {
            // No more than is asked for: what is asked for is what the largest product needs.
            self.lines.reserve_exact(lines - self.lines.len());
            self.lines.resize(lines, Line([0.0; Self::LINE]));
        }
        let lines = &mut self.lines[..lines];
        // SAFETY: a `Line` is `LINE` values without padding (16 x 4 bytes, aligned to 64), and the borrow passes on.
        unsafe { core::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * Self::LINE) }
    }
}

impl core::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Workspace").field("bytes", &self.bytes()).finish()
    }
}
