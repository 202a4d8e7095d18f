//! The rows of the jobs, read past the service: what is there whatever it says.

use anyhow::Result;
use marketplace_tests::service::Home;
use sqlx::Connection as _;

const ALL: &str = "SELECT sids, state, attempt, result_key FROM job";

/// One of them.
#[derive(Debug)]
pub struct Job {
    sids: String,
    /// Where it stands.
    pub state: String,
    /// How often it was begun.
    pub attempt: i64,
    /// Where a result lies that is kept for as long as its row remembers it.
    pub result_key: Option<String>,
}

impl Job {
    /// Whether it is that of this request.
    pub fn is_of(&self, sid: &str) -> bool {
        self.sids.contains(sid)
    }
}

/// Every job of an add-on that has its database for itself.
pub async fn jobs_of(home: &Home) -> Result<Vec<Job>> {
    let rows = if let Some(url) = home.secret("jobs", "DATABASE_URL") {
        let mut session = sqlx::PgConnection::connect(&url).await?;
        sqlx::query_as(ALL).fetch_all(&mut session).await?
    } else {
        let url = format!("sqlite://{}?mode=ro", home.data_path().join("queue.db").display());
        let mut file = sqlx::SqliteConnection::connect(&url).await?;
        sqlx::query_as(ALL).fetch_all(&mut file).await?
    };
    let job = |(sids, state, attempt, result_key)| Job {
        sids,
        state,
        attempt,
        result_key,
    };
    Ok(rows.into_iter().map(job).collect())
}
