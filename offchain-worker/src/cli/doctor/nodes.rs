//! Each configured node by itself: a daemon that changes to one of them must not be surprised.

use super::Report;
use crate::{
    chain::{ChainError, Client},
    config::ChainConfig,
    error::Exit,
};
use std::time::Instant;

/// Blocks by which a node may be behind the one that is furthest.
const BEHIND: u64 = 5;

/// What one node answered.
struct Answer {
    client: Client,
    text: String,
    syncing: bool,
    best: u64,
}

/// Asks every node, and returns a connection to the first that can be used.
///
/// # Errors
/// If none can be.
pub(super) async fn check(report: &mut Report, config: &ChainConfig) -> Result<Client, ChainError> {
    let mut answers = Vec::new();
    for url in &config.urls {
        answers.push((url, ask(url, config).await));
    }
    let furthest =
        answers.iter().filter_map(|(_, answer)| Some(answer.as_ref().ok()?.best)).max().unwrap_or(0);
    let usable = answers.iter().any(|(_, answer)| answer.is_ok());
    let (mut used, mut failure): (Option<Client>, Option<ChainError>) = (None, None);
    for (url, answer) in answers {
        match answer {
            Ok(answer) => judge(report, &answer, furthest, used.get_or_insert_with(|| answer.client.clone())),
            // The rest is told by the caller, once.
            Err(error) if !usable => {
                failure.get_or_insert(error);
            }
            Err(error @ (ChainError::WrongGenesis { .. } | ChainError::WrongRuntime { .. })) => report.bad(
                "node",
                error.exit_code(),
                error.to_string(),
                format!("take {url} out of chain.urls"),
            ),
            Err(error) => report.warn(
                "node",
                error.to_string(),
                format!("start it, or take {url} out of chain.urls: the daemon could not change to it"),
            ),
        }
    }
    match (used, failure) {
        (Some(client), _) => Ok(client),
        (None, Some(error)) => Err(error),
        (None, None) => Err(ChainError::NoNode("chain.urls names none".into())),
    }
}

fn judge(report: &mut Report, answer: &Answer, furthest: u64, used: &Client) {
    if answer.client.genesis() != used.genesis() {
        report.bad(
            "node",
            Exit::WrongChain,
            format!("{} is a node of another chain than {}", answer.client.url(), used.url()),
            "name nodes of one chain in chain.urls",
        );
    } else if answer.syncing {
        report.warn("node", &answer.text, "it still fetches old blocks: wait until it has them");
    } else if answer.best.saturating_add(BEHIND) < furthest {
        let text = format!("{}; another one is at {furthest}", answer.text);
        report.warn("node", text, "it is behind: look at its peers and its clock");
    } else {
        report.good("node", &answer.text);
    }
}

async fn ask(url: &str, config: &ChainConfig) -> Result<Answer, ChainError> {
    let one = ChainConfig { urls: vec![url.into()], ..config.clone() };
    let client = Client::connect(&one).await?;
    let asked = Instant::now();
    let node = client.node().await?;
    let took = asked.elapsed().as_millis();
    let best = client.at_best().await?.number();
    let text = format!(
        "{} answers in {took} ms: version {}, {} peers, block {best}",
        client.url(),
        node.version,
        node.peers
    );
    Ok(Answer { client, text, syncing: node.syncing, best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_node_the_first_reason_is_told() {
        let urls = vec!["ws://127.0.0.1:1".into(), "ws://127.0.0.1:2".into()];
        let config = ChainConfig { urls, connect_timeout_s: 2, ..ChainConfig::default() };
        let mut report = Report::default();
        let error = check(&mut report, &config).await.unwrap_err();
        assert!(matches!(&error, ChainError::NoNode(reason) if reason.contains(":1")), "{error}");
        assert!(report.checks.is_empty());
    }
}
