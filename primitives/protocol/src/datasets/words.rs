//! What is well formed: titles, language tags, licences, locators. What they mean is for people, and for curators, to judge.

/// Most bytes of a title.
pub const TITLE: u32 = 128;
/// Most bytes of a language tag: RFC 5646 asks for room for 35.
pub const LANGUAGE: u32 = 35;
/// Most bytes of a licence's identifier.
pub const LICENCE: u32 = 64;
/// Most bytes of a locator.
pub const LOCATOR: u32 = 256;
/// Most locators of a claim.
pub const LOCATORS: u32 = 4;

/// Whether a title is UTF-8 text of one line, not blank, and within bounds.
pub fn is_title(title: &[u8]) -> bool {
    title.len() <= TITLE as usize
        && core::str::from_utf8(title).is_ok_and(|text| {
            !text.trim().is_empty() && text.trim() == text && !text.chars().any(char::is_control)
        })
}

/// Whether a language tag has the form of BCP 47: subtags of 1 to 8 letters and digits, of which the first is a language of 2 to 8
/// letters, or `x` before a private one. Data without a language is `zxx`.
pub fn is_language(tag: &[u8]) -> bool {
    let mut subtags = tag.split(|byte| *byte == b'-');
    let Some(first) = subtags.next() else { return false };
    let private = first.eq_ignore_ascii_case(b"x");
    let language = (2..=8).contains(&first.len()) && first.iter().all(u8::is_ascii_alphabetic);
    let mut rest = subtags.peekable();
    if private && rest.peek().is_none() {
        return false;
    }
    tag.len() <= LANGUAGE as usize
        && (private || language)
        && rest.all(|subtag| (1..=8).contains(&subtag.len()) && subtag.iter().all(u8::is_ascii_alphanumeric))
}

/// Whether a licence has the form of an SPDX identifier: letters, digits, `-`, `.` and `+`.
pub fn is_licence(licence: &[u8]) -> bool {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+');
    licence.len() <= LICENCE as usize
        && licence.first().is_some_and(u8::is_ascii_alphanumeric)
        && licence.iter().all(inner)
}

/// Whether a locator is printable ASCII, without blanks.
pub fn is_locator(locator: &[u8]) -> bool {
    (1..=LOCATOR as usize).contains(&locator.len()) && locator.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        for good in ["Old books", "हिन्दी", "a"] {
            assert!(is_title(good.as_bytes()), "{good}");
        }
        for bad in ["", " ", " a", "a ", "a\nb", "a\u{7}", &"a".repeat(129)] {
            assert!(!is_title(bad.as_bytes()), "{bad:?}");
        }
        assert!(!is_title(&[0xff]));
    }

    #[test]
    fn languages() {
        for good in
            ["es", "hi", "pt-BR", "zh-Hant-TW", "de-1996", "zxx", "x-klingon", "sl-rozaj-biske", "X-a"]
        {
            assert!(is_language(good.as_bytes()), "{good}");
        }
        for bad in
            ["", "e", "es-", "-es", "es--MX", "es_MX", "123", "x", "toolonglanguage", "es-toolongsub", "é"]
        {
            assert!(!is_language(bad.as_bytes()), "{bad}");
        }
        assert!(!is_language(&b"es-12345678-12345678-12345678-1234567890"[..]));
    }

    #[test]
    fn licences() {
        for good in ["CC0-1.0", "CC-BY-SA-4.0", "GPL-2.0+", "0BSD"] {
            assert!(is_licence(good.as_bytes()), "{good}");
        }
        for bad in ["", "-MIT", "MIT OR Apache-2.0", "all rights reserved", "(MIT)", &"a".repeat(65)] {
            assert!(!is_licence(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn locators() {
        assert!(is_locator(b"http://127.0.0.1:8080/blobs/"));
        assert!(!is_locator(b""));
        assert!(!is_locator(b"a b"));
        assert!(!is_locator(&[b'a'; 257]));
    }
}
