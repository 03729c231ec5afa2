//! Tickets in memory.

use crate::draw::tickets::{Head, Ticket, TicketStore};
use std::collections::BTreeMap;

/// Tickets in memory.
#[derive(Clone, Debug)]
pub struct MemoryTickets<A> {
    head: Head,
    entries: Vec<Option<Ticket<A>>>,
    places: BTreeMap<(A, u16), u32>,
    left: BTreeMap<u32, u32>,
}

impl<A> Default for MemoryTickets<A> {
    fn default() -> Self {
        Self { head: Head::default(), entries: Vec::new(), places: BTreeMap::new(), left: BTreeMap::new() }
    }
}

impl<A: Clone + Ord> TicketStore for MemoryTickets<A> {
    type Account = A;

    fn head(&self) -> Head {
        self.head
    }

    fn set_head(&mut self, head: Head) {
        self.head = head;
    }

    fn ticket(&self, index: u32) -> Option<Ticket<A>> {
        self.entries.get(index as usize).cloned().flatten()
    }

    fn set_ticket(&mut self, index: u32, ticket: Option<Ticket<A>>) {
        let index = index as usize;
        if self.entries.len() <= index {
            self.entries.resize(index.saturating_add(1), None);
        }
        if let Some(entry) = self.entries.get_mut(index) {
            *entry = ticket;
        }
    }

    fn place(&self, worker: &A, ordinal: u16) -> Option<u32> {
        self.places.get(&(worker.clone(), ordinal)).copied()
    }

    fn set_place(&mut self, worker: &A, ordinal: u16, index: Option<u32>) {
        let key = (worker.clone(), ordinal);
        match index {
            Some(index) => self.places.insert(key, index),
            None => self.places.remove(&key),
        };
    }

    fn left(&self, position: u32) -> Option<u32> {
        self.left.get(&position).copied()
    }

    fn set_left(&mut self, position: u32, index: Option<u32>) {
        match index {
            Some(index) => self.left.insert(position, index),
            None => self.left.remove(&position),
        };
    }
}
