//! What docs/validators.md tells operators to watch: every metric is there, under that name, and says something.

use crate::harness::{Node, free_port, http_get};
use std::{fs, path::Path};

/// The metrics of the documentation's table, with their labels.
fn documented() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/validators.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = text.lines().skip_while(|line| !line.starts_with("| metric |")).skip(2);
    rows.map_while(|line| line.strip_prefix("| `")?.split('`').next().map(String::from)).collect()
}

/// The value of the first sample of `metric`, which may name labels: they may stand among others.
fn value(metrics: &str, metric: &str) -> Option<f64> {
    let (name, labels) = metric.split_once('{').unwrap_or((metric, ""));
    let wanted: Vec<&str> =
        labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).collect();
    metrics.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (found, labels) = series.split_once('{').unwrap_or((series, ""));
        (found == name && wanted.iter().all(|label| labels.contains(label))).then(|| value.parse().ok())?
    })
}

#[test]
fn every_documented_metric_is_reported() {
    let documented = documented();
    assert!(documented.len() >= 5, "the table of metrics was not found: {documented:?}");
    let port = free_port();
    let mut node = Node::start(&["--dev", "--prometheus-port", &port.to_string()]);
    node.wait_for("finalised block", |node| (node.finalised_block() >= 1).then_some(()));
    // Metrics are counted a moment after what they count.
    let metrics = node.wait_for("metric of the finalised block", |_| {
        let metrics = http_get(port, "/metrics")?;
        (value(&metrics, "substrate_block_height{status=\"finalized\"}")? >= 1.0).then_some(metrics)
    });
    for metric in &documented {
        assert!(value(&metrics, metric).is_some(), "{metric} is not reported:\n{metrics}");
    }
    assert!(
        value(&metrics, "substrate_proposer_block_constructed_count").is_some_and(|blocks| blocks >= 1.0)
    );
    assert_eq!(value(&metrics, "substrate_no_such_metric"), None);
    assert_eq!(value(&metrics, "substrate_block_height{status=\"none\"}"), None);

    let health = http_get(node.rpc_port(), "/health").expect("the RPC server tells its health");
    assert!(health.contains("isSyncing"), "{health}");
    assert!(node.stop().success());
}
