//! The protocol's own constants, and the values that a specification starts from: the one place for both.
//!
//! `sabha-worker simulate` prints the figures that the reasons below quote; `docs/simulation.md` has the commands.

use crate::{Balance, UNITS};

/// Rounds of a run that are open and not final. The next one may run on top of one whose window is open, and one void wastes no
/// more work than that.
pub const UNFINALISED: u32 = 2;

/// Sessions between the freeze of an eligible set and the randomness that draws from it: the randomness of a session is known
/// one session ahead, so it was unknown to whoever joined, left or committed before the freeze.
pub const DRAW_LAG: u32 = 2;

/// Sessions for which a frozen set and its randomness are kept. A draw that was not made by then is frozen anew.
pub const RETAINED: u32 = 8;

/// Candidates that one draw looks at: where half of the tickets can take it, it finds nobody once in 2^32.
pub const CANDIDATES: u32 = 32;

/// Panels of attesters that are drawn one after another, until one reports.
pub const PANELS: u8 = 2;

/// Aggregators that are drawn one after another, until one posts a root.
pub const TURNS: u8 = 4;

/// Attempts in a row that end without a checkpoint before the run is paused for its owner.
pub const VOIDS_IN_A_ROW: u8 = 3;

/// How often a slot is given out in one attempt at a round.
pub const TRIES: u16 = 3;

/// The stake that one ticket of a draw stands for, and the least stake of a worker.
pub const TICKET: Balance = 100 * UNITS;

/// Most tickets of one worker: bounds what joining and leaving write. More stake takes more workers.
pub const TICKETS: u16 = 64;

/// The bond of a challenge.
pub const CHALLENGE_BOND: Balance = 10 * UNITS;
