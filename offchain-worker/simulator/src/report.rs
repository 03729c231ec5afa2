//! What a scenario came to.

use crate::{
    Cheat, Scenario,
    tally::{Lot, Tally},
};
use sabha_protocol::{
    Balance, amount,
    economics::{Assumptions, is_enough, least_stake, worst_fake},
};
use serde::{Serialize, Serializer};
use std::fmt::Write as _;

/// What a slot or seat earned on average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Earnings {
    /// Slots or seats.
    pub count: u64,
    /// Share of them that was paid.
    pub paid_share: f64,
    /// Share of them that lost a stake.
    pub slashed_share: f64,
    /// Paid for one, in SBH.
    pub paid: f64,
    /// Slashed for one, in SBH.
    pub lost: f64,
    /// What executing one cost, in SBH: each segment its part of the price.
    pub cost: f64,
    /// Paid less lost less cost, in SBH.
    pub profit: f64,
}

/// What a scenario came to. Averages are in SBH; sums in units of 10^-12 SBH, and in JSON in SBH as text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was played.
    pub scenario: Scenario,
    /// Attempts at rounds that were opened.
    pub attempts: u64,
    /// Of them, final.
    pub finalised: u64,
    /// How often a run paused because rounds got nowhere.
    pub pauses: u64,
    /// Blocks of one attempt, of one run.
    pub blocks_per_attempt: f64,
    /// Slots or seats in which the cheat was committed.
    pub cheating: Earnings,
    /// The same of honest workers.
    pub honest: Earnings,
    /// Share of faked slots that lost their stake; None where none is faked.
    pub detected: Option<f64>,
    /// What that share should be at least, by the arithmetic of the bound: p · h · P(k), h being the share that does not collude.
    pub expected: Option<f64>,
    /// What a cheat gains over honesty by one slot or seat, in SBH. Negative: it loses.
    pub gain: f64,
    /// Segments executed by auditors for each that a worker executed.
    pub audit_overhead: f64,
    /// What auditors, attesters and aggregators were paid for each SBH of workers'.
    pub pay_overhead: f64,
    /// The least stake a slot must reserve by the bound; None if none is enough.
    #[serde(serialize_with = "optional_units")]
    pub least_stake: Option<Balance>,
    /// Whether the scenario's stake satisfies the bound.
    pub satisfies_bound: bool,
    /// The number of faked segments that the bound's worst case is.
    pub worst_faked: Option<u32>,
    /// Where the money went.
    pub payouts: Payouts,
    /// Whether, in every block of every run, nothing was created or lost, and nothing was left over at the end.
    pub balanced: bool,
}

/// Where the money went, in units of 10^-12 SBH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Payouts {
    /// To workers for slots.
    #[serde(serialize_with = "units")]
    pub workers: Balance,
    /// To auditors, shares of slashes included.
    #[serde(serialize_with = "units")]
    pub auditors: Balance,
    /// To attesters.
    #[serde(serialize_with = "units")]
    pub attesters: Balance,
    /// To aggregators.
    #[serde(serialize_with = "units")]
    pub aggregators: Balance,
    /// Slashed.
    #[serde(serialize_with = "units")]
    pub slashed: Balance,
    /// Of it, burnt.
    #[serde(serialize_with = "units")]
    pub burnt: Balance,
    /// Of it, back to escrows.
    #[serde(serialize_with = "units")]
    pub refilled: Balance,
}

/// Text in SBH: a JSON number does not hold amounts exactly.
pub(crate) fn units<S: Serializer>(units: &Balance, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&amount::display(*units))
}

fn optional_units<S: Serializer>(amount: &Option<Balance>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => units(amount, serializer),
        None => serializer.serialize_none(),
    }
}

fn sbh(units: Balance) -> f64 {
    units as f64 / sabha_protocol::UNITS as f64
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

impl Earnings {
    fn of(lot: &Lot) -> Self {
        let each = |amount: Balance| ratio(sbh(amount), lot.count as f64);
        let share = |count: u64| ratio(count as f64, lot.count as f64);
        let (paid, lost, cost) = (each(lot.earned), each(lot.lost), each(lot.cost));
        Self {
            count: lot.count,
            paid_share: share(lot.paid),
            slashed_share: share(lot.slashed),
            paid,
            lost,
            cost,
            profit: paid - lost - cost,
        }
    }
}

impl Report {
    pub(crate) fn of(scenario: &Scenario, runs: &[Tally]) -> Self {
        let sum = |of: fn(&Tally) -> u64| runs.iter().map(of).sum::<u64>();
        let money = |of: fn(&Tally) -> Balance| runs.iter().map(of).sum::<Balance>();
        let lot = |of: fn(&Tally) -> &Lot| {
            runs.iter().fold(Lot::default(), |mut all, run| {
                all.add(of(run));
                all
            })
        };
        let (cheating_slots, honest_slots) = (lot(|t| &t.cheating_slots), lot(|t| &t.honest_slots));
        let (cheating_seats, honest_seats) = (lot(|t| &t.cheating_seats), lot(|t| &t.honest_seats));
        let in_audits = scenario.cheat.is_in_audits();
        let (cheating, honest) = if in_audits {
            (Earnings::of(&cheating_seats), Earnings::of(&honest_seats))
        } else {
            (Earnings::of(&cheating_slots), Earnings::of(&honest_slots))
        };
        let faked = scenario.faked_segments() > 0 || scenario.cheat == Cheat::FalseDivergence;
        let spec = scenario.spec();
        let assumed = Assumptions { honest: 1_000_000 - scenario.colluders };
        let payouts = Payouts {
            workers: cheating_slots.earned + honest_slots.earned,
            auditors: cheating_seats.earned + honest_seats.earned,
            attesters: money(|t| t.to_attesters),
            aggregators: money(|t| t.to_aggregators),
            slashed: money(|t| t.slashed),
            burnt: money(|t| t.burnt),
            refilled: money(|t| t.refilled),
        };
        let attempts = sum(|t| t.attempts);
        let others = payouts.auditors + payouts.attesters + payouts.aggregators;
        Self {
            scenario: scenario.clone(),
            attempts,
            finalised: sum(|t| t.finalised),
            pauses: sum(|t| t.pauses),
            blocks_per_attempt: ratio(sum(|t| t.blocks) as f64, attempts as f64),
            gain: if cheating.count == 0 { 0.0 } else { cheating.profit - honest.profit },
            detected: (faked && cheating_slots.count > 0)
                .then(|| Earnings::of(&cheating_slots).slashed_share),
            expected: faked.then(|| expected(scenario)),
            cheating,
            honest,
            audit_overhead: ratio(sum(|t| t.audited_segments) as f64, sum(|t| t.trained_segments) as f64),
            pay_overhead: ratio(others as f64, payouts.workers as f64),
            least_stake: least_stake(&spec, &assumed),
            satisfies_bound: is_enough(&spec, &assumed, spec.stake_per_slot),
            worst_faked: worst_fake(&spec).map(|(faked, _)| faked),
            payouts,
            balanced: runs.iter().all(|run| run.balanced),
        }
    }
}

/// p · h · P(k), and what outsiders see of the rest. Segments are faked at random here, so P(k) is about that of independent draws.
fn expected(scenario: &Scenario) -> f64 {
    let audited = f64::from(scenario.auditors.min(scenario.slots)) / f64::from(scenario.slots);
    let honest = 1.0 - f64::from(scenario.colluders) / 1e6;
    let (n, m) = (f64::from(scenario.segments), f64::from(scenario.audited));
    let k = f64::from(scenario.faked_segments());
    let missed =
        (0..scenario.audited).map(f64::from).map(|i| ((n - k - i) / (n - i)).max(0.0)).product::<f64>();
    let hit = if scenario.cheat == Cheat::FalseDivergence || m == 0.0 { 1.0 } else { 1.0 - missed };
    // A slot whose leaves are missing is convicted whoever audits it.
    let looked = if scenario.cheat == Cheat::WithholdLeaves { audited } else { audited * honest * hit };
    looked + (1.0 - looked) * f64::from(scenario.watched) / 1e6
}

/// Reports side by side, as a table for people.
pub fn table(reports: &[Report]) -> String {
    let mut text = String::new();
    let percent = |share: Option<f64>| share.map_or("–".into(), |share| format!("{:.1} %", share * 100.0));
    let _ = writeln!(
        text,
        "{:<19}{:>8}{:>10}{:>10}{:>9}{:>9}{:>9}{:>10}{:>10}{:>7}{:>10}",
        "cheat",
        "times",
        "detected",
        "expected",
        "paid",
        "lost",
        "cost",
        "profit",
        "gain",
        "final",
        "balanced"
    );
    for report in reports {
        let Earnings { count, paid, lost, cost, profit, .. } =
            if report.scenario.cheat == Cheat::None { report.honest } else { report.cheating };
        let _ = writeln!(
            text,
            "{:<19}{:>8}{:>10}{:>10}{:>9.3}{:>9.3}{:>9.3}{:>10.3}{:>10.3}{:>7}{:>10}",
            report.scenario.cheat.name(),
            count,
            percent(report.detected),
            percent(report.expected),
            paid,
            lost,
            cost,
            profit,
            report.gain,
            report.finalised,
            if report.balanced { "yes" } else { "NO" }
        );
    }
    if let Some(report) = reports.first() {
        let least = report
            .least_stake
            .map_or("none is enough".into(), |least| format!("{} SBH", amount::display(least)));
        let _ = writeln!(
            text,
            "\nstake of a slot {} SBH, least by the bound with {} % colluding: {least}",
            amount::display(report.scenario.stake_per_slot),
            f64::from(report.scenario.colluders) / 1e4
        );
        let _ = writeln!(
            text,
            "audits execute {:.3} segments for each trained; auditors, attesters and aggregators are paid {:.3} SBH for each of workers",
            report.audit_overhead, report.pay_overhead
        );
        let _ = writeln!(text, "{:.0} blocks between rounds", report.blocks_per_attempt);
    }
    text
}
