//! Shows how many workers are needed, in every process that has the queue: a front too, because it is there when no worker
//! is. Started by `cli run`.

use std::sync::Arc;
use std::time::Duration;

use marketplace_daemon::cause::chain;
use prometheus::{GaugeVec, IntGauge, Registry};
use tokio_util::sync::CancellationToken;

use crate::demand::{Demand, demand};
use crate::domain::AddonKey;
use crate::metrics::catalog;
use crate::queue::Queue;

/// An autoscaler asks every 15 s or so.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks at the work that waits.
pub struct Gauging {
    queue: Arc<dyn Queue>,
    permits: usize,
    workers: GaugeVec,
    work_seconds: GaugeVec,
    factors: GaugeVec,
}

impl Gauging {
    /// Makes the series and shows them in the registry.
    pub fn register(
        registry: &Registry,
        addon: &AddonKey,
        queue: Arc<dyn Queue>,
        permits: usize,
    ) -> Result<Self, prometheus::Error> {
        let addon = &catalog::addon(addon);
        let shown: IntGauge = catalog::WORKER_PERMITS.gauge(addon)?;
        shown.set(i64::try_from(permits).unwrap_or(i64::MAX));
        let gauging = Self {
            queue,
            permits,
            workers: catalog::WORKER_DEMAND.float_gauges(addon)?,
            work_seconds: catalog::QUEUE_WORK.float_gauges(addon)?,
            factors: catalog::WORK_AUDIO_FACTOR.float_gauges(addon)?,
        };
        registry.register(Box::new(shown))?;
        registry.register(Box::new(gauging.workers.clone()))?;
        registry.register(Box::new(gauging.work_seconds.clone()))?;
        registry.register(Box::new(gauging.factors.clone()))?;
        Ok(gauging)
    }

    /// Looks until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            self.look().await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn look(&self) {
        match self.queue.load().await {
            Ok(load) => self.show(&demand(&load, self.permits)),
            Err(error) => {
                tracing::error!(error = chain(&error), "the work that waits cannot be measured");
                self.hide();
            }
        }
    }

    fn show(&self, demand: &Demand) {
        let Demand {
            workers,
            work_seconds,
            factors,
        } = demand;
        self.workers.with_label_values::<&str>(&[]).set(*workers);
        self.work_seconds.with_label_values::<&str>(&[]).set(*work_seconds);
        for (endpoint, factor) in factors {
            self.factors.with_label_values(&[endpoint.as_str()]).set(*factor);
        }
    }

    /// What is not known is not shown: an autoscaler then falls back to what it was told for that case, and would believe an old
    /// figure, or a zero.
    fn hide(&self) {
        self.workers.reset();
        self.work_seconds.reset();
    }
}

#[cfg(test)]
#[path = "gauging/tests.rs"]
mod tests;
