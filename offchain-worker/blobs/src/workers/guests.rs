//! Connections that others have made to this worker: so many in all, and so many of each of them.
//!
//! Keys cost nothing, so there may be any number of others. Whoever comes is let in, and whoever has not taken anything for the longest
//! time goes: a transfer that goes on is never that one for long.

use iroh::EndpointId;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Semaphore;

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections.
    pub(super) all: usize,
    /// Connections of one other worker.
    pub(super) each: usize,
    /// Blobs that one other worker reads at a time.
    pub(super) reads: usize,
}

/// What can be closed.
pub(super) trait Close {
    /// Makes room for somebody else.
    fn close(&self);
}

#[derive(Debug)]
struct Guest<C> {
    peer: EndpointId,
    connection: C,
    seen: Instant,
    reads: Arc<Semaphore>,
}

#[derive(Debug)]
struct Table<C> {
    guests: BTreeMap<u64, Guest<C>>,
    next: u64,
}

/// Connections that others have made. Clones are the same.
#[derive(Debug)]
pub(super) struct Guests<C> {
    table: Arc<Mutex<Table<C>>>,
    limits: Limits,
}

impl<C> Clone for Guests<C> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), limits: self.limits }
    }
}

/// A place among them, which is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat<C> {
    guests: Guests<C>,
    number: u64,
    /// What its worker may read at a time, over all its connections.
    pub(super) reads: Arc<Semaphore>,
}

impl<C: Close> Guests<C> {
    pub(super) fn new(limits: Limits) -> Self {
        let table = Table { guests: BTreeMap::new(), next: 0 };
        Self { table: Arc::new(Mutex::new(table)), limits }
    }

    /// Lets somebody in, and whoever has been idle for the longest time out, if need be.
    pub(super) fn admit(&self, peer: EndpointId, connection: C) -> Seat<C> {
        let mut table = self.lock();
        let of_peer = table.guests.values().filter(|guest| guest.peer == peer);
        let reads = of_peer.clone().next().map(|guest| guest.reads.clone());
        let reads = reads.unwrap_or_else(|| Arc::new(Semaphore::new(self.limits.reads)));
        if of_peer.count() >= self.limits.each {
            table.close_idlest(|guest| guest.peer == peer);
        }
        if table.guests.len() >= self.limits.all {
            table.close_idlest(|_| true);
        }
        let number = table.next;
        table.next = number.wrapping_add(1);
        table.guests.insert(number, Guest { peer, connection, seen: Instant::now(), reads: reads.clone() });
        Seat { guests: self.clone(), number, reads }
    }
}

impl<C> Guests<C> {
    fn lock(&self) -> MutexGuard<'_, Table<C>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Close> Table<C> {
    fn close_idlest(&mut self, of: impl Fn(&Guest<C>) -> bool) {
        let all = self.guests.iter().filter(|(_, guest)| of(guest));
        let Some(number) =
            all.min_by_key(|(number, guest)| (guest.seen, **number)).map(|(number, _)| *number)
        else {
            return;
        };
        if let Some(guest) = self.guests.remove(&number) {
            guest.connection.close();
        }
    }
}

impl<C> Seat<C> {
    /// It asks for something, or takes it.
    pub(super) fn touch(&self) {
        if let Some(guest) = self.guests.lock().guests.get_mut(&self.number) {
            guest.seen = Instant::now();
        }
    }
}

impl<C> Drop for Seat<C> {
    fn drop(&mut self) {
        self.guests.lock().guests.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iroh::SecretKey;

    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<Vec<u32>>>, u32);

    impl Close for Fake {
        fn close(&self) {
            self.0.lock().unwrap().push(self.1);
        }
    }

    fn peer(seed: u8) -> EndpointId {
        SecretKey::from_bytes(&[seed; 32]).public()
    }

    #[test]
    fn whoever_comes_is_let_in_and_the_idlest_goes() {
        let guests = Guests::new(Limits { all: 3, each: 3, reads: 1 });
        let closed = Fake::default().0;
        let admit = |seed: u8| guests.admit(peer(seed), Fake(closed.clone(), u32::from(seed)));
        let (first, second, third) = (admit(1), admit(2), admit(3));
        first.touch();
        let fourth = admit(4);
        assert_eq!(*closed.lock().unwrap(), [2]);
        drop(second);
        drop(fourth);
        let _fifth = admit(5);
        assert_eq!(*closed.lock().unwrap(), [2], "there was room");
        third.touch();
        let _sixth = admit(6);
        assert_eq!(*closed.lock().unwrap(), [2, 1]);
    }

    /// However many connections one makes, they are its own that go.
    #[test]
    fn one_that_comes_again_and_again_shuts_out_nobody() {
        let guests = Guests::new(Limits { all: 10, each: 2, reads: 1 });
        let closed = Fake::default().0;
        let _other = guests.admit(peer(1), Fake(closed.clone(), 0));
        let seats: Vec<_> = (1..=20).map(|n| guests.admit(peer(2), Fake(closed.clone(), n))).collect();
        assert_eq!(*closed.lock().unwrap(), (1..=18).collect::<Vec<_>>());
        let (last, first) = (seats.last().unwrap(), seats.get(18).unwrap());
        let _held = last.reads.clone().try_acquire_owned().unwrap();
        assert!(first.reads.try_acquire().is_err(), "reads are counted over all connections of one");
    }
}
