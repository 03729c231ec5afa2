//! What the benchmarks share: two ways to do a thing, run in turn.

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The words after `--result` on the command line, which pick cases by name; `None` without it.
pub fn result_words() -> Option<Vec<String>> {
    let mut words = std::env::args().skip(1);
    words.by_ref().find(|word| word == "--result")?;
    // cargo adds flags of its own.
    Some(words.filter(|word| !word.starts_with('-')).collect())
}

/// Whether a case was picked: no words pick all.
pub fn is_picked(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
}

/// How long each case is repeated, in seconds: the environment's `SECONDS`, or 1.5.
pub fn seconds() -> f64 {
    std::env::var("SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(1.5)
}
