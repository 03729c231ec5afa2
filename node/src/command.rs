//! Which subcommand runs what.

use crate::{
    cli::{Cli, Subcommand},
    ending, ports,
    service::{self, Components},
};
use sabha_runtime::opaque::Block;
use sc_chain_spec::ChainType;
use sc_cli::SubstrateCli;
use sc_network::{Litep2pNetworkBackend, NetworkWorker, config::NetworkBackendType};
use std::{error::Error as _, path::Path};

/// Runs the command.
///
/// # Errors
/// Whatever stops it, ready to be shown by [`describe`].
pub fn run(cli: &Cli) -> sc_cli::Result<()> {
    match &cli.subcommand {
        None => run_node(cli),
        Some(command) => run_command(cli, command).map_err(|error| ending::explain(error, None)),
    }
}

fn run_command(cli: &Cli, command: &Subcommand) -> sc_cli::Result<()> {
    match command {
        Subcommand::Key(command) => command.run(cli),
        Subcommand::SessionKeys(command) => {
            command.run().map_err(|error| sc_cli::Error::Application(Box::new(error)))
        }
        Subcommand::ExportChainSpec(command) => command.run(cli.load_spec(&command.chain)?),
        Subcommand::BuildSpec(command) => {
            cli.create_runner(command)?.sync_run(|config| command.run(config.chain_spec, config.network))
        }
        Subcommand::CheckBlock(command) => cli.create_runner(command)?.async_run(|config| {
            let Components { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Subcommand::ImportBlocks(command) => cli.create_runner(command)?.async_run(|config| {
            let Components { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Subcommand::ExportBlocks(command) => cli.create_runner(command)?.async_run(|config| {
            let Components { client, task_manager, .. } = service::new_partial(&config)?;
            Ok((command.run(client, config.database), task_manager))
        }),
        Subcommand::PurgeChain(command) => {
            cli.create_runner(command)?.sync_run(|config| command.run(config.database))
        }
        Subcommand::Revert(command) => cli.create_runner(command)?.async_run(|config| {
            let Components { client, task_manager, backend, .. } = service::new_partial(&config)?;
            // Consensus keeps its own records of the blocks beside the chain.
            let revert_consensus = Box::new(|client, backend, blocks| {
                sc_consensus_babe::revert(std::sync::Arc::clone(&client), backend, blocks)?;
                sc_consensus_grandpa::revert(client, blocks)?;
                Ok(())
            });
            Ok((command.run(client, backend, Some(revert_consensus)), task_manager))
        }),
        Subcommand::ChainInfo(command) => {
            cli.create_runner(command)?.sync_run(|config| command.run::<Block>(&config))
        }
    }
}

fn run_node(cli: &Cli) -> sc_cli::Result<()> {
    let mut runner = cli.create_runner(&cli.run)?;
    ports::reserve(runner.config_mut()).map_err(|error| sc_cli::Error::Application(Box::new(error)))?;
    let database = runner.config().database.path().map(Path::to_path_buf);
    let ended = runner.run_node_until_exit(|mut config| async move {
        // Three peers by default, for safety; networks for trials may not have as many.
        if config.chain_spec.chain_type() != ChainType::Live {
            config.network.min_peers_to_start_warp_sync = Some(1);
        }
        match config.network.network_backend {
            NetworkBackendType::Litep2p => service::new_full::<Litep2pNetworkBackend>(config),
            NetworkBackendType::Libp2p => {
                service::new_full::<NetworkWorker<Block, sabha_runtime::Hash>>(config)
            }
        }
        .map_err(sc_cli::Error::Service)
    });
    ended.map_err(|error| ending::explain(error, database.as_deref()))
}

/// The error and its causes on one line, without saying anything twice.
pub fn describe(error: &sc_cli::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error = sc_cli::Error::Service(sc_service::Error::Application(Box::new(inner)));
        assert_eq!(describe(&error).matches("no such file").count(), 1);
    }
}
