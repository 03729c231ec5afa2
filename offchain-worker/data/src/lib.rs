//! Data: text and images packed into one flat stream of tokens, reading windows of it, and what a look at it tells.
//!
//! A packed dataset is a folder of two files:
//!
//! - `stream.bin`: of text, the bytes of every document, in order, each followed by one zero byte. Text never holds a zero byte, so the
//!   bounds of documents are certain. A byte is a token. Of images, records of one size: the label as two bytes, little-endian, and the
//!   pixels, row by row, each of its channels a byte.
//! - `manifest.json`: title, language, licence, counts, the BLAKE3 of the whole stream and of each shard, and the root over the
//!   shards. A shard is a range of the stream, of [`SHARD_BYTES`] bytes except the last, so that parts can be fetched and checked
//!   one by one without keeping them twice.
//!
//! The same input gives the same bytes in both files, whenever and wherever it is packed: names are sorted by their bytes, and no time,
//! no locale and no floating-point sum is in them. The memory that is needed does not depend on the input's size.
//!
//! | module | subject |
//! |---|---|
//! | [`manifest`] | what a dataset says about itself, and whether it is so |
//! | [`pack`] | from files to a dataset |
//! | `inputs`, `text`, `jsonl`, `table`, `images` | what is packed: files in order; text; rows of JSON and of Parquet; pictures |
//! | [`stream`] | windows of a verified stream |
//! | [`origin`] | whether a run's stream can be what its sources say, by manifests alone |
//! | [`view`] | a text dataset as the tokens of a tokenizer |
//! | [`report`] | a look at data: duplicates, language, personal data, licence, size |
//! | [`sources`] | whether a run's stream is what its sources' manifests say |
//! | [`sample`] | which parts of a claim somebody looks at |

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod count;
mod error;
mod images;
mod inputs;
mod jsonl;
pub mod manifest;
pub mod origin;
pub mod pack;
pub mod report;
pub mod sample;
pub mod sources;
pub mod stream;
mod table;
#[cfg(test)]
mod testing;
mod text;
pub mod view;
mod writer;

pub use error::DataError;
pub use manifest::{Images, MANIFEST, Manifest, STREAM, Shard, Statistics, View};
pub use pack::{Format, PackOptions, PackSummary, assemble, pack};
pub use stream::{Batch, Stream};

use sabha_protocol::Digest;

/// Bytes of a shard; the last one may be shorter.
pub const SHARD_BYTES: u64 = 1 << 20;

/// The token that ends a document.
pub const END_OF_DOCUMENT: u8 = 0;

/// Bytes of a row of a table, or of a text that is tokenised at once, at most.
pub const ROW_BYTES: u64 = 64 << 20;

/// Shortens a digest for messages.
pub(crate) fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(16).collect()
}
