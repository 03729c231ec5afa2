//! Token amounts as people write them: `2.5` is 2,500,000,000,000 units of 10^-12 SBH. No float is ever involved.

use crate::{Balance, TOKEN_DECIMALS, UNITS};
use alloc::{
    format,
    string::{String, ToString},
};

/// What is wrong with a written amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with at most one point.
    #[error("`{0}` is not an amount: write digits with at most one point, such as 12 or 0.5 (in SBH)")]
    Malformed(String),
    /// Smaller than the token's smallest unit.
    #[error("`{0}` has more than {TOKEN_DECIMALS} decimals: the smallest amount is 0.000000000001 SBH")]
    TooFine(String),
    /// Larger than any amount that can exist.
    #[error("`{0}` is too large an amount")]
    TooLarge(String),
}

/// Parses an amount in SBH, such as `12`, `0.5` or `0.5 SBH`; underscores may group digits.
pub fn parse(text: &str) -> Result<Balance, AmountError> {
    let malformed = || AmountError::Malformed(text.into());
    let number = text.trim();
    let number = number.strip_suffix("SBH").map_or(number, str::trim_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.chars().filter(|c| *c != '_').collect::<String>();
    let (whole, fraction) = (digits(whole), digits(fraction));
    if whole.is_empty() || !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit()) {
        return Err(malformed());
    }
    if fraction.len() > TOKEN_DECIMALS as usize {
        return Err(AmountError::TooFine(text.into()));
    }
    let padded = format!("{fraction:0<width$}", width = TOKEN_DECIMALS as usize);
    let too_large = |_| AmountError::TooLarge(text.into());
    let whole: Balance = whole.parse().map_err(too_large)?;
    let fraction: Balance = padded.parse().map_err(too_large)?;
    whole
        .checked_mul(UNITS)
        .and_then(|units| units.checked_add(fraction))
        .ok_or_else(|| AmountError::TooLarge(text.into()))
}

/// Writes an amount in SBH, without needless zeros and without the symbol.
pub fn display(amount: Balance) -> String {
    let (whole, fraction) = (amount / UNITS, amount % UNITS);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = format!("{fraction:0>width$}", width = TOKEN_DECIMALS as usize);
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// `#[serde(with = "amount::text")]`: an amount as text in SBH.
#[cfg(feature = "std")]
pub mod text {
    use super::*;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the amount as [`display`] does.
    pub fn serialize<S: Serializer>(amount: &Balance, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&display(*amount))
    }

    /// Reads an amount as [`parse`] does.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Balance, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, units) in [
            ("1", UNITS),
            ("0.5", UNITS / 2),
            (" 1_000.25 SBH", 1_000 * UNITS + UNITS / 4),
            ("0.000000000001", 1),
            ("3.", 3 * UNITS),
        ] {
            assert_eq!(parse(text), Ok(units), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in ["", ".", ".5", "-1", "1e3", "1.2.3", "ten", "1,5", "0x10", "1 KSM"] {
            assert!(matches!(parse(text), Err(AmountError::Malformed(_))), "{text}");
        }
        assert!(matches!(parse("0.0000000000001"), Err(AmountError::TooFine(_))));
        assert!(matches!(parse("999999999999999999999999999999"), Err(AmountError::TooLarge(_))));
        assert!(matches!(
            parse("9999999999999999999999999999999999999999999"),
            Err(AmountError::TooLarge(_))
        ));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(amount: Balance) {
            prop_assert_eq!(parse(&display(amount)), Ok(amount));
        }

        #[test]
        fn never_panics(text: String) {
            let _ = parse(&text);
        }
    }
}
