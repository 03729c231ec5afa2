//! What a product is: extents, where elements lie, and the checks that make the rest safe.

/// Where the elements of an operand lie: (sample, head, row, column) is at the sum of the indices times these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// From one sample to the next.
    pub sample: usize,
    /// From one head to the next.
    pub head: usize,
    /// From one row (an index of the result) to the next.
    pub row: usize,
    /// From one column (a term of the sum) to the next.
    pub col: usize,
}

impl Strides {
    /// One matrix whose rows are contiguous in the terms of the sum.
    pub const fn rows(columns: usize) -> Self {
        Self { sample: 0, head: 0, row: columns, col: 1 }
    }

    /// One matrix that is stored transposed: contiguous in `rows` indices of the result, one term after another.
    pub const fn transposed(rows: usize) -> Self {
        Self { sample: 0, head: 0, row: 1, col: rows }
    }
}

/// Where the elements of the result lie; columns are contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutStrides {
    /// From one sample to the next.
    pub sample: usize,
    /// From one head to the next.
    pub head: usize,
    /// From one row to the next.
    pub row: usize,
}

impl OutStrides {
    /// One matrix of `columns` columns.
    pub const fn rows(columns: usize) -> Self {
        Self { sample: 0, head: 0, row: columns }
    }
}

/// Which terms row i of a result sums. The others are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of them.
    Full,
    /// Those below the end of the block of rows that i is in: `0 .. (i / block + 1) * block`.
    UpTo {
        /// Rows of a block.
        block: usize,
    },
    /// Those from the start of the block of rows that i is in: `i / block * block ..`.
    From {
        /// Rows of a block.
        block: usize,
    },
}

/// Which elements of a result are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// All of them.
    None,
    /// Those left of the end of the block of rows that row i is in, `j < (i / block + 1) * block`; the others are +0,
    /// whatever the start is.
    Block {
        /// Rows of a block.
        block: usize,
    },
    /// The same, but the others are left as they are.
    Open {
        /// Rows of a block.
        block: usize,
    },
}

/// What accumulators start from.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// +0.
    Zero,
    /// The values that the result has.
    Accumulate,
    /// The values of another buffer, which is laid out like the result.
    From(&'a [f32]),
}

/// `samples` x `heads` products of an m x k by the transpose of an n x k matrix:
/// `C[i, j] = fma(A[i, t], B[j, t], C[i, j])` for ascending t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// How many samples there are.
    pub samples: usize,
    /// How many heads each sample has.
    pub heads: usize,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Terms of a sum.
    pub k: usize,
    /// Where the left operand lies.
    pub a: Strides,
    /// Where the right operand lies.
    pub b: Strides,
    /// Where the result lies.
    pub c: OutStrides,
    /// Which terms are summed.
    pub range: Range,
    /// Which elements are computed.
    pub mask: Mask,
}

impl Product {
    /// One product of contiguous matrices: A is m x k, B is n x k, C is m x n.
    pub const fn contiguous(m: usize, n: usize, k: usize) -> Self {
        Self {
            samples: 1,
            heads: 1,
            m,
            n,
            k,
            a: Strides::rows(k),
            b: Strides::rows(k),
            c: OutStrides::rows(n),
            range: Range::Full,
            mask: Mask::None,
        }
    }

    /// Whether the result has no elements.
    pub(super) fn is_empty(&self) -> bool {
        self.samples == 0 || self.heads == 0 || self.m == 0 || self.n == 0
    }

    /// The matrices of the batch: no more than elements, so this does not overflow where those were found in a buffer.
    pub(super) fn matrices(&self) -> usize {
        self.samples * self.heads
    }

    /// The terms that the rows of the block that starts at `row` sum.
    pub(super) fn terms(&self, row: usize) -> core::ops::Range<usize> {
        match self.range {
            Range::Full => 0..self.k,
            Range::UpTo { block } => 0..(row / block * block).saturating_add(block).min(self.k),
            Range::From { block } => (row / block * block).min(self.k)..self.k,
        }
    }

    /// How many columns the rows of the block that starts at `row` compute.
    pub(super) fn columns(&self, row: usize) -> usize {
        match self.mask {
            Mask::None => self.n,
            Mask::Block { block } | Mask::Open { block } => {
                (row / block * block).saturating_add(block).min(self.n)
            }
        }
    }

    /// Checks that every element lies in its buffer and that no two elements of the result share a place.
    pub(super) fn check(&self, a: &[f32], b: &[f32], c: &[f32], start: Start<'_>) -> Result<(), GemmError> {
        let &Self { samples, heads, m, n, k, .. } = self;
        for block in [
            if let Range::UpTo { block } | Range::From { block } = self.range { block } else { 1 },
            if let Mask::Block { block } | Mask::Open { block } = self.mask { block } else { 1 },
        ] {
            if block == 0 {
                return Err(GemmError::EmptyBlock);
            }
        }
        let fits = |operand, extents: &[(usize, usize)], len: usize| {
            let needed = needed(extents).ok_or(GemmError::Overflow)?;
            if needed <= len { Ok(()) } else { Err(GemmError::Short { operand, needed, len }) }
        };
        let of = |strides: Strides, rows: usize| {
            [(samples, strides.sample), (heads, strides.head), (rows, strides.row), (k, strides.col)]
        };
        let mut out = [(samples, self.c.sample), (heads, self.c.head), (m, self.c.row), (n, 1)];
        fits(Operand::A, &of(self.a, m), a.len())?;
        fits(Operand::B, &of(self.b, n), b.len())?;
        fits(Operand::C, &out, c.len())?;
        if let Start::From(start) = start {
            fits(Operand::Start, &out, start.len())?;
        }
        if self.is_empty() {
            return Ok(());
        }
        // Each dimension, from the innermost on, must step over all that the ones within it reach.
        out.sort_unstable_by_key(|&(_, stride)| stride);
        let mut span = 1usize;
        for (extent, stride) in out {
            if extent > 1 {
                if stride < span {
                    return Err(GemmError::Overlap);
                }
                // No overflow: the whole extent lies in `c`.
                span += (extent - 1) * stride;
            }
        }
        Ok(())
    }
}

/// How long a buffer of these (extent, stride) dimensions must be. `None` if that is beyond what an index can say.
fn needed(extents: &[(usize, usize)]) -> Option<usize> {
    if extents.iter().any(|&(extent, _)| extent == 0) {
        return Some(0);
    }
    extents
        .iter()
        .try_fold(1usize, |needed, &(extent, stride)| needed.checked_add((extent - 1).checked_mul(stride)?))
        .filter(|&needed| needed <= isize::MAX as usize / size_of::<f32>())
}

/// A buffer of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The left operand.
    A,
    /// The right operand.
    B,
    /// The result.
    C,
    /// What the accumulators start from.
    Start,
}

/// A product that cannot be computed. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GemmError {
    /// A buffer does not hold every element.
    #[error("{operand:?} needs {needed} values and has {len}")]
    Short {
        /// The buffer.
        operand: Operand,
        /// The values that its extents and strides reach.
        needed: usize,
        /// The values that it has.
        len: usize,
    },
    /// Extents and strides reach further than any buffer.
    #[error("extents and strides overflow")]
    Overflow,
    /// Elements of the result share a place.
    #[error("elements of the result overlap")]
    Overlap,
    /// A block has no rows.
    #[error("a block has no rows")]
    EmptyBlock,
    /// The CPU lacks the instructions of the path that was asked for.
    #[error("this CPU cannot run the path {0}")]
    Unavailable(crate::features::Path),
}
