//! The sample of a claim, and what it tells.
//!
//! Which parts are looked at follows from the chain's randomness of a session that had not come when the claim was told, and from the
//! curator's account: nobody could prepare them, and every curator sees others. Each part is within one shard, whose digest is on the
//! chain, and proves itself by it. Small claims are looked at as a whole.

use super::source::Source;
use crate::{
    chain::{DataClaim, Dataset},
    data::{
        END_OF_DOCUMENT, Manifest, SHARD_BYTES,
        report::{Expected, Look, Report},
        sample::{self, PART_BYTES, Seed},
    },
    keys::AccountId,
    stop::Stop,
};
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
    /// Parts that nobody served.
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

/// Looks at a claim as this curator is to. `told` is how far it is, in parts.
///
/// # Errors
/// If the claim was not told, or a signal came.
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
    let mut findings = Vec::new();
    let manifest = match source.manifest(shards, content.bytes) {
        Ok(manifest) => Some(manifest),
        Err(reason) => {
            findings.push(format!("there is no manifest: {reason}"));
            None
        }
    };
    let images = manifest.as_ref().and_then(|manifest| manifest.images.clone());
    let mut unusable = dataset.modality == Modality::Image && images.is_none();
    if unusable {
        findings.push("images of which no manifest tells the size cannot be seen".into());
    }
    if let Some(manifest) = &manifest {
        unusable |= differs(manifest, dataset, &mut findings);
    }
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
    let (mut unserved, mut fetched, mut seen, mut documents) = (0u64, Vec::new(), 0u64, 0u64);
    let parts = places.len() as u64;
    for (done, place) in places.into_iter().enumerate() {
        if stop.is_raised() {
            return Err(stop.error("stopped: nothing was sealed"));
        }
        told(done as u64, parts);
        let mut part = Vec::new();
        for piece in sample::pieces(place, width, content.bytes) {
            let Some(digest) = shards.get(piece.shard) else { break };
            let here = source.is_here(*digest);
            let before = SHARD_BYTES.saturating_mul(piece.shard as u64);
            let size = content.bytes.saturating_sub(before).min(SHARD_BYTES);
            match source.part(*digest, size, piece.start..piece.start.saturating_add(piece.bytes)) {
                Ok(bytes) => part.extend_from_slice(&bytes),
                Err(error) => {
                    tracing::debug!(%error, "a part is not served");
                    break;
                }
            }
            if !here && source.is_here(*digest) {
                fetched.push(*digest);
            }
        }
        if part.is_empty() {
            unserved += 1;
            continue;
        }
        seen += part.len() as u64;
        documents += part.iter().filter(|byte| **byte == END_OF_DOCUMENT).count() as u64;
        look.add(place, &part);
    }
    let report = look.finish();
    let units = match (dataset.unit, &images) {
        (Unit::Mebibyte, _) => content.bytes >> 20,
        (Unit::Item, Some(images)) => content.bytes.checked_div(images.record_bytes()).unwrap_or(0),
        // As many in the rest as in what was seen.
        (Unit::Item, None) if dataset.modality == Modality::Text => scaled(documents, content.bytes, seen),
        // Nobody here can hear how long it is: a person has to.
        _ => content.units,
    };
    let counted = scaled(units.min(content.units), WHOLE.into(), content.units);
    let counted = u16::try_from(counted).unwrap_or(WHOLE);
    if counted < WHOLE {
        findings.push(format!("it has about {units} units, and {} are claimed", content.units));
    }
    if unserved > 0 {
        findings.push(format!("{unserved} of {parts} parts were served by nobody"));
    }
    findings.extend(report.findings.iter().cloned());
    let served = scaled(parts.saturating_sub(unserved), WHOLE.into(), parts);
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
    let licence = other("licence", &manifest.licence, &dataset.licence);
    let language = other("language", &manifest.language, &dataset.language);
    licence || language
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        blobs::{BlobStore, PeerBlobs},
        chain::Told,
        data::{Format, MANIFEST, PackOptions, STREAM, pack},
    };
    use sabha_blobs::network::Patience;
    use sabha_protocol::{datasets::Stage, datasets::claim};
    use std::{fs, ops::ControlFlow, path::Path};

    struct World {
        folder: tempfile::TempDir,
        blobs: PeerBlobs,
    }

    struct Packed {
        shards: Vec<Digest>,
        bytes: u64,
        documents: u64,
        locators: Vec<String>,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let blobs = PeerBlobs::open(folder.path().join("blobs"), &[]).unwrap();
            Self { folder, blobs }
        }

        /// Packs and publishes.
        fn pack(&self, files: &[String], licence: &str) -> Packed {
            let input = self.folder.path().join("in");
            let _ = fs::remove_dir_all(&input);
            for (place, text) in files.iter().enumerate() {
                crate::files::write_atomic(&input.join(format!("{place:06}")), text.as_bytes()).unwrap();
            }
            let out = self.folder.path().join("out");
            let options = PackOptions {
                title: "Test".into(),
                language: "es".into(),
                licence: licence.into(),
                format: Format::Text,
                heldout_fraction: 0.0,
                replace: true,
            };
            let manifest = pack(&[input], &out, &options, |_, _| ControlFlow::Continue(())).unwrap().manifest;
            let stream = fs::read(out.join(STREAM)).unwrap();
            for shard in stream.chunks(1 << 20) {
                self.blobs.put(shard).unwrap();
            }
            let digest = self.blobs.put(&fs::read(out.join(MANIFEST)).unwrap()).unwrap();
            Packed {
                shards: manifest.shards.iter().map(|shard| shard.blake3).collect(),
                bytes: manifest.bytes(),
                documents: manifest.documents,
                locators: vec![format!("manifest:{digest}")],
            }
        }

        fn look(&self, packed: &Packed, units: u64, unit: Unit, options: Options) -> Looked {
            let dataset = Dataset {
                owner: AccountId::from([1; 32]),
                title: "Test".into(),
                modality: Modality::Text,
                language: "es".into(),
                licence: "CC0-1.0".into(),
                unit,
                unit_bytes: 1,
                rate: 1,
                panel: 3,
                budget: 0,
                reserved: 0,
                claims: 1,
                units: 0,
                paid: 0,
                open: true,
            };
            let root = claim::Content { units, bytes: packed.bytes, shards: &packed.shards }.root();
            let claim = DataClaim {
                dataset: 0,
                claimant: AccountId::from([2; 32]),
                seal: Digest([0; 32]),
                stage: Stage::Sealing { until: 9 },
                told: Some(Told { root, units, bytes: packed.bytes }),
                bond: 0,
                fee: 0,
                purse: 0,
                reserved: 0,
                seats: 3,
                panels: 0,
                panel: vec![],
                appeal: None,
            };
            let licences = ["CC0-1.0".to_owned()];
            let subject = Subject {
                id: 3,
                claim: &claim,
                dataset: &dataset,
                shards: &packed.shards,
                licences: &licences,
                word: (7, [9; 32]),
            };
            let source = Source::new(&self.blobs, &packed.locators, Patience::default());
            look(&subject, &AccountId::from([3; 32]), &source, options, &Stop::new(), |_, _| {}).unwrap()
        }
    }

    /// Spanish that does not repeat.
    fn spanish(lines: u32, seed: u32) -> String {
        const WORDS: [&str; 16] = [
            "tiempo",
            "mundo",
            "hombre",
            "mujer",
            "camino",
            "palabra",
            "ciudad",
            "cuando",
            "porque",
            "siempre",
            "también",
            "había",
            "estaba",
            "decía",
            "escribía",
            "pequeño",
        ];
        let mut state = u64::from(seed) * 77 + 1;
        let mut text = String::new();
        for _ in 0..lines {
            for _ in 0..10 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(WORDS[(state >> 60) as usize]);
                text.push_str(" que ");
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn an_honest_claim_is_accepted_as_a_whole_and_by_a_sample() {
        let world = World::new();
        let files: Vec<String> = (0..40).map(|i| spanish(900, i)).collect();
        let packed = world.pack(&files, "CC0-1.0");
        assert!(packed.shards.len() >= 2);
        let whole = world.look(&packed, packed.bytes >> 20, Unit::Mebibyte, Options::default());
        assert!(whole.fraction > 9_500 && whole.unserved == 0, "{whole:?}");
        assert_eq!(whole.report.bytes, packed.bytes);
        let part =
            world.look(&packed, packed.bytes >> 20, Unit::Mebibyte, Options { parts: 16, whole_mib: 0 });
        assert!(part.fraction > 9_000 && part.parts == 16, "{part:?}");
        assert_eq!(part.report.bytes, 16 * PART_BYTES);
        assert!(Path::new(&world.folder.path().join("out")).exists());
    }

    #[test]
    fn of_a_claim_whose_counts_lie_as_much_counts_as_there_is() {
        let world = World::new();
        let files: Vec<String> = (0..50).map(|i| spanish(20, i)).collect();
        let packed = world.pack(&files, "CC0-1.0");
        let honest = world.look(&packed, packed.documents, Unit::Item, Options::default());
        assert_eq!(honest.counted, 10_000, "{honest:?}");
        let lying = world.look(&packed, packed.documents * 4, Unit::Item, Options::default());
        assert_eq!(lying.counted, 2_500);
        assert!(lying.fraction <= 2_500 && lying.findings[0].contains("are claimed"), "{lying:?}");
    }

    #[test]
    fn what_nobody_serves_does_not_count_and_another_licence_is_none() {
        let world = World::new();
        let files: Vec<String> = (0..40).map(|i| spanish(900, i)).collect();
        let packed = world.pack(&files, "CC0-1.0");
        world.blobs.own().remove(packed.shards[0]).unwrap();
        let left = (10_000 * (packed.shards.len() - 1) / packed.shards.len()) as u16;
        let part = world.look(&packed, packed.bytes >> 20, Unit::Mebibyte, Options::default());
        assert!(part.unserved == 1 && part.fraction <= left && part.fraction > left - 500, "{part:?}");
        let other = world.pack(&[spanish(100, 99)], "CC-BY-4.0");
        let other = world.look(&other, 100, Unit::Item, Options::default());
        assert!(other.fraction == 0 && other.findings.iter().any(|finding| finding.contains("CC-BY-4.0")));
    }
}
