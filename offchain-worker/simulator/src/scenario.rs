//! What is played.

use sabha_protocol::{
    Balance, Digest, NUMERICS_EXACT, SpecError, UNITS, defaults,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, RoundSpec, RunSpec},
};
use serde::Serialize;

/// What a dishonest worker does. In everything else it is honest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cheat {
    /// Nothing.
    #[default]
    None,
    /// Trains nothing and commits noise.
    Skip,
    /// Fakes [`Scenario::faked`] of a slot's segments.
    Poison,
    /// Commits a divergence instead of training.
    FalseDivergence,
    /// Trains, but lets nobody have the update.
    WithholdUpdate,
    /// Fakes everything, and does not publish the leaves when it is audited.
    WithholdLeaves,
    /// Commits nothing.
    MissDeadlines,
    /// Audits nothing, and says what the worker says. As many other workers train nothing.
    LazyAuditor,
    /// Audits nothing, and seals what another auditor sealed.
    CopySeal,
    /// Seals, and does not reveal.
    SilentAuditor,
    /// Says of every honest slot it audits that it is wrong.
    SlanderingAuditor,
}

impl Cheat {
    /// Every cheat.
    pub const ALL: [Self; 10] = [
        Self::Skip,
        Self::Poison,
        Self::FalseDivergence,
        Self::WithholdUpdate,
        Self::WithholdLeaves,
        Self::MissDeadlines,
        Self::LazyAuditor,
        Self::CopySeal,
        Self::SilentAuditor,
        Self::SlanderingAuditor,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Skip => "skip",
            Self::Poison => "poison",
            Self::FalseDivergence => "false-divergence",
            Self::WithholdUpdate => "withhold-update",
            Self::WithholdLeaves => "withhold-leaves",
            Self::MissDeadlines => "miss-deadlines",
            Self::LazyAuditor => "lazy-auditor",
            Self::CopySeal => "copy-seal",
            Self::SilentAuditor => "silent-auditor",
            Self::SlanderingAuditor => "slandering-auditor",
        }
    }

    /// Whether it is committed in an audit rather than in a slot.
    pub fn is_in_audits(self) -> bool {
        matches!(self, Self::LazyAuditor | Self::CopySeal | Self::SilentAuditor | Self::SlanderingAuditor)
    }
}

impl std::str::FromStr for Cheat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = || [Self::None].into_iter().chain(Self::ALL);
        all().find(|cheat| cheat.name() == name).ok_or_else(|| {
            let names: Vec<&str> = all().map(Self::name).collect();
            format!("there is no cheat `{name}`: the cheats are {}", names.join(", "))
        })
    }
}

/// What is played.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// Workers of each run.
    pub workers: u32,
    /// The stake of each, in units of 10^-12 SBH. What is slashed is put in again, so that shares stay.
    #[serde(serialize_with = "crate::report::units")]
    pub stake: Balance,
    /// Runs played side by side, with seeds that follow each other.
    pub runs: u32,
    /// Attempts at rounds that each run opens.
    pub rounds: u32,
    /// What the dishonest ones do.
    pub cheat: Cheat,
    /// Their share of all workers, in parts per million.
    pub cheats: u32,
    /// Segments that [`Cheat::Poison`] fakes in a slot.
    pub faked: u32,
    /// Share of all workers that vouch for faked slots when they audit them, in parts per million. The dishonest ones are among them.
    pub colluders: u32,
    /// Probability that somebody outside looks at a faked slot and challenges it, in parts per million.
    pub watched: u32,
    /// Slots of a round.
    pub slots: u16,
    /// Segments of a slot.
    pub segments: u16,
    /// The part of the specification that is about audits.
    pub auditors: u16,
    /// Audited segments of a slot.
    pub audited: u16,
    /// What a slot pays, in units of 10^-12 SBH.
    #[serde(serialize_with = "crate::report::units")]
    pub price: Balance,
    /// What a slot reserves, in units of 10^-12 SBH.
    #[serde(serialize_with = "crate::report::units")]
    pub stake_per_slot: Balance,
    /// What an auditor is paid, in units of 10^-12 SBH.
    #[serde(serialize_with = "crate::report::units")]
    pub auditor_price: Balance,
    /// What an auditor reserves, in units of 10^-12 SBH.
    #[serde(serialize_with = "crate::report::units")]
    pub auditor_stake: Balance,
    /// Blocks of a session.
    pub session: u32,
    /// Of everything random.
    pub seed: u64,
}

impl Default for Scenario {
    /// The protocol's defaults, a tenth of cheats, half of all auditors in collusion with them.
    fn default() -> Self {
        Self {
            workers: 1_000,
            stake: 2 * defaults::TICKET,
            runs: 4,
            rounds: 500,
            cheat: Cheat::None,
            cheats: 100_000,
            faked: 1,
            colluders: 500_000,
            watched: 0,
            slots: defaults::rounds(1, 1, 1, 1).slots,
            segments: 20,
            auditors: defaults::AUDIT.auditors,
            audited: defaults::AUDIT.segments,
            price: defaults::PRICE_PER_SLOT,
            stake_per_slot: defaults::STAKE_PER_SLOT,
            auditor_price: defaults::AUDIT.auditor_price,
            auditor_stake: defaults::AUDIT.auditor_stake,
            session: 20,
            seed: 1,
        }
    }
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// A number is out of its range.
    #[error("{field} is {value}: it must be from {min} to {max}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// What was given.
        value: u128,
        /// The least accepted value.
        min: u128,
        /// The greatest accepted value.
        max: u128,
    },
    /// The dishonest ones collude, so they are among the colluders.
    #[error(
        "colluders are {colluders} and cheats {cheats} per million: cheats collude with themselves, so there are at least as many"
    )]
    Colluders {
        /// Colluding workers per million.
        colluders: u32,
        /// Cheating workers per million.
        cheats: u32,
    },
    /// Somebody wants the simulation to end.
    #[error("stopped")]
    Stopped,
    /// The terms are none that a run can have.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

impl Scenario {
    /// Checks that the scenario can be played.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let within = |field, value: u128, min: u128, max: u128| {
            let fits = (min..=max).contains(&value);
            fits.then_some(()).ok_or(ScenarioError::OutOfRange { field, value, min, max })
        };
        within("workers", self.workers.into(), 1, 100_000)?;
        within("runs", self.runs.into(), 1, 1_000)?;
        within("rounds", self.rounds.into(), 1, 1_000_000)?;
        within("cheats", self.cheats.into(), 0, 1_000_000)?;
        within("colluders", self.colluders.into(), 0, 1_000_000)?;
        within("watched", self.watched.into(), 0, 1_000_000)?;
        within("faked", self.faked.into(), 1, self.segments.into())?;
        within("session", self.session.into(), 1, 100_000)?;
        within("stake", self.stake, defaults::TICKET, defaults::TICKET * Balance::from(defaults::TICKETS))?;
        within("stake_per_slot", self.stake_per_slot, 1, self.stake)?;
        within("auditor_stake", self.auditor_stake, 1, self.stake)?;
        // So that no sum of a long simulation overflows.
        within("price", self.price, 1, 1_000_000_000 * UNITS)?;
        within("auditor_price", self.auditor_price, 0, 1_000_000_000 * UNITS)?;
        if self.colluders < self.cheats {
            return Err(ScenarioError::Colluders { colluders: self.colluders, cheats: self.cheats });
        }
        Ok(self.spec().check()?)
    }

    /// The specification that the runs have.
    pub fn spec(&self) -> RunSpec {
        RunSpec {
            numerics_version: NUMERICS_EXACT,
            seed: self.seed,
            initial_checkpoint: None,
            price_per_slot: self.price,
            stake_per_slot: self.stake_per_slot,
            // Nothing is trained: the smallest model that is one.
            model: ModelSpec {
                vocabulary: 16,
                width: 16,
                layers: 1,
                heads: 2,
                feed_forward: 32,
                context: 8,
                rope_base: 10_000.0.into(),
                norm_epsilon: 1e-5.into(),
                tied_embedding: true,
            },
            optimiser: OptimiserSpec {
                peak_rate: 0.01.into(),
                floor_rate: 0.001.into(),
                warmup_steps: 0,
                inner_warmup_steps: 0,
                beta1: 0.9.into(),
                beta2: 0.95.into(),
                epsilon: 1e-8.into(),
                weight_decay: 0.1.into(),
                clip_norm: 1.0.into(),
            },
            outer: defaults::OUTER,
            data: DataSpec {
                stream: Digest([0; 32]),
                tokens: 64,
                token_bytes: 1,
                heldout_tokens: 16,
                sources: Default::default(),
            },
            rounds: RoundSpec {
                slots: self.slots,
                quorum: self.slots.div_ceil(2),
                // The number of attempts ends a run, not that of rounds.
                ..defaults::rounds(1_000_000, self.segments.into(), 1, 1)
            },
            audit: AuditSpec {
                auditors: self.auditors,
                segments: self.audited,
                auditor_price: self.auditor_price,
                auditor_stake: self.auditor_stake,
                ..defaults::AUDIT
            },
            clocks: ClockSpec { ..defaults::CLOCKS },
        }
    }

    /// How many segments of a slot the cheat fakes.
    pub fn faked_segments(&self) -> u32 {
        match self.cheat {
            Cheat::Skip | Cheat::WithholdLeaves | Cheat::LazyAuditor => self.segments.into(),
            Cheat::Poison => self.faked,
            _ => 0,
        }
    }
}
