//! Getting a blob from whoever has it, in constant memory.
//!
//! Those that may have it are asked, and taken in the order in which they answer. Who turns out to be slow is left for another one, and
//! comes back if nobody is faster. What one of them has sent and is verified stays, so the next one goes on from there; so does the next
//! fetch, after a crash too.

use crate::{
    BlobError, BlobStore, LocalBlobs,
    incoming::{Incoming, LOOK_EVERY},
    local::Import,
    network::{Answers, Counts, Network},
    pace::{Haste, Pace},
    partial::{Opened, Partial, Progress},
    provider::{Failure, Offer, Provider},
    tree,
};
use bao_tree::io::{BaoContentItem, DecodeError, sync::DecodeResponseIter};
use sabha_protocol::Digest;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    io::{self, Read},
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::Ordering,
    thread,
    time::Instant,
};

/// How often everybody is asked again, as long as each time something more came.
const ROUNDS: usize = 5;

/// How often providers that are all slow are left for each other.
const CHANGES: usize = 64;

/// Providers that do not answer, and nobody else: from so many on, it is this machine that is cut off.
const CUT_OFF: usize = 3;

/// Told how far it is, now and then while nothing comes, too; says whether to go on. The size is 0 until anybody has said it.
pub type Watch<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Whoever waits for the blob, asked by everything that waits for the network.
struct Watching<'a> {
    watch: RefCell<Watch<'a>>,
    far: Cell<Progress>,
    stopped: Cell<bool>,
}

impl Watching<'_> {
    /// It is so far now. Returns whether to go on.
    fn tell(&self, far: Progress) -> bool {
        self.far.set(far);
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        // Once stopped it stays so.
        if !self.stopped.get() {
            self.stopped.set((self.watch.borrow_mut())(self.far.get()).is_break());
        }
        !self.stopped.get()
    }
}

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

/// A blob that is being fetched.
struct Fetch<'a> {
    own: &'a LocalBlobs,
    network: &'a Network,
    digest: Digest,
    limit: u64,
    haste: &'a Haste,
    watching: Watching<'a>,
    failures: Vec<(Provider, Failure)>,
    /// Whether anybody has said anything.
    answered: bool,
    /// Those that are too slow for the haste.
    given_up: BTreeSet<Provider>,
    /// Its proved size, if that is beyond the limit.
    too_large: Option<u64>,
}

/// Fetches a blob of at most `limit` bytes into the store `own`, from whoever has it. Returns its file.
///
/// # Errors
/// [`BlobError::Missing`] if nobody has it, [`BlobError::TooLarge`], [`BlobError::Fetch`] if those that have it do not send it,
/// [`BlobError::Network`] if nobody at all answers; [`BlobError::Stopped`]; or if it cannot be kept.
pub fn fetch(
    own: &LocalBlobs,
    network: &Network,
    digest: Digest,
    limit: u64,
    haste: &Haste,
    watch: Watch<'_>,
) -> Result<PathBuf, BlobError> {
    let mut fetch = Fetch {
        own,
        network,
        digest,
        limit,
        haste,
        watching: Watching {
            watch: RefCell::new(watch),
            far: Cell::new(own.progress(digest).unwrap_or(Progress { size: 0, done: 0 })),
            stopped: Cell::new(false),
        },
        failures: Vec::new(),
        answered: false,
        given_up: BTreeSet::new(),
        too_large: None,
    };
    for _ in 0..ROUNDS {
        let before = fetch.so_far();
        if let Some(path) = fetch.round()? {
            return Ok(path);
        }
        if fetch.so_far() <= before || haste.is_over() {
            break;
        }
    }
    Err(fetch.error())
}

impl Fetch<'_> {
    fn so_far(&self) -> u64 {
        self.own.progress(self.digest).map_or(0, |progress| progress.done)
    }

    /// Everybody is asked once, and those that were slow are asked again at the end.
    fn round(&mut self) -> Result<Option<PathBuf>, BlobError> {
        let mut answers = self.network.ask(self.digest, self.haste);
        let mut slow = Vec::<(u64, Offer)>::new();
        for changes in 0_usize.. {
            if self.haste.is_over() {
                break;
            }
            let Ok(next) = answers.next(&|| self.watching.goes_on()) else {
                return Err(BlobError::Stopped { digest: self.digest });
            };
            let next = next.or_else(|| {
                let offer = slow.pop().filter(|_| changes < CHANGES)?.1;
                Some((offer.provider.clone(), Ok(offer)))
            });
            let Some((provider, answer)) = next else { break };
            if self.given_up.contains(&provider) {
                continue;
            }
            self.answered |= !matches!(answer, Err(Failure::Silent(_) | Failure::Out));
            let came = self.so_far();
            let attempt = match &answer {
                Ok(offer) if offer.size > self.limit && offer.size_proved => {
                    self.too_large = Some(offer.size);
                    continue;
                }
                Ok(offer) if offer.size > self.limit => {
                    // Anybody may have put it there.
                    let reason = format!("{} bytes, {} are expected at most", offer.size, self.limit);
                    self.failures.push((provider, Failure::Wrong(reason)));
                    continue;
                }
                Ok(offer) => self.attempt(offer, &answers, slow.last().map_or(0, |(rate, _)| *rate)),
                Err(failure) => Err(Attempt::Failed(failure.clone())),
            };
            let failure = match attempt {
                Ok(path) => {
                    let bytes = answer.map_or(0, |offer| offer.size);
                    tracing::info!(digest = %self.digest, bytes, from = %provider, "fetched a blob");
                    self.network.came(self.digest);
                    return Ok(Some(path));
                }
                Err(Attempt::Failed(failure)) => failure,
                Err(Attempt::Own(error)) => return Err(error),
            };
            if failure != Failure::Missing {
                tracing::debug!(blob = %self.digest, from = %provider, %failure, "no blob");
            }
            if let (Failure::Slow(rate), Ok(offer)) = (&failure, answer) {
                self.haste.gave_up.store(true, Ordering::Relaxed);
                if self.haste.least_rate.is_some_and(|least| *rate < least) {
                    self.given_up.insert(provider.clone());
                } else {
                    slow.push((*rate, offer));
                    slow.sort_by_key(|(rate, _)| *rate);
                }
            } else if !matches!(failure, Failure::Silent(_))
                || (self.so_far() <= came && !self.haste.is_over())
            {
                // Who was cut off may go on, and for who had no more time nobody is at fault.
                self.network.report(&provider, self.digest, &failure);
            }
            self.failures.push((provider, failure));
        }
        Ok(None)
    }

    fn attempt(&self, offer: &Offer, answers: &Answers, known: u64) -> Result<PathBuf, Attempt> {
        let pace = Pace::new(&self.network.patience, self.haste, answers.offers.clone(), known);
        if offer.proved { self.proved(offer, pace) } else { self.plain(offer, pace) }
    }

    /// What it came to.
    fn error(self) -> BlobError {
        let (digest, limit) = (self.digest, self.limit);
        if let Some(found) = self.too_large {
            return BlobError::TooLarge { digest, found, limit };
        }
        let count = self.failures.iter().map(|(provider, _)| provider).collect::<BTreeSet<_>>().len();
        let tried: Vec<_> =
            self.failures.into_iter().filter(|(_, failure)| *failure != Failure::Missing).collect();
        let reasons: Vec<String> =
            tried.iter().map(|(provider, failure)| format!("{provider} {failure}")).collect();
        let reasons = reasons.join("; ");
        // An object store is named by this machine's owner: that it is down, or refuses the keys, is no fault of whose blob it is.
        let own_store = tried.iter().any(|(provider, _)| matches!(provider, Provider::Store(_)));
        // Those that were asked, and whose answer nobody waited for any more.
        let asked = if self.haste.is_over() { count.max(self.network.worker_count()) } else { count };
        if !self.answered && (asked >= CUT_OFF || own_store) {
            return BlobError::network(
                format!(
                    "blob {digest} could not be fetched: none of {asked} others answers; is this machine cut off?"
                ),
                reasons,
            );
        }
        if self.haste.is_over() {
            let reasons = if reasons.is_empty() { "nobody has answered yet".into() } else { reasons };
            return BlobError::Fetch { digest, reasons: format!("there is no more time for it: {reasons}") };
        }
        if tried.is_empty() {
            let root = self.own.root().display();
            let place = format!("{root}, nor with any of {count} others that were asked");
            return BlobError::Missing { digest, place };
        }
        BlobError::Fetch { digest, reasons }
    }

    /// With the hash tree: verified group by group, and resumed.
    fn proved(&self, offer: &Offer, pace: Pace) -> Result<PathBuf, Attempt> {
        let (own, network, digest) = (self.own, self.network, self.digest);
        let until = Instant::now().checked_add(self.haste.within(network.patience.whole(offer.size)));
        let mut partial = loop {
            let opened = Partial::open(own, digest, offer.size, offer.size_proved)?;
            // Somebody else's download may have ended meanwhile.
            if own.has(digest)? {
                if let Opened::Here(partial) = opened {
                    partial.discard()?;
                }
                return Ok(own.path(digest));
            }
            match opened {
                Opened::Here(partial) => break partial,
                Opened::OtherSize(size) => {
                    let reason = format!("{} bytes, and it has {size}", offer.size);
                    return Err(Attempt::Failed(Failure::Wrong(reason)));
                }
                Opened::Taken if until.is_none_or(|until| Instant::now() >= until) => {
                    let what = format!("blob {digest}, into {}", own.root().display());
                    let reason = "somebody else on this machine fetches it, and does not come to an end";
                    return Err(Attempt::Own(BlobError::network(what, reason)));
                }
                Opened::Taken => {
                    let far = own.progress(digest).unwrap_or(Progress { size: offer.size, done: 0 });
                    if !self.watching.tell(far) {
                        return Err(Attempt::Own(BlobError::Stopped { digest }));
                    }
                    thread::sleep(LOOK_EVERY);
                }
            }
        };
        if offer.size == 0 && Digest::of(b"") != digest {
            partial.discard()?;
            return Err(Attempt::Failed(Failure::Wrong("nothing is another blob".into())));
        }
        if offer.size_proved
            && let Err(error) = own.could_hold(tree::with_nodes(offer.size), 0)
        {
            partial.discard()?;
            return Err(error.into());
        }
        let received =
            if partial.done() < offer.size { self.receive(&mut partial, offer, pace) } else { Ok(()) };
        match received {
            Ok(()) => {}
            // Nothing else would have room either.
            Err(Attempt::Own(error @ BlobError::Full { .. })) => {
                partial.discard()?;
                return Err(error.into());
            }
            Err(error) => {
                // What came is verified, and stays.
                partial.note()?;
                return Err(error);
            }
        }
        Ok(partial.finish()?)
    }

    fn receive(&self, partial: &mut Partial, offer: &Offer, pace: Pace) -> Result<(), Attempt> {
        let (network, digest) = (self.network, self.digest);
        let from = partial.done();
        let stopped = || Attempt::Own(BlobError::Stopped { digest });
        if !self.watching.tell(Progress { size: offer.size, done: from }) {
            return Err(stopped());
        }
        let goes_on = || self.watching.goes_on();
        let mut incoming = network.pull(offer, digest, from..u64::MAX, self.haste, pace, &goes_on);
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
                    if !self.watching.tell(Progress { size: offer.size, done: partial.done() }) {
                        return Err(stopped());
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
        if self.watching.stopped.get() {
            return Err(stopped());
        }
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
    fn plain(&self, offer: &Offer, pace: Pace) -> Result<PathBuf, Attempt> {
        let (own, network, digest) = (self.own, self.network, self.digest);
        let goes_on = || self.watching.goes_on();
        let incoming = network.pull(offer, digest, 0..u64::MAX, self.haste, pace, &goes_on);
        let mut reader = Watched { from: incoming, size: offer.size, done: 0, watching: &self.watching };
        match own.import(&mut reader, offer.size, Some(digest)) {
            Ok(digest) => {
                Counts::add(&network.counts.fetched, offer.size);
                Ok(own.path(digest))
            }
            Err(Import::Wrong { found, .. }) => {
                Err(Attempt::Failed(Failure::Wrong(format!("it hashes to {found}"))))
            }
            Err(Import::Read(_)) if self.watching.stopped.get() => {
                Err(Attempt::Own(BlobError::Stopped { digest }))
            }
            Err(Import::Read(error)) => {
                let failure = reader.from.failure.take();
                Err(Attempt::Failed(failure.unwrap_or_else(|| Failure::Silent(error.to_string()))))
            }
            Err(Import::Kept(error)) => Err(Attempt::Own(error)),
        }
    }
}

/// What comes, as long as whoever waits for it wants to.
struct Watched<'a, 'b> {
    from: Incoming<'a>,
    size: u64,
    done: u64,
    watching: &'a Watching<'b>,
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.watching.tell(Progress { size: self.size, done: self.done }) {
            return Err(io::Error::other("it was stopped"));
        }
        let count = (&mut self.from).read(buffer)?;
        self.done = self.done.saturating_add(count as u64);
        Ok(count)
    }
}
