//! Datasets: what is claimed, who judges it, and what a claim comes to.
//!
//! ```text
//!  commit      reveal         panel drawn       all sealed,     all revealed,      retention over,
//!  (a seal)    (the shards)   two sessions on   or time is up   or time is up      no appeal
//! ────► Committed ───► Drawing ───► Sealing ───► Revealing ───► Judged ──────────────────────────► settled
//!                        ▲              no quorum │      │        │ appeal      ▲
//!                        └── next panel, at most 3 ◄─────┘        └─► Appealed ─┘  the arbiter decides
//!                                                               ▲        │ its time is up
//!                                                               └────────┘
//! ```
//!
//! Every arrow that waits for time alone can be followed by anybody, so nobody's silence keeps a claim: [`due`] says which one is. Two more need
//! something else: from Committed to Drawing, if the budget did not cover what was told, it must do so; and from Judged to Drawing, if no panel had
//! a quorum, the claimant must ask for it.
//!
//! | module | subject |
//! |---|---|
//! | [`words`] | titles, languages, licences, locators: what is well formed |
//! | [`claim`] | what is claimed, its seal, its bond |
//! | [`vote`] | votes, their seals, the median, what is far from it |
//! | [`panel`] | the life of a claim: stages, what is due, who did what |

pub mod claim;
pub mod panel;
pub mod vote;
pub mod words;

pub use claim::{Content, ContentError, bond};
pub use panel::{Conduct, Due, Outcome, Ruling, Seat, SeatState, Stage, due};
pub use vote::{Vote, median};

use crate::{Balance, Digest, UNITS};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A dataset on the chain.
pub type DatasetId = u32;
/// A claim on the chain.
pub type ClaimId = u32;

/// Bytes of a shard; the last one of a claim may be shorter.
pub const SHARD_BYTES: u64 = 1 << 20;

/// Most shards of one claim: what one transaction may register, a gibibyte. More data takes more claims.
pub const MAX_SHARDS: u32 = 1024;

/// Most curators of a panel.
pub const MAX_PANEL: u16 = 15;

/// Fewest curators of a panel: two who agree outvote one.
pub const MIN_PANEL: u16 = 3;

/// Panels that are drawn one after another, until one has a quorum. A claim that none had one for can have as many again.
pub const PANELS: u8 = 3;

/// A whole, in the unit of accepted fractions.
pub const WHOLE: u16 = 10_000;

/// The best quality.
pub const BEST: u8 = 100;

/// How far from the median a vote may be. Three standard deviations of a sample of 64 of a claim of which half is good: 19 %.
pub const TOLERANCE: u16 = 2_000;

/// A claim of which less than this is accepted is false: its bond is lost.
pub const FALSE_BELOW: u16 = 1_000;

/// The least bond of a claim, and what each gibibyte adds to it.
pub const CLAIM_BOND: Balance = UNITS;

/// What data is made of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Modality {
    /// Running text.
    Text,
    /// Images, labelled or not.
    Image,
    /// Sound.
    Audio,
    /// Anything else.
    Other,
}

/// What data is counted and paid in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Unit {
    /// 2^20 bytes.
    Mebibyte,
    /// One image, document or other item.
    Item,
    /// A second of sound.
    Second,
}

/// Where accepted data is registered.
pub trait Sources {
    /// The dataset in which the data with this manifest root was accepted, and how many bytes it has; none if it was not.
    fn dataset_of(manifest: &Digest) -> Option<(DatasetId, u64)>;
}

/// No data was ever accepted.
impl Sources for () {
    fn dataset_of(_: &Digest) -> Option<(DatasetId, u64)> {
        None
    }
}
