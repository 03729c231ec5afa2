//! Text in passages of some hundred bytes, whose bounds are chosen by what stands there.

use crate::text;

/// Bytes that a passage has at least, where there are so many.
pub(super) const LEAST: usize = 256;

/// Bytes after which it ends with its line, whatever stands there.
const MOST: usize = 2_048;

/// Bytes of a line, after which a sentence or a word ends it.
const LINE: usize = 512;

/// Bytes of text that the language is told by.
pub(super) const CONTEXT: usize = 1_024;

/// Bytes of what is no text, that are judged at once.
const BLOCK: usize = 512;

/// A passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage<'a> {
    /// What stands there; an error if it is no text.
    pub(super) text: Result<&'a str, ()>,
    /// The text around it, by which its language is told; none if its document is too short to be told alone.
    pub(super) context: Option<&'a str>,
    /// Whether that is the same as of the passage before.
    pub(super) same_context: bool,
    /// Its bytes.
    pub(super) bytes: usize,
}

/// Cuts a part of a stream of text into passages. Characters that are cut off at its ends are left out. Nothing else is, except the byte that
/// ends a document which holds something: what holds nothing is a passage that is no text.
pub(super) fn cut<'a>(bytes: &'a [u8], mut take: impl FnMut(Passage<'a>)) {
    let nothing = |bytes: usize| Passage { text: Err(()), context: Some(""), same_context: false, bytes };
    let mut documents = trim(bytes).split(|byte| *byte == crate::END_OF_DOCUMENT).peekable();
    // Of the first one, and the last, a part may stand elsewhere.
    let (mut first, mut empty) = (true, 0usize);
    while let Some(document) = documents.next() {
        let (begins, ends) = (!std::mem::take(&mut first), documents.peek().is_some());
        if document.is_empty() {
            empty += usize::from(begins && ends);
            continue;
        }
        if empty > 0 {
            take(nothing(std::mem::take(&mut empty)));
        }
        match simdutf8::basic::from_utf8(document) {
            Ok(text) if text::is_blank(text) => {
                if document.len() >= LEAST || (begins && ends) {
                    take(nothing(document.len() + usize::from(ends)));
                }
            }
            Ok(text) if text::fault(text).is_none() => cut_text(text, &mut take),
            _ => document.chunks(BLOCK).for_each(|block| {
                let inner = trim(block);
                let text = simdutf8::basic::from_utf8(inner).ok().filter(|text| text::fault(text).is_none());
                let context = Some(text.unwrap_or_default());
                take(Passage { text: text.ok_or(()), context, same_context: false, bytes: block.len() });
            }),
        }
    }
    if empty > 0 {
        take(nothing(empty));
    }
}

/// Documents that end in a part which begins at the byte `at` of the data, and hold something. What the first one holds may stand before
/// the part.
pub(super) fn documents(at: u64, bytes: &[u8]) -> u64 {
    let holds = |document: &[u8]| {
        document.iter().any(u8::is_ascii_graphic)
            || !simdutf8::basic::from_utf8(document).is_ok_and(text::is_blank)
    };
    let (mut count, mut first) = (0, at > 0);
    let mut documents = bytes.split(|byte| *byte == crate::END_OF_DOCUMENT).peekable();
    while let Some(document) = documents.next() {
        let ends = documents.peek().is_some();
        count += u64::from(ends && (std::mem::take(&mut first) || holds(document)));
    }
    count
}

/// Without what is left of a character at either end.
fn trim(bytes: &[u8]) -> &[u8] {
    let begun = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let bytes = bytes.get(begun..).unwrap_or_default();
    // The last byte that begins a character, if the character has more bytes than are there.
    let last = (1..=3.min(bytes.len()))
        .find(|back| bytes.get(bytes.len() - back).is_some_and(|byte| byte & 0xc0 != 0x80));
    let cut = last.filter(|back| {
        let first = bytes.get(bytes.len() - back).copied().unwrap_or(0);
        let wants = [(0xc0, 2), (0xe0, 3), (0xf0, 4)]
            .iter()
            .filter(|(least, _)| first >= *least)
            .map(|(_, n)| *n)
            .max();
        wants.is_some_and(|wants| wants > *back)
    });
    bytes.get(..bytes.len() - cut.unwrap_or(0)).unwrap_or_default()
}

fn cut_text<'a>(text: &'a str, take: &mut impl FnMut(Passage<'a>)) {
    let (mut start, mut end) = (0, 0);
    // Passages that begin within so many bytes are looked at together: to tell a language costs more than all the rest.
    let mut around: Option<usize> = None;
    while end < text.len() {
        let line = line(text.get(end..).unwrap_or_default());
        end += line.len().max(1);
        let here = end - start;
        // The line itself says whether the passage ends with it: the same lines make the same passages wherever they stand.
        let chosen = here >= LEAST && letters(line) & 1 == 0;
        if chosen || here >= MOST || end >= text.len() {
            let passage = text.get(start..end).unwrap_or_default();
            let same_context = around.is_some_and(|around| end <= around.saturating_add(CONTEXT));
            let from = around.filter(|_| same_context).unwrap_or(start);
            around = Some(from);
            take(Passage {
                text: Ok(passage),
                context: (text.len() >= LEAST).then(|| context(text, from)),
                same_context,
                bytes: passage.len(),
            });
            start = end;
        }
    }
}

/// The first line; of a long one its first sentence, or so many words.
fn line(text: &str) -> &str {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let sentence =
            at > 0 && c.is_whitespace() && matches!(before, '.' | '!' | '?' | '।' | '॥') && at >= LINE / 4;
        let stop = c == '\n'
            || sentence
            || (at >= LINE && c.is_whitespace())
            || at >= 2 * LINE
            || matches!(c, '。' | '؟');
        if stop {
            return text.get(..at + c.len_utf8()).unwrap_or_default();
        }
        before = c;
    }
    text
}

/// The text from `start` on; at the end of the text, what is before it.
fn context(text: &str, start: usize) -> &str {
    let start = start.min(text.len().saturating_sub(CONTEXT));
    let end = start.saturating_add(CONTEXT).min(text.len());
    text.get(text.floor_char_boundary(start)..text.floor_char_boundary(end)).unwrap_or_default()
}

/// A hash of a line's letters alone, so that other marks or capitals do not move the bounds.
fn letters(line: &str) -> u64 {
    let letters = line.bytes().filter(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    mix(letters.fold(0, |hash: u64, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    }))
}

/// A quick hash of some bytes.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }))
}

/// Spreads what is in a number over all its bits.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<Passage<'_>> {
        let mut found = Vec::new();
        cut(bytes, |passage| found.push(passage));
        found
    }

    proptest! {
        /// Whatever it is, nothing is counted twice and the text is what stands there.
        #[test]
        fn passages_are_the_text(text in "[a-zñ।\\n .]{0,4000}") {
            // A blank is a passage of its own, or none.
            let text = text + "x";
            let found = all(text.as_bytes());
            let joined: String = found.iter().map(|passage| passage.text.unwrap()).collect();
            prop_assert_eq!(&joined, &text);
            let context = |p: &Passage<'_>| p.context.map_or(0, str::len);
            prop_assert!(found.iter().all(|p| p.bytes <= MOST + 2 * LINE + 4 && context(p) <= CONTEXT + 3));
        }

        #[test]
        fn any_bytes_can_be_cut(bytes: Vec<u8>) {
            let sum: usize = all(&bytes).iter().map(|passage| passage.bytes).sum();
            prop_assert!(sum <= bytes.len());
        }
    }

    #[test]
    fn what_holds_nothing_is_no_text_and_no_document() {
        let found = |bytes: &[u8]| -> Vec<(bool, usize)> {
            all(bytes).iter().map(|passage| (passage.text.is_ok(), passage.bytes)).collect()
        };
        assert_eq!(found(b"uno\0dos\0"), [(true, 3), (true, 3)]);
        // Its document may begin before the part, and end behind it.
        assert_eq!(found(b"\0dos\0 \n"), [(true, 3)]);
        assert_eq!(found(b"uno\0\0\0\0dos\0"), [(true, 3), (false, 3), (true, 3)]);
        assert_eq!(found(&[0; 1_000]), [(false, 999)]);
        assert_eq!(found(b"uno\0 \n \0dos"), [(true, 3), (false, 4), (true, 3)]);
        assert_eq!(found(&[b' '; 1_000]), [(false, 1_000)]);
        for (at, bytes, count) in [
            (0, &b"uno\0dos\0"[..], 2),
            (7, b"uno\0dos", 1),
            (7, b"\0dos\0", 2),
            (0, b"\0dos\0", 1),
            (7, b"\0\0 \n\0\xe2\x80\x83\0", 1),
            (0, "ñ\0\0हि\0".as_bytes(), 2),
            (0, b"\xff\0", 1),
            (0, b"", 0),
        ] {
            assert_eq!(documents(at, bytes), count, "{bytes:?}");
        }
    }

    #[test]
    fn characters_at_the_ends_are_left_out() {
        let text = "हिन्दी";
        for start in 0..4 {
            for end in text.len() - 4..text.len() {
                let found = all(&text.as_bytes()[start..end]);
                assert!(found.iter().all(|passage| passage.text.is_ok()), "{start} {end}");
            }
        }
    }

    #[test]
    fn what_is_moved_is_cut_alike() {
        let lines: Vec<String> =
            (0..400).map(|i| format!("línea número {} del texto {}\n", i * i, i)).collect();
        let whole = lines.concat();
        let moved = format!("Otra cosa.\nY otra más\n{whole}");
        let one: Vec<_> = all(whole.as_bytes()).iter().map(|p| p.text.unwrap().to_string()).collect();
        let two: Vec<_> = all(moved.as_bytes()).iter().map(|p| p.text.unwrap().to_string()).collect();
        let shared = one.iter().filter(|passage| two.contains(passage)).count();
        assert!(shared + 4 >= one.len(), "{shared} of {}", one.len());
    }
}
