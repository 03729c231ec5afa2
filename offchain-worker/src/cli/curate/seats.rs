//! Seats: what a curator is drawn for, a look at it, a vote by hand.

use super::{LookArgs, find_claim};
use crate::{
    blobs::{self, Identity, PeerBlobs},
    chain::{ChainResult, Curator as Record, DataClaim, Until},
    cli::{
        Context,
        data::report_words,
        on_chain::{QueryArgs, SendArgs, Session, Signed},
    },
    curation::{
        Looked,
        serve::Curator,
        votes::{self, VoteRecord},
    },
    error::{Exit, ResultExt, failure},
    files,
    keys::{AccountId, Key, parse_account},
    sealed::Sealed,
};
use clap::Args;
use sabha_protocol::datasets::{ClaimId, SeatState, Stage, Vote, WHOLE};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf};

/// Arguments of `curate status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// The curator. Without it, the signer's account
    #[arg(value_parser = parse_account)]
    pub account: Option<AccountId>,
    /// The key file, whose account is shown
    #[arg(long, env = "SABHA_KEY_FILE", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

/// Arguments of `curate report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The claim's number
    pub claim: ClaimId,
    /// Write the report to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How much is looked at, and where files are.
    #[command(flatten)]
    pub look: LookArgs,
    /// Whose sample it is, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `curate vote`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker curate vote 7 --fraction 0.95 --quality 80 --key curator.json\n\nA vote that was sealed \
                        stands. What it was stays in the folder of state until it is revealed."
)]
pub struct VoteArgs {
    /// The claim's number
    pub claim: ClaimId,
    /// Which part of the claim is what it says, from 0 to 1
    #[arg(long, value_name = "FRACTION", required_unless_present = "auto", conflicts_with = "auto")]
    pub fraction: Option<f64>,
    /// How good that part is, from 0 to 100
    #[arg(long, value_name = "NUMBER", default_value_t = 100, conflicts_with = "auto", value_parser = clap::value_parser!(u8).range(..=100))]
    pub quality: u8,
    /// Look at the sample, and vote what it tells
    #[arg(long)]
    pub auto: bool,
    /// How much is looked at, and where files are.
    #[command(flatten)]
    pub look: LookArgs,
    /// Who votes, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `curate reveal`.
#[derive(Args, Debug)]
pub struct RevealArgs {
    /// The claim's number
    pub claim: ClaimId,
    /// Where files are.
    #[command(flatten)]
    pub storage: crate::config::StorageArgs,
    /// Who votes, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

#[derive(Serialize)]
struct Status {
    account: AccountId,
    curator: Option<Record>,
    active_block: u32,
    seats: Vec<Seat>,
}

#[derive(Serialize)]
struct Seat {
    claim: ClaimId,
    dataset: u32,
    stage: &'static str,
    /// The last active block of the stage.
    until: Option<u32>,
    seat: &'static str,
    units: u64,
    bytes: u64,
}

impl Seat {
    fn of(id: ClaimId, claim: &DataClaim, who: &AccountId) -> Self {
        let seat = match claim.seat_of(who) {
            Some(SeatState::Drawn) => "drawn",
            Some(SeatState::Sealed(_)) => "sealed",
            Some(SeatState::Revealed(_)) => "revealed",
            None => "none",
        };
        let (units, bytes) = claim.told.map_or((0, 0), |told| (told.units, told.bytes));
        Self {
            claim: id,
            dataset: claim.dataset,
            stage: claim.word(),
            until: claim.until(),
            seat,
            units,
            bytes,
        }
    }
}

pub(super) async fn status(args: StatusArgs, context: &Context) -> anyhow::Result<()> {
    let (session, at) = args.query.open(context).await?;
    let account = match args.account {
        Some(account) => account,
        None => Key::load(args.key.as_deref().or(session.config.worker.key.as_deref()))
            .exit(Exit::BadInput)?
            .account(),
    };
    let curator = at.curator(&account).await.coded()?;
    let seats = at.seats_of(&account).await.coded()?;
    let seats: Vec<Seat> = seats.iter().map(|(id, claim)| Seat::of(*id, claim, &account)).collect();
    let active_block = at.active_blocks().await.coded()?;
    let mut text = match &curator {
        None => format!("{account} is no curator: `sabha-worker curate register` makes it one\n"),
        Some(curator) => format!(
            "{account}: {:?}, stake {}, of which {} answers for seats; {} tickets; {} votes sound, {} not\n",
            curator.status,
            crate::cli::on_chain::sbh(curator.stake),
            crate::cli::on_chain::sbh(curator.reserved),
            curator.tickets,
            curator.sound,
            curator.failed
        ),
    };
    for Seat { claim, dataset, stage, until, seat, units, bytes } in &seats {
        let left =
            until.map_or("".into(), |until| format!(", {} blocks left", until.saturating_sub(active_block)));
        writeln!(
            text,
            "claim {claim} (dataset {dataset}, {units} units, {bytes} bytes): {stage}, {seat}{left}"
        )?;
    }
    context.print(&Status { account, curator, active_block, seats }, text)
}

/// What acts for the curator that signs.
struct Hands {
    signed: Signed,
    blobs: PeerBlobs,
}

impl Hands {
    async fn open(send: &SendArgs, look: &LookArgs, context: &Context) -> anyhow::Result<Self> {
        let mut signed = send.open(context).await?;
        let Session { config, client } = signed.session;
        signed.session = Session { config: look.apply(config), client };
        let blobs = blobs::connect(&signed.session.config, Identity::Passing)?;
        Ok(Self { signed, blobs })
    }

    fn sealed(&self) -> anyhow::Result<Sealed> {
        let session = &self.signed.session;
        Sealed::open(&session.config.storage.state, session.client.genesis(), &self.signed.key.account())
    }

    async fn look(
        &self,
        sealed: &Sealed,
        id: ClaimId,
        look: &LookArgs,
        context: &Context,
    ) -> anyhow::Result<(DataClaim, Looked)> {
        let client = &self.signed.session.client;
        let at = client.at_best().await.coded()?;
        let claim = find_claim(&at, id).await?;
        let curator = Curator {
            config: &self.signed.session.config,
            client,
            key: &self.signed.key,
            blobs: &self.blobs,
            sealed,
            options: look.options(),
            auto: false,
            poke: false,
            stop: &context.stop,
        };
        let looked = curator.look_at(&at, id, &claim).await?;
        Ok((claim, looked))
    }
}

fn looked_words(looked: &Looked) -> String {
    let mut text = format!(
        "claim {}, panel {}: {} of {} parts served, chosen by the randomness of session {}\n{}\n",
        looked.claim,
        looked.panel,
        looked.parts.saturating_sub(looked.unserved),
        looked.parts,
        looked.session,
        report_words(&looked.report)
    );
    for finding in looked.findings.iter().filter(|finding| !looked.report.findings.contains(finding)) {
        text.push_str(&format!("- {finding}\n"));
    }
    let percent = (looked.fraction / 100, looked.fraction % 100);
    text + &format!("a program would vote {}.{:02} %, quality {}", percent.0, percent.1, looked.quality)
}

pub(super) async fn report(args: ReportArgs, context: &Context) -> anyhow::Result<()> {
    let hands = Hands::open(&args.send, &args.look, context).await?;
    // A report seals nothing: another process may be at work for the same curator.
    let folder = std::env::temp_dir().join(format!("sabha-report-{}", std::process::id()));
    let sealed = Sealed::open(&folder, hands.signed.session.client.genesis(), &hands.signed.key.account())?;
    let looked = hands.look(&sealed, args.claim, &args.look, context).await;
    let _ = std::fs::remove_dir_all(&folder);
    let (_, looked) = looked?;
    if let Some(out) = &args.out {
        files::write_atomic(out, &serde_json::to_vec_pretty(&looked)?).exit(Exit::BadInput)?;
    }
    context.print(&looked, looked_words(&looked))
}

#[derive(Serialize)]
struct Voted<'a> {
    claim: ClaimId,
    panel: u8,
    fraction: u16,
    quality: u8,
    block: u64,
    looked: Option<&'a Looked>,
}

pub(super) async fn vote(args: VoteArgs, context: &Context) -> anyhow::Result<()> {
    let by_hand = match args.fraction {
        Some(fraction) if (0.0..=1.0).contains(&fraction) => {
            let fraction = (fraction * f64::from(WHOLE)).round() as u16;
            Some(Vote { fraction, quality: args.quality })
        }
        Some(fraction) => {
            return Err(failure(Exit::Usage, format!("--fraction is {fraction}: it must be from 0 to 1")));
        }
        None => None,
    };
    let hands = Hands::open(&args.send, &args.look, context).await?;
    let sealed = hands.sealed()?;
    let client = &hands.signed.session.client;
    let at = client.at_best().await.coded()?;
    let claim = find_claim(&at, args.claim).await?;
    let me = hands.signed.key.account();
    match (claim.stage, claim.seat_of(&me)) {
        (_, None) => {
            return Err(failure(Exit::Refused, format!("{me} is not on the panel of claim {}", args.claim)));
        }
        (Stage::Sealing { .. }, Some(SeatState::Drawn)) => {}
        (_, Some(_)) => {
            let message = format!(
                "claim {} is {}: this curator can seal nothing about it now",
                args.claim,
                claim.word()
            );
            return Err(failure(Exit::Refused, message));
        }
    }
    let record = match (votes::kept(&sealed, args.claim, claim.panels)?, by_hand) {
        (Some(kept), wanted) => {
            if wanted.is_some_and(|wanted| wanted != kept.vote()) {
                tracing::warn!(
                    claim = args.claim,
                    "another vote is kept and may have been sent: it is the one that is sealed"
                );
            }
            kept
        }
        (None, Some(vote)) => votes::keep(&sealed, args.claim, claim.panels, at.number(), vote, None)?,
        (None, None) => {
            let (claim, looked) = hands.look(&sealed, args.claim, &args.look, context).await?;
            if looked.unserved == looked.parts {
                tracing::warn!(
                    claim = args.claim,
                    "nobody serves any of it: the vote says that nothing is there"
                );
            }
            votes::keep(&sealed, args.claim, claim.panels, at.number(), looked.vote(), Some(looked))?
        }
    };
    let until = if args.send.finalised { Until::Finalised } else { Until::Best };
    let included = votes::seal(client, &hands.signed.key, &record, until).await.coded()?;
    let text = format!(
        "a vote of {}.{:02} %, quality {}, is sealed (block {})\nnext: `sabha-worker curate reveal {}` when votes are due, or `curate serve`",
        record.fraction / 100,
        record.fraction % 100,
        record.quality,
        included.number,
        args.claim
    );
    let VoteRecord { claim, panel, fraction, quality, looked, .. } = &record;
    let voted = Voted {
        claim: *claim,
        panel: *panel,
        fraction: *fraction,
        quality: *quality,
        block: included.number,
        looked: looked.as_ref(),
    };
    context.print(&voted, text)
}

pub(super) async fn reveal(args: RevealArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let config = signed.session.config.clone().with_storage(&args.storage);
    let client = &signed.session.client;
    let sealed = Sealed::open(&config.storage.state, client.genesis(), &signed.key.account())?;
    let at = client.at_best().await.coded()?;
    let claim = find_claim(&at, args.claim).await?;
    let record = votes::kept(&sealed, args.claim, claim.panels)?.ok_or_else(|| {
        let message = format!(
            "no vote about claim {} is kept in {}: name the folder where it was sealed with --state",
            args.claim,
            config.storage.state.display()
        );
        failure(Exit::BadInput, message)
    })?;
    let until = if args.send.finalised { Until::Finalised } else { Until::Best };
    let included = votes::reveal(client, &signed.key, &record, until).await.coded()?;
    let text = format!("the vote about claim {} is revealed (block {})", args.claim, included.number);
    let voted = Voted {
        claim: args.claim,
        panel: record.panel,
        fraction: record.fraction,
        quality: record.quality,
        block: included.number,
        looked: None,
    };
    context.print(&voted, text)
}
