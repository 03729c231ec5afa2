//! What a game is about, from the chain's records.

use crate::{
    chain::{At, ChainError, Client, Dispute, Round},
    daemon::{
        task::{Kind, Task},
        watch::Rounds,
        work::{self, Origin, Table},
    },
};
use sabha_protocol::{
    Digest, Outcome, RunSpec, SlotIndex,
    audit::Opening,
    dispute::{
        Side, Subject,
        record::{GameId, Phase, Risk, Target},
    },
    round::Terms,
};
use std::path::{Path, PathBuf};

/// Blocks that are looked through for leaves, at most.
const LOOKS_BACK: u64 = 4_096;

/// What is known of a game besides what the chain says.
pub(crate) struct About<'a> {
    pub(crate) game: GameId,
    pub(crate) side: Side,
    pub(crate) spec: RunSpec,
    pub(crate) origins: Vec<Origin>,
    pub(crate) seen: PathBuf,
    pub(crate) state: &'a Path,
}

/// What a game is about. `None` if the chain has no record of it any more.
pub(crate) async fn table(
    about: About<'_>,
    dispute: &Dispute,
    rounds: &mut Rounds,
) -> anyhow::Result<Option<Table>> {
    let (run, key) = (dispute.run, dispute.round);
    let Some(round) = rounds.round(run, key).await? else { return Ok(None) };
    let slots = rounds.slots(run, key).await?.to_vec();
    let mut updates: Vec<(SlotIndex, Digest)> = Vec::new();
    for (index, slot) in &slots {
        if let (true, Some(Outcome::Trained(commitment))) = (round.accepted.contains(*index), slot.outcome())
        {
            updates.push((*index, commitment.update_digest));
        }
    }
    let (subject, place, generation) = match dispute.target {
        Target::Slot { slot, generation } => {
            let found = slots.iter().find(|(index, found)| *index == slot && found.generation == generation);
            let Some(outcome) = found.and_then(|(_, found)| found.outcome()) else { return Ok(None) };
            (Subject::Slot { slot, outcome }, slot, generation)
        }
        Target::Aggregation => {
            let Round { result: Some((checkpoint, _)), .. } = &round else { return Ok(None) };
            let workers = u16::try_from(updates.len()).unwrap_or(u16::MAX);
            (Subject::Aggregation { workers, result: checkpoint.root }, 0, 0)
        }
    };
    let task = Task { kind: Kind::Train, run, round: key, place, generation };
    Ok(Some(Table {
        game: about.game,
        side: about.side,
        round: key.round,
        spec: about.spec,
        base: round.base,
        subject,
        updates,
        folder: work::folder_of(about.state, &task),
        published: Vec::new(),
        seen: about.seen,
        origins: about.origins,
    }))
}

/// The leaves that were published of a slot whose auditor is to name a claim, by segment. Nothing if they are not found: the auditor
/// executes the slot then.
pub(crate) async fn published(
    client: &Client,
    best: &At,
    table: &Table,
    dispute: &Dispute,
    rounds: &mut Rounds,
) -> Result<Vec<(u32, Digest)>, ChainError> {
    let (Phase::Naming { .. }, Risk::Seat(_), Subject::Slot { slot, outcome }) =
        (&dispute.stage, dispute.risk, table.subject)
    else {
        return Ok(Vec::new());
    };
    let Outcome::Trained(commitment) = outcome else { return Ok(Vec::new()) };
    let Some(round) = rounds.round(dispute.run, dispute.round).await? else { return Ok(Vec::new()) };
    let segments = round.audited_segments(&Terms::new(dispute.run, &table.spec), slot);
    // Of one segment they tell nothing that the auditor does not know.
    if segments.len() < 2 {
        return Ok(Vec::new());
    }
    let count = table.spec.segments().saturating_add(1);
    let fit = |leaves: &[Opening]| {
        let opens = |(leaf, segment): (&Opening, &u32)| {
            leaf.opens(&commitment.segments_root, count, segment.saturating_add(1))
        };
        leaves.len() == segments.len() && leaves.iter().zip(&segments).all(opens)
    };
    let clocks = &table.spec.clocks;
    // Twice the clocks: they count active blocks, and a block may be none.
    let blocks = u64::from(clocks.leaves).saturating_add(clocks.reveals.into()).saturating_mul(2);
    let blocks = blocks.saturating_add(64).min(LOOKS_BACK);
    let found = client.published(best, blocks, (dispute.run, dispute.round, slot), fit).await?;
    let leaves = found.unwrap_or_default();
    Ok(segments.into_iter().zip(leaves.into_iter().map(|opening| opening.leaf)).collect())
}

/// Where what a challenger has seen of a game is kept.
pub(crate) fn seen_file(state: &Path, game: GameId) -> PathBuf {
    state.join("disputes").join(format!("{game}.seen"))
}
