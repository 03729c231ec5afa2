//! What the DAO and the crowd decide about compute: which runs there are, and which of them opens its next round.
//!
//! - [`campaign`]: the money of a run, from the first pledge to the last refund.
//! - [`quadratic`]: what the matching pot adds, by how many accounts want a run.
//! - [`stride`]: whose turn it is where not every run can be at work.
//! - [`fraction`]: products and quotients without rounding twice.

pub mod campaign;
pub mod fraction;
pub mod quadratic;
pub mod stride;

pub use campaign::{Campaign, CampaignError, Decision, Pledge, Refund, Stage};
pub use quadratic::{MatchingTerms, Support};
pub use stride::{Entry, Room, Schedule};

#[cfg(test)]
mod tests;
