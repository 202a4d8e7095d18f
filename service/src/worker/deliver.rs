//! One result: sent once, and what follows recorded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use marketplace_daemon::cause::chain;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::claiming::Stage;
use super::heartbeat::Heartbeat;
use super::metrics::{WorkMetrics, outcome_and_reason};
use crate::callback::{Attempted, Callbacks, Content};
use crate::crash;
use crate::deadline::{self, Met};
use crate::domain::JobId;
use crate::queue::{Delivery, DeliveryRecord, Lease, Queue, QueueError, ResultBody};
use crate::retry::{self, Jitter, Tried};
use crate::spool::{Area, Spool};
use crate::trace;

pub(super) struct DeliveryStage {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) spool: Arc<Spool>,
    pub(super) callbacks: Callbacks,
    pub(super) metrics: WorkMetrics,
    pub(super) jitter: Arc<Jitter>,
    pub(super) lease: Duration,
    pub(super) given_up: CancellationToken,
}

#[async_trait]
impl Stage for DeliveryStage {
    type Lease = Lease<Delivery>;

    const NAME: &'static str = "delivery";

    async fn claim(&self, limit: usize) -> Result<Vec<Lease<Delivery>>, QueueError> {
        self.queue.claim_deliveries(limit).await
    }

    async fn handle(&self, lease: Lease<Delivery>) {
        let started = Instant::now();
        let Lease {
            subject: delivery,
            age_seconds,
            ..
        } = &lease;
        let (id, age_seconds) = (delivery.id, *age_seconds);
        let (endpoint, deadlines) = (delivery.endpoint.clone(), delivery.deadlines);
        let audio_seconds = delivery.audio_seconds;
        let heartbeat = Heartbeat::start(Arc::clone(&self.queue), lease.fence().clone(), self.lease);
        let span = trace::callback(delivery);
        let sent = tokio::select! {
            record = self.send(delivery).instrument(span.clone()) => Some(record),
            () = heartbeat.lost() => return,
            () = self.given_up.cancelled() => None,
        };
        let Some(record) = sent else {
            log(id, self.queue.release_delivery(lease).await);
            return;
        };
        trace::ended(&span, outcome_and_reason(&record).0);
        let recorded = self.queue.record(lease, record).await;
        if recorded.is_ok() {
            self.metrics.called_back(&endpoint, &record);
            let took_seconds = age_seconds + started.elapsed().as_secs_f64();
            let met = deadline::met(&deadlines, took_seconds);
            match record {
                DeliveryRecord::Confirmed => {
                    self.metrics.finished(&endpoint, met);
                    self.metrics.answered(&endpoint, took_seconds, audio_seconds);
                }
                DeliveryRecord::Rejected { .. } | DeliveryRecord::Expired => {
                    self.metrics.finished(&endpoint, Met::Late);
                }
                DeliveryRecord::Retry { .. } => {}
            }
        }
        log(id, recorded);
    }

    fn arrived(&self) -> &Notify {
        &self.queue.arrivals().deliveries
    }
}

impl DeliveryStage {
    async fn send(&self, delivery: &Delivery) -> DeliveryRecord {
        let tried = Tried {
            attempts: delivery.attempt,
            waited_seconds: delivery.waited_seconds,
            left_seconds: delivery.left_seconds,
        };
        // A copy of what lies in a bucket stays until it has been sent.
        let (content, _opened) = match &delivery.body {
            ResultBody::Inline(json) => (Content::Bytes(Bytes::from(json.clone())), None),
            ResultBody::Spooled(key) => match self.spool.read(Area::Results, key).await {
                Ok(opened) => (Content::file(&opened), Some(opened)),
                Err(error) => {
                    tracing::error!(error = chain(&error), job.id = %delivery.id, "a result is not readable");
                    return retry::decide(&Attempted::Unreadable, &tried, self.jitter.next());
                }
            },
        };
        crash::point("before_callback");
        let attempted = self
            .callbacks
            .post(&delivery.callback, content, &delivery.id.to_string())
            .await;
        crash::point("after_callback");
        let record = retry::decide(&attempted, &tried, self.jitter.next());
        if record != DeliveryRecord::Confirmed {
            tracing::warn!(
                job.id = %delivery.id, callback.host = %delivery.callback, attempt = delivery.attempt,
                outcome = ?attempted, next = ?record, "a callback was not confirmed"
            );
        }
        record
    }
}

fn log(id: JobId, recorded: Result<(), QueueError>) {
    match recorded {
        Ok(()) => {}
        Err(QueueError::LoseLease) => tracing::info!(job.id = %id, "a delivery was superseded by a newer request"),
        Err(error) => {
            tracing::error!(error = chain(&error), job.id = %id, "a delivery was not recorded");
        }
    }
}
