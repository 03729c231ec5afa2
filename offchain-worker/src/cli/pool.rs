//! `pool`: what reward pools owe, and to whom it goes.

use super::{
    Context,
    on_chain::{QueryArgs, SendArgs, as_text, parse_amount, sbh},
};
use crate::{
    chain::{Call, ChainResult},
    error::{Exit, ResultExt, failure},
    keys::{AccountId, Key, parse_account},
};
use clap::{Args, Subcommand};
use sabha_protocol::{
    Balance,
    pool::{PoolId, Shares},
};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf};

/// Arguments of `pool`.
#[derive(Args, Debug)]
pub struct PoolArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PoolCommand,
}

/// What to do with reward pools.
#[derive(Subcommand, Debug)]
pub enum PoolCommand {
    /// Show the pools that an account is a member of, with its shares and what it can claim
    Show(ShowArgs),
    /// Take what pools owe the signer, or have somebody else paid
    Claim(ClaimArgs),
    /// Name the account that pools pay the signer to
    Payout(PayoutArgs),
    /// Give shares to another account, with all that they will earn
    Transfer(TransferArgs),
    /// Give to a pool, for its members by their shares
    Deposit(DepositArgs),
}

/// Arguments of `pool show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The member. Without it, the signer's account
    #[arg(value_parser = parse_account)]
    pub account: Option<AccountId>,
    /// The key file, whose account is shown
    #[arg(long, env = "SABHA_KEY_FILE", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

/// Arguments of `pool claim`.
#[derive(Args, Debug)]
#[command(
    after_help = "A pool is dataset:<number>, compute:<run>, backers:<run>, validators or curators.\n\n\
                        Example: sabha-worker pool claim --key owner.json"
)]
pub struct ClaimArgs {
    /// The pools. Without any, all that owe something
    #[arg(value_parser = parse_pool, value_name = "POOL")]
    pub pools: Vec<PoolId>,
    /// Have this member paid, to its own account or the one that it named
    #[arg(long = "for", value_parser = parse_account, value_name = "ACCOUNT")]
    pub member: Option<AccountId>,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `pool payout`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("to").required(true).args(["account", "own"]))]
pub struct PayoutArgs {
    /// The account that is paid
    #[arg(value_parser = parse_account)]
    pub account: Option<AccountId>,
    /// The signer's own again
    #[arg(long)]
    pub own: bool,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `pool transfer`.
#[derive(Args, Debug)]
pub struct TransferArgs {
    /// The pool: of a dataset, or of a run's workers or backers
    #[arg(value_parser = parse_pool)]
    pub pool: PoolId,
    /// Whose the shares are to be
    #[arg(value_parser = parse_account)]
    pub to: AccountId,
    /// How many. Without it, all
    pub shares: Option<Shares>,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `pool deposit`.
#[derive(Args, Debug)]
pub struct DepositArgs {
    /// The pool
    #[arg(value_parser = parse_pool)]
    pub pool: PoolId,
    /// How much, in SBH. It is not returned
    #[arg(value_parser = parse_amount)]
    pub amount: Balance,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] if there is nothing to claim or to give; [`Exit::Refused`] if the chain refuses.
pub async fn run(args: PoolArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        PoolCommand::Show(args) => show(args, context).await,
        PoolCommand::Claim(args) => claim(args, context).await,
        PoolCommand::Payout(args) => payout(args, context).await,
        PoolCommand::Transfer(args) => transfer(args, context).await,
        PoolCommand::Deposit(args) => {
            let signed = args.send.open(context).await?;
            let done = format!("{} are in the pool {}", sbh(args.amount), pool_name(args.pool));
            signed.send_and_print(context, &Call::deposit(args.pool, args.amount), &done).await
        }
    }
}

/// Parses a pool's name for clap.
///
/// # Errors
/// Says what is expected.
pub fn parse_pool(text: &str) -> Result<PoolId, String> {
    let wrong = || {
        format!(
            "{text:?} is no pool: it is dataset:<number>, compute:<run>, backers:<run>, validators or curators"
        )
    };
    match text.split_once(':') {
        None if text == "validators" => Ok(PoolId::Validators),
        None if text == "curators" => Ok(PoolId::Curators),
        Some((kind, number)) => {
            let number = number.parse().map_err(|_| wrong())?;
            match kind {
                "dataset" => Ok(PoolId::Dataset(number)),
                "compute" => Ok(PoolId::Compute(number)),
                "backers" => Ok(PoolId::Backers(number)),
                _ => Err(wrong()),
            }
        }
        None => Err(wrong()),
    }
}

/// A pool, as [`parse_pool`] reads it.
pub fn pool_name(pool: PoolId) -> String {
    match pool {
        PoolId::Dataset(dataset) => format!("dataset:{dataset}"),
        PoolId::Compute(run) => format!("compute:{run}"),
        PoolId::Backers(run) => format!("backers:{run}"),
        PoolId::Validators => "validators".into(),
        PoolId::Curators => "curators".into(),
    }
}

#[derive(Serialize)]
struct Membership {
    pool: String,
    /// As text: JSON numbers cannot hold them exactly.
    shares: String,
    #[serde(serialize_with = "as_text")]
    claimable: Balance,
}

#[derive(Serialize)]
struct Shown {
    account: AccountId,
    payout: Option<AccountId>,
    #[serde(serialize_with = "as_text")]
    claimable: Balance,
    pools: Vec<Membership>,
}

async fn show(args: ShowArgs, context: &Context) -> anyhow::Result<()> {
    let (session, at) = args.query.open(context).await?;
    let account = match args.account {
        Some(account) => account,
        None => Key::load(args.key.as_deref().or(session.config.worker.key.as_deref()))
            .exit(Exit::BadInput)?
            .account(),
    };
    let memberships = at.memberships(&account).await.coded()?;
    let payout = at.payout_of(&account).await.coded()?;
    let claimable = memberships.iter().fold(0, |sum: Balance, (_, _, owed)| sum.saturating_add(*owed));
    let mut text = format!("{account} can claim {}\n", sbh(claimable));
    if let Some(payout) = &payout {
        writeln!(text, "it is paid to {payout}")?;
    }
    let mut pools = Vec::new();
    for (pool, shares, claimable) in memberships {
        let pool = pool_name(pool);
        writeln!(text, "{pool:<16} {shares:>24} shares  {:>20}", sbh(claimable))?;
        pools.push(Membership { pool, shares: shares.to_string(), claimable });
    }
    context.print(&Shown { account, payout, claimable, pools }, text)
}

#[derive(Serialize)]
struct Claimed {
    member: AccountId,
    pools: Vec<String>,
    #[serde(serialize_with = "as_text")]
    amount: Balance,
    block: u64,
}

/// Pools of one transaction, at most.
const BATCH: usize = 16;

async fn claim(args: ClaimArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let member = args.member.unwrap_or_else(|| signed.key.account());
    let at = signed.session.client.at_best().await.coded()?;
    let mut owed = at.memberships(&member).await.coded()?;
    owed.retain(|(pool, _, owed)| *owed > 0 && (args.pools.is_empty() || args.pools.contains(pool)));
    if owed.is_empty() {
        return Err(failure(
            Exit::BadInput,
            format!(
                "{member} can claim nothing from {}",
                match args.pools.len() {
                    0 => "any pool",
                    _ => "these pools",
                }
            ),
        ));
    }
    let amount = owed.iter().fold(0, |sum: Balance, (_, _, owed)| sum.saturating_add(*owed));
    let pools: Vec<PoolId> = owed.iter().map(|(pool, _, _)| *pool).collect();
    let mut block = 0;
    if args.member.is_some_and(|member| member != signed.key.account()) {
        for pool in &pools {
            block = signed.send(&Call::claim_pay_for(*pool, member)).await?.1.block;
        }
    } else {
        for pools in pools.chunks(BATCH) {
            let call = match pools {
                [pool] => Call::claim_pay(*pool),
                _ => Call::claim_pay_batch(pools),
            };
            block = signed.send(&call).await?.1.block;
        }
    }
    let pools: Vec<String> = pools.into_iter().map(pool_name).collect();
    let text = format!("{member} was paid {} by {} (block {block})", sbh(amount), pools.join(", "));
    context.print(&Claimed { member, pools, amount, block }, text)
}

async fn payout(args: PayoutArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = match args.account {
        Some(account) => format!("pools pay {} to {account}", signed.key.account()),
        None => format!("pools pay {} to its own account", signed.key.account()),
    };
    signed.send_and_print(context, &Call::set_payout(args.account), &done).await
}

async fn transfer(args: TransferArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let shares = match args.shares {
        Some(shares) => shares,
        None => {
            let at = signed.session.client.at_best().await.coded()?;
            let memberships = at.memberships(&signed.key.account()).await.coded()?;
            let own = memberships.iter().find(|(pool, _, _)| *pool == args.pool);
            own.map(|(_, shares, _)| *shares).filter(|shares| *shares > 0).ok_or_else(|| {
                let (who, pool) = (signed.key.account(), pool_name(args.pool));
                failure(Exit::BadInput, format!("{who} has no shares of the pool {pool}"))
            })?
        }
    };
    let done = format!("{shares} shares of {} are {}'s", pool_name(args.pool), args.to);
    signed.send_and_print(context, &Call::transfer_shares(args.pool, args.to, shares), &done).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_read_as_they_are_written() {
        for pool in [
            PoolId::Dataset(4),
            PoolId::Compute(1),
            PoolId::Backers(u32::MAX),
            PoolId::Validators,
            PoolId::Curators,
        ] {
            assert_eq!(parse_pool(&pool_name(pool)), Ok(pool));
        }
        for bad in ["", "dataset", "dataset:", "dataset:x", "dataset:-1", "validators:1", "miners"] {
            assert!(parse_pool(bad).unwrap_err().contains("dataset:<number>"), "{bad}");
        }
    }
}
