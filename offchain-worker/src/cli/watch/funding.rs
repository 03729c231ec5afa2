//! `run watch` of a proposal: how it is paid for, until it is a run or comes to nothing.

use super::WatchArgs;
use crate::{
    chain::{At, ChainResult, Client, Proposal},
    cli::{
        Context,
        live::source::Source,
        on_chain::{as_text, sbh},
        run::find,
    },
    error::{Exit, failure},
    output::Output,
};
use sabha_protocol::{ActiveBlock, Balance, RunId, allocation::Stage};
use serde::Serialize;
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// How far a proposal is.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Funding {
    stage: &'static str,
    #[serde(serialize_with = "as_text")]
    goal: Balance,
    #[serde(serialize_with = "as_text")]
    backed: Balance,
    #[serde(serialize_with = "as_text")]
    granted: Balance,
    /// What the matching pot would add now.
    #[serde(serialize_with = "as_text")]
    would_match: Balance,
    backers: u32,
    counted: u32,
    until: Option<ActiveBlock>,
}

/// That, and the block after which it was so.
#[derive(Serialize)]
struct Line<'a> {
    block: u64,
    run: RunId,
    event: &'static str,
    #[serde(flatten)]
    funding: &'a Funding,
}

impl Funding {
    async fn of(at: &At, proposal: &Proposal) -> anyhow::Result<Self> {
        Ok(Self {
            stage: proposal.word(),
            goal: proposal.goal,
            backed: proposal.backed,
            granted: proposal.granted,
            would_match: at.match_of(proposal.id).await.coded()?,
            backers: proposal.backers,
            counted: proposal.counted,
            until: proposal.until(),
        })
    }

    fn words(&self, run: RunId) -> String {
        format!(
            "proposal {run} is {}: {} of {} from {} backers, {} granted, the matching pot would add {}",
            self.stage,
            sbh(self.backed),
            sbh(self.goal),
            self.backers,
            sbh(self.granted),
            sbh(self.would_match)
        )
    }
}

/// Tells what becomes of a proposal. Returns whether there is a run to be watched: else it came to nothing, or the user has enough.
///
/// # Errors
/// [`Exit::BadInput`] if there is neither a run nor a proposal; [`Exit::Failure`] if the time is up, or if only a run that ends is
/// wanted.
pub(super) async fn follow(source: &mut Source, args: &WatchArgs, context: &Context) -> anyhow::Result<bool> {
    let (began, mut before) = (Instant::now(), None);
    loop {
        let looking = look(source.client(), args.run, &mut before, context.global.json);
        let Some(looked) = context.stop.unless_raised(looking).await else { return Ok(false) };
        match looked {
            Ok(None) => source.served(),
            Ok(Some(true)) => return Ok(true),
            Ok(Some(false)) if args.until_final => {
                return Err(failure(Exit::Failure, format!("proposal {} came to nothing", args.run)));
            }
            Ok(Some(false)) => return Ok(false),
            Err(error) if Exit::of(&error) == Exit::NoNode && before.is_some() => {
                tracing::warn!(error = format!("{error:#}"), "trying again");
                context.stop.unless_raised(source.failed()).await;
            }
            Err(error) => return Err(error),
        }
        if args.timeout.is_some_and(|seconds| began.elapsed() >= Duration::from_secs(seconds)) {
            let message = format!("proposal {} is no run after {} s", args.run, began.elapsed().as_secs());
            return Err(failure(Exit::Failure, message));
        }
        context.stop.unless_raised(tokio::time::sleep(source.poll())).await;
    }
}

/// Looks at the best block. Returns whether there is a run, once that is known.
async fn look(
    client: &Client,
    id: RunId,
    before: &mut Option<Funding>,
    json: bool,
) -> anyhow::Result<Option<bool>> {
    let at = client.at_best().await.coded()?;
    if at.run(id).await.coded()?.is_some() {
        return Ok(Some(true));
    }
    let Some(proposal) = at.proposal(id).await.coded()? else {
        // Says that there is none.
        return find(&at, id).await.map(|_| Some(true));
    };
    let funding = Funding::of(&at, &proposal).await?;
    if before.as_ref() != Some(&funding) {
        let line = Line { block: at.number(), run: id, event: "funding", funding: &funding };
        let text = if json {
            serde_json::to_string(&line)?
        } else {
            format!("#{}  {}", line.block, funding.words(id))
        };
        writeln!(Output::lock(), "{text}")?;
        *before = Some(funding);
    }
    Ok(matches!(proposal.stage, Stage::Over { .. }).then_some(false))
}
