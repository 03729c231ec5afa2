//! Who may do what: the origins that referenda take, and the tracks on which they are decided.
//!
//! | track | origin | what for |
//! |---|---|---|
//! | 0 | Root | upgrades, anything |
//! | 1 | WhitelistedCaller | an urgent call that EmergencyCanceller has whitelisted, run as Root |
//! | 2 | TreasurySpender | treasury, bounties |
//! | 3 | ComputeAllocator | shares and budgets of compute, pausing and stopping runs |
//! | 4 | DatasetArbiter | appeals and budgets of datasets |
//! | 5 | ValidatorManager | admitting and removing validators |
//! | 6 | ParameterAdmin | durations, registrars, the split of new tokens |
//! | 7 | EmergencyCanceller | cancelling referenda, safe mode, pausing calls |

mod origins;
mod tracks;

pub use origins::{
    RootOrComputeAllocator, RootOrDatasetArbiter, RootOrEmergencyCanceller, RootOrParameterAdmin,
    RootOrTreasurySpender, RootOrValidatorManager, RootOrWhitelistedCaller, TreasurySpend, WithSafeModeSpan,
};
pub use tracks::{TRACK_COUNT, TrackId, Tracks};
