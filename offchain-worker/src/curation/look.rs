//! The sample of a claim, and what it tells.
//!
//! Which parts are looked at follows from the chain's randomness of a session that had not come when the claim was told, and from the
//! curator's account: nobody could prepare them, and every curator sees others. Each part is within one shard, whose digest is on the
//! chain, and proves itself by it. Small claims are looked at as a whole.

use super::source::Source;
use crate::{
    blobs::BlobError,
    chain::{DataClaim, Dataset},
    data::{
        Manifest, SHARD_BYTES,
        report::{Expected, Language, Look, Report},
        sample::{self, PART_BYTES, Seed},
    },
    error::{Exit, failure},
    keys::AccountId,
    stop::Stop,
};
use anyhow::Context;
use sabha_protocol::{
    Digest, Session,
    datasets::{BEST, ClaimId, Modality, Unit, Vote, WHOLE},
};
use serde::{Deserialize, Serialize};

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Parts of a claim that is not looked at as a whole, 16 KiB each.
    pub parts: u32,
    /// Claims of up to so many mebibytes are looked at as a whole: only then copies far from each other are found for sure.
    pub whole_mib: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { parts: 64, whole_mib: 64 }
    }
}

/// What a look at a claim told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The claim.
    pub claim: ClaimId,
    /// The number of its panel.
    pub panel: u8,
    /// The session whose randomness chose the parts.
    pub session: Session,
    /// Parts that were to be looked at.
    pub parts: u64,
    /// Parts of which nobody served all.
    pub unserved: u64,
    /// Units that there are, as far as the parts tell, of 10,000 that are claimed.
    pub counted: u16,
    /// What the parts told.
    pub report: Report,
    /// Of 10,000: what of the claim is as it says, as far as a program can tell.
    pub fraction: u16,
    /// How good that is, of 100.
    pub quality: u8,
    /// What a person should know.
    pub findings: Vec<String>,
    /// Shards that were fetched for it, and were not here before.
    pub fetched: Vec<Digest>,
}

impl Looked {
    /// What a program would vote.
    pub fn vote(&self) -> Vote {
        Vote { fraction: self.fraction.min(WHOLE), quality: self.quality.min(BEST) }
    }
}

/// A claim that is to be looked at, with what the chain says about it.
pub struct Subject<'a> {
    /// Its number.
    pub id: ClaimId,
    /// Its record.
    pub claim: &'a DataClaim,
    /// Its dataset.
    pub dataset: &'a Dataset,
    /// Its shards.
    pub shards: &'a [Digest],
    /// Licences that are allowed.
    pub licences: &'a [String],
    /// The session of the word, and the word.
    pub word: (Session, [u8; 32]),
}

/// What of a dataset no program here can judge, if there is something: a person has to.
pub fn needs_person(dataset: &Dataset) -> Option<&'static str> {
    match (dataset.modality, dataset.unit) {
        (Modality::Audio, _) => Some("sound"),
        (Modality::Other, _) => Some("data that is neither text nor images"),
        (_, Unit::Second) => Some("data that is counted in seconds"),
        (Modality::Text, _) if !Language::new(&dataset.language).is_known() => {
            Some("text in a language or a script that no program here knows")
        }
        (Modality::Text | Modality::Image, Unit::Mebibyte | Unit::Item) => None,
    }
}

/// Looks at a claim as this curator is to. `told` is how far it is, in parts.
///
/// # Errors
/// If no program can judge it, the claim was not told, this machine's own disk fails or is full, or a signal came.
pub fn look(
    subject: &Subject<'_>,
    curator: &AccountId,
    source: &Source,
    options: Options,
    stop: &Stop,
    mut told: impl FnMut(u64, u64),
) -> anyhow::Result<Looked> {
    let Subject { id, claim, dataset, shards, licences, word } = subject;
    let content = claim
        .told
        .ok_or_else(|| anyhow::anyhow!("claim {id} was not told yet: there is nothing to look at"))?;
    if let Some(what) = needs_person(dataset) {
        let message = format!(
            "claim {id} brings {what}, which no program here can judge: look at it yourself, and vote with `sabha-worker curate vote {id} --fraction …`"
        );
        return Err(failure(Exit::BadInput, message));
    }
    let mut findings = Vec::new();
    let manifest = match source.manifest(shards, content.bytes) {
        Ok(manifest) => Some(manifest),
        Err(reason) => {
            findings.push(format!("there is no manifest: {reason}"));
            None
        }
    };
    let images = manifest.as_ref().and_then(|manifest| manifest.images.clone());
    // Images of whose size nothing is known cannot be seen, just as if nobody served them.
    let blind = dataset.modality == Modality::Image && manifest.is_none();
    if blind {
        findings.push("images of which no manifest tells the size cannot be seen".into());
    }
    let unusable = manifest.as_ref().is_some_and(|manifest| differs(manifest, dataset, &mut findings));
    // A part has room for an image, wherever that begins.
    let width =
        images.as_ref().map_or(1, |images| images.record_bytes().saturating_mul(2).div_ceil(PART_BYTES));
    let whole = content.bytes <= options.whole_mib.saturating_mul(SHARD_BYTES);
    let count = if whole { u32::MAX } else { options.parts };
    let width = if whole { SHARD_BYTES / PART_BYTES } else { width };
    let seed = Seed { word: &word.1, claim: *id, panel: claim.panels, curator: &curator.0 };
    let places = sample::parts(&seed, content.bytes, width, count);

    let mut look = Look::new(Expected {
        language: dataset.language.clone(),
        licence: dataset.licence.clone(),
        licences: licences.to_vec(),
        images: images.clone(),
    });
    let (mut unserved, mut fetched, mut wanted, mut seen) = (0u64, Vec::new(), 0u64, 0u64);
    let parts = places.len() as u64;
    for (done, place) in places.into_iter().enumerate() {
        if stop.is_raised() {
            return Err(stop.error("stopped: nothing was sealed"));
        }
        told(done as u64, parts);
        let pieces = sample::pieces(place, width, content.bytes);
        let all = pieces.iter().fold(0u64, |sum, piece| sum.saturating_add(piece.bytes));
        let mut part = Vec::new();
        for piece in pieces.into_iter().filter(|_| !blind) {
            let Some(digest) = shards.get(piece.shard) else { break };
            let here = source.is_here(*digest);
            let before = SHARD_BYTES.saturating_mul(piece.shard as u64);
            let size = content.bytes.saturating_sub(before).min(SHARD_BYTES);
            match source.part(*digest, size, piece.start..piece.start.saturating_add(piece.bytes)) {
                Ok(bytes) => part.extend_from_slice(&bytes),
                // That says nothing about the claim. No locator can bring it about.
                Err(error @ (BlobError::File(_) | BlobError::Full { .. })) => {
                    return Err(error).with_context(|| format!("claim {id} cannot be looked at"));
                }
                Err(error) => {
                    tracing::debug!(%error, "a part is not served");
                    break;
                }
            }
            if !here && source.is_here(*digest) {
                fetched.push(*digest);
            }
        }
        wanted = wanted.saturating_add(all);
        seen = seen.saturating_add(part.len() as u64);
        unserved += u64::from((part.len() as u64) < all);
        if !part.is_empty() {
            look.add(place, &part);
        }
    }
    let report = look.finish();
    let units = match (dataset.unit, &images) {
        (Unit::Item, Some(images)) => content.bytes.checked_div(images.record_bytes()).unwrap_or(0),
        // As many in the rest as in what was seen.
        (Unit::Item, None) => scaled(report.documents, content.bytes, seen),
        (Unit::Mebibyte | Unit::Second, _) => content.bytes >> 20,
    };
    let counted = scaled(units.min(content.units), WHOLE.into(), content.units);
    let counted = u16::try_from(counted).unwrap_or(WHOLE);
    if counted < WHOLE {
        findings.push(format!("it has about {units} units, and {} are claimed", content.units));
    }
    if unserved > 0 {
        findings.push(format!("{unserved} of {parts} parts were not served by anybody, or not whole"));
    }
    findings.extend(report.findings.iter().cloned());
    let served = scaled(seen, WHOLE.into(), wanted);
    let fraction = [u64::from(counted), served]
        .iter()
        .fold(u64::from(report.accepted), |fraction, part| fraction.saturating_mul(*part) / u64::from(WHOLE));
    let fraction = if unusable { 0 } else { u16::try_from(fraction).unwrap_or(WHOLE) };
    let (claim, panel, quality) = (*id, claim.panels, report.quality);
    Ok(Looked {
        claim,
        panel,
        session: word.0,
        parts,
        unserved,
        counted,
        report,
        fraction,
        quality,
        findings,
        fetched,
    })
}

/// `part` times `whole` divided by `of`, to the nearest; nothing of nothing.
fn scaled(part: u64, whole: u64, of: u64) -> u64 {
    let product = u128::from(part) * u128::from(whole) * 2 + u128::from(of);
    product.checked_div(u128::from(of) * 2).and_then(|value| u64::try_from(value).ok()).unwrap_or(0)
}

/// Whether a manifest says that the data is not for this dataset.
fn differs(manifest: &Manifest, dataset: &Dataset, findings: &mut Vec<String>) -> bool {
    let mut other = |what: &str, said: &str, wanted: &str| {
        if said != wanted {
            findings.push(format!("its manifest says that its {what} is {said}, the dataset's is {wanted}"));
        }
        said != wanted
    };
    // What it is decides how it is looked at: that is not the claimant's to choose.
    let kind = match manifest {
        Manifest { view: Some(_), .. } => "tokens",
        Manifest { images: Some(_), .. } => "images",
        _ => "text",
    };
    let wanted = if dataset.modality == Modality::Image { "images" } else { "text" };
    let kind = other("content", kind, wanted);
    let licence = other("licence", &manifest.licence, &dataset.licence);
    let language = other("language", &manifest.language, &dataset.language);
    kind || licence || language
}

#[cfg(test)]
mod tests;
