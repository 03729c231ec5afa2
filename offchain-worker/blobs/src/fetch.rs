//! Getting a blob from whoever has it, in constant memory.
//!
//! Everybody is asked at once, and taken in the order in which they answer. What one of them has sent and is verified stays, so the next
//! one goes on from there; so does the next fetch, after a crash too.

use crate::{
    BlobError, BlobStore, LocalBlobs,
    local::Import,
    network::{Counts, Failure, Network, Offer, Provider, next},
    partial::{Partial, Progress},
    tree,
};
use bao_tree::io::{BaoContentItem, DecodeError, sync::DecodeResponseIter};
use sabha_protocol::Digest;
use std::{
    ops::ControlFlow,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// How often everybody is asked again, as long as each time something more came.
const ROUNDS: usize = 5;

/// How often to look whether somebody else's download of the same blob has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Told how far it is; says whether to go on.
pub type Watch<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Why an attempt ended.
enum Attempt {
    /// It is the provider's fault.
    Failed(Failure),
    /// It is not.
    Own(BlobError),
}

impl From<BlobError> for Attempt {
    fn from(error: BlobError) -> Self {
        Self::Own(error)
    }
}

/// Fetches a blob of at most `limit` bytes into the store `own`, from whoever has it. Returns its file.
///
/// # Errors
/// [`BlobError::Missing`] if nobody has it, [`BlobError::TooLarge`], [`BlobError::Fetch`] if those that have it do not send it;
/// [`BlobError::Stopped`]; or if it cannot be kept.
pub fn fetch(
    own: &LocalBlobs,
    network: &Network,
    digest: Digest,
    limit: u64,
    watch: Watch<'_>,
) -> Result<PathBuf, BlobError> {
    let mut failures: Vec<(Provider, Failure)> = Vec::new();
    let mut too_large = None;
    let so_far = || own.progress(digest).map_or(0, |progress| progress.done);
    for _ in 0..ROUNDS {
        let before = so_far();
        let mut answers = network.ask(digest);
        while let Some((provider, answer)) = next(&mut answers) {
            let came = so_far();
            let bytes = answer.as_ref().map_or(0, |offer| offer.size);
            let attempt = match answer {
                Ok(offer) if offer.size > limit => {
                    too_large = Some(offer.size);
                    continue;
                }
                Ok(offer) => attempt(own, network, digest, &offer, watch),
                Err(failure) => Err(Attempt::Failed(failure)),
            };
            match attempt {
                Ok(path) => {
                    tracing::info!(%digest, bytes, from = %provider, "fetched a blob");
                    return Ok(path);
                }
                Err(Attempt::Failed(failure)) => {
                    if failure != Failure::Missing {
                        tracing::debug!(blob = %digest, from = %provider, %failure, "no blob");
                    }
                    // Who was cut off may go on.
                    if so_far() <= came || !matches!(failure, Failure::Silent(_)) {
                        network.report(&provider, digest, &failure);
                    }
                    failures.push((provider, failure));
                }
                Err(Attempt::Own(error)) => return Err(error),
            }
        }
        if so_far() <= before {
            break;
        }
    }
    if let Some(found) = too_large {
        return Err(BlobError::TooLarge { digest, found, limit });
    }
    let tried = failures.iter().filter(|(_, failure)| *failure != Failure::Missing);
    let reasons: Vec<String> = tried.map(|(provider, failure)| format!("{provider} {failure}")).collect();
    if reasons.is_empty() {
        let place =
            format!("{}, nor with any of {} others that were asked", own.root().display(), failures.len());
        return Err(BlobError::Missing { digest, place });
    }
    Err(BlobError::Fetch { digest, reasons: reasons.join("; ") })
}

fn attempt(
    own: &LocalBlobs,
    network: &Network,
    digest: Digest,
    offer: &Offer,
    watch: Watch<'_>,
) -> Result<PathBuf, Attempt> {
    if offer.proved { proved(own, network, digest, offer, watch) } else { plain(own, network, digest, offer) }
}

/// With the hash tree: verified group by group, and resumed.
fn proved(
    own: &LocalBlobs,
    network: &Network,
    digest: Digest,
    offer: &Offer,
    watch: Watch<'_>,
) -> Result<PathBuf, Attempt> {
    let until = Instant::now().checked_add(network.patience.whole(offer.size));
    let mut partial = loop {
        let partial = Partial::open(own, digest, offer.size)?;
        // Somebody else's download may have ended meanwhile.
        if own.has(digest)? {
            if let Some(partial) = partial {
                partial.discard()?;
            }
            return Ok(own.path(digest));
        }
        match partial {
            Some(partial) => break partial,
            None if until.is_none_or(|until| Instant::now() >= until) => {
                return Err(Attempt::Failed(Failure::Silent(
                    "another process fetches it, and does not come to an end".into(),
                )));
            }
            None => thread::sleep(LOOK_EVERY),
        }
    };
    if offer.size == 0 && Digest::of(b"") != digest {
        partial.discard()?;
        return Err(Attempt::Failed(Failure::Wrong("nothing is another blob".into())));
    }
    let received = if partial.done() < offer.size {
        receive(&mut partial, network, digest, offer, watch)
    } else {
        Ok(())
    };
    if let Err(error) = received {
        // What came is verified, and stays.
        partial.note()?;
        return Err(error);
    }
    Ok(partial.finish()?)
}

fn receive(
    partial: &mut Partial,
    network: &Network,
    digest: Digest,
    offer: &Offer,
    watch: Watch<'_>,
) -> Result<(), Attempt> {
    let from = partial.done();
    let mut incoming = network.pull(offer, digest, from);
    let ranges = tree::from(from);
    let items = DecodeResponseIter::new(digest.0.into(), tree::shape(offer.size), &mut incoming, &ranges);
    let mut failed = None;
    for item in items {
        match item {
            Ok(item) => {
                if let BaoContentItem::Leaf(leaf) = &item {
                    Counts::add(&network.counts.fetched, leaf.data.len() as u64);
                }
                partial.take(item)?;
                if watch(Progress { size: offer.size, done: partial.done() }).is_break() {
                    return Err(Attempt::Own(BlobError::Stopped { digest }));
                }
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let Some(error) = failed else {
        return if partial.done() == offer.size {
            Ok(())
        } else {
            Err(Attempt::Failed(Failure::Silent("it sent less than it offered".into())))
        };
    };
    Err(Attempt::Failed(match error {
        DecodeError::ParentHashMismatch(_) | DecodeError::LeafHashMismatch(_) => {
            Failure::Wrong(format!("after {} bytes, {error}", partial.done()))
        }
        _ => incoming.failure.take().unwrap_or_else(|| {
            Failure::Silent(format!("it ended after {} of {} bytes", partial.done(), offer.size))
        }),
    }))
}

/// Without it: all of it, or nothing.
fn plain(own: &LocalBlobs, network: &Network, digest: Digest, offer: &Offer) -> Result<PathBuf, Attempt> {
    let mut incoming = network.pull(offer, digest, 0);
    match own.import(&mut incoming, offer.size, Some(digest)) {
        Ok(digest) => {
            Counts::add(&network.counts.fetched, offer.size);
            Ok(own.path(digest))
        }
        Err(Import::Wrong { found, .. }) => {
            Err(Attempt::Failed(Failure::Wrong(format!("it hashes to {found}"))))
        }
        Err(Import::Read(error)) => {
            let failure = incoming.failure.take();
            Err(Attempt::Failed(failure.unwrap_or_else(|| Failure::Silent(error.to_string()))))
        }
        Err(Import::Kept(error)) => Err(Attempt::Own(error)),
    }
}
