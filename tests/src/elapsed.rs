//! Lets time pass for what a service keeps: every moment in its tables is moved into the past by so much. Done while nobody
//! runs, it is what a service finds that is started so much later; a month needs no month.

use anyhow::Result;
use sqlx::Connection as _;

use crate::addon::JOBS;
use crate::service::Home;

/// Every column of the service's tables that holds a moment.
const MOMENTS: [(&str, &[&str]); 2] = [
    (
        "job",
        &[
            "accepted_at",
            "due_at",
            "run_at",
            "fetch_at",
            "lease_until",
            "finished_at",
            "deliver_from",
            "deliver_at",
            "deliver_until",
            "ended_at",
            "forgotten_at",
            "held_at",
            "discarded_at",
        ],
    ),
    ("job_audit", &["at"]),
];

/// On the database that the home names.
pub async fn let_pass(home: &Home, hours: f64) -> Result<()> {
    let seconds = hours * 3600.0;
    let statements = MOMENTS.map(|(table, columns)| {
        let columns = columns
            .iter()
            .map(|column| format!("{column} = {column} - {seconds:.1}"));
        format!("UPDATE {table} SET {}", columns.collect::<Vec<_>>().join(", "))
    });
    let all = sqlx::AssertSqlSafe(statements.join("; "));
    if let Some(url) = home.secret(JOBS, "DATABASE_URL") {
        let mut session = sqlx::PgConnection::connect(&url).await?;
        sqlx::raw_sql(all).execute(&mut session).await?;
        session.close().await?;
    } else {
        let url = format!("sqlite://{}", home.data_path().join("queue.db").display());
        let mut file = sqlx::SqliteConnection::connect(&url).await?;
        sqlx::raw_sql(all).execute(&mut file).await?;
        file.close().await?;
    }
    Ok(())
}
