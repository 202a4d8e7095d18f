//! Changes of one job by hand: looked at, decided, changed and noted in one transaction.

use async_trait::async_trait;

use super::statement::{Statement, statement};
use super::{
    Access, Columns as _, Database, QueueError, SqlQueue, Transaction, Value, audit, facts, failed, fence, row,
};
use crate::domain::{JobId, SpoolKey};
use crate::queue::CALLBACK_FLOOR_SECONDS;
use crate::queue::jobs::{Acted, Action, AuditEntry, Change, Filter, JobFacts, Jobs, Note, Page, decide};

const LOOK: Statement = statement!(
    "SELECT id, state, sids, audio_key, audio_bytes, result, result_key, callback, " STANDING " AS standing,
           coalesce(lease_until > " NOW ", false) AS leased
    FROM job WHERE addon = $1 AND id = $2 " LOCKED
);

// As for a repeated request: with minutes to be delivered in.
const DELIVER: Statement = statement!(
    "UPDATE job SET state = 'delivering', delivery_attempt = 0, ended_at = NULL, held_at = NULL, discarded_at = NULL,
                   deliver_from = " NOW ", deliver_at = " NOW ",
                   deliver_until = " LATER_OF "(coalesce(deliver_until, 0.0), " NOW " + $3),
                   lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2"
);

// What is still to be fetched is fetched first. Past its cut-off there would be no time to work: it is given as much as
// nearly all need, and the callback's minutes.
const WORK: Statement = statement!(
    "UPDATE job SET state = 'queued', attempt = 0, delivery_attempt = 0,
                   run_at = CASE WHEN audio_source IS NULL THEN " NOW " ELSE " NEVER " END,
                   fetch_at = CASE WHEN audio_source IS NULL THEN NULL ELSE " NOW " END, fetch_attempt = 0,
                   cutoff_seconds = " LATER_OF "(cutoff_seconds, " NOW " - accepted_at + p99_seconds + $3),
                   ended_at = NULL, held_at = NULL, discarded_at = NULL, last_error = NULL,
                   result = NULL, result_key = NULL, error_code = NULL, finished_at = NULL,
                   deliver_from = NULL, deliver_at = NULL, deliver_until = NULL,
                   lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2"
);

// Whoever works on it loses the lease. `expired` is what a program of the version before makes of it.
const DISCARD: Statement = statement!(
    "UPDATE job SET state = 'expired', last_error = 'discarded', ended_at = " NOW ", discarded_at = " NOW ",
                   held_at = NULL, audio_source = NULL, fetch_at = NULL, lease_token = NULL, lease_until = NULL, lease_number = lease_number + 1
    WHERE addon = $1 AND id = $2"
);

const DELETE: Statement = statement!("DELETE FROM job WHERE addon = $1 AND id = $2");

const ACTION: &str = "change a job";

#[async_trait]
impl<D: Database> Jobs for SqlQueue<D> {
    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<JobFacts>, QueueError> {
        facts::list(self, filter, page).await
    }

    async fn act(&self, action: Action, id: JobId, note: &Note) -> Result<Acted, QueueError> {
        let name = id.to_string();
        let key = [Value::Text(self.addon.as_str()), Value::Text(&name)];
        let mut transaction = self.database.begin(Access::Write).await?;
        let found = transaction.fetch(&LOOK, &key).await.map_err(failed("look at a job"))?;
        let Some(found) = found.first() else {
            return Ok(Acted::Gone);
        };
        let change = match decide(action, facts::situation(found)?) {
            Ok(change) => change,
            Err(refused) => return Ok(Acted::Refused(refused)),
        };
        let acted = Acted::Done {
            audio: unneeded(change == Change::Delete, row::spool_key(found, "audio_key")?),
            result: unneeded(
                matches!(change, Change::Delete | Change::Work),
                row::spool_key(found, "result_key")?,
            ),
        };
        let sids = found.text("sids")?;
        self.apply(&mut transaction, change, &key).await?;
        let entry = audit::Entry::of_job(action.label(), &name, &sids)?;
        audit::write(&mut transaction, self, &entry, note).await?;
        transaction.commit().await.map_err(failed(ACTION))?;
        Ok(acted)
    }

    async fn count_fenced(&self, before: f64) -> Result<u64, QueueError> {
        fence::count(self, before).await
    }

    async fn fence(&self, before: f64, note: &Note) -> Result<u64, QueueError> {
        fence::fence(self, before, note).await
    }

    async fn is_fenced(&self, note: &Note) -> Result<bool, QueueError> {
        fence::is_fenced(self, note).await
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, QueueError> {
        audit::read(self, limit).await
    }
}

fn unneeded(is_let_go: bool, key: Option<SpoolKey>) -> Option<SpoolKey> {
    key.filter(|_| is_let_go)
}

impl<D: Database> SqlQueue<D> {
    async fn apply(
        &self,
        transaction: &mut D::Transaction,
        change: Change,
        key: &[Value<'_>; 2],
    ) -> Result<(), QueueError> {
        let [addon, id] = *key;
        let with_floor = [addon, id, Value::Real(CALLBACK_FLOOR_SECONDS)];
        let changed = match change {
            Change::Deliver => transaction.change(&DELIVER, &with_floor).await,
            Change::Work => transaction.change(&WORK, &with_floor).await,
            Change::Discard => transaction.change(&DISCARD, key).await,
            Change::Delete => transaction.change(&DELETE, key).await,
        };
        changed.map(drop).map_err(failed(ACTION))
    }
}
