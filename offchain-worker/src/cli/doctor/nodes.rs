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

/// Blocks by which finality may be behind the best block: what a daemon that follows finalised blocks waits for without a word is less.
const FINALITY_BEHIND: u64 = 50;

/// What one node answered.
struct Answer {
    client: Client,
    state: State,
}

/// How a node is.
#[derive(Clone, Debug)]
struct State {
    /// That, in words.
    text: String,
    syncing: bool,
    /// Whether it has no peers, and should have some.
    lonely: bool,
    best: u64,
    finalised: u64,
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
        answers.iter().filter_map(|(_, answer)| Some(answer.as_ref().ok()?.state.best)).max().unwrap_or(0);
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
    } else {
        judge_state(report, &answer.state, furthest);
    }
}

fn judge_state(report: &mut Report, state: &State, furthest: u64) {
    let State { text, syncing, lonely, best, finalised } = state;
    if *syncing {
        report.warn("node", text, "it still fetches old blocks: wait until it has them");
    } else if *lonely {
        report.warn("node", text, "it has no peers: look at its bootnodes and its firewall");
    } else if best.saturating_add(BEHIND) < furthest {
        let text = format!("{text}; another one is at {furthest}");
        report.warn("node", text, "it is behind: look at its peers and its clock");
    } else if finalised.saturating_add(FINALITY_BEHIND) < *best {
        report.warn(
            "node",
            format!("{text}, of which {finalised} is final"),
            "finality stands still, and the daemon does nothing before a block is final: the node has no peers that vote, or too few \
             validators are on",
        );
    } else {
        report.good("node", text);
    }
}

async fn ask(url: &str, config: &ChainConfig) -> Result<Answer, ChainError> {
    let one = ChainConfig { urls: vec![url.into()], ..config.clone() };
    let client = Client::connect(&one).await?;
    let asked = Instant::now();
    let node = client.node().await?;
    let took = asked.elapsed().as_millis();
    let finalised = client.at_finalised().await?.number();
    let best = client.at_best().await?.number();
    let text = format!(
        "{} answers in {took} ms: version {}, {} peers, block {best}",
        client.url(),
        node.version,
        node.peers
    );
    let state = State { text, syncing: node.syncing, lonely: node.lonely, best, finalised };
    Ok(Answer { client, state })
}

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};

    #[test]
    fn a_node_is_judged_by_its_peers_its_blocks_and_its_finality() {
        let well = State { text: "it".into(), syncing: false, lonely: false, best: 100, finalised: 97 };
        for (state, furthest, grade, part) in [
            (well.clone(), 105, Grade::Good, "it"),
            (State { finalised: 50, ..well.clone() }, 100, Grade::Good, "it"),
            (State { finalised: 49, ..well.clone() }, 100, Grade::Warning, "of which 49 is final"),
            (State { syncing: true, ..well.clone() }, 100, Grade::Warning, "fetches old blocks"),
            (State { lonely: true, ..well.clone() }, 100, Grade::Warning, "no peers"),
            (well, 106, Grade::Warning, "another one is at 106"),
        ] {
            let mut report = Report::default();
            judge_state(&mut report, &state, furthest);
            assert_eq!((report.checks.len(), report.checks[0].grade), (1, grade), "{part}");
            assert!(report.text().unwrap().contains(part), "{part}: {}", report.text().unwrap());
        }
    }

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
