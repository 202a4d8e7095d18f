//! Finished pieces of a job that is not finished: read when another worker goes on with it, written after each piece. Kept
//! in the queue, under the job's lease, and gone with the job's end. Called by `speech`.

use std::collections::BTreeMap;

use super::failed;
use crate::analysis::AnalysisError;
use crate::analysis::transcript::Segment;
use crate::queue::{Fence, Queue, QueueError};

/// Where the pieces of one job are kept.
pub struct Keep<'a> {
    /// With the jobs.
    pub queue: &'a dyn Queue,
    /// The right to work on it.
    pub fence: &'a Fence,
}

impl Keep<'_> {
    /// What is finished, by place; only what the same engine wrote.
    pub(super) async fn read(&self, engine: &str) -> Result<BTreeMap<u32, Vec<Segment>>, AnalysisError> {
        let kept = self
            .queue
            .kept_pieces(self.fence, engine)
            .await
            .map_err(|error| explain(&error))?;
        let read = kept.into_iter().map(|(place, json)| {
            let segments = serde_json::from_str(&json).map_err(|_| failed("a kept piece cannot be read"))?;
            Ok((place, segments))
        });
        read.collect()
    }

    /// Safe on return.
    pub(super) async fn write(&self, engine: &str, place: u32, segments: &[Segment]) -> Result<(), AnalysisError> {
        let json = serde_json::to_string(segments).expect("texts and finite numbers always serialise");
        let kept = self.queue.keep_piece(self.fence, engine, (place, &json)).await;
        kept.map_err(|error| explain(&error))
    }
}

/// Whoever has lost the lease learns it by the heartbeat too; the work is void either way.
fn explain(error: &QueueError) -> AnalysisError {
    failed(&format!("a finished piece is not kept: {}", error.category()))
}
