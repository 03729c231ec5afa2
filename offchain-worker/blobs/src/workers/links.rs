//! Connections to other workers: kept while they are used, and closed when they are not.

use super::DONE;
use iroh::{EndpointId, endpoint::Connection};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Whom a connection goes to, and what is spoken.
type Key = (EndpointId, &'static [u8]);

/// A connection in use.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) connection: Connection,
    key: Key,
    /// Who uses it holds one.
    users: Arc<()>,
}

#[derive(Debug)]
struct Kept {
    link: Link,
    used: Instant,
}

/// Connections that are open. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(Arc<Mutex<BTreeMap<Key, Kept>>>);

impl Links {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<Key, Kept>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| kept.link.connection.close_reason().is_none());
        kept
    }

    pub(super) fn get(&self, key: Key) -> Option<Link> {
        let mut kept = self.kept();
        let found = kept.get_mut(&key)?;
        found.used = Instant::now();
        Some(found.link.clone())
    }

    pub(super) fn keep(&self, key: Key, connection: Connection) -> Link {
        let link = Link { connection, key, users: Arc::default() };
        self.kept().insert(key, Kept { link: link.clone(), used: Instant::now() });
        link
    }

    /// It is not used again. Who uses it goes on.
    pub(super) fn forget(&self, link: &Link) {
        let mut kept = self.kept();
        if kept.get(&link.key).is_some_and(|kept| Arc::ptr_eq(&kept.link.users, &link.users)) {
            kept.remove(&link.key);
        }
    }

    /// Whom there are connections to.
    pub(super) fn peers(&self) -> BTreeSet<EndpointId> {
        self.kept().keys().map(|(peer, _)| *peer).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.kept().len()
    }

    /// Closes what nobody has used for that long, as long as there is anybody who could.
    pub(super) async fn close_idle(self, idle: Duration) {
        let kept = Arc::downgrade(&self.0);
        drop(self);
        loop {
            tokio::time::sleep(idle / 2).await;
            let Some(links) = kept.upgrade().map(Self) else { return };
            links.kept().retain(|_, kept| {
                if Arc::strong_count(&kept.link.users) > 1 {
                    kept.used = Instant::now();
                }
                let keep = kept.used.elapsed() < idle;
                if !keep {
                    kept.link.connection.close(DONE, b"");
                }
                keep
            });
        }
    }
}
