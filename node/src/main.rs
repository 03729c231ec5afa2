//! `sabha-node`: the client of the Sabha chain.
//!
//! It produces and finalises blocks (BABE and GRANDPA), keeps the state (ParityDB), talks to other nodes (litep2p) and
//! answers JSON-RPC. The state transition function is the Wasm blob of `sabha-runtime`; training is the business of the
//! separate daemon `sabha-worker`, which is a client of this node's RPC.
//!
//! | module | subject |
//! |---|---|
//! | `cli` | arguments and help texts |
//! | `command` | which subcommand runs what |
//! | `chain_spec` | the chains that `--chain` names |
//! | `ending` | how a running node ends, and what it says then |
//! | `genesis` | the genesis block, without compiling the runtime more than once; a database of another genesis is refused |
//! | `ports` | refusing to start on a port that is taken |
//! | `service` | consensus, pool, network, database: the running node |
//! | `rpc` | RPC methods beyond the standard set |
//! | `session_keys` | `session-keys rotate` |

// The errors of `sc-cli` and `sc-service` are what their functions return; their size matters once per process.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod ending;
mod genesis;
mod ports;
mod rpc;
mod service;
mod session_keys;

use sc_cli::SubstrateCli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match command::run(&cli::Cli::from_args()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {}", command::describe(&error));
            ExitCode::FAILURE
        }
    }
}
