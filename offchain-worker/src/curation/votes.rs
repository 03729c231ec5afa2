//! Votes: sealed, kept, revealed.

use super::look::Looked;
use crate::{
    chain::{Call, ChainError, Client, Included, Until},
    keys::Key,
    sealed::{Salt, Sealed},
};
use sabha_protocol::datasets::{ClaimId, Vote, vote};
use serde::{Deserialize, Serialize};

/// A vote that is sealed, or is about to be. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteRecord {
    /// The claim.
    pub claim: ClaimId,
    /// The number of its panel.
    pub panel: u8,
    /// Which part is accepted, of 10,000.
    pub fraction: u16,
    /// How good it is, of 100.
    pub quality: u8,
    salt: Salt,
    /// What the vote was made by; none if a person looked in another way.
    pub looked: Option<Looked>,
}

impl VoteRecord {
    /// The vote.
    pub fn vote(&self) -> Vote {
        Vote { fraction: self.fraction, quality: self.quality }
    }
}

fn name(claim: ClaimId, panel: u8) -> String {
    format!("vote-{claim}-{panel}")
}

/// The vote about a claim that is kept, if there is one.
///
/// # Errors
/// If it cannot be read.
pub fn kept(sealed: &Sealed, claim: ClaimId, panel: u8) -> anyhow::Result<Option<VoteRecord>> {
    sealed.read(&name(claim, panel))
}

/// Keeps a vote, unless one is kept already, and returns what is kept.
///
/// # Errors
/// If it cannot be kept: then nothing may be sealed.
pub fn keep(
    sealed: &Sealed,
    claim: ClaimId,
    panel: u8,
    vote: Vote,
    looked: Option<Looked>,
) -> anyhow::Result<VoteRecord> {
    if let Some(kept) = kept(sealed, claim, panel)? {
        return Ok(kept);
    }
    let Vote { fraction, quality } = vote;
    let record = VoteRecord { claim, panel, fraction, quality, salt: Salt::new()?, looked };
    sealed.keep(&name(claim, panel), &record)?;
    Ok(record)
}

/// Seals a vote that is kept.
///
/// # Errors
/// The chain's, or the node's.
pub async fn seal(
    client: &Client,
    key: &Key,
    record: &VoteRecord,
    until: Until,
) -> Result<Included, ChainError> {
    let seal = vote::seal(record.claim, record.panel, &record.vote(), &record.salt.0, &key.account());
    client.submit(&Call::seal_vote(record.claim, seal), key, until).await
}

/// Reveals it.
///
/// # Errors
/// The chain's, or the node's.
pub async fn reveal(
    client: &Client,
    key: &Key,
    record: &VoteRecord,
    until: Until,
) -> Result<Included, ChainError> {
    client.submit(&Call::reveal_vote(record.claim, record.vote(), record.salt.0), key, until).await
}

/// Forgets votes whose claims are settled: those that are not among `open`.
///
/// # Errors
/// If the records cannot be read or removed.
pub fn forget_settled(sealed: &Sealed, open: &[ClaimId]) -> anyhow::Result<Vec<VoteRecord>> {
    let mut gone = Vec::new();
    for name in sealed.names("vote-")? {
        let Some(record) = sealed.read::<VoteRecord>(&name)? else { continue };
        if !open.contains(&record.claim) {
            sealed.forget(&name)?;
            gone.push(record);
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::AccountId;

    #[test]
    fn a_vote_that_is_kept_stands() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Sealed::open(folder.path(), [1; 32], &AccountId::from([7; 32])).unwrap();
        let first = keep(&sealed, 3, 0, Vote { fraction: 9_000, quality: 90 }, None).unwrap();
        let again = keep(&sealed, 3, 0, Vote { fraction: 0, quality: 0 }, None).unwrap();
        assert_eq!(first, again, "whoever changed its mind would reveal what it has not sealed");
        let other_panel = keep(&sealed, 3, 1, Vote { fraction: 0, quality: 0 }, None).unwrap();
        assert_ne!(other_panel.salt, first.salt);
        assert_eq!(kept(&sealed, 3, 0).unwrap(), Some(first));
        assert_eq!(forget_settled(&sealed, &[3]).unwrap().len(), 0);
        assert_eq!(forget_settled(&sealed, &[4]).unwrap().len(), 2);
        assert_eq!(kept(&sealed, 3, 0).unwrap(), None);
    }
}
