//! The metric of how long each watch has been silent, reckoned anew for every scrape. Registered by `run`.

use std::collections::BTreeMap;
use std::time::Instant;

use marketplace_daemon::definition::{Definition, Kind, Label, Values};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Registry};

use crate::progress::Progress;

/// For docs/metrics.md.
pub const WATCH_SILENCE: Definition = Definition {
    name: "marketplace_operator_watch_silence_seconds",
    kind: Kind::Gauge,
    unit: "seconds",
    help: "Since the API server last answered a watch; of several namespaces the one that has waited longest. Every watch is begun anew each minute: more than 90 s says that something is wrong. A replica that does not lead has only `leases`.",
    labels: &[Label {
        name: "resource",
        values: Values::Of("what is watched"),
    }],
};

struct Silence {
    gauges: IntGaugeVec,
    progress: Progress,
}

/// Registers the metric.
pub fn register(registry: &Registry, progress: Progress) -> Result<(), prometheus::Error> {
    let gauges = WATCH_SILENCE.gauges(&[])?;
    registry.register(Box::new(Silence { gauges, progress }))
}

impl Collector for Silence {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauges.reset();
        for (resource, seconds) in longest(self.progress.silences(Instant::now())) {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            self.gauges.with_label_values(&[&resource]).set(seconds);
        }
        self.gauges.collect()
    }
}

/// By resource, which is the last part of a path.
fn longest(silences: Vec<(String, u64)>) -> BTreeMap<String, u64> {
    let mut longest = BTreeMap::new();
    for (path, seconds) in silences {
        let resource = path.rsplit('/').next().unwrap_or_default().to_owned();
        let known = longest.entry(resource).or_insert(0);
        *known = seconds.max(*known);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_silence_of_each_resource_is_told() -> Result<(), prometheus::Error> {
        let progress = Progress::start();
        let registry = Registry::new();
        register(&registry, progress.clone())?;
        progress.note("/api/v1/namespaces/one/services".to_owned(), Instant::now());
        let told = prometheus::TextEncoder::new().encode_to_string(&registry.gather())?;
        assert!(
            told.contains(r#"marketplace_operator_watch_silence_seconds{resource="services"} 0"#),
            "{told}"
        );
        let paths = [("/a/one/services", 7), ("/a/two/services", 9), ("/b/pods", 1)];
        let found = longest(paths.map(|(path, seconds)| (path.to_owned(), seconds)).into());
        assert_eq!(
            found,
            BTreeMap::from([("services".to_owned(), 9), ("pods".to_owned(), 1)])
        );
        Ok(())
    }
}
