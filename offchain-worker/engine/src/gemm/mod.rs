//! The matrix product: `C[i, j] = fma(A[i, t], B[j, t], acc)` with one accumulator for each output and t strictly
//! ascending, so that the bits are those of three nested loops.
//!
//! What makes it fast leaves that order alone: a tile of outputs is held in registers and takes one term after another;
//! where k is long, accumulators are stored to the result and reloaded; threads share out tiles of the result, never terms.
//! Padding of packed operands reaches only accumulators that nobody stores.
//!
//! Operands may be strided in any way, so transposed and head-interleaved ones are read as they are: the right one is
//! packed in panels once, the left one is read in place where its rows are contiguous and packed otherwise.
//!
//! Subnormals are kept only under the default MXCSR or FPCR, which the caller sees to.

mod ahead;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocks;
mod drive;
mod kernel;
mod layout;
mod pack;
mod portable;
mod workspace;

#[cfg(test)]
mod tests;

pub use self::{
    layout::{GemmError, Mask, Operand, OutStrides, Product, Range, Start, Strides},
    workspace::Workspace,
};

use crate::{features::Path, flags::Flags};

impl Product {
    /// Computes the product on the fastest path, on the threads of the current rayon pool.
    ///
    /// # Errors
    ///
    /// If a buffer is too short for the extents and strides, or elements of the result overlap.
    pub fn run(
        &self,
        workspace: &mut Workspace,
        a: &[f32],
        b: &[f32],
        c: &mut [f32],
        start: Start<'_>,
    ) -> Result<(), GemmError> {
        self.run_on(Path::best(), &Flags::default(), workspace, a, b, c, start)
    }

    /// The same on a path of the caller's choice; `flags` are told if a number overflowed.
    ///
    /// # Errors
    ///
    /// Also if the CPU cannot run the path.
    pub fn run_on(
        &self,
        path: Path,
        flags: &Flags,
        workspace: &mut Workspace,
        a: &[f32],
        b: &[f32],
        c: &mut [f32],
        start: Start<'_>,
    ) -> Result<(), GemmError> {
        if !path.is_available() {
            return Err(GemmError::Unavailable(path));
        }
        self.check(a, b, c, start)?;
        drive::run(path, flags, self, workspace, a, b, c, start);
        Ok(())
    }
}
