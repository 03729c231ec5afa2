//! A claim that was begun: what hides it until it is told, and how it goes on after a crash, or at another node.

use crate::{
    chain::{ChainResult, Client, DataClaim, ERA_BLOCKS},
    error::{Exit, failure},
    keys::AccountId,
    sealed::{Salt, Sealed},
};
use sabha_protocol::{
    Digest,
    datasets::{ClaimId, DatasetId, Stage, claim},
};
use serde::{Deserialize, Serialize};

/// A claim that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begun {
    dataset: DatasetId,
    pub(super) root: Digest,
    pub(super) salt: Salt,
    /// Once a block has its seal.
    pub(super) claim: Option<ClaimId>,
    /// The best block when it was told, if it was: whoever reads the chain may know the salt since.
    #[serde(default)]
    pub(super) told: Option<u64>,
}

/// How a claim that was begun goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To be told.
    Tell(ClaimId),
    /// It was told already.
    Known(ClaimId),
    /// To be sealed, with the salt that is kept.
    Seal,
    /// To be begun anew: the salt hides nothing any more, and what it hid is over.
    Anew,
    /// It was told, and what became of that is not final before this block.
    Wait(u64),
}

impl Begun {
    fn new(dataset: DatasetId, root: Digest) -> anyhow::Result<Self> {
        Ok(Self { dataset, root, salt: Salt::new()?, claim: None, told: None })
    }

    /// What the chain is shown first.
    pub(super) fn seal(&self, me: &AccountId) -> Digest {
        claim::seal(self.dataset, &self.root, &self.salt.0, me)
    }

    /// `found` is the claim with its seal, if the best block has one; `finalised`, the number of the finalised block, if that has none. A seal that
    /// no block shows may be on its way still, or be in a block that this node has not: only a salt that others may know is given up, and only
    /// when nothing that was sent can come any more.
    fn way(&self, found: Option<(ClaimId, &Stage)>, finalised: Option<u64>) -> Way {
        match (found, self.told) {
            (Some((id, Stage::Committed { .. })), _) => Way::Tell(id),
            (Some((id, _)), _) => Way::Known(id),
            (None, None) => Way::Seal,
            (None, Some(told)) => {
                let last = told.saturating_add(ERA_BLOCKS);
                if finalised.is_some_and(|number| number > last) { Way::Anew } else { Way::Wait(last) }
            }
        }
    }
}

/// What was begun, or is: its record is on the disk when this returns. And its claim, if the chain has that still.
///
/// # Errors
/// [`Exit::Refused`] if it is claimed already, or may be; or if the record cannot be kept, or the node does not answer.
pub(super) async fn begin(
    client: &Client,
    me: &AccountId,
    sealed: &Sealed,
    name: &str,
    dataset: DatasetId,
    root: Digest,
) -> anyhow::Result<(Begun, Option<ClaimId>)> {
    let Some(mut begun) = sealed.read::<Begun>(name)? else {
        let begun = Begun::new(dataset, root)?;
        sealed.keep(name, &begun)?;
        return Ok((begun, None));
    };
    // A crash may have come between the seal and its record: the claim is known by its seal.
    let seal = begun.seal(me);
    let find = |claims: Vec<(ClaimId, DataClaim)>| {
        claims.into_iter().find(|(_, claim)| claim.seal == seal && claim.claimant == *me)
    };
    let found = find(client.at_best().await.coded()?.data_claims().await.coded()?);
    let finalised = client.at_finalised().await.coded()?;
    let finalised = find(finalised.data_claims().await.coded()?).is_none().then(|| finalised.number());
    match begun.way(found.as_ref().map(|(id, claim)| (*id, &claim.stage)), finalised) {
        Way::Tell(id) => {
            tracing::info!(claim = id, "going on with what was begun");
            begun.claim = Some(id);
            Ok((begun, Some(id)))
        }
        Way::Known(id) => {
            let word = found.map_or("told", |(_, claim)| claim.word());
            Err(failure(Exit::Refused, format!("it is claimed already: claim {id} is {word}")))
        }
        Way::Seal => {
            tracing::info!("no block that is known here has the seal: it is sealed with the same salt");
            Ok((begun, None))
        }
        Way::Anew => {
            let begun = Begun::new(dataset, root)?;
            sealed.keep(name, &begun)?;
            Ok((begun, None))
        }
        Way::Wait(last) => {
            let message = format!(
                "it was told, and what became of that is not final yet: try again when block {last} is, or see `sabha-worker data claims`"
            );
            Err(failure(Exit::Refused, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_kept_until_what_it_hid_is_told_and_over() {
        let me = AccountId::from([7; 32]);
        let mut begun = Begun::new(4, Digest([1; 32])).unwrap();
        let seal = begun.seal(&me);
        let (committed, drawing) = (Stage::Committed { since: 1, until: 9 }, Stage::Drawing { frozen: 1 });
        // Sent, perhaps, and in no block that this node has: whenever it comes, it can be told.
        for finalised in [None, Some(0), Some(1_000_000)] {
            assert_eq!(begun.way(None, finalised), Way::Seal);
        }
        assert_eq!(begun.way(Some((3, &committed)), None), Way::Tell(3));
        assert_eq!(begun.way(Some((3, &drawing)), None), Way::Known(3));
        // Told, in a block that a reorganisation may undo.
        begun.told = Some(100);
        assert_eq!(begun.way(Some((3, &committed)), Some(90)), Way::Tell(3));
        assert_eq!(begun.way(Some((3, &drawing)), Some(90)), Way::Known(3));
        assert_eq!(begun.way(None, None), Way::Wait(164));
        assert_eq!(begun.way(None, Some(164)), Way::Wait(164));
        assert_eq!(begun.way(None, Some(165)), Way::Anew);
        // A record reads as it was written, with what older ones lack.
        let text = serde_json::to_string(&begun).unwrap();
        assert_eq!(serde_json::from_str::<Begun>(&text).unwrap(), begun);
        let older = text.replace(",\"told\":100", "");
        assert_eq!(serde_json::from_str::<Begun>(&older).unwrap().seal(&me), seal);
    }
}
