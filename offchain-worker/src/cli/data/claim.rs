//! Claims: sealed, told, given up, appealed.

use crate::{
    blobs,
    chain::{At, Call, ChainResult, DataClaim, Dataset, names::event},
    cli::{
        Context,
        curate::find_claim,
        data::begun::begin,
        on_chain::{QueryArgs, Receipt, SendArgs, Signed, as_text, sbh},
    },
    config::{NetworkArgs, StorageArgs},
    curation::source::MANIFEST_PREFIX,
    data::Manifest,
    error::{Exit, ResultExt, failure},
    keys::AccountId,
    sealed::Sealed,
};
use clap::Args;
use sabha_protocol::{
    ActiveBlock, Balance, Digest,
    datasets::{ClaimId, Content, DatasetId, Ruling, Stage, Unit, bond, words},
};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf, time::Duration};

/// Arguments of `data claim`.
#[derive(Args, Debug)]
#[command(after_help = "Publish the dataset first, and serve it until the claim is settled.\n\n\
                        Example: sabha-worker data claim packed/books --dataset 4 --key contributor.json --locator $ADDRESS\n\n\
                        A claim is sealed first, and told when its seal is old enough, so that nobody can claim it in between. What hides it is kept \
                        in the folder of state: the same command goes on with what was begun.")]
pub struct ClaimArgs {
    /// The packed dataset's folder
    pub folder: PathBuf,
    /// The chain's dataset that it is for; `data list` shows them
    #[arg(long, value_name = "NUMBER")]
    pub dataset: DatasetId,
    /// Where it is served: <node id>@<ip>:<port>, or https://…; may be given several times. Without any, where this worker is configured to
    /// serve
    #[arg(long = "locator", value_name = "LOCATOR")]
    pub locators: Vec<String>,
    /// How much it is, as the chain's dataset counts; without it, what the manifest says
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub units: Option<u64>,
    /// Only seal it: it is told by the same command without this
    #[arg(long)]
    pub seal_only: bool,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// How blobs get to others.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Who claims and is paid, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of commands about one claim.
#[derive(Args, Debug)]
pub struct NumberArgs {
    /// The claim's number
    pub claim: ClaimId,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `data claims`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// One claim. Without it, all that are not settled
    pub claim: Option<ClaimId>,
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

#[derive(Serialize)]
struct Claimed {
    claim: ClaimId,
    dataset: DatasetId,
    root: Digest,
    units: u64,
    bytes: u64,
    #[serde(serialize_with = "as_text")]
    bond: Balance,
    locators: Vec<String>,
    #[serde(flatten)]
    receipt: Receipt,
}

/// Runs `data claim`.
///
/// # Errors
/// [`Exit::BadInput`] if the dataset cannot be claimed so; [`Exit::Refused`] if the chain refuses.
pub(super) async fn run(args: ClaimArgs, context: &Context) -> anyhow::Result<()> {
    let manifest = Manifest::read(&args.folder).exit(Exit::BadInput)?;
    manifest.check_size(&args.folder).exit(Exit::BadInput)?;
    let mut signed = args.send.open(context).await?;
    signed.session.config = signed.session.config.with_storage(&args.storage).with_network(&args.network);
    let client = &signed.session.client;
    let at = client.at_best().await.coded()?;
    let dataset = find_dataset(&at, args.dataset).await?;
    let units = match args.units {
        Some(units) => units,
        None => units_of(&manifest, &dataset)?,
    };
    check_words(&manifest, &dataset)?;
    let shards: Vec<Digest> = manifest.shards.iter().map(|shard| shard.blake3).collect();
    let content = Content { units, bytes: manifest.bytes(), shards: &shards };
    content.check(dataset.unit_bytes).exit(Exit::BadInput)?;
    let locators = locators(&args, &manifest, &signed)?;
    can_pay(&at, &signed.key.account(), &dataset, manifest.bytes()).await?;
    can_promise(args.dataset, &dataset, units, at.seat_pay().coded()?, "nothing was sealed")?;

    let me = signed.key.account();
    let sealed = Sealed::open(&signed.session.config.storage.state, client.genesis(), &me)?;
    let name = format!("claim-{}-{}", args.dataset, manifest.root.to_string().get(..32).unwrap_or_default());
    let (mut begun, claim) = begin(client, &me, &sealed, &name, args.dataset, manifest.root).await?;
    let id = match claim {
        Some(id) => id,
        None => {
            let (included, receipt) = signed.send(&Call::commit_claim(args.dataset, begun.seal(&me))).await?;
            let id: ClaimId = included.first_field(event::CLAIM_COMMITTED).ok_or_else(|| {
                anyhow::anyhow!("the claim was sealed, but the event {} is missing", event::CLAIM_COMMITTED)
            })?;
            begun.claim = Some(id);
            sealed.keep(&name, &begun)?;
            tracing::info!(claim = id, block = receipt.block, "sealed");
            id
        }
    };
    if args.seal_only {
        let text = format!("claim {id} is sealed: tell it with the same command without --seal-only");
        return context
            .print(&serde_json::json!({ "claim": id, "dataset": args.dataset, "root": begun.root }), text);
    }
    let until = wait_for_age(&signed, id, context).await?;
    // A block that refuses it shows the shards all the same.
    let at = client.at_best().await.coded()?;
    let dataset = at.dataset(args.dataset).await.coded()?.unwrap_or(dataset);
    let kept = format!("nothing was told, and the same command tells it until active block {until}");
    can_promise(args.dataset, &dataset, units, at.seat_pay().coded()?, &kept)?;
    begun.told = Some(at.number());
    sealed.keep(&name, &begun)?;
    let call = Call::reveal_claim(id, units, content.bytes, &shards, &locators, begun.salt.0);
    let (_, receipt) = signed.send(&call).await?;
    // What the best block has, a reorganisation may undo: then it is told again.
    if args.send.finalised {
        sealed.forget(&name)?;
    }
    let text = format!(
        "claim {id} is told: {units} units, {} bytes, bond {} (block {})\nserve it until it is settled; next: `sabha-worker data claims {id}`",
        content.bytes,
        sbh(bond(content.bytes)),
        receipt.block
    );
    let claimed = Claimed {
        claim: id,
        dataset: args.dataset,
        root: begun.root,
        units,
        bytes: content.bytes,
        bond: bond(content.bytes),
        locators,
        receipt,
    };
    context.print(&claimed, text)
}

/// Whether the dataset's budget has what a claim can come to. The chain refuses what it has not, but everybody sees the shards then.
fn can_promise(
    id: DatasetId,
    dataset: &Dataset,
    units: u64,
    seat_pay: Balance,
    kept: &str,
) -> anyhow::Result<()> {
    let fee = seat_pay.saturating_mul(dataset.panel.into());
    let most = dataset.rate.saturating_mul(units.into()).saturating_add(fee);
    let free = dataset.budget.saturating_sub(dataset.reserved);
    if most <= free {
        return Ok(());
    }
    let message = format!(
        "the budget of dataset {id} has {} that is promised to nobody, and {units} units can come to {}: {kept}. Raise it \
         (`sabha-worker data donate {id} AMOUNT`), wait until other claims are settled, or claim less with --units",
        sbh(free),
        sbh(most)
    );
    Err(failure(Exit::BadInput, message))
}

/// Waits until a claim can be told. Returns the last active block for that.
async fn wait_for_age(signed: &Signed, id: ClaimId, context: &Context) -> anyhow::Result<ActiveBlock> {
    let session = &signed.session;
    let every = Duration::from_millis(session.config.chain.poll_ms);
    let mut told = false;
    loop {
        let at = session.client.at_best().await.coded()?;
        let claim = find_claim(&at, id).await?;
        let Stage::Committed { since, until } = claim.stage else {
            return Err(failure(Exit::Refused, format!("claim {id} is {} already", claim.word())));
        };
        let (now, from) =
            (at.active_blocks().await.coded()?, since.saturating_add(at.availability().await.coded()?));
        if now >= from {
            return Ok(until);
        }
        if !std::mem::replace(&mut told, true) {
            let (left, last) = (from.saturating_sub(now), until.saturating_sub(now));
            tracing::info!(claim = id, blocks = left, within = last, "waiting until the seal is old enough");
        }
        tokio::select! {
            () = context.stop.raised() => return Err(context.stop.error(
                "stopped: the claim is sealed; the same command goes on with it",
            )),
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// The chain's dataset, which must take claims.
pub(super) async fn find_dataset(at: &At, id: DatasetId) -> anyhow::Result<Dataset> {
    let dataset = at.dataset(id).await.coded()?;
    let missing = || {
        failure(
            Exit::BadInput,
            format!("there is no dataset {id} on this chain: `sabha-worker data list` shows those that are"),
        )
    };
    let dataset = dataset.ok_or_else(missing)?;
    if !dataset.open {
        return Err(failure(
            Exit::BadInput,
            format!("the dataset {id} ({}) takes no claims any more", dataset.title),
        ));
    }
    Ok(dataset)
}

fn units_of(manifest: &Manifest, dataset: &Dataset) -> anyhow::Result<u64> {
    let units = match dataset.unit {
        Unit::Mebibyte => manifest.bytes() >> 20,
        Unit::Item => manifest.documents,
        Unit::Second => {
            let message = "the dataset is paid by the second, which no manifest counts: say how many there are with --units";
            return Err(failure(Exit::BadInput, message));
        }
    };
    if units == 0 {
        let message =
            format!("it has {} bytes, less than one unit of the dataset: pack more", manifest.bytes());
        return Err(failure(Exit::BadInput, message));
    }
    Ok(units)
}

fn check_words(manifest: &Manifest, dataset: &Dataset) -> anyhow::Result<()> {
    for (what, packed, wanted) in [
        ("licence", &manifest.licence, &dataset.licence),
        ("language", &manifest.language, &dataset.language),
    ] {
        if packed != wanted {
            let message =
                format!("its {what} is {packed}, and the dataset's is {wanted}: curators would reject it");
            return Err(failure(Exit::BadInput, message));
        }
    }
    Ok(())
}

fn locators(args: &ClaimArgs, manifest: &Manifest, signed: &Signed) -> anyhow::Result<Vec<String>> {
    let config = &signed.session.config;
    let mut locators = args.locators.clone();
    if locators.is_empty() {
        locators.extend(blobs::address_so_far(config)?.map(|address| address.to_string()));
        locators.extend(config.storage.store.clone().filter(|store| store.starts_with("https://")));
    }
    if locators.is_empty() {
        let message =
            "nobody would find it: say where it is served with --locator, or configure network.listen";
        return Err(failure(Exit::BadInput, message));
    }
    let bytes = manifest.to_bytes().map_err(|reason| failure(Exit::BadInput, reason))?;
    locators.push(format!("{MANIFEST_PREFIX}{}", Digest::of(&bytes)));
    if let Some(bad) = locators.iter().find(|locator| !words::is_locator(locator.as_bytes())) {
        let message = format!(
            "--locator {bad:?}: printable ASCII without blanks is expected, of {} characters at most",
            words::LOCATOR
        );
        return Err(failure(Exit::BadInput, message));
    }
    if locators.len() > words::LOCATORS as usize {
        let message =
            format!("{} locators can be named, besides the manifest's", words::LOCATORS.saturating_sub(1));
        return Err(failure(Exit::BadInput, message));
    }
    Ok(locators)
}

async fn can_pay(at: &At, who: &AccountId, dataset: &Dataset, bytes: u64) -> anyhow::Result<()> {
    let fee = at.seat_pay().coded()?.saturating_mul(dataset.panel.into());
    let needed = bond(bytes).saturating_add(fee).saturating_add(at.existential_deposit().coded()?);
    let free = at.balances(who).await.coded()?.free;
    if free < needed {
        let message = format!(
            "{who} has {}, but needs at least {} (a bond of {}, {} for the panel) and a deposit",
            sbh(free),
            sbh(needed),
            sbh(bond(bytes)),
            sbh(fee)
        );
        return Err(failure(Exit::BadInput, message));
    }
    Ok(())
}

pub(super) async fn withdraw(args: NumberArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("claim {} is given up, its bond is free", args.claim);
    signed.send_and_print(context, &Call::withdraw_claim(args.claim), &done).await
}

pub(super) async fn appeal(args: NumberArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let at = signed.session.client.at_best().await.coded()?;
    let bond = at.appeal_bond().coded()?;
    let done = format!(
        "claim {} is appealed, with a bond of {}\nnext: propose `datasets.arbitrate` on the DatasetArbiter track",
        args.claim,
        sbh(bond)
    );
    signed.send_and_print(context, &Call::appeal(args.claim), &done).await
}

pub(super) async fn poke(args: NumberArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("what was due for claim {} is done", args.claim);
    signed.send_and_print(context, &Call::poke_claim(args.claim), &done).await
}

#[derive(Serialize)]
struct Line {
    claim: ClaimId,
    dataset: DatasetId,
    claimant: AccountId,
    stage: &'static str,
    /// The last active block of the stage.
    until: Option<u32>,
    due: bool,
    root: Option<Digest>,
    units: Option<u64>,
    bytes: Option<u64>,
    #[serde(serialize_with = "as_text")]
    bond: Balance,
    /// What was decided: the part that is accepted, of 10,000, and its quality.
    ruling: Option<(u16, u8)>,
    panel: u8,
    curators: Vec<AccountId>,
    locators: Vec<String>,
}

pub(super) async fn list(args: ListArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let claims = match args.claim {
        Some(id) => vec![(id, find_claim(&at, id).await?)],
        None => at.data_claims().await.coded()?,
    };
    let now = at.active_blocks().await.coded()?;
    let mut lines = Vec::new();
    let mut text = String::new();
    for (id, claim) in claims {
        let line = line(&at, id, &claim).await?;
        let left =
            line.until.map_or("".into(), |until| format!(", {} blocks left", until.saturating_sub(now)));
        let due = if line.due { ", a poke is due" } else { "" };
        let ruling = line.ruling.map_or("".into(), |(fraction, quality)| {
            format!(", {}.{:02} % accepted, quality {quality}", fraction / 100, fraction % 100)
        });
        writeln!(
            text,
            "claim {id}: dataset {}, {} units, {}{left}{due}{ruling}, bond {}, by {}",
            line.dataset,
            line.units.map_or("?".into(), |units| units.to_string()),
            line.stage,
            sbh(line.bond),
            line.claimant
        )?;
        lines.push(line);
    }
    if lines.is_empty() {
        text = "no open claims".into();
    }
    context.print(&lines, text)
}

async fn line(at: &At, id: ClaimId, claim: &DataClaim) -> anyhow::Result<Line> {
    let ruling = match claim.stage {
        Stage::Judged { ruling, .. } | Stage::Appealed { ruling, .. } => ruling,
        _ => Ruling::None,
    };
    Ok(Line {
        claim: id,
        dataset: claim.dataset,
        claimant: claim.claimant,
        stage: claim.word(),
        until: claim.until(),
        due: at.is_due(id).await.coded()?,
        root: claim.told.map(|told| told.root),
        units: claim.told.map(|told| told.units),
        bytes: claim.told.map(|told| told.bytes),
        bond: claim.bond,
        ruling: ruling.vote().map(|vote| (vote.fraction, vote.quality)),
        panel: claim.panels,
        curators: claim.panel.iter().map(|seat| seat.curator).collect(),
        locators: at.claim_locators(id).await.coded()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_protocol::{UNITS, datasets::Modality};

    #[test]
    fn what_a_budget_cannot_promise_is_not_told() {
        let dataset = |budget, reserved| Dataset {
            owner: AccountId::from([1; 32]),
            title: "Test".into(),
            modality: Modality::Text,
            language: "es".into(),
            licence: "CC0-1.0".into(),
            unit: Unit::Item,
            unit_bytes: 1,
            rate: UNITS,
            panel: 5,
            budget,
            reserved,
            claims: 1,
            units: 0,
            paid: 0,
            open: true,
        };
        let can = |dataset: &Dataset, units| can_promise(4, dataset, units, UNITS / 2, "nothing was told");
        // Ten units and five seats.
        assert!(can(&dataset(12 * UNITS + UNITS / 2, 0), 10).is_ok());
        assert!(can(&dataset(20 * UNITS, 7 * UNITS + UNITS / 2), 10).is_ok());
        for poor in [dataset(12 * UNITS, 0), dataset(20 * UNITS, 8 * UNITS), dataset(1, 2)] {
            let error = can(&poor, 10).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::BadInput);
            let error = error.to_string();
            assert!(error.contains("nothing was told") && error.contains("data donate 4"), "{error}");
        }
        assert!(can(&dataset(Balance::MAX, 0), u64::MAX).is_ok());
        assert!(can(&Dataset { rate: Balance::MAX, ..dataset(Balance::MAX - 1, 0) }, u64::MAX).is_err());
    }
}
