//! The chain's datasets.

use super::claim::find_dataset;
use crate::{
    chain::{Call, ChainResult, NewDataset, names::event},
    cli::{
        Context,
        on_chain::{QueryArgs, Receipt, SendArgs, as_text, parse_amount, sbh},
    },
    error::{Exit, failure},
    keys::AccountId,
};
use clap::{Args, ValueEnum};
use sabha_protocol::{
    Balance,
    datasets::{DatasetId, MAX_PANEL, MIN_PANEL, Modality, Unit, words},
};
use serde::Serialize;
use std::fmt::Write;

/// Arguments of `data list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

/// What data is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModalityName {
    /// Running text
    Text,
    /// Images
    Image,
    /// Sound
    Audio,
    /// Anything else
    Other,
}

/// What data is counted and paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnitName {
    /// 2^20 bytes
    Mebibyte,
    /// A document, an image, or another item
    Item,
    /// A second of sound
    Second,
}

/// Arguments of `data register`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker data register --title 'Spanish prose' --language es --licence CC0-1.0 --rate 0.5 --key owner.json"
)]
pub struct RegisterArgs {
    /// Title of the dataset
    #[arg(long)]
    pub title: String,
    /// What it is made of
    #[arg(long, value_enum, default_value_t = ModalityName::Text)]
    pub modality: ModalityName,
    /// Language tag, such as es, hi or pt-BR; zxx for data without a language
    #[arg(long)]
    pub language: String,
    /// Licence that every claim must be under, by its SPDX identifier: one of the chain's list
    #[arg(long, alias = "license")]
    pub licence: String,
    /// What is counted and paid
    #[arg(long, value_enum, default_value_t = UnitName::Mebibyte)]
    pub unit: UnitName,
    /// Bytes that a unit has at least: of items it must be said, or halves of them would be paid as well. Of mebibytes, 1048576
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub unit_bytes: Option<u32>,
    /// What an accepted unit is paid, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub rate: Balance,
    /// Curators of each claim's panel
    #[arg(long, default_value_t = 5, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(i64::from(MIN_PANEL)..=i64::from(MAX_PANEL)))]
    pub panel: u16,
    /// What to give to its budget at once, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub donate: Option<Balance>,
    /// Who registers it, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `data donate`.
#[derive(Args, Debug)]
pub struct DonateArgs {
    /// The dataset's number
    pub dataset: DatasetId,
    /// How much, in SBH. It is not returned
    #[arg(value_parser = parse_amount)]
    pub amount: Balance,
    /// Who gives it, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `data close`.
#[derive(Args, Debug)]
pub struct CloseArgs {
    /// The dataset's number
    pub dataset: DatasetId,
    /// Who registered it, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

#[derive(Serialize)]
struct Line {
    dataset: DatasetId,
    title: String,
    language: String,
    licence: String,
    modality: String,
    unit: String,
    unit_bytes: u32,
    #[serde(serialize_with = "as_text")]
    rate: Balance,
    panel: u16,
    #[serde(serialize_with = "as_text")]
    budget: Balance,
    #[serde(serialize_with = "as_text")]
    reserved: Balance,
    claims: u32,
    units: u64,
    #[serde(serialize_with = "as_text")]
    paid: Balance,
    open: bool,
    owner: AccountId,
}

pub(super) async fn list(args: ListArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let (mut lines, mut text) = (Vec::new(), String::new());
    for (id, dataset) in at.datasets().await.coded()? {
        let unit = format!("{:?}", dataset.unit).to_lowercase();
        let modality = format!("{:?}", dataset.modality).to_lowercase();
        writeln!(
            text,
            "{id:>4}  {} ({}, {}, {modality}): {} a {unit}, panels of {}; budget {}, of which {} is promised; {} units accepted, {} paid{}",
            dataset.title,
            dataset.language,
            dataset.licence,
            sbh(dataset.rate),
            dataset.panel,
            sbh(dataset.budget),
            sbh(dataset.reserved),
            dataset.units,
            sbh(dataset.paid),
            if dataset.open { "" } else { "; closed" }
        )?;
        lines.push(Line {
            dataset: id,
            title: dataset.title,
            language: dataset.language,
            licence: dataset.licence,
            modality,
            unit,
            unit_bytes: dataset.unit_bytes,
            rate: dataset.rate,
            panel: dataset.panel,
            budget: dataset.budget,
            reserved: dataset.reserved,
            claims: dataset.claims,
            units: dataset.units,
            paid: dataset.paid,
            open: dataset.open,
            owner: dataset.owner,
        });
    }
    if lines.is_empty() {
        text = "no datasets".into();
    }
    context.print(&lines, text)
}

#[derive(Serialize)]
struct Registered {
    dataset: DatasetId,
    #[serde(flatten)]
    receipt: Receipt,
}

pub(super) async fn register(args: RegisterArgs, context: &Context) -> anyhow::Result<()> {
    let bad = |what: &str, value: &str, expected: &str| {
        failure(Exit::BadInput, format!("--{what} is {value:?}: it must be {expected}"))
    };
    if !words::is_title(args.title.as_bytes()) {
        return Err(bad("title", &args.title, "one line of at most 128 bytes, without blanks around it"));
    }
    if !words::is_language(args.language.as_bytes()) {
        return Err(bad("language", &args.language, "a language tag such as es, hi or pt-BR, or zxx"));
    }
    let signed = args.send.open(context).await?;
    let at = signed.session.client.at_best().await.coded()?;
    let licences = at.licences().await.coded()?;
    if !licences.contains(&args.licence) {
        return Err(bad("licence", &args.licence, &format!("one of {}", licences.join(", "))));
    }
    let unit = match args.unit {
        UnitName::Mebibyte => Unit::Mebibyte,
        UnitName::Item => Unit::Item,
        UnitName::Second => Unit::Second,
    };
    let modality = match args.modality {
        ModalityName::Text => Modality::Text,
        ModalityName::Image => Modality::Image,
        ModalityName::Audio => Modality::Audio,
        ModalityName::Other => Modality::Other,
    };
    let unit_bytes = match (args.unit_bytes, unit) {
        (Some(bytes), _) => bytes,
        (None, Unit::Mebibyte) => 1 << 20,
        (None, Unit::Second) => 1,
        (None, Unit::Item) => {
            let message = "unit-bytes is not given: say with --unit-bytes how many bytes an item has at least, or somebody is paid for each \
                           half of one";
            return Err(failure(Exit::BadInput, message));
        }
    };
    let new = NewDataset {
        title: args.title,
        modality,
        language: args.language,
        licence: args.licence,
        unit,
        unit_bytes,
        rate: args.rate,
        panel: args.panel,
    };
    let (included, receipt) = signed.send(&Call::register_dataset(&new)).await?;
    let dataset: DatasetId = included.first_field(event::DATASET_REGISTERED).ok_or_else(|| {
        anyhow::anyhow!("it was registered, but the event {} is missing", event::DATASET_REGISTERED)
    })?;
    let mut text = format!("dataset {dataset} is registered (block {})", receipt.block);
    match args.donate {
        Some(amount) => {
            signed.send(&Call::donate(dataset, amount)).await?;
            text.push_str(&format!(", with a budget of {}", sbh(amount)));
        }
        None => text.push_str(&format!(
            "\nnext: `sabha-worker data donate {dataset} AMOUNT`, for its budget is empty"
        )),
    }
    context.print(&Registered { dataset, receipt }, text)
}

pub(super) async fn donate(args: DonateArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let at = signed.session.client.at_best().await.coded()?;
    find_dataset(&at, args.dataset).await?;
    let done = format!("{} more are in the budget of dataset {}", sbh(args.amount), args.dataset);
    signed.send_and_print(context, &Call::donate(args.dataset, args.amount), &done).await
}

pub(super) async fn close(args: CloseArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("dataset {} takes no claims any more", args.dataset);
    signed.send_and_print(context, &Call::close_dataset(args.dataset), &done).await
}
