//! Votes: sealed, kept, revealed.

use super::look::Looked;
use crate::{
    chain::{Call, ChainError, Client, DataClaim, Included, Until},
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
    /// The block whose state had the seat when the vote was kept.
    #[serde(default)]
    block: u64,
    /// What the vote was made by; none if a person looked in another way.
    pub looked: Option<Looked>,
}

impl VoteRecord {
    /// The vote.
    pub fn vote(&self) -> Vote {
        Vote { fraction: self.fraction, quality: self.quality }
    }

    /// Whether nobody will ask for it any more, as far as a finalised block says, whose number this is and whose state has the claim so. A
    /// block before the one in which the vote was kept says nothing, nor does one that is not final: the claim's panel may be drawn in a block
    /// that it does not know.
    pub fn is_over(&self, finalised: u64, claim: Option<&DataClaim>) -> bool {
        finalised >= self.block && claim.is_none_or(|claim| claim.panels > self.panel)
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

/// Keeps a vote about a claim whose seat the state after this block has, unless one is kept already, and returns what is kept.
///
/// # Errors
/// If it cannot be kept: then nothing may be sealed.
pub fn keep(
    sealed: &Sealed,
    claim: ClaimId,
    panel: u8,
    block: u64,
    vote: Vote,
    looked: Option<Looked>,
) -> anyhow::Result<VoteRecord> {
    if let Some(kept) = kept(sealed, claim, panel)? {
        return Ok(kept);
    }
    let Vote { fraction, quality } = vote;
    let record = VoteRecord { claim, panel, fraction, quality, salt: Salt::new()?, block, looked };
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

/// The votes that are kept.
///
/// # Errors
/// If they cannot be read.
pub fn all(sealed: &Sealed) -> anyhow::Result<Vec<VoteRecord>> {
    let mut all = Vec::new();
    for name in sealed.names("vote-")? {
        all.extend(sealed.read::<VoteRecord>(&name)?);
    }
    Ok(all)
}

/// Forgets a vote: see [`VoteRecord::is_over`].
///
/// # Errors
/// If it cannot be removed.
pub fn forget(sealed: &Sealed, record: &VoteRecord) -> anyhow::Result<()> {
    sealed.forget(&name(record.claim, record.panel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::AccountId;
    use sabha_protocol::datasets::Stage;

    #[test]
    fn a_vote_that_is_kept_stands() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Sealed::open(folder.path(), [1; 32], &AccountId::from([7; 32])).unwrap();
        let first = keep(&sealed, 3, 0, 40, Vote { fraction: 9_000, quality: 90 }, None).unwrap();
        let again = keep(&sealed, 3, 0, 50, Vote { fraction: 0, quality: 0 }, None).unwrap();
        assert_eq!(first, again, "whoever changed its mind would reveal what it has not sealed");
        let other_panel = keep(&sealed, 3, 1, 50, Vote { fraction: 0, quality: 0 }, None).unwrap();
        assert_ne!(other_panel.salt, first.salt);
        assert_eq!(all(&sealed).unwrap(), [first.clone(), other_panel]);
        forget(&sealed, &first).unwrap();
        assert_eq!(kept(&sealed, 3, 0).unwrap(), None);
    }

    #[test]
    fn a_vote_is_over_only_by_what_is_final_and_later() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Sealed::open(folder.path(), [1; 32], &AccountId::from([7; 32])).unwrap();
        let record = keep(&sealed, 3, 1, 40, Vote { fraction: 9_000, quality: 90 }, None).unwrap();
        let claim = |panels| crate::curation::plan::claim(Stage::Drawing { frozen: 1 }, panels, vec![]);
        // The panel was drawn in block 40, which is not final; or another node is behind.
        assert!(!record.is_over(39, None));
        assert!(!record.is_over(39, Some(&claim(2))));
        // It is settled, or has another panel.
        assert!(record.is_over(40, None));
        assert!(record.is_over(40, Some(&claim(2))));
        // A chain that parted before has not drawn it yet, or has it as it was.
        assert!(!record.is_over(40, Some(&claim(0))));
        assert!(!record.is_over(9_999, Some(&claim(1))));
    }
}
