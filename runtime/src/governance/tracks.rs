//! The tracks: which origin is decided where, how long it takes and how much agreement it needs.
//!
//! Clocks are multiples of the ones that `Timing` holds for the ComputeAllocator track, so that one genesis value makes
//! a referendum take minutes on a development chain and weeks on the live one.

use crate::{Balance, BlockNumber, OriginCaller, Runtime, UNITS};
use alloc::borrow::Cow;
use pallet_referenda::{Curve, Track, TrackInfo, TracksInfo};
use pallet_sabha_origins::Origin;
use pallet_sabha_timing::{Durations, ReferendumClocks};
use sp_runtime::{FixedI64, str_array};

/// The number of a track, as clients see it.
pub type TrackId = u16;

/// How many tracks there are; they are numbered from zero.
pub const TRACK_COUNT: TrackId = SHAPES.len() as TrackId;

/// A ratio of the ComputeAllocator track's clock.
#[derive(Clone, Copy)]
struct Times(u32, u32);

impl Times {
    /// The clock in blocks, at least one.
    fn of(self, blocks: BlockNumber) -> BlockNumber {
        let scaled = u64::from(blocks) * u64::from(self.0) / u64::from(self.1.max(1));
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    }
}

/// What is fixed about a track.
struct Shape {
    name: &'static str,
    max_deciding: u32,
    decision_deposit: Balance,
    prepare: Times,
    decide: Times,
    confirm: Times,
    enact: Times,
    min_approval: Curve,
    min_support: Curve,
}

const fn percent(value: u128) -> FixedI64 {
    FixedI64::from_rational(value, 100)
}

/// Falls in a straight line from `ceil` percent to `floor` percent over the whole decision period.
const fn linear(floor: u128, ceil: u128) -> Curve {
    Curve::make_linear(100, 100, percent(floor), percent(ceil))
}

/// Falls from `ceil` percent, fast at first: `level` percent when `delay` percent of the period are over, `floor`
/// percent at its end.
const fn reciprocal(delay: u128, level: u128, floor: u128, ceil: u128) -> Curve {
    Curve::make_reciprocal(delay, 100, percent(level), percent(floor), percent(ceil))
}

/// By track number. Approval is the ayes' share of conviction-weighted votes, support the ayes' share of all tokens
/// that could vote. The wider an origin's power, the slower its track and the more support it takes.
const SHAPES: [Shape; 8] = [
    Shape {
        name: "root",
        max_deciding: 1,
        decision_deposit: 10_000 * UNITS,
        prepare: Times(2, 1),
        decide: Times(2, 1),
        confirm: Times(2, 1),
        enact: Times(24, 1),
        min_approval: reciprocal(15, 80, 50, 100),
        min_support: linear(2, 50),
    },
    // Two votes lead here: EmergencyCanceller must have whitelisted the call. What remains is to be quick.
    Shape {
        name: "whitelisted_caller",
        max_deciding: 10,
        decision_deposit: 1_000 * UNITS,
        prepare: Times(1, 2),
        decide: Times(2, 1),
        confirm: Times(1, 12),
        enact: Times(1, 6),
        min_approval: reciprocal(15, 75, 50, 100),
        min_support: reciprocal(10, 10, 2, 50),
    },
    Shape {
        name: "treasury_spender",
        max_deciding: 20,
        decision_deposit: 2_000 * UNITS,
        prepare: Times(2, 1),
        decide: Times(2, 1),
        confirm: Times(2, 1),
        enact: Times(24, 1),
        min_approval: linear(50, 100),
        min_support: linear(1, 50),
    },
    Shape {
        name: "compute_allocator",
        max_deciding: 50,
        decision_deposit: 500 * UNITS,
        prepare: Times(1, 1),
        decide: Times(1, 1),
        confirm: Times(1, 1),
        enact: Times(1, 1),
        min_approval: reciprocal(20, 65, 50, 100),
        min_support: reciprocal(20, 5, 1, 50),
    },
    Shape {
        name: "dataset_arbiter",
        max_deciding: 50,
        decision_deposit: 500 * UNITS,
        prepare: Times(1, 1),
        decide: Times(1, 1),
        confirm: Times(1, 1),
        enact: Times(1, 1),
        min_approval: reciprocal(20, 65, 50, 100),
        min_support: reciprocal(20, 5, 1, 50),
    },
    Shape {
        name: "validator_manager",
        max_deciding: 10,
        decision_deposit: 1_000 * UNITS,
        prepare: Times(1, 1),
        decide: Times(1, 1),
        confirm: Times(1, 1),
        enact: Times(1, 6),
        min_approval: linear(50, 100),
        min_support: reciprocal(20, 10, 2, 50),
    },
    Shape {
        name: "parameter_admin",
        max_deciding: 10,
        decision_deposit: 1_000 * UNITS,
        prepare: Times(2, 1),
        decide: Times(2, 1),
        confirm: Times(2, 1),
        enact: Times(6, 1),
        min_approval: linear(50, 100),
        min_support: linear(2, 50),
    },
    // Stopping things does less harm than doing them: quick, but never by a narrow majority.
    Shape {
        name: "emergency_canceller",
        max_deciding: 20,
        decision_deposit: 2_000 * UNITS,
        prepare: Times(1, 6),
        decide: Times(1, 1),
        confirm: Times(1, 4),
        enact: Times(1, 6),
        min_approval: reciprocal(10, 75, 60, 100),
        min_support: reciprocal(10, 10, 2, 50),
    },
];

impl Shape {
    fn info(&self, clocks: &ReferendumClocks) -> TrackInfo<Balance, BlockNumber> {
        TrackInfo {
            name: str_array(self.name),
            max_deciding: self.max_deciding,
            decision_deposit: self.decision_deposit,
            prepare_period: self.prepare.of(clocks.prepare),
            decision_period: self.decide.of(clocks.decide),
            confirm_period: self.confirm.of(clocks.confirm),
            min_enactment_period: self.enact.of(clocks.enact),
            min_approval: self.min_approval.clone(),
            min_support: self.min_support.clone(),
        }
    }
}

fn clocks() -> ReferendumClocks {
    let durations: Durations = pallet_sabha_timing::Pallet::<Runtime>::durations();
    durations.referendum
}

/// The tracks of this chain, with the clocks that `Timing` holds now.
pub struct Tracks;

impl TracksInfo<Balance, BlockNumber> for Tracks {
    type Id = TrackId;
    type RuntimeOrigin = OriginCaller;

    fn tracks() -> impl Iterator<Item = Cow<'static, Track<TrackId, Balance, BlockNumber>>> {
        let clocks = clocks();
        SHAPES.iter().zip(0..).map(move |(shape, id)| Cow::Owned(Track { id, info: shape.info(&clocks) }))
    }

    fn track_for(origin: &OriginCaller) -> Result<TrackId, ()> {
        match origin {
            OriginCaller::system(frame_system::RawOrigin::Root) => Ok(0),
            OriginCaller::Origins(origin) => Ok(match origin {
                Origin::WhitelistedCaller => 1,
                Origin::TreasurySpender => 2,
                Origin::ComputeAllocator => 3,
                Origin::DatasetArbiter => 4,
                Origin::ValidatorManager => 5,
                Origin::ParameterAdmin => 6,
                Origin::EmergencyCanceller => 7,
            }),
            _ => Err(()),
        }
    }

    /// One track, without making the others: referenda ask for it in every step.
    fn info(id: TrackId) -> Option<Cow<'static, TrackInfo<Balance, BlockNumber>>> {
        SHAPES.get(usize::from(id)).map(|shape| Cow::Owned(shape.info(&clocks())))
    }
}
