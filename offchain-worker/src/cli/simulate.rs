//! `simulate`: the protocol at scale, with workers that cheat.

use super::{Context, on_chain::parse_amount};
use crate::error::{Exit, ResultExt};
use clap::Args;
use sabha_protocol::Balance;
use sabha_simulator::{Cheat, Report, Scenario, ScenarioError, play_unless, table};

/// Arguments of `simulate`.
#[derive(Args, Debug)]
#[command(
    after_help = "Plays the state machine of rounds that the chain runs, and decides disagreements, which the chain does not yet. \
                  Without --cheat, every cheat in turn. `detected` is how often a faked slot lost its stake, `expected` how often \
                  it should by the bound; `gain` is what a cheat has over an honest worker from one slot, or one audit, in SBH: \
                  negative if cheating does not pay.\n\n\
                  Example: sabha-worker simulate --cheat poison --faked 3 --colluders 0.25 --auditors 3"
)]
pub struct SimulateArgs {
    /// What the dishonest ones do: none, skip, poison, false-divergence, withhold-update, withhold-leaves, miss-deadlines,
    /// lazy-auditor, copy-seal, silent-auditor, slandering-auditor. May be given several times
    #[arg(long, value_name = "CHEAT")]
    pub cheat: Vec<Cheat>,
    /// Workers of each run
    #[arg(long, value_name = "N", default_value_t = Scenario::default().workers)]
    pub workers: u32,
    /// The stake of each worker, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub stake: Option<Balance>,
    /// Runs played side by side
    #[arg(long, value_name = "N", default_value_t = Scenario::default().runs)]
    pub runs: u32,
    /// Rounds that each run opens
    #[arg(long, value_name = "N", default_value_t = Scenario::default().rounds)]
    pub rounds: u32,
    /// Share of workers that cheat, from 0 to 1
    #[arg(long, value_parser = parse_share, value_name = "SHARE", default_value = "0.1")]
    pub cheats: Share,
    /// Segments of a slot that `poison` fakes
    #[arg(long, value_name = "N", default_value_t = Scenario::default().faked)]
    pub faked: u32,
    /// Share of workers that vouch for faked slots when they audit them, the cheats among them, from 0 to 1
    #[arg(long, value_parser = parse_share, value_name = "SHARE", default_value = "0.5")]
    pub colluders: Share,
    /// Probability that somebody outside challenges a faked slot, from 0 to 1
    #[arg(long, value_parser = parse_share, value_name = "SHARE", default_value = "0")]
    pub watched: Share,
    /// Slots of a round
    #[arg(long, value_name = "N", default_value_t = Scenario::default().slots)]
    pub slots: u16,
    /// Segments of a slot
    #[arg(long, value_name = "N", default_value_t = Scenario::default().segments)]
    pub segments: u16,
    /// Auditors of a round
    #[arg(long, value_name = "N", default_value_t = Scenario::default().auditors)]
    pub auditors: u16,
    /// Segments of a slot that its auditors execute again
    #[arg(long, value_name = "N", default_value_t = Scenario::default().audited)]
    pub audited: u16,
    /// What a slot pays, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub price: Option<Balance>,
    /// What a slot reserves of its worker's stake, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub stake_per_slot: Option<Balance>,
    /// What an auditor is paid, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub auditor_price: Option<Balance>,
    /// What an auditor's stake reserves, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub auditor_stake: Option<Balance>,
    /// Seed of everything random: the same one gives the same result
    #[arg(long, value_name = "N", default_value_t = Scenario::default().seed)]
    pub seed: u64,
}

/// Parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u32);

fn parse_share(text: &str) -> Result<Share, String> {
    let share: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("{text} is not a share: it must be from 0 to 1"));
    }
    Ok(Share((share * 1e6).round() as u32))
}

impl SimulateArgs {
    fn scenario(&self, cheat: Cheat) -> Scenario {
        let default = Scenario::default();
        Scenario {
            workers: self.workers,
            stake: self.stake.unwrap_or(default.stake),
            runs: self.runs,
            rounds: self.rounds,
            cheat,
            cheats: self.cheats.0,
            faked: self.faked,
            colluders: self.colluders.0,
            watched: self.watched.0,
            slots: self.slots,
            segments: self.segments,
            auditors: self.auditors,
            audited: self.audited,
            price: self.price.unwrap_or(default.price),
            stake_per_slot: self.stake_per_slot.unwrap_or(default.stake_per_slot),
            auditor_price: self.auditor_price.unwrap_or(default.auditor_price),
            auditor_stake: self.auditor_stake.unwrap_or(default.auditor_stake),
            session: default.session,
            seed: self.seed,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] names the argument and what is accepted; the signal's exit code if it was stopped.
pub fn run(args: SimulateArgs, context: &Context) -> anyhow::Result<()> {
    let every = [Cheat::None].into_iter().chain(Cheat::ALL).collect();
    let cheats: Vec<Cheat> = if args.cheat.is_empty() { every } else { args.cheat.clone() };
    let mut reports: Vec<Report> = Vec::new();
    for cheat in cheats {
        let stop = context.stop.clone();
        match play_unless(&args.scenario(cheat), &move || stop.is_raised()) {
            Ok(report) => reports.push(report),
            Err(ScenarioError::Stopped) => return Err(context.stop.error("the simulation was stopped")),
            Err(error) => return Err(error).exit(Exit::BadInput),
        }
    }
    context.print(&reports, table(&reports))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn parse(words: &[&str]) -> Result<SimulateArgs, clap::Error> {
        let words = [&["sabha-worker", "simulate"], words].concat();
        Cli::try_parse_from(words).map(|cli| match cli.command {
            Command::Simulate(args) => args,
            _ => unreachable!("simulate was asked for"),
        })
    }

    #[test]
    fn no_arguments_are_the_default_scenario() {
        assert_eq!(parse(&[]).unwrap().scenario(Cheat::None), Scenario::default());
    }

    #[test]
    fn shares_are_from_0_to_1() {
        assert_eq!(parse_share("0.25"), Ok(Share(250_000)));
        for bad in ["1.5", "-0.1", "NaN", "a half"] {
            assert!(parse_share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_cheat_is_refused_with_the_known_ones() {
        let error = parse(&["--cheat", "steal"]).unwrap_err().to_string();
        assert!(error.contains("steal") && error.contains("lazy-auditor"), "{error}");
        assert_eq!(
            parse(&["--cheat", "skip", "--cheat", "poison"]).unwrap().cheat,
            [Cheat::Skip, Cheat::Poison]
        );
    }
}
