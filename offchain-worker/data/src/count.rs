//! Counting what a stream holds: the same while it is packed and when it is verified.

use crate::manifest::Statistics;

/// What text comes to, document by document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TextCount {
    pub(crate) documents: u64,
    pub(crate) bytes: u64,
    statistics: Statistics,
    /// Bytes of the document that has not ended.
    current: u64,
}

impl TextCount {
    /// A piece of a document.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        // Sums of bytes, so that the compiler counts sixteen or more at once.
        const AT_ONCE: usize = 192;
        let statistics = &mut self.statistics;
        for chunk in piece.chunks(AT_ONCE) {
            let (mut starts, mut lines, mut wide) = (0u8, 0u8, 0u8);
            for byte in chunk {
                // At most `AT_ONCE` each; a check of every sum would cost more than all the rest.
                starts = starts.wrapping_add(u8::from(byte & 0xc0 != 0x80));
                lines = lines.wrapping_add(u8::from(*byte == b'\n'));
                wide = wide.wrapping_add(u8::from(*byte >= 0x80));
            }
            statistics.characters += u64::from(starts);
            statistics.line_feeds += u64::from(lines);
            statistics.non_ascii_bytes += u64::from(wide);
        }
        self.bytes += piece.len() as u64;
        self.current += piece.len() as u64;
    }

    /// The document ends.
    pub(crate) fn end(&mut self) {
        let statistics = &mut self.statistics;
        statistics.longest_document = statistics.longest_document.max(self.current);
        statistics.shortest_document = match self.documents {
            0 => self.current,
            _ => statistics.shortest_document.min(self.current),
        };
        self.documents += 1;
        self.current = 0;
    }

    /// Whether every document has ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.current == 0
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.statistics.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_count_as_the_whole() {
        let text = "año\nहिन्दी\nx ".repeat(400);
        let mut whole = TextCount::default();
        whole.add(text.as_bytes());
        whole.end();
        let mut pieces = TextCount::default();
        text.as_bytes().chunks(7).for_each(|piece| pieces.add(piece));
        assert!(!pieces.is_complete());
        pieces.end();
        assert_eq!(whole, pieces);
        let statistics = whole.statistics();
        assert_eq!(statistics.characters, text.chars().count() as u64);
        assert_eq!(statistics.line_feeds, 800);
        assert_eq!(statistics.non_ascii_bytes, text.bytes().filter(|byte| *byte >= 128).count() as u64);
        pieces.add(b"ab");
        pieces.end();
        let statistics = pieces.statistics();
        assert_eq!((statistics.shortest_document, statistics.longest_document), (2, text.len() as u64));
        assert_eq!((pieces.documents, pieces.bytes), (2, text.len() as u64 + 2));
    }
}
