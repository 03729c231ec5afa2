//! A part of a blob, proved by the blob's hash tree, without the rest: what somebody looks at who wants a sample.

use crate::{
    BlobError, BlobStore, Network, PeerBlobs,
    network::Counts,
    pace::{Haste, Pace},
    provider::Failure,
    tree::{self, GROUP_BYTES},
};
use bao_tree::io::{BaoContentItem, DecodeError, sync::DecodeResponseIter};
use sabha_protocol::Digest;
use std::ops::Range;

impl PeerBlobs {
    /// The bytes of a part of the blob of `size` bytes, verified. The part begins with a group of [`GROUP_BYTES`], and ends with one or
    /// beyond the blob. Of what comes over the network with its tree, only the part comes, and nothing of it is kept.
    ///
    /// # Errors
    /// If nobody has the blob, or those that have it do not send it, or it has another size.
    pub fn slice(&self, digest: Digest, size: u64, part: Range<u64>) -> Result<Vec<u8>, BlobError> {
        let end = part.end.min(size);
        let part = part.start - part.start % GROUP_BYTES..end;
        if self.own().has(digest)? || self.network().is_none() {
            return cut(self.get_within(digest, size)?, digest, size, &part);
        }
        let goes_on = || !self.is_stopped();
        if let Some(found) =
            self.network().and_then(|network| network.slice(digest, size, &part, self.haste(), &goes_on))
        {
            return Ok(found);
        }
        // From a folder of others on this machine, or from who sends blobs as a whole alone.
        cut(self.get_within(digest, size)?, digest, size, &part)
    }
}

fn cut(bytes: Vec<u8>, digest: Digest, size: u64, part: &Range<u64>) -> Result<Vec<u8>, BlobError> {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let found = bytes.get(place(part.start)..place(part.end)).filter(|_| bytes.len() as u64 == size);
    let place = format!("a blob of {size} bytes");
    found.map(<[u8]>::to_vec).ok_or(BlobError::Missing { digest, place })
}

impl Network {
    /// From the first who has it with its tree, and sends what proves itself.
    fn slice(
        &self,
        digest: Digest,
        size: u64,
        part: &Range<u64>,
        haste: &Haste,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Vec<u8>> {
        let mut answers = self.ask(digest, haste);
        while let Ok(Some((provider, answer))) = answers.next(goes_on) {
            let Ok(offer) = answer else { continue };
            if !offer.proved || offer.size != size {
                continue;
            }
            let pace = Pace::new(&self.patience, haste, answers.offers.clone(), 0);
            let mut incoming = self.pull(&offer, digest, part.clone(), haste, pace, goes_on);
            let ranges = tree::ranges(part, size);
            let items = DecodeResponseIter::new(digest.0.into(), tree::shape(size), &mut incoming, &ranges);
            let mut bytes = Vec::new();
            let mut failed = None;
            for item in items {
                match item {
                    Ok(BaoContentItem::Leaf(leaf)) => bytes.extend_from_slice(&leaf.data),
                    Ok(BaoContentItem::Parent(_)) => {}
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            if failed.is_none() && bytes.len() as u64 == part.end.saturating_sub(part.start) {
                Counts::add(&self.counts.fetched, bytes.len() as u64);
                return Some(bytes);
            }
            if !goes_on() {
                return None;
            }
            let failure = match failed {
                Some(error @ (DecodeError::ParentHashMismatch(_) | DecodeError::LeafHashMismatch(_))) => {
                    Failure::Wrong(error.to_string())
                }
                _ => {
                    let ended = || Failure::Silent("it ended before the part did".into());
                    incoming.failure.take().unwrap_or_else(ended)
                }
            };
            tracing::debug!(blob = %digest, from = %provider, %failure, "no part of a blob");
            self.report(&provider, digest, &failure);
        }
        None
    }
}
