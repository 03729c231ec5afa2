//! Looks at honest claims, and at what cheats would hand in.

use super::*;
use crate::{
    blobs::{BlobStore, PeerBlobs},
    chain::Told,
    data::{Format, Images, MANIFEST, PackOptions, STREAM, Shard, pack},
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

    /// A claim of these shards, told as so many bytes, with a manifest that agrees with that.
    fn tell(&self, shards: &[Vec<u8>], bytes: u64, documents: u64, images: Option<Images>) -> Packed {
        let size = |place: usize| (bytes - ((place as u64) << 20)).min(1 << 20);
        let put = |(place, shard): (usize, &Vec<u8>)| Shard {
            bytes: size(place),
            blake3: self.blobs.put(shard).unwrap(),
        };
        let shards: Vec<Shard> = shards.iter().enumerate().map(put).collect();
        let manifest = Manifest {
            version: 1,
            title: "Test".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            documents,
            text_bytes: bytes - documents,
            tokens: bytes,
            token_bytes: 1,
            heldout_tokens: 0,
            stream: Digest([1; 32]),
            root: Manifest::root_of(&shards),
            statistics: None,
            images,
            view: None,
            shards,
        };
        let digest = self.blobs.put(&manifest.to_bytes().unwrap()).unwrap();
        let locators = vec![format!("manifest:{digest}")];
        let shards: Vec<Digest> = manifest.shards.iter().map(|shard| shard.blake3).collect();
        let source = Source::new(&self.blobs, &locators, Patience::default());
        assert_eq!(source.manifest(&shards, bytes), Ok(manifest), "nothing tells by the numbers");
        Packed { shards, bytes, documents, locators }
    }

    fn look(&self, packed: &Packed, units: u64, unit: Unit, options: Options) -> Looked {
        self.judge(packed, units, (Modality::Text, unit), options).unwrap()
    }

    fn judge(
        &self,
        packed: &Packed,
        units: u64,
        (modality, unit): (Modality, Unit),
        options: Options,
    ) -> anyhow::Result<Looked> {
        let dataset = Dataset {
            owner: AccountId::from([1; 32]),
            title: "Test".into(),
            modality,
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
        look(&subject, &AccountId::from([3; 32]), &source, options, &Stop::new(), |_, _| {})
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
    let part = world.look(&packed, packed.bytes >> 20, Unit::Mebibyte, Options { parts: 16, whole_mib: 0 });
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

const SAMPLED: Options = Options { parts: 4_096, whole_mib: 0 };

#[test]
fn shards_that_are_shorter_than_they_are_told_are_not_there() {
    let world = World::new();
    let shards: Vec<Vec<u8>> = (0..4).map(|i| spanish(3, i).into_bytes()).collect();
    let packed = world.tell(&shards, 4 << 20, 4, None);
    for options in [Options::default(), SAMPLED] {
        let looked = world.look(&packed, 4, Unit::Mebibyte, options);
        assert_eq!((looked.unserved, looked.fraction), (looked.parts, 0), "{looked:?}");
    }
}

#[test]
fn zeros_are_neither_items_nor_text() {
    let world = World::new();
    let mut first = spanish(20, 1).into_bytes();
    first.resize(1 << 20, 0);
    let packed = world.tell(&[first, vec![0; 1 << 20]], 2 << 20, 2 << 19, None);
    for options in [Options::default(), SAMPLED] {
        let items = world.look(&packed, 2 << 19, Unit::Item, options);
        assert!(items.counted <= 2 && items.fraction == 0, "{items:?}");
        let mebibytes = world.look(&packed, 2, Unit::Mebibyte, options);
        assert!(mebibytes.fraction < 50, "{mebibytes:?}");
    }
}

/// Bytes that are drawn by lot.
fn noise(bytes: u64) -> Vec<u8> {
    let mut noise = vec![0; bytes as usize];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    noise
}

fn form(height: u32, width: u32, channels: u8, count: u64) -> Images {
    Images { height, width, channels, labels: vec!["a".into()], counts: vec![count] }
}

fn shards_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.chunks(1 << 20).map(<[u8]>::to_vec).collect()
}

#[test]
fn a_manifest_does_not_choose_how_it_is_looked_at() {
    let world = World::new();
    let (count, record) = (9_000, 242);
    let mut bytes = noise(count * record);
    bytes.chunks_mut(record as usize).for_each(|record| record[..2].fill(0));
    let packed = world.tell(&shards_of(&bytes), count * record, count, Some(form(1, 240, 1, count)));
    for options in [Options::default(), SAMPLED] {
        let text = world.look(&packed, 2, Unit::Mebibyte, options);
        assert_eq!(text.fraction, 0, "{text:?}");
        assert!(text.findings[0].contains("its content is images"), "{text:?}");
        // Where images are expected, noise is none.
        let images = world.judge(&packed, count, (Modality::Image, Unit::Item), options).unwrap();
        assert!(images.fraction < 1_000, "{images:?}");
    }
    // Nor does one of honest images, where text is expected, or of text, where images are.
    let form = form(500, 400, 3, 4);
    let bytes = pictures(&form);
    let packed = world.tell(&shards_of(&bytes), bytes.len() as u64, 4, Some(form));
    let text = world.look(&packed, 2, Unit::Mebibyte, Options::default());
    assert!(text.fraction == 0 && text.report.accepted == 10_000, "{text:?}");
    let text = spanish(300, 1) + "\0";
    let text = world.tell(&shards_of(text.as_bytes()), text.len() as u64, 1, None);
    let images = world.judge(&text, 1, (Modality::Image, Unit::Item), Options::default()).unwrap();
    assert!(images.fraction == 0 && images.report.accepted > 9_000, "{images:?}");
    assert!(images.findings[0].contains("its content is text"), "{images:?}");
}

/// A slope of its own for each.
fn pictures(form: &Images) -> Vec<u8> {
    let row = u64::from(form.width) * u64::from(form.channels);
    let picture = |seed: u64| {
        (0..form.pixels()).map(move |at| ((at / row * (seed % 5 + 1) / 4 + at % row / 9 * seed) % 251) as u8)
    };
    (1..=form.counts[0]).flat_map(|seed| [0, 0].into_iter().chain(picture(seed))).collect()
}

#[test]
fn large_images_are_seen_across_the_bounds_of_shards() {
    let world = World::new();
    // One and a half mebibytes each; and some tenths of one.
    for form in [form(1_024, 512, 3, 4), form(500, 400, 3, 8)] {
        let (bytes, count) = (pictures(&form), form.counts[0]);
        let packed = world.tell(&shards_of(&bytes), bytes.len() as u64, count, Some(form));
        for options in [Options::default(), SAMPLED] {
            let looked = world.judge(&packed, count, (Modality::Image, Unit::Item), options).unwrap();
            assert!(looked.fraction == 10_000 && looked.report.judged > 0, "{looked:?}");
            let all = options.whole_mib == 0 || looked.report.judged == count;
            assert!(all, "{looked:?}");
        }
    }
}

#[test]
fn of_a_part_in_two_shards_as_much_counts_as_is_served() {
    let world = World::new();
    let form = form(500, 400, 3, 5);
    let (bytes, count) = (pictures(&form), form.counts[0]);
    let packed = world.tell(&shards_of(&bytes), bytes.len() as u64, count, Some(form));
    assert_eq!(packed.shards.len(), 3);
    world.blobs.own().remove(packed.shards[1]).unwrap();
    let looked = world.judge(&packed, count, (Modality::Image, Unit::Item), SAMPLED).unwrap();
    assert_eq!(looked.parts, 3);
    assert_eq!(looked.unserved, 2, "{looked:?}");
    // What came, of all; not two parts of three.
    assert!((5_000..6_500).contains(&looked.fraction), "{looked:?}");
    // Without a manifest it is as if nobody served anything: it is asked for again.
    let blind = Packed { locators: vec![], ..packed };
    let looked = world.judge(&blind, count, (Modality::Image, Unit::Item), SAMPLED).unwrap();
    assert_eq!((looked.unserved, looked.fraction), (looked.parts, 0), "{looked:?}");
}

#[test]
fn what_no_program_can_judge_is_left_to_a_person() {
    let world = World::new();
    let packed = world.pack(&[spanish(100, 1)], "CC0-1.0");
    for kind in [
        (Modality::Audio, Unit::Second),
        (Modality::Audio, Unit::Mebibyte),
        (Modality::Other, Unit::Item),
        (Modality::Text, Unit::Second),
    ] {
        let error = world.judge(&packed, 1, kind, Options::default()).unwrap_err().to_string();
        assert!(error.contains("curate vote 3 --fraction"), "{error}");
    }
}
