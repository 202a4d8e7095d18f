//! Looks from time to time whether the database and the bucket answer, and tells it at the admin address, for whoever wonders
//! why recordings get 503. Started by `cli run`; nothing of the service depends on what is found.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use marketplace_crds::reach::{PATH, Reach};
use marketplace_daemon::admin::Page;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::queue::{Queue, QueueError};
use crate::spool::{Spool, SpoolError};

/// A look lists objects of the bucket, which a store may ask money for.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What failed may be back any moment.
const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(5);

/// Looks, and remembers.
pub struct Looker {
    queue: Arc<dyn Queue>,
    spool: Arc<Spool>,
    found: watch::Sender<Reach>,
}

impl Looker {
    /// Has not looked yet. The page tells what was found.
    #[must_use]
    pub fn new(queue: Arc<dyn Queue>, spool: Arc<Spool>) -> (Self, Page) {
        let (found, told) = watch::channel(Reach::default());
        let tell = move || serde_json::to_string(&*told.borrow()).expect("words can be written as JSON");
        (Self { queue, spool, found }, (PATH, Arc::new(tell)))
    }

    /// Looks until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let reach = self.look().await;
            let is_whole = reach.database.is_none() && reach.audio.is_none();
            self.tell(reach);
            let pause = if is_whole { LOOK_EVERY } else { LOOK_AGAIN_EVERY };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn look(&self) -> Reach {
        let (database, audio) = tokio::join!(self.queue.load(), self.spool.look());
        Reach {
            looked: true,
            database: database.err().map(|error| of_database(&error)),
            audio: audio.err().map(|error| of_audio(&error)),
        }
    }

    /// Each change is logged once.
    fn tell(&self, reach: Reach) {
        let before = self.found.send_replace(reach.clone());
        for (what, before, now) in [
            ("database", before.database, reach.database),
            ("audio", before.audio, reach.audio),
        ] {
            match (&before, &now) {
                (Some(before), Some(now)) if before == now => {}
                (_, Some(why)) => tracing::warn!(what, why, "out of reach: recordings get 503 until it is back"),
                (Some(_), None) => tracing::info!(what, "within reach again"),
                (None, None) => {}
            }
        }
    }
}

/// What a server says may name its users and hosts; its code does not.
fn of_database(error: &QueueError) -> String {
    match error {
        QueueError::RefuseServer(_) | QueueError::FindUrl | QueueError::ReadUrl => error.to_string(),
        _ => match code_in(error) {
            Some(code) => format!("the database refuses (SQLSTATE {code})"),
            None => "the database does not answer".to_owned(),
        },
    }
}

fn code_in(error: &QueueError) -> Option<String> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(sqlx::Error::Database(told)) = inner.downcast_ref() {
            return told.code().map(std::borrow::Cow::into_owned);
        }
        cause = inner.source();
    }
    None
}

fn of_audio(error: &SpoolError) -> String {
    match error {
        SpoolError::UseBucket { trouble, .. } => trouble.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::bucket::Trouble;

    #[test]
    fn what_is_told_names_no_host() {
        let silent = QueueError::UseDatabase {
            action: "read",
            source: sqlx::Error::PoolTimedOut,
        };
        assert_eq!(of_database(&silent), "the database does not answer");
        assert_eq!(of_database(&QueueError::FindUrl), QueueError::FindUrl.to_string());
        let refused = SpoolError::UseBucket {
            action: "list objects",
            trouble: Trouble::Admit(Some("InvalidAccessKeyId".to_owned())),
        };
        assert_eq!(
            of_audio(&refused),
            "the store does not let this key pair do it (InvalidAccessKeyId)"
        );
    }
}
