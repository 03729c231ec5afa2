//! Which instruction set the kernels use, chosen at run time. Every path gives the same bits; they differ in speed only.

use core::{fmt, str::FromStr};
use std::sync::OnceLock;

/// A family of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// Plain Rust, on any CPU. Uses the hardware's fused multiply-add where the target always has one, else an exact
    /// software one.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, VL, BW and DQ, beside AVX2 and FMA.
    Avx512,
}

impl Path {
    /// Every path, slowest first, whether or not this CPU has it.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// Whether this CPU, and the operating system, can run the path.
    pub fn is_available(self) -> bool {
        self <= Self::best()
    }

    /// The paths that can run here, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|path| path.is_available())
    }

    /// The fastest path that can run here. Asked of the CPU once.
    pub fn best() -> Self {
        static BEST: OnceLock<Path> = OnceLock::new();
        *BEST.get_or_init(Self::detect)
    }

    #[cfg(target_arch = "x86_64")]
    fn detect() -> Self {
        // All that a path is compiled with: the first CPUs with AVX-512F had none of the other three.
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        match (avx2, avx512) {
            (true, true) => Self::Avx512,
            (true, false) => Self::Avx2,
            (false, _) => Self::Portable,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Self {
        Self::Portable
    }

    /// The name that [`FromStr`] reads back.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl Default for Path {
    fn default() -> Self {
        Self::best()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is of no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no path `{0}`; there are portable, avx2 and avx512")]
pub struct UnknownPath(String);

impl FromStr for Path {
    type Err = UnknownPath;

    fn from_str(name: &str) -> Result<Self, UnknownPath> {
        Self::ALL.into_iter().find(|path| path.name() == name).ok_or_else(|| UnknownPath(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_path_is_always_there_and_the_best_one_is_available() {
        assert!(Path::Portable.is_available());
        assert!(Path::best().is_available());
        assert_eq!(Path::available().last(), Some(Path::best()));
    }

    /// No CPU that lacks one of them is at hand, so the sources are compared: what kernels are compiled with, what is asked of the CPU.
    #[test]
    fn all_that_kernels_are_compiled_with_is_asked_of_the_cpu() {
        let sources = [
            include_str!("dispatch.rs"),
            include_str!("gemm/avx2.rs"),
            include_str!("gemm/avx512.rs"),
            include_str!("gemm/kernel.rs"),
            include_str!("peak.rs"),
        ];
        let quoted = |source: &'static str, before: &str| -> Vec<&'static str> {
            let rest = source.split(before).skip(1);
            rest.filter_map(|rest| rest.split('"').next()).flat_map(|list| list.split(',')).collect()
        };
        let mut used: Vec<&str> =
            sources.into_iter().flat_map(|source| quoted(source, "target_feature(enable = \"")).collect();
        let mut asked = quoted(include_str!("features.rs"), "is_x86_feature_detected!(\"");
        for features in [&mut used, &mut asked] {
            features.sort_unstable();
            features.dedup();
        }
        assert!(used.len() >= 3, "{used:?}");
        assert_eq!(used, asked);
    }

    #[test]
    fn names_are_read_back() {
        for path in Path::ALL {
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        assert_eq!("mmx".parse::<Path>(), Err(UnknownPath("mmx".to_owned())));
    }
}
