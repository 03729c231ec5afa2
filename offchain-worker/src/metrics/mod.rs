//! What a daemon counts and measures, for Prometheus, and whether it is healthy.
//!
//! - [`table`] declares every metric, once: name, kind, label, help. The documentation and the dashboard are compared with it.
//! - [`record`] is what code calls when something happens.
//! - [`health`] says whether a daemon is healthy, and why not: a pure function of its vital signs.
//! - [`server`] serves both over HTTP.
//! - [`system`] asks the operating system: memory, open files, room on the disk.

pub mod health;
pub mod record;
pub mod server;
pub mod system;
pub mod table;

use prometheus::{
    CounterVec, Encoder, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder, core::Collector,
};
use sabha_protocol::RunId;
use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
    time::Instant,
};
use table::{Declared, Kind, Metric, TABLE};

/// The metrics of one process. Setting them is cheap and never fails.
pub struct Metrics {
    registry: Registry,
    /// In the order of [`TABLE`].
    families: Vec<Family>,
    /// When a step of each run was done last, of those whose loss is told.
    trained: Mutex<BTreeMap<RunId, Instant>>,
}

/// One metric, with all values of its label.
enum Family {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
    /// It could not be declared: a defect of [`TABLE`], which a test would find.
    Broken,
}

/// The metrics of this process.
pub fn metrics() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &METRICS
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero. What has no label, or a label with known values, is there from the beginning: a rate needs a start.
    pub fn new() -> Self {
        let registry = Registry::new();
        let families = TABLE.iter().map(|declared| Family::of(declared, &registry)).collect();
        Self { registry, families, trained: Mutex::default() }
    }

    /// Adds to a counter.
    pub fn add(&self, metric: Metric, label: Option<&str>, amount: f64) {
        if let Some(Family::Counter(counters)) = self.family(metric)
            && let Ok(counter) = counters.get_metric_with_label_values(label.as_slice())
        {
            // Prometheus panics at a counter that goes down.
            counter.inc_by(amount.max(0.0));
        }
    }

    /// Adds one to a counter.
    pub fn count(&self, metric: Metric, label: Option<&str>) {
        self.add(metric, label, 1.0);
    }

    /// Sets a gauge.
    pub fn set(&self, metric: Metric, label: Option<&str>, value: f64) {
        if let Some(Family::Gauge(gauges)) = self.family(metric)
            && let Ok(gauge) = gauges.get_metric_with_label_values(label.as_slice())
        {
            gauge.set(value);
        }
    }

    /// Takes a gauge's value out: it says nothing any more.
    pub fn forget(&self, metric: Metric, label: &str) {
        if let Some(Family::Gauge(gauges)) = self.family(metric) {
            // One that is not there is as good.
            let _ = gauges.remove_label_values(&[label]);
        }
    }

    /// Notes how long something took, in seconds.
    pub fn observe(&self, metric: Metric, label: Option<&str>, seconds: f64) {
        if let Some(Family::Histogram(histograms)) = self.family(metric)
            && let Ok(histogram) = histograms.get_metric_with_label_values(label.as_slice())
        {
            histogram.observe(seconds);
        }
    }

    /// Everything in Prometheus' text format.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }

    fn family(&self, metric: Metric) -> Option<&Family> {
        self.families.get(metric as usize)
    }
}

impl Family {
    fn of(declared: &Declared, registry: &Registry) -> Self {
        let Declared { name, kind, label, help, .. } = *declared;
        let names: Vec<&str> = label.iter().map(|label| label.name).collect();
        let known: Vec<Vec<&str>> = match label {
            None => vec![vec![]],
            Some(label) => label.values.iter().map(|value| vec![*value]).collect(),
        };
        let family = match kind {
            Kind::Counter => CounterVec::new(Opts::new(name, help), &names).map(Self::Counter),
            Kind::Gauge => GaugeVec::new(Opts::new(name, help), &names).map(Self::Gauge),
            Kind::Histogram(buckets) => {
                let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
                HistogramVec::new(options, &names).map(Self::Histogram)
            }
        };
        let Ok(family) = family else { return Self::Broken };
        let collector: Box<dyn Collector> = match &family {
            Self::Counter(counters) => Box::new(counters.clone()),
            Self::Gauge(gauges) => Box::new(gauges.clone()),
            Self::Histogram(histograms) => Box::new(histograms.clone()),
            Self::Broken => return family,
        };
        if registry.register(collector).is_err() {
            return Self::Broken;
        }
        for values in known {
            match &family {
                Self::Counter(counters) => drop(counters.get_metric_with_label_values(&values)),
                Self::Gauge(gauges) => drop(gauges.get_metric_with_label_values(&values)),
                Self::Histogram(histograms) => drop(histograms.get_metric_with_label_values(&values)),
                Self::Broken => {}
            }
        }
        family
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_metric_can_be_registered() {
        let metrics = Metrics::new();
        for (declared, family) in TABLE.iter().zip(&metrics.families) {
            assert!(!matches!(family, Family::Broken), "{}", declared.name);
        }
        assert_eq!(metrics.families.len(), TABLE.len());
    }

    #[test]
    fn what_is_set_is_in_the_text_with_its_help() {
        let metrics = Metrics::new();
        metrics.add(Metric::TrainTokens, None, 4_096.0);
        metrics.add(Metric::TrainTokens, None, -1.0);
        metrics.set(Metric::ChainHeight, Some("best"), 7.0);
        metrics.set(Metric::TrainLoss, Some("3"), 2.5);
        metrics.observe(Metric::SlotSeconds, None, 2.0);
        let text = String::from_utf8(metrics.text()).unwrap();
        for line in [
            "# TYPE sabha_train_tokens_total counter",
            "sabha_train_tokens_total 4096",
            "sabha_chain_height{block=\"best\"} 7",
            "sabha_chain_height{block=\"finalised\"} 0",
            "sabha_train_loss_nats{run=\"3\"} 2.5",
            "sabha_slot_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
