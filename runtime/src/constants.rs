//! Every number that the configurations share, in one place. Durations are not here: they come from genesis (pallet
//! `Timing`), so that one Wasm serves every chain.

/// The token.
pub mod currency {
    use crate::Balance;

    /// One SBH in plancks: 12 decimals.
    pub const UNITS: Balance = 1_000_000_000_000;
    /// A thousandth of an SBH.
    pub const MILLI: Balance = UNITS / 1_000;
    /// A millionth of an SBH.
    pub const MICRO: Balance = UNITS / 1_000_000;
    /// The symbol that wallets show.
    pub const SYMBOL: &str = "SBH";
    /// How many decimals one SBH has.
    pub const DECIMALS: u8 = 12;
    /// Below this an account is removed: 0.01 SBH.
    pub const EXISTENTIAL_DEPOSIT: Balance = UNITS / 100;
    /// Prefix of addresses: Substrate's general one, until one is registered.
    pub const SS58_PREFIX: u16 = 42;

    /// Returned when the item is removed: 0.1 SBH for every item of storage, 0.0001 SBH for every byte, so that a
    /// gibibyte of state takes about 100,000 SBH out of circulation.
    pub const fn deposit(items: u32, bytes: u32) -> Balance {
        items as Balance * 100 * MILLI + bytes as Balance * 100 * MICRO
    }
}

/// What fits into a block.
pub mod block {
    use frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_SECOND};
    use sp_runtime::Perbill;

    /// Two seconds of reference time. Proof size is no limit on a chain that makes no proofs.
    pub const MAXIMUM_WEIGHT: Weight = Weight::from_parts(2 * WEIGHT_REF_TIME_PER_SECOND, u64::MAX);
    /// Bytes.
    pub const MAXIMUM_LENGTH: u32 = 5 * 1024 * 1024;
    /// What ordinary transactions may fill; the rest is for operational ones: commitments, pokes, moves of disputes.
    pub const NORMAL_RATIO: Perbill = Perbill::from_percent(75);
    /// How many hashes of past blocks are kept; also the longest life of a mortal transaction.
    pub const HASH_COUNT: u32 = 4096;
}

/// What transactions cost. A transfer comes to about 0.001 SBH (`tests::fees` computes it).
pub mod fees {
    use super::currency::MICRO;
    use crate::Balance;
    use sp_runtime::Perbill;

    /// For each byte of an encoded transaction.
    pub const PER_BYTE: Balance = MICRO;
    /// For each microsecond of reference time. A transfer weighs about 465 microseconds, base and extensions included.
    pub const PER_MICROSECOND: Balance = 185 * MICRO / 100;
    /// The treasury's share; the author of the block has the rest, and all tips.
    pub const TREASURY_SHARE: Perbill = Perbill::from_percent(80);
    /// An operational transaction's priority: what it adds to the tip, in multiples of its fee.
    pub const OPERATIONAL_MULTIPLIER: u8 = 5;
    /// Above this share of a full block fees rise, below it they fall, never under one times the figures above.
    pub const TARGET_FULLNESS_PERCENT: u32 = 25;
}

/// How many tokens there are, and how many are added.
pub mod issuance {
    use super::currency::UNITS;
    use crate::Balance;
    use sp_runtime::Perbill;

    /// The live chain's supply at genesis.
    pub const LIVE_SUPPLY: Balance = 1_000_000_000 * UNITS;
    /// A Julian year in milliseconds.
    pub const YEAR_MS: u64 = 31_557_600_000;
    /// New tokens in the first year, as a share of the supply at genesis.
    pub const FIRST_RATE: Perbill = Perbill::from_percent(8);
    /// Years until the rate is halved, and halved again.
    pub const HALVING_YEARS: u64 = 4;
    /// The rate never falls below this.
    pub const FLOOR_RATE: Perbill = Perbill::from_percent(1);
    /// Tokens are minted at most once in so many milliseconds.
    pub const CADENCE_MS: u64 = 60_000;
    /// No single mint covers more than this: a chain that stood still mints nothing for most of that time.
    pub const MAX_ELAPSED_MS: u64 = 3_600_000;

    /// Who the new tokens are for, in percent. Governance may change the split (`dap.setBudgetAllocation`).
    pub const BUDGET: [(&[u8], u32); 5] =
        [(b"validators", 20), (b"datasets", 30), (b"matching", 30), (b"curators", 5), (b"treasury", 15)];
}

/// One account per pot. Each is endowed with the existential deposit at genesis, so that no payment into it can fail.
pub mod pots {
    use frame_support::PalletId;

    /// Rewards for making blocks.
    pub const VALIDATORS: PalletId = PalletId(*b"sb/valid");
    /// What accepted data is paid from.
    pub const DATASETS: PalletId = PalletId(*b"sb/datas");
    /// What quadratic funding adds to pledges.
    pub const MATCHING: PalletId = PalletId(*b"sb/match");
    /// What judging data is paid from.
    pub const CURATORS: PalletId = PalletId(*b"sb/curat");
    /// What reward pools have.
    pub const REWARD_POOL: PalletId = PalletId(*b"sb/pools");
    /// The budgets of training runs.
    pub const TRAINING: PalletId = PalletId(*b"sb/train");
    /// What is pledged to proposals.
    pub const ALLOCATION: PalletId = PalletId(*b"sb/alloc");
    /// What forks were paid for their parents.
    pub const MODELS: PalletId = PalletId(*b"sb/model");
    /// The treasury.
    pub const TREASURY: PalletId = PalletId(*b"sb/treas");
}

/// What must be put at stake.
pub mod bonds {
    use super::currency::UNITS;
    use crate::Balance;

    /// The least stake of a worker, and what one ticket in the draws stands for.
    pub const WORKER: Balance = 100 * UNITS;
    // What clients and the simulator count tickets by.
    const _: () = assert!(WORKER == sabha_protocol::defaults::TICKET);
    // More than the defender's moves cost it if every one is refused: twenty of a tenth of an SBH or less. And half of it is lost by
    // whoever challenges itself.
    /// What is on hold for a challenge.
    pub const CHALLENGE: Balance = 10 * UNITS;
    // What the economics of a run count with: silence costs an auditor more than a challenge that it loses.
    const _: () = assert!(CHALLENGE == sabha_protocol::defaults::CHALLENGE_BOND);
    /// The least stake of a curator, and what one ticket in the draws stands for.
    pub const CURATOR: Balance = 100 * UNITS;
    // A curator of the least stake sits on ten panels at a time; its seats are settled two weeks after their votes on the live chain.
    /// What of a curator's stake answers for a seat.
    pub const CURATOR_SEAT: Balance = 10 * UNITS;
    // A tenth of what a vote far from the decision costs: who accepts whatever comes without looking loses by it if one claim in eleven is
    // false.
    /// What a sound vote is paid.
    pub const CURATOR_PAY: Balance = UNITS / 2;
    /// What is on hold for an appeal.
    pub const APPEAL: Balance = 10 * UNITS;
    /// A referendum's submission deposit, and that of a proposed run.
    pub const PROPOSAL: Balance = 10 * UNITS;
}

/// What quadratic funding adds to pledges.
pub mod matching {
    use super::currency::UNITS;
    use crate::Balance;

    // So that four proposals at least share what has been minted, whoever comes first.
    /// The most of the pot that one proposal has, in millionths.
    pub const MOST_OF_POT: u32 = 250_000;
    /// The most that one proposal has.
    pub const MOST: Balance = 1_000_000 * UNITS;
    // A record of some hundred bytes, with a place and a reward pool's: what it takes of storage is worth about a tenth of that.
    /// The least pledge.
    pub const LEAST_PLEDGE: Balance = UNITS;
}

/// What is paid for models. Of it, the treasury has what no other part takes.
pub mod revenue {
    use super::currency::UNITS;
    use crate::Balance;

    // A model is made of data and compute: they have the same.
    /// What data has of a payment for a model, in ten-thousandths.
    pub const DATA: u16 = 3_000;
    /// What compute has, in ten-thousandths.
    pub const COMPUTE: u16 = 3_000;
    // They wanted the model, and have it.
    /// What backers have, in ten-thousandths.
    pub const BACKERS: u16 = 2_000;
    // A tenth of a tenth for grandparents: enough to be glad of forks, too little to weigh a line of them down.
    /// What the model that it began from has, in ten-thousandths.
    pub const PARENTS: u16 = 1_000;
    /// The least payment.
    pub const LEAST_PAYMENT: Balance = UNITS / 10;
}

/// Sizes.
pub mod limits {
    use sp_runtime::Perbill;

    /// Validators in the active set: bounded by the time that a session's change takes.
    pub const MAX_VALIDATORS: u32 = 100;
    /// Bytes of a worker's endpoint.
    pub const MAX_ENDPOINT_LEN: u32 = 128;
    // A draw that finds nobody reads 66 records, about 0.7 ms: this is room for some hundred steps a block. The dearest step, the opening
    // of a round of 256 slots, takes 14 ms.
    /// What the training pallet's hook, and one poke, may take of a block's time.
    pub const TRAINING_WORK: Perbill = Perbill::from_percent(5);
    // Anybody may create runs, and each clock ties up the stake of whoever is drawn. Four days and four days on the live chain:
    // room for slots of days, and for careful runs, but less than the two weeks that unbonding takes in any case.
    /// Longest clocks of a run, in windows of the chain.
    pub const MAX_CLOCK_WINDOWS: u32 = 4;
    // The n-th that is open at a time puts n bonds on hold: so many come to five million SBH, half of which are burnt. It bounds storage,
    // and keeps nobody out.
    /// Challenges of one slot, or of one aggregation, that are open at a time.
    pub const MAX_CHALLENGES: u16 = 1_024;
    /// Pools of one batch of claims.
    pub const MAX_CLAIM_BATCH: u32 = 32;
    /// Bytes of a proposal's title, and of a model's name.
    pub const MAX_TITLE_LEN: u32 = 64;
    // Some 50 ms.
    /// Accounts that one call looks at once more when it settles a proposal.
    pub const MAX_COUNT: u32 = 128;
    /// Metrics of a model.
    pub const MAX_METRICS: u32 = 16;
    /// Bytes of a metric's name.
    pub const MAX_METRIC_NAME: u32 = 32;
    /// Runs that are neither stopped nor finished.
    pub const MAX_RUNS: u32 = 256;
}
