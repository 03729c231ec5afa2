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
    /// x86-64 with AVX-512F, beside AVX2 and FMA.
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
        if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
            Self::Portable
        } else if is_x86_feature_detected!("avx512f") {
            Self::Avx512
        } else {
            Self::Avx2
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

    #[test]
    fn names_are_read_back() {
        for path in Path::ALL {
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        assert_eq!("mmx".parse::<Path>(), Err(UnknownPath("mmx".to_owned())));
    }
}
