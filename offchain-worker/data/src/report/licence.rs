//! Licences of open data.

/// Licences of open data and open texts, by their SPDX identifiers: those that a chain's list starts with.
pub const LICENCES: [&str; 10] = [
    "CC0-1.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "PDDL-1.0",
    "ODC-By-1.0",
    "ODbL-1.0",
    "MIT",
    "Apache-2.0",
];

/// Whether a list has a licence. Identifiers are written in one way alone.
pub fn is_allowed<Name: AsRef<str>>(licence: &str, list: &[Name]) -> bool {
    list.iter().any(|allowed| allowed.as_ref() == licence)
}
