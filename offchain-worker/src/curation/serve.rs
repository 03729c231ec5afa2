//! A curator that works by itself: seats are looked for, claims looked at, votes sealed and revealed, and claims moved on that wait for
//! nothing but time.

use super::{
    look::{Looked, Options, Subject, look, needs_person},
    plan::{Next, Step, can_wait, next_steps, time_for},
    source::Source,
    votes::{self, VoteRecord},
};
use crate::{
    blobs::PeerBlobs,
    chain::{At, Call, ChainError, ChainResult, Client, DataClaim, Dataset, Until, Word},
    config::Config,
    error::{Exit, failure},
    keys::{AccountId, Key},
    sealed::Sealed,
    stop::Stop,
};
use sabha_blobs::network::Patience;
use sabha_protocol::{
    Digest,
    datasets::{ClaimId, due},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinHandle};

/// Claims that are moved on at one look, at most: each takes a block, and what is to be revealed does not wait for more.
const POKES: usize = 4;

/// A curator at work.
pub struct Curator<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The connection.
    pub client: &'a Client,
    /// Who votes.
    pub key: &'a Key,
    /// The blobs, and where they come from.
    pub blobs: &'a PeerBlobs,
    /// What was sealed.
    pub sealed: &'a Sealed,
    /// How much is looked at.
    pub options: Options,
    /// Whether it votes by itself; if not, it only reveals what was sealed by hand.
    pub auto: bool,
    /// Whether it moves claims on.
    pub poke: bool,
    /// Raised when it is to end.
    pub stop: &'a Stop,
}

/// What it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Done {
    /// It was drawn for a claim.
    Drawn {
        /// The claim.
        claim: ClaimId,
        /// The last active block for seals.
        until: u32,
    },
    /// It looked at a claim.
    Looked {
        /// What that told.
        looked: Box<Looked>,
    },
    /// It sealed a vote.
    Sealed {
        /// The claim.
        claim: ClaimId,
        /// The block.
        block: u64,
    },
    /// It revealed a vote.
    Revealed {
        /// The claim.
        claim: ClaimId,
        /// Which part it accepted, of 10,000.
        fraction: u16,
        /// How good that is, of 100.
        quality: u8,
        /// The block.
        block: u64,
    },
    /// It moved a claim on.
    Poked {
        /// The claim.
        claim: ClaimId,
        /// How far it was.
        stage: &'static str,
        /// The block.
        block: u64,
    },
    /// A claim that it voted about is settled.
    Settled {
        /// The claim.
        claim: ClaimId,
    },
}

/// What is remembered between looks. Nothing of it is needed after a restart.
#[derive(Default)]
struct Memory {
    told: BTreeSet<(ClaimId, u8)>,
    /// The block that has what was sent about a claim at last: what is read from before it tells nothing new.
    sent: BTreeMap<ClaimId, u64>,
    /// Looks since a poke was first seen to be due.
    due: BTreeMap<ClaimId, u32>,
    /// How often a claim was looked at, and what was fetched for that.
    tries: BTreeMap<(ClaimId, u8), (u32, Vec<Digest>)>,
    /// What no program can judge, of which that was said.
    left: BTreeSet<(ClaimId, u8)>,
    /// The claim that is looked at, beside all else.
    looking: Option<Looking>,
    /// Told when that is done.
    looked: Arc<Notify>,
}

/// A look that is under way.
struct Looking {
    next: Next,
    task: JoinHandle<anyhow::Result<Looked>>,
}

/// All that a look at a claim needs.
struct Matter {
    id: ClaimId,
    claim: DataClaim,
    dataset: Dataset,
    shards: Vec<Digest>,
    licences: Vec<String>,
    locators: Vec<String>,
    word: Word,
}

impl Matter {
    fn look(
        &self,
        source: &Source,
        curator: &AccountId,
        options: Options,
        stop: &Stop,
    ) -> anyhow::Result<Looked> {
        let Self { id, claim, dataset, shards, licences, word, .. } = self;
        let subject = Subject { id: *id, claim, dataset, shards, licences, word: *word };
        look(&subject, curator, source, options, stop, |done, of| {
            tracing::debug!(claim = id, done, of, "looking");
        })
    }
}

impl Curator<'_> {
    /// Works until the flag goes up. `told` hears of what was done.
    ///
    /// # Errors
    /// If what was sealed cannot be kept or read, or the node belongs to another chain. Whatever passes is waited for.
    pub async fn serve(&self, mut told: impl FnMut(Done) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let every = Duration::from_millis(self.config.chain.poll_ms);
        let mut memory = Memory::default();
        while !self.stop.is_raised() {
            match self.look_once(&mut memory, &mut told).await {
                Err(error) if Exit::of(&error) == Exit::NoNode || Exit::of(&error) == Exit::Refused => {
                    tracing::warn!(error = %format!("{error:#}"), "tried again at the next look");
                }
                other => other?,
            }
            tokio::select! {
                () = self.stop.raised() => {}
                () = memory.looked.notified() => {}
                () = tokio::time::sleep(every) => {}
            }
        }
        if let Some(looking) = memory.looking.take() {
            // It ends with the part that it is at.
            let _ = looking.task.await;
        }
        Ok(())
    }

    async fn look_once(
        &self,
        memory: &mut Memory,
        told: &mut impl FnMut(Done) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let at = self.client.at_followed(self.config.chain.follow).await.coded()?;
        let me = self.key.account();
        let seats = at.seats_of(&me).await.coded()?;
        let kept = votes::all(self.sealed)?;
        let is_kept = |claim, panel| kept.iter().any(|vote| (vote.claim, vote.panel) == (claim, panel));
        let mut looks = Vec::new();
        for next in next_steps(&seats, &me, is_kept) {
            if self.stop.is_raised() {
                return Ok(());
            }
            if memory.sent.get(&next.claim).is_some_and(|block| at.number() < *block) {
                continue;
            }
            if matches!(next.step, Step::Seal | Step::Look) && memory.told.insert((next.claim, next.panel)) {
                told(Done::Drawn { claim: next.claim, until: next.until })?;
            }
            match next.step {
                Step::Look => looks.push(next),
                _ => self.act(next, memory, told).await?,
            }
        }
        if self.auto {
            self.advance_look(&at, &looks, &seats, memory, told).await?;
        }
        self.forget(&seats, &kept, told).await?;
        let is_open = |claim: &ClaimId| seats.iter().any(|(open, _)| open == claim);
        memory.told.retain(|(claim, _)| is_open(claim));
        memory.tries.retain(|(claim, _), _| is_open(claim));
        memory.left.retain(|(claim, _)| is_open(claim));
        memory.sent.retain(|_, block| at.number() < *block);
        if self.poke { self.poke_due(&at, &me, memory, told).await } else { Ok(()) }
    }

    /// Does what takes no time.
    async fn act(
        &self,
        next: Next,
        memory: &mut Memory,
        told: &mut impl FnMut(Done) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let id = next.claim;
        let record = match votes::kept(self.sealed, id, next.panel)? {
            Some(record) if next.step != Step::Lost => record,
            _ => {
                tracing::error!(
                    claim = id,
                    "a vote was sealed of which nothing is kept here: reveal it where it was sealed"
                );
                return Ok(());
            }
        };
        if next.step == Step::Reveal {
            let included = votes::reveal(self.client, self.key, &record, Until::Best).await;
            if let Some(included) = stale(included)? {
                memory.sent.insert(id, included.number);
                let (fraction, quality) = (record.fraction, record.quality);
                told(Done::Revealed { claim: id, fraction, quality, block: included.number })?;
            }
            return Ok(());
        }
        let included = votes::seal(self.client, self.key, &record, Until::Best).await;
        if let Some(included) = stale(included)? {
            memory.sent.insert(id, included.number);
            told(Done::Sealed { claim: id, block: included.number })?;
        }
        Ok(())
    }

    /// Takes what a look told, and begins the next one. It runs beside all else, for who serves slowly must not keep this from revealing.
    async fn advance_look(
        &self,
        at: &At,
        looks: &[Next],
        seats: &[(ClaimId, DataClaim)],
        memory: &mut Memory,
        told: &mut impl FnMut(Done) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let now = at.active_blocks().await.coded()?;
        if memory.looking.as_ref().is_some_and(|looking| !looking.task.is_finished()) {
            return Ok(());
        }
        if let Some(Looking { next, task }) = memory.looking.take() {
            let (tries, fetched) = memory.tries.entry((next.claim, next.panel)).or_default();
            *tries = tries.saturating_add(1);
            match task.await? {
                Err(error) => {
                    tracing::warn!(claim = next.claim, error = %format!("{error:#}"), "it could not be looked at");
                }
                Ok(looked) if looked.unserved > 0 && can_wait(now, next.until) => {
                    let Looked { unserved, parts, .. } = looked;
                    tracing::warn!(claim = next.claim, unserved, parts, "asked for again at the next look");
                    fetched.extend(looked.fetched);
                }
                Ok(mut looked) if looks.iter().any(|look| same(look, &next)) => {
                    fetched.append(&mut looked.fetched);
                    looked.fetched = std::mem::take(fetched);
                    told(Done::Looked { looked: Box::new(looked.clone()) })?;
                    let vote = looked.vote();
                    votes::keep(self.sealed, next.claim, next.panel, at.number(), vote, Some(looked))?;
                    self.act(Next { step: Step::Seal, ..next }, memory, told).await?;
                    return Ok(());
                }
                Ok(_) => {}
            }
        }
        // Who was not asked for long comes first.
        let tries = |next: &Next| memory.tries.get(&(next.claim, next.panel)).map_or(0, |(tries, _)| *tries);
        let is_left = |next: &Next| memory.left.contains(&(next.claim, next.panel));
        let mut waiting: Vec<&Next> = looks.iter().filter(|next| !is_left(next)).collect();
        waiting.sort_by_key(|next| (tries(next), next.until));
        for next in &waiting {
            let claim = seats.iter().find(|(id, _)| *id == next.claim).map(|(_, claim)| claim);
            let Some(matter) = claim.map(|claim| self.matter(at, next.claim, claim)) else { continue };
            let matter = matter.await?;
            if let Some(what) = needs_person(&matter.dataset) {
                memory.left.insert((next.claim, next.panel));
                tracing::warn!(
                    claim = next.claim,
                    until = next.until,
                    "it brings {what}, which no program here can judge: stop this, vote with `sabha-worker curate vote`, and start it again; \
                     without a vote the seat's stake is lost"
                );
                continue;
            }
            let time = time_for(now, next.until, waiting.len(), at.slot().await.coded()?);
            let source = self.source(&matter).before(Instant::now() + time);
            let (me, options, stop) = (self.key.account(), self.options, self.stop.clone());
            let looked = memory.looked.clone();
            let task = tokio::task::spawn_blocking(move || {
                let found = matter.look(&source, &me, options, &stop);
                looked.notify_one();
                found
            });
            memory.looking = Some(Looking { next: **next, task });
            break;
        }
        Ok(())
    }

    /// Forgets votes about what is settled, or has another panel: only what is final says so.
    async fn forget(
        &self,
        seats: &[(ClaimId, DataClaim)],
        kept: &[VoteRecord],
        told: &mut impl FnMut(Done) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let is_seated = |vote: &VoteRecord| {
            seats.iter().any(|(id, claim)| *id == vote.claim && claim.panels == vote.panel)
        };
        let old: Vec<&VoteRecord> = kept.iter().filter(|vote| !is_seated(vote)).collect();
        if old.is_empty() {
            return Ok(());
        }
        let at = self.client.at_finalised().await.coded()?;
        for record in old {
            let claim = at.data_claim(record.claim).await.coded()?;
            if record.is_over(at.number(), claim.as_ref()) {
                votes::forget(self.sealed, record)?;
                self.let_go(record);
                if claim.is_none() {
                    told(Done::Settled { claim: record.claim })?;
                }
            }
        }
        Ok(())
    }

    /// Looks at a claim, as this curator is to.
    ///
    /// # Errors
    /// If the node does not answer, the claim was not told, no program can judge it, or a signal came.
    pub async fn look_at(&self, at: &At, id: ClaimId, claim: &DataClaim) -> anyhow::Result<Looked> {
        let matter = self.matter(at, id, claim).await?;
        let source = self.source(&matter);
        let me = self.key.account();
        tokio::task::block_in_place(|| matter.look(&source, &me, self.options, self.stop))
    }

    async fn matter(&self, at: &At, id: ClaimId, claim: &DataClaim) -> anyhow::Result<Matter> {
        let dataset = at.dataset(claim.dataset).await.coded()?;
        let dataset = dataset.ok_or_else(|| {
            failure(Exit::Failure, format!("claim {id} is for a dataset that is not there"))
        })?;
        let (shards, licences) = (at.claim_shards(id).await.coded()?, at.licences().await.coded()?);
        let locators = at.claim_locators(id).await.coded()?;
        let word: Word = at.latest_word().await.coded()?.ok_or_else(|| {
            failure(Exit::NoNode, "the chain has no randomness yet: it comes with the next session")
        })?;
        Ok(Matter { id, claim: claim.clone(), dataset, shards, licences, locators, word })
    }

    fn source(&self, matter: &Matter) -> Source {
        Source::new(self.blobs, &matter.locators, self.patience())
    }

    fn patience(&self) -> Patience {
        Patience {
            connect: Duration::from_secs(self.config.network.connect_timeout_s),
            idle: Duration::from_secs(self.config.network.idle_timeout_s),
            ..Patience::default()
        }
    }

    /// Removes what was fetched for a look, unless a pin keeps it.
    fn let_go(&self, record: &VoteRecord) {
        let own = self.blobs.own();
        let pinned = own.pins().unwrap_or_default();
        for digest in record.looked.iter().flat_map(|looked| &looked.fetched) {
            if !pinned.values().any(|digests| digests.contains(digest)) {
                let _ = own.remove(*digest);
            }
        }
    }

    /// Moves claims on. Curators take turns, so that not all of them pay for the same: each waits for some looks, which depend on account
    /// and claim.
    async fn poke_due(
        &self,
        at: &At,
        me: &AccountId,
        memory: &mut Memory,
        told: &mut impl FnMut(Done) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut left = POKES;
        let claims = at.data_claims().await.coded()?;
        let (now, session) = (at.active_blocks().await.coded()?, at.session().await.coded()?);
        memory.due.retain(|id, _| claims.iter().any(|(open, _)| open == id));
        for (id, claim) in claims {
            if self.stop.is_raised() || left == 0 {
                break;
            }
            let sent = memory.sent.get(&id).is_some_and(|block| at.number() < *block);
            if sent || due(&claim.stage, &claim.panel, claim.seats, now, session).is_none() {
                memory.due.remove(&id);
                continue;
            }
            let looks = memory.due.entry(id).or_insert(0);
            *looks = looks.saturating_add(1);
            let turn = me.0.first().copied().unwrap_or(0).wrapping_add(id as u8) % 8;
            if *looks <= u32::from(turn) {
                continue;
            }
            left -= 1;
            let sent = self.client.submit(&Call::poke_claim(id), self.key, Until::Best).await;
            memory.due.remove(&id);
            if let Some(included) = stale(sent)? {
                memory.sent.insert(id, included.number);
                told(Done::Poked { claim: id, stage: claim.word(), block: included.number })?;
            }
        }
        Ok(())
    }
}

fn same(one: &Next, other: &Next) -> bool {
    (one.claim, one.panel) == (other.claim, other.panel)
}

/// What was refused because somebody, or this curator before a crash, did it already, or because its time is over, is no failure.
fn stale<T>(sent: Result<T, ChainError>) -> anyhow::Result<Option<T>> {
    match sent {
        Err(ChainError::Refused { call, name, docs }) => {
            tracing::info!(%call, %name, %docs, "refused");
            Ok(None)
        }
        other => other.map(Some).coded(),
    }
}
