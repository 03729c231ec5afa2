//! A look at data: which part of it is what it says, and what else there is to know.
//!
//! The same look is taken at one's own data before it is claimed, and at a sample of somebody else's claim. Text is cut into passages of some
//! hundred bytes, at line ends that its own content chooses, so that what is moved is still found again. A passage counts for nothing if it
//! is no text, repeats one before, or is of another language. Of images, those count for nothing that repeat, show nothing, or are noise.
//!
//! The memory is bounded: beyond [`KEPT`] passages or images, those are kept whose key is small. Keys are as likely for all, long or short, so
//! what is kept is a fair sample of what does not repeat. What is no text is counted, and not kept; what is left repeats something.

mod duplicates;
mod language;
mod licence;
mod passages;
mod personal;
mod pictures;

pub use language::Language;
pub use licence::{LICENCES, is_allowed};
pub use personal::Personal;

use crate::{DataError, Images, Manifest, SHARD_BYTES, STREAM, pack::Told};
use duplicates::Passages;
use pictures::Pictures;
use sabha_files::FileError;
use serde::{Deserialize, Serialize};
use std::{fs::File, io::Read, path::Path};

/// Passages, or images, that are remembered.
pub const KEPT: usize = 1 << 16;

/// A whole, in parts that are counted.
const WHOLE: u64 = 10_000;

/// What data is said to be.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Its language tag.
    pub language: String,
    /// Its licence.
    pub licence: String,
    /// Licences that are allowed.
    pub licences: Vec<String>,
    /// The form of its images, if it is of images.
    pub images: Option<Images>,
}

/// What a look told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Bytes that were looked at.
    pub bytes: u64,
    /// Documents that end in them, and hold something. Of images, none.
    #[serde(default)]
    pub documents: u64,
    /// Passages or images that were judged.
    pub judged: u64,
    /// Of 10,000: what is as it is said to be.
    pub accepted: u16,
    /// Of 10,000: what is no text, or an image with an unknown label.
    pub malformed: u16,
    /// Of 10,000: what repeats something before.
    pub duplicates: u16,
    /// Of 10,000: text of another language, or of none.
    pub other_language: u16,
    /// Of 10,000: images that show nothing, or noise.
    pub empty: u16,
    /// How good the accepted part is, of 100.
    pub quality: u8,
    /// Whether the language could be told; not all can.
    pub language_known: bool,
    /// Languages that were found, the most frequent first, each with its part of 10,000.
    pub languages: Vec<(String, u16)>,
    /// What looks like data about persons.
    pub personal: Personal,
    /// Whether the licence is an allowed one.
    pub licence_allowed: bool,
    /// What a person should know, in words.
    pub findings: Vec<String>,
}

/// Why a part counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Malformed,
    Duplicate,
    OtherLanguage,
    Empty,
}

/// What parts come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    judged: u64,
    weight: u64,
    faults: [u64; 4],
}

/// What a sample of parts says, none of which repeats another.
pub(crate) struct Sample {
    /// The weight of those that are as they should be, and of those that are not.
    pub(crate) fine: u64,
    pub(crate) bad: u64,
    /// The weight of parts that were found to repeat one of them.
    pub(crate) repeats: u64,
    /// Parts with a greater key are not in the sample.
    pub(crate) below: u64,
}

/// A sample of some ten thousand is wrong by less than one in so many.
const ERROR: u128 = 50;

impl Tally {
    /// So many parts, of this weight together.
    pub(crate) fn add(&mut self, parts: u64, weight: u64, fault: Option<Fault>) {
        self.judged += parts;
        self.weight = self.weight.saturating_add(weight);
        let place = fault.and_then(|fault| self.faults.get_mut(fault as usize));
        if let Some(place) = place {
            *place = place.saturating_add(weight);
        }
    }

    /// So many parts, of which a sample is known; what is bad in it has this fault. What is not in it but by chance repeats something: so one
    /// passage that is there a million times is found, whether it is in the sample or not.
    pub(crate) fn add_sampled(&mut self, parts: u64, weight: u64, sample: Sample, fault: Fault) {
        let Sample { fine, bad, repeats, below } = sample;
        let all = |part: u64| {
            (u128::from(part) << 64).checked_div(u128::from(below).saturating_add(1)).unwrap_or(0)
        };
        let (total, originals) = (u128::from(weight), all(fine).saturating_add(all(bad)));
        let missing = total.saturating_sub(originals);
        let repeated =
            if missing.saturating_mul(ERROR) < total { missing.min(all(repeats)) } else { missing };
        let rest = total.saturating_sub(repeated);
        let share = u128::from(bad).saturating_mul(rest);
        let bad = share.checked_div(u128::from(fine).saturating_add(u128::from(bad))).unwrap_or(0);
        let of = |part: u128| u64::try_from(part).unwrap_or(u64::MAX);
        self.add(parts, of(rest.saturating_sub(bad)), None);
        self.add(0, of(bad), Some(fault));
        self.add(0, of(repeated), Some(Fault::Duplicate));
    }

    fn part(&self, fault: Fault) -> u16 {
        ratio(self.faults.get(fault as usize).copied().unwrap_or(0), self.weight)
    }

    fn accepted(&self) -> u16 {
        let bad = self.faults.iter().fold(0u64, |sum, part| sum.saturating_add(*part));
        ratio(self.weight.saturating_sub(bad), self.weight)
    }
}

/// So many of 10,000, rounded to the nearest.
pub(crate) fn ratio(part: u64, whole: u64) -> u16 {
    let twice = u128::from(part) * u128::from(2 * WHOLE) + u128::from(whole);
    twice.checked_div(2 * u128::from(whole)).and_then(|ratio| u16::try_from(ratio).ok()).unwrap_or(0)
}

/// A look at data that comes piece by piece.
pub struct Look {
    expected: Expected,
    bytes: u64,
    documents: u64,
    text: Passages,
    personal: personal::Patterns,
    pictures: Option<Pictures>,
}

impl Look {
    /// A look at what is said to be so.
    pub fn new(expected: Expected) -> Self {
        let pictures = expected.images.clone().map(Pictures::new);
        let text = Passages::new(Language::new(&expected.language));
        Self { expected, bytes: 0, documents: 0, text, personal: personal::Patterns::new(), pictures }
    }

    /// A part of the data, which begins at the byte `at` of it. Parts may come with gaps; an image goes on with the part that follows, and what
    /// is cut off at a gap is left out.
    pub fn add(&mut self, at: u64, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if let Some(pictures) = &mut self.pictures {
            return pictures.add(at, bytes);
        }
        self.documents = self.documents.saturating_add(passages::documents(at, bytes));
        passages::cut(bytes, |passage| {
            if let Ok(text) = passage.text {
                self.personal.look(text);
            }
            self.text.add(passage);
        });
    }

    /// What it told.
    pub fn finish(self) -> Report {
        let Self { expected, bytes, documents, text, personal, pictures } = self;
        let personal = personal.found();
        let licence_allowed = is_allowed(&expected.licence, &expected.licences);
        let (tally, languages, language_known) = match pictures {
            Some(pictures) => (pictures.finish(), Vec::new(), true),
            None => text.finish(),
        };
        let mut findings = Vec::new();
        let mut find = |part: u16, what: &str| {
            if part > 0 {
                findings.push(format!("{}.{:02} % {what}", part / 100, part % 100));
            }
        };
        find(tally.part(Fault::Malformed), "is not what it should be made of");
        find(tally.part(Fault::Duplicate), "repeats something before");
        find(tally.part(Fault::OtherLanguage), &format!("is not of the language {}", expected.language));
        find(tally.part(Fault::Empty), "of the images show nothing, or noise");
        if !language_known {
            findings
                .push(format!("the language {} is one that cannot be told: read some", expected.language));
        }
        findings.extend(personal.in_words());
        if !licence_allowed {
            findings.push(format!("the licence {} is not on the list", expected.licence));
        }
        if tally.judged == 0 {
            findings.push("there was nothing to judge".into());
        }
        // A finding a mebibyte costs a point, up to forty.
        let dense =
            personal.total().saturating_mul(SHARD_BYTES).checked_div(bytes.max(1)).unwrap_or(0).min(40);
        let quality = 100u64 - dense - if language_known { 0 } else { 20 };
        Report {
            bytes,
            documents,
            judged: tally.judged,
            accepted: if licence_allowed { tally.accepted() } else { 0 },
            malformed: tally.part(Fault::Malformed),
            duplicates: tally.part(Fault::Duplicate),
            other_language: tally.part(Fault::OtherLanguage),
            empty: tally.part(Fault::Empty),
            quality: u8::try_from(quality).unwrap_or(0),
            language_known,
            languages,
            personal,
            licence_allowed,
            findings,
        }
    }
}

/// Looks at all of the dataset in `folder`, whose manifest is this.
///
/// # Errors
/// If the stream cannot be read, is not as long as the manifest says, or the work was stopped.
pub fn of_folder(
    folder: &Path,
    manifest: &Manifest,
    licences: &[String],
    progress: Told<'_>,
) -> Result<Report, DataError> {
    manifest.check_size(folder)?;
    let path = folder.join(STREAM);
    if manifest.view.is_some() {
        let reason = "it is tokenised: look at the text that it was made of".into();
        return Err(DataError::WrongStream { path, reason });
    }
    let mut file = File::open(&path).map_err(FileError::of("open", &path))?;
    let mut look = Look::new(Expected {
        language: manifest.language.clone(),
        licence: manifest.licence.clone(),
        licences: licences.to_vec(),
        images: manifest.images.clone(),
    });
    let (mut at, mut buffer) = (0, Vec::new());
    for shard in &manifest.shards {
        buffer.resize(usize::try_from(shard.bytes).unwrap_or(usize::MAX), 0);
        file.read_exact(&mut buffer).map_err(FileError::of("read", &path))?;
        look.add(at, &buffer);
        at += shard.bytes;
        if progress(at, manifest.bytes()).is_break() {
            return Err(DataError::Stopped);
        }
    }
    Ok(look.finish())
}

#[cfg(test)]
mod tests;
