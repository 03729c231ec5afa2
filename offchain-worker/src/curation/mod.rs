//! What a curator does: look at a sample of a claim that nobody could foresee, vote, keep the seal, reveal.
//!
//! | module | subject |
//! |---|---|
//! | [`source`] | where a claim's data comes from: its locators, as far as they are to be trusted |
//! | [`look`] | the sample, and what it tells |
//! | [`votes`] | sealing and revealing, so that neither a crash nor a second process makes two votes of one |
//! | [`plan`] | what is to be done next, and how long it may take |
//! | [`serve`] | all of it, by itself |

pub mod look;
pub mod plan;
pub mod serve;
pub mod source;
pub mod votes;

pub use look::{Looked, Options};
pub use source::Source;
pub use votes::VoteRecord;
