//! A curator that works by itself: seats are looked for, claims looked at, votes sealed and revealed, and claims moved on that wait for
//! nothing but time.

use super::{
    look::{Looked, Options, Subject, look},
    source::Source,
    votes::{self, VoteRecord},
};
use crate::{
    blobs::PeerBlobs,
    chain::{At, Call, ChainError, ChainResult, Client, DataClaim, Until, Word},
    config::Config,
    error::{Exit, failure},
    keys::{AccountId, Key},
    sealed::Sealed,
    stop::Stop,
};
use sabha_blobs::network::Patience;
use sabha_protocol::datasets::{ClaimId, SeatState, Stage};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Active blocks before a deadline at which a vote is made with what could be fetched until then.
const MARGIN: u32 = 4;

/// Claims that are moved on at one look, at most.
const POKES: usize = 16;

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
                () = tokio::time::sleep(every) => {}
            }
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
        for (id, claim) in &seats {
            if self.stop.is_raised() {
                return Ok(());
            }
            self.act(&at, *id, claim, memory, told).await?;
        }
        let open: Vec<ClaimId> = seats.iter().map(|(id, _)| *id).collect();
        for record in votes::forget_settled(self.sealed, &open)? {
            self.let_go(&record);
            told(Done::Settled { claim: record.claim })?;
        }
        memory.told.retain(|(claim, _)| open.contains(claim));
        memory.sent.retain(|_, block| at.number() < *block);
        if self.poke { self.poke_due(&at, &me, memory, told).await } else { Ok(()) }
    }

    async fn act(
        &self,
        at: &At,
        id: ClaimId,
        claim: &DataClaim,
        memory: &mut Memory,
        told: &mut impl FnMut(Done) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let seat = claim.seat_of(&self.key.account());
        if memory.sent.get(&id).is_some_and(|block| at.number() < *block) {
            return Ok(());
        }
        match (claim.stage, seat) {
            (Stage::Sealing { until }, Some(SeatState::Drawn)) => {
                if memory.told.insert((id, claim.panels)) {
                    told(Done::Drawn { claim: id, until })?;
                }
                let record = match votes::kept(self.sealed, id, claim.panels)? {
                    Some(record) => record,
                    None if !self.auto => return Ok(()),
                    None => {
                        let looked = self.look_at(at, id, claim).await?;
                        let now = at.active_blocks().await.coded()?;
                        if looked.unserved > 0 && now.saturating_add(MARGIN) < until {
                            tracing::warn!(
                                claim = id,
                                unserved = looked.unserved,
                                parts = looked.parts,
                                "asked for again at the next look"
                            );
                            return Ok(());
                        }
                        told(Done::Looked { looked: Box::new(looked.clone()) })?;
                        votes::keep(self.sealed, id, claim.panels, looked.vote(), Some(looked))?
                    }
                };
                let included = votes::seal(self.client, self.key, &record, Until::Best).await;
                if let Some(included) = stale(included)? {
                    memory.sent.insert(id, included.number);
                    told(Done::Sealed { claim: id, block: included.number })?;
                }
            }
            (Stage::Revealing { .. }, Some(SeatState::Sealed(_))) => {
                let Some(record) = votes::kept(self.sealed, id, claim.panels)? else {
                    tracing::error!(
                        claim = id,
                        "a vote was sealed of which nothing is kept here: reveal it where it was sealed"
                    );
                    return Ok(());
                };
                let included = votes::reveal(self.client, self.key, &record, Until::Best).await;
                if let Some(included) = stale(included)? {
                    memory.sent.insert(id, included.number);
                    let (fraction, quality) = (record.fraction, record.quality);
                    told(Done::Revealed { claim: id, fraction, quality, block: included.number })?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Looks at a claim, as this curator is to.
    ///
    /// # Errors
    /// If the node does not answer, the claim was not told, or a signal came.
    pub async fn look_at(&self, at: &At, id: ClaimId, claim: &DataClaim) -> anyhow::Result<Looked> {
        let dataset = at.dataset(claim.dataset).await.coded()?;
        let dataset = dataset.ok_or_else(|| {
            failure(Exit::Failure, format!("claim {id} is for a dataset that is not there"))
        })?;
        let (shards, licences) = (at.claim_shards(id).await.coded()?, at.licences().await.coded()?);
        let locators = at.claim_locators(id).await.coded()?;
        let word: Word = at.latest_word().await.coded()?.ok_or_else(|| {
            failure(Exit::NoNode, "the chain has no randomness yet: it comes with the next session")
        })?;
        let source = Source::new(self.blobs, &locators, self.patience());
        let subject = Subject { id, claim, dataset: &dataset, shards: &shards, licences: &licences, word };
        tokio::task::block_in_place(|| {
            look(&subject, &self.key.account(), &source, self.options, self.stop, |done, of| {
                tracing::debug!(claim = id, done, of, "looking");
            })
        })
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
        memory.due.retain(|id, _| claims.iter().any(|(open, _)| open == id));
        for (id, claim) in claims {
            if self.stop.is_raised() || left == 0 {
                break;
            }
            let sent = memory.sent.get(&id).is_some_and(|block| at.number() < *block);
            if sent || !at.is_due(id).await.coded()? {
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
