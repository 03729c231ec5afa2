//! `config`: write the configuration file, or show what is in force.

use super::Context;
use crate::config::Config;
use clap::{Args, Subcommand};

/// Arguments of `config`.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with the configuration.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Write the configuration file with its defaults, and a comment on each
    Init,
    /// Show the configuration in force: the file's, with global flags and their variables applied
    Show,
}

/// Runs the command.
///
/// # Errors
/// [`crate::error::Exit::BadInput`] if the file exists (`init`) or is malformed (`show`).
pub fn run(args: ConfigArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        ConfigCommand::Init => {
            let path = context.global.config.clone().unwrap_or_else(Config::default_path);
            Config::default().write_new(&path)?;
            context.print(&serde_json::json!({ "file": path }), path.display())
        }
        ConfigCommand::Show => {
            let config = Config::load(&context.global)?;
            context.print(&config, config.to_toml())
        }
    }
}
