//! The command line: one file a command, each with one `…Args` struct and one `run` function.
//!
//! Results go to standard output, as text for people or, with `--json`, as JSON; progress, logs and errors go to standard error.

// Local commands: training, data, specifications, models, blobs.
pub mod blob;
pub mod checkpoint;
pub mod completions;
pub mod data;
pub mod export;
pub mod model;
pub mod replay;
mod replay_round;
pub mod run_check;
pub mod simulate;
pub mod train;

// Commands that talk to a node, and what they need.
pub mod challenge;
pub mod config;
pub mod curate;
pub mod doctor;
pub mod drain;
pub mod key;
mod live;
pub mod on_chain;
pub mod pool;
pub mod proposal;
pub mod ready;
pub mod refute_stream;
pub mod register;
pub mod registry;
pub mod run;
pub mod show;
pub mod start;
pub mod status;
pub mod unbond;
pub mod update;
pub mod watch;

use crate::{
    error::{EXIT_CODES, Exit},
    output::{self, Output},
    stop::Stop,
};
use clap::{Args, Parser, Subcommand};
use std::{
    io::{IsTerminal, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// The release and the commit, such as `0.1.0-8a1f03c2d41`.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-", env!("SABHA_WORKER_COMMIT"));

/// Train open models for the chain, pack data for them, and look after the worker's keys and stake.
#[derive(Debug, Parser)]
#[command(name = "sabha-worker", version = VERSION, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct GlobalArgs {
    /// The node's RPC address, such as ws://127.0.0.1:9944; several separated by commas. Overrides the configuration file
    #[arg(long = "url", global = true, env = "SABHA_URL", value_delimiter = ',', value_name = "URL")]
    pub urls: Vec<String>,
    /// The configuration file
    #[arg(long, global = true, env = "SABHA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more: -v for details, -vv for everything. SABHA_LOG takes filters
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What a command gets besides its own arguments.
#[derive(Clone, Debug)]
pub struct Context {
    /// Flags of every command.
    pub global: GlobalArgs,
    /// Raised by SIGINT and SIGTERM.
    pub stop: Stop,
}

impl Context {
    /// Prints a command's result: `value` as one JSON document with `--json`, else `text`.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print(&self, value: &impl serde::Serialize, text: impl std::fmt::Display) -> anyhow::Result<()> {
        let mut out = Output::lock();
        if self.global.json {
            writeln!(out, "{}", serde_json::to_string_pretty(value)?)?;
        } else {
            writeln!(out, "{}", text.to_string().trim_end())?;
        }
        Ok(())
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    // Commands that talk to a node: each module has `Args` and `async fn run(args, &Context) -> anyhow::Result<()>`.
    /// Check the node, the chain, the disk and the engine, and say what to fix
    Doctor(doctor::DoctorArgs),
    /// Make, import and show keys
    Key(key::KeyArgs),
    /// Write the configuration file, or show what is in force
    Config(config::ConfigArgs),
    /// Register as a worker, with a stake
    Register(register::RegisterArgs),
    /// Tell the chain that the worker can be drawn
    Ready(ready::ReadyArgs),
    /// Tell the chain that the worker cannot be drawn any more
    Drain(drain::DrainArgs),
    /// Change a worker's hot key, payout account, device or endpoint, or raise its stake
    Update(update::UpdateArgs),
    /// Ask for the stake back
    Unbond(unbond::UnbondArgs),
    /// Take the stake back, after the unbonding time
    Withdraw(unbond::WithdrawArgs),
    /// Show a worker's stake, status and duties
    Status(status::StatusArgs),
    /// Run the daemon: train, attest, aggregate and audit what the worker is drawn for
    Start(start::StartArgs),
    /// Execute a result again, and dispute it if it is wrong
    Challenge(challenge::ChallengeArgs),
    /// Check, propose, back and watch training runs
    Run(run::RunArgs),

    /// Judge claims of data, and be paid for it
    Curate(curate::CurateArgs),
    /// Show and claim what reward pools owe, and say where it goes
    Pool(pool::PoolArgs),

    // Local commands.
    /// Train a specification on this machine alone, without a chain
    Train(train::TrainArgs),
    /// Pack text or images into a dataset, look at it, publish it, and claim it on the chain
    Data(data::DataArgs),
    /// Keep, fetch, list, pin, serve and remove blobs: files that are named by their BLAKE3 hash
    Blob(blob::BlobArgs),
    /// Execute a segment again, compare roots and traces, and say where they part
    Replay(replay::ReplayArgs),
    /// Play the protocol at scale with workers that cheat, and report what it costs them
    Simulate(simulate::SimulateArgs),
    /// List, fetch and pay for models, generate text with them, export them, and show what a checkpoint holds
    Model(model::ModelArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
}

/// Parses the command line, runs the command, reports its error, and returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logs(cli.global.verbose, matches!(cli.command, Command::Start(_)));
    let json = cli.global.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&anyhow::Error::new(error).context("cannot start the runtime"), json),
    };
    let result = runtime.block_on(async {
        let context = Context { global: cli.global, stop: Stop::on_signals()? };
        execute(cli.command, &context).await
    });
    // A blocking task may still be in its last step: nothing waits for it, files are replaced atomically.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error, json),
    }
}

/// Runs one command.
///
/// # Errors
/// The command's; [`Exit::of`] tells the exit code.
pub async fn execute(command: Command, context: &Context) -> anyhow::Result<()> {
    match command {
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Key(args) => key::run(args, context).await,
        Command::Config(args) => config::run(args, context),
        Command::Register(args) => register::run(args, context).await,
        Command::Ready(args) => ready::run(args, context).await,
        Command::Drain(args) => drain::run(args, context).await,
        Command::Update(args) => update::run(args, context).await,
        Command::Unbond(args) => unbond::run(args, context).await,
        Command::Withdraw(args) => unbond::withdraw(args, context).await,
        Command::Status(args) => status::run(args, context).await,
        Command::Start(args) => start::run(args, context).await,
        Command::Challenge(args) => challenge::run(args, context).await,
        Command::Run(args) => run::run(args, context).await,
        Command::Curate(args) => curate::run(args, context).await,
        Command::Pool(args) => pool::run(args, context).await,
        Command::Train(args) => train::run(args, context),
        Command::Data(args) => data::run(args, context).await,
        Command::Blob(args) => blob::run(args, context).await,
        Command::Replay(args) => replay::run(args, context),
        Command::Simulate(args) => simulate::run(args, context),
        Command::Model(args) => model::run(args, context).await,
        Command::Completions(args) => completions::run(args, context),
    }
}

/// Logs are events on standard error; `SABHA_LOG` takes tracing's filters, such as `sabha_worker=debug`.
fn start_logs(verbose: u8, daemon: bool) {
    let default = match verbose {
        // A command has a progress bar for what the daemon logs.
        0 if daemon => "warn,sabha_worker=info,sabha_blobs=info",
        0 => "warn,sabha_worker=info",
        1 => "info,sabha_worker=debug,sabha_blobs=debug",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("SABHA_LOG").unwrap_or_else(|_| default.into());
    // Fails only if a subscriber is there already, which then stays.
    let colours = std::io::stderr().is_terminal();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        // On a closed standard error there is nobody to tell, and telling would panic.
        .log_internal_errors(false)
        .try_init();
}

fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    // `sabha-worker … | head -1`: the reader has what it wanted.
    if output::is_closed(error) {
        return ExitCode::SUCCESS;
    }
    let exit = Exit::of(error);
    if json {
        let value = serde_json::json!({ "error": format!("{error:#}"), "exit": exit.code() });
        output::tell(value);
    } else {
        output::tell(format_args!("error: {error:#}"));
    }
    ExitCode::from(exit.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_version_names_the_commit() {
        let version = Cli::command().render_version();
        let (release, commit) = version.trim().rsplit_once('-').unwrap();
        assert_eq!(release, concat!("sabha-worker ", env!("CARGO_PKG_VERSION")));
        assert!(commit == "unknown" || commit.len() == 11, "{version}");
    }

    #[test]
    fn no_global_flags_are_the_default() {
        // The environment may set some of them where tests run.
        if std::env::var_os("SABHA_URL").is_none() && std::env::var_os("SABHA_CONFIG").is_none() {
            let cli = Cli::parse_from(["sabha-worker", "completions", "bash"]);
            assert_eq!(cli.global, GlobalArgs::default());
        }
    }

    /// `--help` must be enough: every command and every flag says what it does.
    #[test]
    fn every_command_and_flag_has_help() {
        fn check(command: &clap::Command, path: &str) {
            assert!(command.get_about().is_some(), "{path} has no help");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path} {} has no help", argument.get_id());
            }
            for sub in command.get_subcommands() {
                check(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        check(&Cli::command(), "sabha-worker");
    }
}
