use super::*;
use sabha_protocol::{UNITS, economics};

/// Small enough for a test, large enough for its shares.
fn scenario(cheat: Cheat) -> Scenario {
    Scenario { workers: 120, runs: 4, rounds: 120, cheat, ..Scenario::default() }
}

fn played(scenario: &Scenario) -> Report {
    let report = play(scenario).unwrap();
    assert!(report.balanced, "{:?}", scenario.cheat);
    assert!(report.attempts >= u64::from(scenario.runs * scenario.rounds));
    report
}

#[test]
fn honest_runs_make_every_checkpoint_and_break_even() {
    let report = played(&scenario(Cheat::None));
    assert_eq!((report.finalised, report.attempts), (480, 480));
    assert_eq!(report.honest.count, 3 * 480);
    assert_eq!(
        (report.honest.paid_share, report.honest.slashed_share, report.payouts.slashed),
        (1.0, 0.0, 0)
    );
    // Two segments of twenty in two slots of three.
    assert!((report.audit_overhead - 4.0 / 60.0).abs() < 1e-9, "{}", report.audit_overhead);
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_seed_another() {
    let one = Scenario { rounds: 40, ..scenario(Cheat::Skip) };
    assert_eq!(play(&one), play(&one));
    assert_ne!(play(&one).unwrap().cheating, play(&Scenario { seed: 99, ..one }).unwrap().cheating);
}

/// Detection as the arithmetic has it, within four standard deviations.
#[test]
fn faked_slots_are_caught_as_often_as_the_bound_says() {
    for scenario in [
        scenario(Cheat::Skip),
        Scenario { colluders: 200_000, ..scenario(Cheat::Skip) },
        Scenario { faked: 10, colluders: 100_000, ..scenario(Cheat::Poison) },
        scenario(Cheat::FalseDivergence),
        scenario(Cheat::WithholdLeaves),
    ] {
        let scenario = Scenario { rounds: 400, ..scenario };
        let report = played(&scenario);
        let (detected, expected) = (report.detected.unwrap(), report.expected.unwrap());
        let deviation = (expected * (1.0 - expected) / report.cheating.count as f64).sqrt();
        assert!(report.cheating.count > 200, "{}", report.cheating.count);
        assert!(
            (detected - expected).abs() < 4.0 * deviation + 0.02,
            "{:?}: {detected} {expected}",
            scenario.cheat
        );
    }
}

/// The defaults' stake makes every cheat in slots a loss, with half of all auditors colluding.
#[test]
fn no_cheat_in_slots_gains_at_the_default_stake() {
    for cheat in Cheat::ALL.into_iter().filter(|cheat| !cheat.is_in_audits()) {
        let report = played(&Scenario { faked: 20, rounds: 250, ..scenario(cheat) });
        assert!(report.satisfies_bound);
        assert!(report.gain <= 0.0, "{cheat:?} gains {}", report.gain);
    }
}

/// The bound is not a formality: with a tenth of the stake faking pays.
#[test]
fn faking_pays_below_the_bound() {
    let scenario = Scenario { stake_per_slot: 2 * UNITS, rounds: 250, ..scenario(Cheat::Skip) };
    let report = played(&scenario);
    assert!(!report.satisfies_bound && report.gain > 0.0, "{}", report.gain);
    let error = economics::check(&scenario.spec(), &economics::Assumptions::default()).unwrap_err();
    assert!(error.to_string().contains("stake_per_slot is 2 SBH"), "{error}");
}

#[test]
fn silent_copying_and_slandering_auditors_lose() {
    for cheat in [Cheat::CopySeal, Cheat::SilentAuditor, Cheat::SlanderingAuditor] {
        let report = played(&Scenario { cheats: 300_000, ..scenario(cheat) });
        assert!(report.cheating.count > 20, "{cheat:?}: {}", report.cheating.count);
        assert!(report.gain < 0.0 && report.cheating.slashed_share > 0.0, "{cheat:?}: {:?}", report.cheating);
        assert_eq!(report.honest.slashed_share, 0.0, "nobody honest is slashed");
    }
}

/// Who audits nothing gains as long as nobody looks, and loses once enough others do.
#[test]
fn lazy_auditors_depend_on_nobody_looking() {
    let lazy = Scenario { cheats: 300_000, rounds: 250, ..scenario(Cheat::LazyAuditor) };
    let alone = played(&lazy);
    let watched = played(&Scenario { watched: 200_000, ..lazy });
    assert!(alone.cheating.slashed_share == 0.0 && watched.cheating.slashed_share > 0.0);
    // Against honest auditors a share of the slashes tells: what it earns itself is what the watching changes.
    assert!(watched.cheating.profit < alone.cheating.profit);
}

#[test]
fn withheld_updates_and_missed_deadlines_are_not_paid() {
    let report = played(&scenario(Cheat::WithholdUpdate));
    assert!(report.cheating.count > 20);
    assert_eq!((report.cheating.paid_share, report.cheating.slashed_share), (0.0, 0.0));
    let report = played(&scenario(Cheat::MissDeadlines));
    assert_eq!(report.cheating.count, 0, "what is not committed is no slot of anybody");
    assert_eq!(report.honest.paid_share, 1.0);
}

#[test]
fn a_simulation_can_be_stopped() {
    assert_eq!(play_unless(&Scenario::default(), &|| true), Err(ScenarioError::Stopped));
}

#[test]
fn cheats_have_names() {
    for cheat in Cheat::ALL {
        assert_eq!(cheat.name().parse(), Ok(cheat));
    }
    assert!("steal".parse::<Cheat>().unwrap_err().contains("lazy-auditor"));
}

#[test]
fn a_contradictory_scenario_is_refused_by_field() {
    let refuse = |change: fn(&mut Scenario), field: &str| {
        let mut scenario = Scenario::default();
        change(&mut scenario);
        let error = play(&scenario).expect_err(field).to_string();
        assert!(error.contains(field), "{error:?} should name {field}");
    };
    refuse(|s| s.workers = 0, "workers");
    refuse(|s| s.runs = 0, "runs");
    refuse(|s| s.rounds = 0, "rounds");
    refuse(|s| s.cheats = 1_000_001, "cheats");
    refuse(|s| s.colluders = 50_000, "colluders");
    refuse(|s| s.watched = 1_000_001, "watched");
    refuse(|s| s.faked = 21, "faked");
    refuse(|s| s.stake = 1, "stake");
    refuse(|s| s.stake_per_slot = 201 * UNITS, "stake_per_slot");
    refuse(|s| s.slots = 0, "rounds.slots");
    refuse(|s| s.audited = 11, "audit.segments");
    refuse(|s| s.session = 0, "session");
}
