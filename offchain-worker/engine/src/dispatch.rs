//! One source for every instruction set.
//!
//! A kernel is written once, over [`Arithmetic`], as loops that the compiler turns into vector code. [`dispatch`] compiles it for
//! each path and runs the chosen one. No path may reorder or contract: Rust never does, so all give the same bits.

use crate::features::Path;
use sabha_numerics::arithmetic::{Arithmetic, Software};

/// The machine's own fused multiply-add and square root. Fast only within a function compiled for a CPU that has them.
#[derive(Clone, Copy, Debug)]
pub struct Hardware;

impl Arithmetic for Hardware {
    #[allow(clippy::disallowed_methods)]
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn sqrt(x: f32) -> f32 {
        x.sqrt()
    }
}

/// A kernel. Implementations mark [`run`](Self::run) `#[inline(always)]`, so that it is compiled for the path that calls it.
pub trait Kernel {
    /// Does the work.
    fn run<A: Arithmetic>(self);
}

/// Runs a kernel on a path.
#[inline]
pub(crate) fn dispatch<K: Kernel>(path: Path, kernel: K) {
    debug_assert!(path.is_available());
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
        fn avx512<K: Kernel>(kernel: K) {
            kernel.run::<Hardware>();
        }

        #[target_feature(enable = "avx2,fma")]
        fn avx2<K: Kernel>(kernel: K) {
            kernel.run::<Hardware>();
        }

        match path {
            // SAFETY: a path is used only where the CPU has it (`Path::is_available`, checked when a context is made).
            Path::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Path::Avx2 => return unsafe { avx2(kernel) },
            Path::Portable => {}
        }
    }
    let _ = path;
    portable(kernel);
}

/// On targets whose baseline has a fused multiply-add, the portable path uses it.
fn portable<K: Kernel>(kernel: K) {
    if cfg!(target_arch = "aarch64") { kernel.run::<Hardware>() } else { kernel.run::<Software>() }
}
