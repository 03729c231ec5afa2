//! The node that a view asks, and another one of the configuration once that is gone.

use crate::{
    chain::{At, ChainError, Client, Hash},
    cli::on_chain::Session,
    config::ChainConfig,
};
use std::time::Duration;

/// Failures in a row at which a node is left, if there is another one. A connection that is lost for a moment comes back by itself.
const LEFT_AT: u32 = 2;

/// A node, until it is gone.
#[derive(Debug)]
pub struct Source {
    client: Client,
    config: ChainConfig,
    shown: Shown,
    failures: u32,
}

/// How far a view is, so that it does not go back: the next node may be behind the one before.
#[derive(Debug, Default)]
struct Shown {
    /// The number of the last block.
    number: u64,
    /// Whether it was another node's.
    by_another: bool,
}

impl Shown {
    /// Whether a block may be shown. Of one node all may, an older one too: the chain was reorganised.
    fn admits(&mut self, number: u64) -> bool {
        if self.by_another && number < self.number {
            return false;
        }
        *self = Self { number, by_another: false };
        true
    }
}

impl Source {
    /// The node that was connected to.
    pub fn of(session: Session) -> Self {
        let Session { config, client } = session;
        Self { client, config: config.chain, shown: Shown::default(), failures: 0 }
    }

    /// The node at hand.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How long to wait between two looks.
    pub fn poll(&self) -> Duration {
        self.config.poll()
    }

    /// The best block, or the finalised one, if it is another one than `seen`.
    ///
    /// # Errors
    /// If the node does not answer; [`ChainError::Behind`] if it has not got as far as the one before it.
    pub async fn next(&mut self, finalised: bool, seen: Option<Hash>) -> Result<Option<At>, ChainError> {
        let hash =
            if finalised { self.client.finalised_hash().await? } else { self.client.best_hash().await? };
        if seen == Some(hash) {
            return Ok(None);
        }
        let at = self.client.at(hash).await?;
        let (number, shown) = (at.number(), self.shown.number);
        if !self.shown.admits(number) {
            let reason = format!("it is at block {number}, and block {shown} was shown");
            return Err(ChainError::Behind { url: self.client.url().into(), reason });
        }
        Ok(Some(at))
    }

    /// The node has served.
    pub fn served(&mut self) {
        self.failures = 0;
    }

    /// The node has not: it is left for another one if that has lasted.
    pub async fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        if !is_left(self.failures, self.config.urls.len()) {
            return;
        }
        let (before, genesis) = (self.client.url().to_string(), self.client.genesis());
        match Client::connect_beyond(&self.config, &before, genesis).await {
            Ok(client) => {
                tracing::debug!(node = client.url(), before, "connected anew");
                (self.client, self.shown.by_another, self.failures) = (client, true, 0);
            }
            Err(error) => tracing::debug!(%error, "still no node"),
        }
    }
}

/// Whether a node is left after so many failures in a row.
fn is_left(failures: u32, nodes: usize) -> bool {
    nodes > 1 && failures >= LEFT_AT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_left_for_another_one_and_not_for_a_moment() {
        assert!(!is_left(1, 3) && is_left(LEFT_AT, 3) && is_left(9, 2));
        assert!(!is_left(9, 1), "there is no other");
    }

    #[test]
    fn a_view_does_not_go_back_to_what_another_node_has_got() {
        let mut shown = Shown::default();
        assert!([7, 9, 8, 10].into_iter().all(|number| shown.admits(number)), "a reorganisation");
        shown.by_another = true;
        assert!(!shown.admits(9) && !shown.admits(9), "it is behind");
        assert!(shown.admits(10) && shown.admits(9), "from then on it is the one");
    }
}
