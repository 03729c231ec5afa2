//! What looks like data about persons. Patterns find some of it and never all; what they find is counted, and not repeated.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// How often something was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personal {
    /// Addresses of e-mail.
    pub emails: u64,
    /// Telephone numbers with their country's number.
    pub telephones: u64,
    /// Numbers of payment cards, whose check digit is right.
    pub cards: u64,
    /// International account numbers, whose check digits are right.
    pub accounts: u64,
    /// Numbers that the United States give their people.
    pub social_security: u64,
    /// Addresses of the Internet, version 4, that are not set aside for private use.
    pub addresses: u64,
}

impl Personal {
    /// Of all kinds.
    pub fn total(&self) -> u64 {
        let Self { emails, telephones, cards, accounts, social_security, addresses } = *self;
        [emails, telephones, cards, accounts, social_security, addresses]
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(super) fn in_words(&self) -> Option<String> {
        let Self { emails, telephones, cards, accounts, social_security, addresses } = *self;
        let kinds = [
            (emails, "addresses of e-mail"),
            (telephones, "telephone numbers"),
            (cards, "card numbers"),
            (accounts, "account numbers"),
            (social_security, "social security numbers"),
            (addresses, "Internet addresses"),
        ];
        let found: Vec<_> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        (!found.is_empty())
            .then(|| format!("there is what looks like data about persons: {}", found.join(", ")))
    }
}

/// Patterns, and how often they were found. Each takes time that is linear in the text.
pub(super) struct Patterns {
    /// Whether there can be anything: a look at the text that costs little.
    emails: Option<Regex>,
    telephones: Option<Regex>,
    cards: Option<Regex>,
    accounts: Option<Regex>,
    social_security: Option<Regex>,
    addresses: Option<Regex>,
    found: Personal,
}

impl Patterns {
    pub(super) fn new() -> Self {
        let pattern = |text: &str| Regex::new(text).ok();
        Self {
            emails: pattern(r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}"),
            telephones: pattern(r"\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}"),
            cards: pattern(r"(?-u:\b)[3-6](?:[ -]?[0-9]){12,18}(?-u:\b)"),
            accounts: pattern(r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?-u:\b)"),
            social_security: pattern(r"(?-u:\b)[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}(?-u:\b)"),
            addresses: pattern(r"(?-u:\b)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?-u:\b)"),
            found: Personal::default(),
        }
    }

    pub(super) fn look(&mut self, text: &str) {
        let count = |pattern: &Option<Regex>, is: fn(&str) -> bool| {
            let found = pattern.iter().flat_map(|pattern| pattern.find_iter(text));
            found.filter(|found| is(found.as_str())).count() as u64
        };
        let found = &mut self.found;
        if text.contains('@') {
            found.emails += count(&self.emails, |_| true);
        }
        // Most text has no digits at all.
        if text.bytes().any(|byte| byte.is_ascii_digit()) {
            found.telephones += count(&self.telephones, |_| true);
            found.cards += count(&self.cards, is_card);
            found.accounts += count(&self.accounts, is_account);
            found.social_security += count(&self.social_security, |found| !found.starts_with("000"));
            found.addresses += count(&self.addresses, is_address);
        }
    }

    pub(super) fn found(self) -> Personal {
        self.found
    }
}

/// Luhn's check.
fn is_card(text: &str) -> bool {
    let digits = text.chars().filter_map(|c| c.to_digit(10)).rev();
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 13616: what stands first goes last, letters become numbers, and 1 is left of a division by 97.
fn is_account(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    let turned = plain.iter().skip(4).chain(plain.iter().take(4));
    let rest = turned.filter_map(|c| c.to_digit(36)).fold(0u32, |rest, value| {
        let shift = if value < 10 { 10 } else { 100 };
        (rest * shift + value) % 97
    });
    rest == 1
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok_and(|address| {
        !(address.is_private()
            || address.is_loopback()
            || address.is_unspecified()
            || address.is_documentation())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Personal {
        let mut patterns = Patterns::new();
        patterns.look(text);
        patterns.found()
    }

    #[test]
    fn every_pattern_is_one() {
        let patterns = Patterns::new();
        for pattern in [
            &patterns.emails,
            &patterns.telephones,
            &patterns.cards,
            &patterns.accounts,
            &patterns.social_security,
            &patterns.addresses,
        ] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn what_looks_like_it_is_counted() {
        let text = "Write to ana.lopez@example.org or +34 612 345 678; pay with 4111 1111 1111 1111 \
                    or GB82 WEST 1234 5698 7654 32; 078-05-1120 from 8.8.8.8";
        let all =
            Personal { emails: 1, telephones: 1, cards: 1, accounts: 1, social_security: 1, addresses: 1 };
        assert_eq!(found(text), all);
        assert_eq!(all.total(), 6);
        assert!(all.in_words().unwrap().contains("1 card numbers"));
    }

    #[test]
    fn what_does_not_is_not() {
        let text = "In the year 1984, at 192.168.0.1 or 300.1.1.1, version 4.11; 4111 1111 1111 1112; \
                    GB82 WEST 1234 5698 7654 33; a@b; +1 2";
        assert_eq!(found(text), Personal::default());
        assert!(Personal::default().in_words().is_none());
    }
}
