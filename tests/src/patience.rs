//! Waits for causes. The bound is no expectation: it only turns a wait that would never end into a failure.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// Longer than anything takes on a slow machine that is busy with every other suite.
pub const BOUND: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks until the answer is `Some`.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    within(BOUND, what, ask).await
}

/// The same for what takes longer by its nature.
pub async fn within<T>(bound: Duration, what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let waited = tokio::time::timeout(bound, async {
        loop {
            if let Some(found) = ask().await? {
                return Ok(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    waited
        .await
        .with_context(|| format!("waited {} s in vain: {what}", bound.as_secs()))?
}
