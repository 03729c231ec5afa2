//! Memory that is promised to work that goes on.
//!
//! What the system calls available does not tell what work that was just begun is going to allocate. So that two pieces of work do not
//! count on the same bytes, each reserves what it needs at its peak before it allocates anything, and gives it back at its end.

use super::memory::{MemoryError, MemoryLimit};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// What is promised.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    /// What there was when nothing was promised.
    before: u64,
    promised: u64,
}

/// A promise; it ends when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    ledger: Ledger,
    bytes: u64,
}

impl Ledger {
    /// Promises `need` bytes to `what`, if `limit` admits them beside all that is promised. A limit that somebody set is for each piece
    /// of work.
    ///
    /// # Errors
    /// [`MemoryError`] names what is needed, what there is, and the remedy.
    pub fn reserve(
        &self,
        limit: MemoryLimit,
        what: impl fmt::Display,
        need: u64,
    ) -> Result<Reservation, MemoryError> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        limit.admit(&what, need)?;
        if limit == MemoryLimit::Available {
            books.take(what, limit.bytes()?, need)?;
        } else {
            books.promised = books.promised.saturating_add(need);
        }
        Ok(Reservation { ledger: self.clone(), bytes: need })
    }
}

impl Books {
    /// Promises `need` of what there was before the first promise, and not more than is available.
    fn take(&mut self, what: impl fmt::Display, available: u64, need: u64) -> Result<(), MemoryError> {
        if self.promised == 0 {
            self.before = available;
        }
        let left = available.min(self.before.saturating_sub(self.promised));
        if need > left {
            // What is promised is given back some time.
            let (configured, for_good) = (false, false);
            return Err(MemoryError::TooLarge {
                what: what.to_string(),
                need,
                limit: left,
                configured,
                for_good,
            });
        }
        self.promised = self.promised.saturating_add(need);
        Ok(())
    }
}

impl Reservation {
    /// How many bytes are promised.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut books = self.ledger.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.promised = books.promised.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is allocated yet, so the system says the same each time.
    #[test]
    fn what_is_promised_is_not_promised_twice() {
        let mut books = Books::default();
        assert_eq!(books.take("one", 100, 60), Ok(()));
        let refused = books.take("another", 100, 60).unwrap_err();
        assert!(
            matches!(refused, MemoryError::TooLarge { need: 60, limit: 40, for_good: false, .. }),
            "{refused}"
        );
        assert_eq!(books.take("a small one", 100, 40), Ok(()));
        assert!(books.take("one byte", 100, 1).is_err());
        // Others allocated meanwhile.
        let mut books = Books { before: 100, promised: 10 };
        assert!(books.take("one", 50, 60).is_err());
    }

    #[test]
    fn what_ends_gives_back() {
        let ledger = Ledger::default();
        let available = MemoryLimit::Available.bytes().unwrap();
        let half = ledger.reserve(MemoryLimit::Available, "one", available / 2).unwrap();
        assert!(ledger.reserve(MemoryLimit::Available, "another", available / 4 * 3).is_err());
        drop(half);
        assert!(ledger.reserve(MemoryLimit::Available, "another", available / 4 * 3).is_ok());
        let set = MemoryLimit::Bytes(10);
        let promised = [ledger.reserve(set, "one", 10), ledger.reserve(set, "another", 10)];
        assert!(promised.iter().all(Result::is_ok), "each of them may");
        assert!(ledger.reserve(set, "a third", 11).is_err());
    }
}
