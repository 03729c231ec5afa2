//! Arguments and help texts.

use crate::{chain_spec, session_keys::SessionKeysCmd};
use sc_cli::{
    BuildSpecCmd, ChainInfoCmd, CheckBlockCmd, ExportBlocksCmd, ExportChainSpecCmd, ImportBlocksCmd,
    KeySubcommand, PurgeChainCmd, RevertCmd, RunCmd, SubstrateCli,
};

/// Everything that `sabha-node` accepts. Without a subcommand it runs a node.
#[derive(Debug, clap::Parser)]
pub struct Cli {
    /// What to do instead of running a node.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    /// Options of a running node.
    #[clap(flatten)]
    pub run: RunCmd,
}

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)] // Parsed once, at start.
pub enum Subcommand {
    /// Generate, inspect and insert keys
    #[command(subcommand)]
    Key(KeySubcommand),

    /// Rotate the session keys of a running node
    #[command(subcommand)]
    SessionKeys(SessionKeysCmd),

    /// Print a chain specification as JSON: `--chain dev|local|live` or a file
    ExportChainSpec(ExportChainSpecCmd),

    /// Print a chain specification with a default boot node (older form of export-chain-spec)
    BuildSpec(BuildSpecCmd),

    /// Execute one block of the database again and check it
    CheckBlock(CheckBlockCmd),

    /// Import blocks from a file
    ImportBlocks(ImportBlocksCmd),

    /// Export blocks to a file
    ExportBlocks(ExportBlocksCmd),

    /// Remove the chain's database
    PurgeChain(PurgeChainCmd),

    /// Revert unfinalised blocks, at most down to the last finalised one
    Revert(RevertCmd),

    /// Print best and finalised block of the database as JSON
    ChainInfo(ChainInfoCmd),
}

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Sabha Node".into()
    }

    fn impl_version() -> String {
        env!("SUBSTRATE_CLI_IMPL_VERSION").into()
    }

    fn executable_name() -> String {
        // Not the file's name: the default base path must survive a rename of the binary.
        env!("CARGO_PKG_NAME").into()
    }

    fn description() -> String {
        "Node of the Sabha chain, where people pool data, compute and money to train open models.\n\n\
         Try `sabha-node --dev`: a chain of one validator (Alice) that makes a block every three seconds and is \
         forgotten at exit, with its RPC at ws://127.0.0.1:9944. Chains: `--chain dev`, `local`, `live`, or the path of \
         a chain specification file."
            .into()
    }

    fn author() -> String {
        env!("CARGO_PKG_AUTHORS").into()
    }

    fn support_url() -> String {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        chain_spec::load(id).map(|spec| Box::new(spec) as Box<_>).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use sc_cli::{CliConfiguration, Database, NetworkBackendType, TransactionPoolType};

    fn parse(arguments: &[&str]) -> clap::error::Result<Cli> {
        Cli::try_from_iter(std::iter::once("sabha-node").chain(arguments.iter().copied()))
    }

    #[test]
    fn definition_is_consistent() {
        Cli::setup_command(Cli::command()).debug_assert();
    }

    #[test]
    fn no_arguments_run_a_full_node_with_our_defaults() {
        let cli = parse(&[]).expect("no arguments are fine");
        assert!(cli.subcommand.is_none());
        assert!(!cli.run.force_authoring().expect("infallible"));
        assert!(matches!(cli.run.network_params.network_backend, NetworkBackendType::Litep2p));
        assert!(matches!(cli.run.pool_config.pool_type, TransactionPoolType::ForkAware));
        assert_eq!(cli.run.database().expect("infallible"), None, "sc-cli's default is then ParityDB");
        assert!(!Database::variants().contains(&"rocksdb"), "RocksDB is compiled in");
    }

    #[test]
    fn dev_forces_authoring_on_a_throw_away_base_path() {
        let cli = parse(&["--dev"]).expect("valid");
        assert!(cli.run.force_authoring().expect("infallible"));
        assert!(cli.run.role(true).expect("infallible").is_authority());
        let base = cli.run.base_path().expect("temporary folder").expect("--dev implies one");
        assert!(base.path().starts_with(std::env::temp_dir()));
    }

    #[test]
    fn libp2p_can_be_chosen() {
        let cli = parse(&["--network-backend", "libp2p"]).expect("valid");
        assert!(matches!(cli.run.network_params.network_backend, NetworkBackendType::Libp2p));
    }

    #[test]
    fn every_subcommand_parses() {
        for arguments in [
            &["key", "generate"][..],
            &["session-keys", "rotate", "--owner", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"],
            &["export-chain-spec", "--chain", "dev", "--raw"],
            &["build-spec", "--chain", "dev"],
            &["check-block", "1"],
            &["import-blocks", "blocks.bin", "--binary"],
            &["export-blocks", "--from", "1", "--to", "9"],
            &["purge-chain", "-y", "--chain", "local"],
            &["revert", "10"],
            &["chain-info"],
        ] {
            let cli = parse(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
            assert!(cli.subcommand.is_some(), "{arguments:?}");
        }
    }

    #[test]
    fn names_and_links_are_ours() {
        let help = Cli::setup_command(Cli::command()).render_long_help().to_string();
        for text in ["Sabha", "sabha-node --dev", &Cli::support_url()] {
            assert!(help.contains(text), "`{text}` is missing in the help");
        }
        assert!(Cli::support_url().starts_with("https://"));
        assert!(Cli::impl_version().starts_with(env!("CARGO_PKG_VERSION")));
        assert!(Cli::impl_version().len() > env!("CARGO_PKG_VERSION").len() + 1, "the commit is missing");
        assert!(!Cli::author().is_empty());
    }
}
