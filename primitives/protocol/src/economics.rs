//! Whether a specification makes cheating dearer than working, in exact whole numbers.
//!
//! A worker that fakes k of its n segments saves at most k · c. It is caught with probability p · h · P(k): p that its slot is
//! audited, h that the auditor is honest, P(k) that one of the m audited segments is a faked one. It then loses its stake S, of which
//! the part β is burnt; the rest it might get back through accomplices. So the specification must satisfy, for every k,
//!
//! ```text
//! β · S · p · h · P(k) >= k · c
//! ```
//!
//! - c = `price_per_slot` / n. Nobody takes a slot that costs more than it pays, so this is at least the true cost, and nobody has to
//!   declare one.
//! - p = min(auditors, slots) / slots. Where a slot has several auditors only one is counted.
//! - P(k) >= max(m / n, 1 - C(n-k, m) / N), N being the number of sets that [`crate::audit::sample`] chooses from: whichever k segments
//!   are faked. As N <= C(n, m), this is never above the 1 - C(n-k, m) / C(n, m) of independent draws, and exact for k = 1.
//! - β: [`crate::money::percent::BURNT`]. h: [`Assumptions::honest`].
//!
//! Faking everything (k = n) needs S >= price / (β · p · h) and is nearly always the worst. A permissionless challenge catches the
//! single segment that random audits miss; it is not counted here.

use crate::{
    Balance, RunSpec, amount,
    audit::{can_sample, samples},
    defaults, money,
    wide::Wide,
};

/// What must be assumed of those who are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumptions {
    /// The share of drawn auditors that execute what they are drawn for, in parts per million.
    pub honest: u32,
}

impl Default for Assumptions {
    /// Half: whoever has more than half of all stake can do worse than cheat a run.
    fn default() -> Self {
        Self { honest: 500_000 }
    }
}

/// Why a specification does not make cheating dear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EconomicsError {
    /// Nobody audits.
    #[error(
        "audit.auditors is {auditors} with audit.segments {segments}: a result that nobody executes again costs nothing to fake; \
         draw at least 1 auditor for at least 1 segment"
    )]
    Unaudited {
        /// Auditors of a round.
        auditors: u16,
        /// Audited segments of a slot.
        segments: u16,
    },
    /// Nobody says which updates are there.
    #[error(
        "audit.attesters is 0 with rounds.slots {slots}: an update that nobody can fetch would count, be paid, and be asked of \
         the aggregator; draw at least 1 attester"
    )]
    Unattested {
        /// Slots of a round.
        slots: u16,
    },
    /// Faking pays.
    #[error(
        "stake_per_slot is {} SBH: faking segments would pay; take at least {} SBH, more auditors, or a lower price_per_slot",
        amount::display(*stake),
        amount::display(*least)
    )]
    StakeTooLow {
        /// What a slot reserves.
        stake: Balance,
        /// The least that a slot must reserve.
        least: Balance,
    },
    /// No stake is enough.
    #[error("price_per_slot is {} SBH: no stake makes faking such a slot dear; lower it", amount::display(*.0))]
    PriceTooHigh(Balance),
    /// Auditing does not pay.
    #[error(
        "audit.auditor_price is {} SBH: executing {segments} segments again costs up to {} SBH; pay at least that, or audit fewer",
        amount::display(*price),
        amount::display(*least)
    )]
    AuditorPrice {
        /// What an auditor is paid.
        price: Balance,
        /// What its segments cost at most.
        least: Balance,
        /// Audited segments.
        segments: u16,
    },
    /// Silence is cheaper than a lost challenge.
    #[error(
        "audit.auditor_stake is {} SBH: not revealing must cost more than losing the bond of a challenge; take at least {} SBH",
        amount::display(*stake),
        amount::display(*least)
    )]
    AuditorStake {
        /// What an auditor reserves.
        stake: Balance,
        /// The least that it must reserve.
        least: Balance,
    },
    /// Auditors risk more than those whom they audit.
    #[error(
        "audit.auditor_stake is {} SBH: nobody audits who risks more than the worker; take at most {} SBH",
        amount::display(*stake),
        amount::display(*most)
    )]
    AuditorStakeTooHigh {
        /// What an auditor reserves.
        stake: Balance,
        /// The most that it may have to reserve.
        most: Balance,
    },
}

/// Checks that a specification makes cheating dearer than working, for workers and for auditors.
///
/// # Errors
/// The first field that is wrong, with the least value that is right.
pub fn check(spec: &RunSpec, assumptions: &Assumptions) -> Result<(), EconomicsError> {
    let audit = &spec.audit;
    if audit.auditors == 0 || !can_sample(spec.segments(), audit.segments) {
        return Err(EconomicsError::Unaudited { auditors: audit.auditors, segments: audit.segments });
    }
    // A round of one slot has no update but its worker's own.
    let slots = spec.rounds.slots;
    if slots > 1 && audit.attesters == 0 {
        return Err(EconomicsError::Unattested { slots });
    }
    let least = least_stake(spec, assumptions).ok_or(EconomicsError::PriceTooHigh(spec.price_per_slot))?;
    if spec.stake_per_slot < least {
        return Err(EconomicsError::StakeTooLow { stake: spec.stake_per_slot, least });
    }
    let least = least_auditor_price(spec);
    if audit.auditor_price < least {
        return Err(EconomicsError::AuditorPrice {
            price: audit.auditor_price,
            least,
            segments: audit.segments,
        });
    }
    let least = defaults::CHALLENGE_BOND.saturating_add(1);
    if audit.auditor_stake < least {
        return Err(EconomicsError::AuditorStake { stake: audit.auditor_stake, least });
    }
    // A run whose data nobody has must not take much of those who are drawn for it.
    let most = spec.stake_per_slot.max(defaults::AUDIT.auditor_stake);
    if audit.auditor_stake > most {
        return Err(EconomicsError::AuditorStakeTooHigh { stake: audit.auditor_stake, most });
    }
    Ok(())
}

/// What executing the audited segments costs at most: their part of the slot's price, rounded up.
pub fn least_auditor_price(spec: &RunSpec) -> Balance {
    let whole = Wide::new(spec.price_per_slot).times(spec.audit.segments.into());
    divide_up(whole, spec.segments().into()).narrow().unwrap_or(Balance::MAX)
}

/// The least stake a slot must reserve, in units of 10^-12 SBH; `None` if none is enough, or nothing is audited.
pub fn least_stake(spec: &RunSpec, assumptions: &Assumptions) -> Option<Balance> {
    let worst = worst(spec)?;
    let satisfied = |stake: Balance| holds(spec, assumptions, stake, worst);
    if !satisfied(Balance::MAX) {
        return None;
    }
    // The least of 2^128 candidates that satisfies it, by bisection: the left side grows with the stake.
    let (mut low, mut high) = (0, Balance::MAX);
    while low < high {
        let middle = low.midpoint(high);
        if satisfied(middle) {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    Some(low)
}

/// Whether `stake` satisfies the bound for every number of faked segments.
pub fn is_enough(spec: &RunSpec, assumptions: &Assumptions, stake: Balance) -> bool {
    worst(spec).is_some_and(|worst| holds(spec, assumptions, stake, worst))
}

/// A probability as a fraction.
#[derive(Clone, Copy, Debug)]
struct Fraction {
    above: Wide,
    below: Wide,
}

/// The number of faked segments that needs the largest stake, and the probability that audited ones are among them, in parts per
/// million, rounded down. `None` if nothing is audited.
pub fn worst_fake(spec: &RunSpec) -> Option<(u32, u32)> {
    let Worst { faked, caught } = worst(spec)?;
    let parts = |ppm: u32| caught.below.times(ppm.into()) <= caught.above.times(1_000_000);
    let (mut low, mut high) = (0, 1_000_000u32);
    while low < high {
        let middle = low.midpoint(high).saturating_add(1).min(high);
        if parts(middle) { low = middle } else { high = middle.saturating_sub(1) }
    }
    Some((faked, low))
}

#[derive(Clone, Copy, Debug)]
struct Worst {
    faked: u32,
    caught: Fraction,
}

fn worst(spec: &RunSpec) -> Option<Worst> {
    let (n, m) = (spec.segments(), spec.audit.segments);
    if !can_sample(n, m) || spec.audit.auditors == 0 {
        return None;
    }
    let all = samples(n, m);
    // C(n - k, m) from C(n - k + 1, m): times (n - k + 1 - m), over (n - k + 1).
    let mut missing = Wide::binomial(n.into(), m.into());
    let mut worst: Option<Worst> = None;
    for faked in 1..=n {
        let before = u64::from(n.saturating_sub(faked).saturating_add(1));
        missing = missing.times(before.saturating_sub(m.into())).over(before);
        let caught = detection(n, m, all, missing);
        let dearer = worst.is_none_or(|worst| {
            // faked / caught > worst.faked / worst.caught. Cross-multiplied; m n are small, the binomials below 2^344.
            let ours = worst.caught.above.times_all(caught.below).times(faked.into());
            let theirs = caught.above.times_all(worst.caught.below).times(worst.faked.into());
            ours >= theirs
        });
        if dearer {
            worst = Some(Worst { faked, caught });
        }
    }
    worst
}

/// max(m / n, 1 - missing / all).
fn detection(n: u32, m: u16, all: Wide, missing: Wide) -> Fraction {
    let one = Fraction { above: Wide::new(m.into()), below: Wide::new(n.into()) };
    let many = Fraction { above: all.minus(missing), below: all };
    if many.above.times_all(one.below) > one.above.times_all(many.below) { many } else { one }
}

/// β · S · p · h · P(k) >= k · price / n, all denominators multiplied out.
fn holds(spec: &RunSpec, assumptions: &Assumptions, stake: Balance, worst: Worst) -> bool {
    let slots = u64::from(spec.rounds.slots);
    let audited = slots.min(spec.audit.auditors.into());
    let left = worst
        .caught
        .above
        .times_wide(stake)
        .times_wide(money::percent::BURNT)
        .times(audited)
        .times(assumptions.honest.into())
        .times(spec.segments().into());
    let right = worst
        .caught
        .below
        .times_wide(spec.price_per_slot)
        .times(worst.faked.into())
        .times(100)
        .times(slots)
        .times(1_000_000);
    left >= right
}

fn divide_up(value: Wide, by: u64) -> Wide {
    let quotient = value.over(by);
    if quotient.times(by) < value { quotient.plus(Wide::new(1)) } else { quotient }
}

#[cfg(test)]
mod tests;
