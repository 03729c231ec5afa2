//! How many fused multiply-adds a second this machine can do: what speeds are a share of.

use crate::features::Path;
use std::time::Instant;

#[cfg(target_arch = "x86_64")]
mod burn {
    use core::arch::x86_64::*;

    /// Fused multiply-adds in registers only. Returns how many.
    #[target_feature(enable = "avx512f")]
    pub fn avx512(turns: usize) -> f64 {
        let (x, y) =
            (core::hint::black_box(_mm512_set1_ps(0.5)), core::hint::black_box(_mm512_set1_ps(0.25)));
        let mut acc = [_mm512_setzero_ps(); 24];
        for _ in 0..turns {
            for acc in &mut acc {
                *acc = _mm512_fmadd_ps(x, *acc, y);
            }
        }
        core::hint::black_box(acc);
        (turns * 24 * 16) as f64
    }

    /// The same.
    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(turns: usize) -> f64 {
        let (x, y) =
            (core::hint::black_box(_mm256_set1_ps(0.5)), core::hint::black_box(_mm256_set1_ps(0.25)));
        let mut acc = [_mm256_setzero_ps(); 12];
        for _ in 0..turns {
            for acc in &mut acc {
                *acc = _mm256_fmadd_ps(x, *acc, y);
            }
        }
        core::hint::black_box(acc);
        (turns * 12 * 8) as f64
    }
}

/// Multiply-adds a second in registers, on every thread of the current pool. Zero where a path has none of its own, or this
/// CPU does not have the path.
pub fn peak(path: Path) -> f64 {
    if !path.is_available() {
        return 0.0;
    }
    let turn = |turns: usize| -> f64 {
        let _ = turns;
        match path {
            // SAFETY: the path is available.
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => unsafe { burn::avx512(turns) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => unsafe { burn::avx2(turns) },
            _ => 0.0,
        }
    };
    rayon::broadcast(|_| {
        let begin = Instant::now();
        turn(100_000) / begin.elapsed().as_secs_f64()
    })
    .into_iter()
    .sum()
}
