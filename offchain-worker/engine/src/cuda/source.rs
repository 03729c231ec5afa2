//! The kernels' source as one text, for the compiler that comes with a GPU's driver.

/// The files that `kernels.cu` includes, in that order. The run-time compiler finds no files, so they are joined.
#[cfg(any(feature = "cuda", test))]
pub(super) const SOURCE: &str = concat!(
    include_str!("../../cuda/coefficients.h"),
    include_str!("../../cuda/scalar.cuh"),
    include_str!("../../cuda/pointwise.cuh"),
    include_str!("../../cuda/rows.cuh"),
    include_str!("../../cuda/reduce.cuh"),
    include_str!("../../cuda/transpose.cuh"),
    include_str!("../../cuda/product.cuh"),
    include_str!("../../cuda/updates.cuh"),
);

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_numerics::scalar::coefficients::*;
    use std::{fmt::Write, fs, path::Path};

    fn folder() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cuda"))
    }

    #[test]
    fn the_text_is_what_the_file_includes() {
        let kernels = fs::read_to_string(folder().join("kernels.cu")).unwrap();
        let included: String = kernels
            .lines()
            .filter_map(|line| line.strip_prefix("#include \"")?.strip_suffix('"'))
            .map(|name| fs::read_to_string(folder().join(name)).unwrap())
            .collect();
        assert!(included == SOURCE, "other files, or another order, than in kernels.cu");
        assert!(!SOURCE.contains("#include"), "the run-time compiler has no files");
    }

    /// The header of constants, from the one table of them.
    fn header() -> String {
        let mut text = "// The constants of exp, ln and sigmoid, as bits: primitives/numerics/src/scalar/coefficients.rs.\n\
                        // Written by `SABHA_WRITE=1 cargo test -p sabha-engine coefficients`; the test fails where they differ.\n\n"
            .to_owned();
        for (name, word) in [
            ("LOG2_E", LOG2_E),
            ("ROUND", ROUND),
            ("LN_2_HIGH", LN_2_HIGH),
            ("LN_2_LOW", LN_2_LOW),
            ("EXP_LEAST", EXP_LEAST),
            ("EXP_GREATEST", EXP_GREATEST),
            ("LN_SPLIT", LN_SPLIT),
        ] {
            writeln!(text, "#define {name} 0x{word:08x}u").unwrap();
        }
        for (name, words) in [("EXP_POLYNOMIAL", &EXP_POLYNOMIAL[..]), ("LN_POLYNOMIAL", &LN_POLYNOMIAL[..])]
        {
            let words: Vec<String> = words.iter().map(|word| format!("0x{word:08x}u")).collect();
            writeln!(text, "#define {name} {{{}}}", words.join(", ")).unwrap();
        }
        text
    }

    #[test]
    fn the_coefficients_are_those_of_the_definitions() {
        let path = folder().join("coefficients.h");
        if std::env::var_os("SABHA_WRITE").is_some() {
            fs::write(&path, header()).unwrap();
        }
        assert_eq!(fs::read_to_string(path).unwrap(), header(), "run with SABHA_WRITE=1 to write it anew");
    }
}
