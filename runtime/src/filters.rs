//! Which calls the chain refuses, and which ones no pause can reach.
//!
//! `SafeMode` stops every call that [`SafeModeExempt`] does not list; `TxPause` stops single calls by name. Neither may
//! stop what a deadline of the protocol depends on, nor what governance needs to end the pause.

use crate::{RuntimeCall, SafeMode, TxPause};
use frame_support::traits::{CallMetadata, Contains, Get, GetCallMetadata, InsideBoth};

/// Pallets without which no block could be made, no equivocation reported and no pause ended.
pub const EXEMPT_PALLETS: [&str; 15] = [
    "System",
    "Timing",
    "Timestamp",
    "Babe",
    "Grandpa",
    "Session",
    "Validators",
    "Preimage",
    "Scheduler",
    "Referenda",
    "ConvictionVoting",
    "Whitelist",
    "SafeMode",
    "TxPause",
    "MultiBlockMigrations",
];

/// Protocol calls that have a deadline, or that keep one from being missed, and the DAO's power over runs and
/// claims.
pub const EXEMPT_CALLS: [(&str, &str); 31] = [
    ("Training", "ready"),
    ("Training", "drain"),
    ("Training", "poke"),
    ("Training", "commit"),
    ("Training", "report"),
    ("Training", "post_root"),
    ("Training", "seal"),
    ("Training", "publish"),
    ("Training", "reveal"),
    ("Training", "pause_run"),
    ("Training", "resume_run"),
    ("Training", "stop_run"),
    ("Disputes", "challenge"),
    ("Disputes", "name_claim"),
    ("Disputes", "answer"),
    ("Disputes", "press"),
    ("Disputes", "judge"),
    ("Disputes", "time_out"),
    ("Disputes", "close"),
    ("Disputes", "refute_stream"),
    ("Allocation", "pause"),
    ("Allocation", "resume"),
    ("Allocation", "stop"),
    ("Datasets", "reveal_claim"),
    ("Datasets", "poke"),
    ("Datasets", "ready_curator"),
    ("Datasets", "drain_curator"),
    ("Datasets", "seal_vote"),
    ("Datasets", "reveal_vote"),
    ("Datasets", "appeal"),
    ("Datasets", "arbitrate"),
];

/// Protocol calls that can be paused. While one is, the protocol's clocks stand still: a worker that has lost its hot
/// key, say, cannot meet a deadline without `update_worker`.
pub const CLOCK_STOPPING_CALLS: [(&str, &str); 1] = [("Training", "update_worker")];

/// Whether neither `SafeMode` nor `TxPause` may stop `pallet.call`.
pub fn is_exempt(pallet: &str, call: &str) -> bool {
    EXEMPT_PALLETS.contains(&pallet) || EXEMPT_CALLS.contains(&(pallet, call))
}

/// Every call except `balances.burn`: issuance changes by `Dap` and by penalties only, so that it can be accounted for.
pub struct NoBurn;

impl Contains<RuntimeCall> for NoBurn {
    fn contains(call: &RuntimeCall) -> bool {
        !matches!(call, RuntimeCall::Balances(pallet_balances::Call::burn { .. }))
    }
}

/// What every origin but Root passes through. Calls inside `utility`, `proxy` and `multisig` are filtered once more.
pub type BaseCallFilter = InsideBoth<NoBurn, InsideBoth<SafeMode, TxPause>>;

/// What may be called in safe mode.
pub struct SafeModeExempt;

impl Contains<RuntimeCall> for SafeModeExempt {
    fn contains(call: &RuntimeCall) -> bool {
        let CallMetadata { pallet_name, function_name } = call.get_call_metadata();
        is_exempt(pallet_name, function_name)
            // These only carry other calls, which are filtered on their own.
            || matches!(call, RuntimeCall::Utility(_) | RuntimeCall::Multisig(_) | RuntimeCall::Proxy(_))
    }
}

/// What `TxPause` can never pause.
pub struct TxPauseExempt;

impl Contains<pallet_tx_pause::RuntimeCallNameOf<crate::Runtime>> for TxPauseExempt {
    fn contains((pallet, call): &pallet_tx_pause::RuntimeCallNameOf<crate::Runtime>) -> bool {
        match (core::str::from_utf8(pallet), core::str::from_utf8(call)) {
            (Ok(pallet), Ok(call)) => is_exempt(pallet, call),
            _ => false,
        }
    }
}

/// Whether the protocol's clocks stand still: in safe mode, and while a call of [`CLOCK_STOPPING_CALLS`] is paused.
pub struct ProtocolPaused;

impl Get<bool> for ProtocolPaused {
    fn get() -> bool {
        SafeMode::is_entered()
            || CLOCK_STOPPING_CALLS.iter().any(|(pallet, call)| {
                TxPause::is_paused_unbound(pallet.as_bytes().to_vec(), call.as_bytes().to_vec())
            })
    }
}
