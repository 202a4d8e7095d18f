//! Whether a server keeps what it has committed, and lets us work. Asked of each new session, in one question.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row as _, raw_sql};

use super::QueueError;

/// The oldest that is taken: older ones are mended by nobody.
const OLDEST_VERSION: i64 = 130_000;

/// By the simple protocol, outside of a transaction: one message, so that PgBouncer cannot tear it apart.
const FACTS: &str = "
    SELECT current_setting('server_version_num') AS version, current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes, pg_is_in_recovery()::text AS standby,
           current_setting('default_transaction_read_only') AS read_only,
           current_schema()::text AS schema, current_setting('search_path') AS search_path";

/// Why we do not work on a server. Each sentence ends with what mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefuseServer {
    /// A crash of its machine would lose commits, or all.
    #[error("failed to use the database: fsync is off, so that a crash loses what was committed; set fsync = on")]
    KeepCommits,
    /// A crash of its machine would tear pages apart.
    #[error(
        "failed to use the database: full_page_writes is off, so that a crash tears pages; set full_page_writes = on"
    )]
    KeepPages,
    /// It takes no writes.
    #[error("failed to use the database: this server is a standby; name the primary in DATABASE_URL")]
    FindPrimary,
    /// It takes no writes.
    #[error(
        "failed to use the database: default_transaction_read_only is on, as when its disk is full; make room, or set it off for this role"
    )]
    WriteRows,
    /// A job and the intent to call back are one transaction, or either could be lost.
    #[error(
        "failed to use the database: PgBouncer forbids transactions; set pool_mode = transaction, or session, for this database"
    )]
    HoldTransaction,
    /// Nobody mends it any more.
    #[error("failed to use the database: its version is {0}, and 13 is the oldest that is taken; upgrade it")]
    MeetVersion(i64),
    /// There is nowhere to put tables.
    #[error(
        "failed to use the database: no schema of search_path {0} exists; create it, or set another search_path for this role"
    )]
    FindSchema(String),
    /// The tables cannot be made.
    #[error(
        "failed to migrate the queue: role {role} may not create tables in schema {schema}; GRANT CREATE, USAGE ON SCHEMA {schema} TO {role}"
    )]
    CreateTables {
        /// Who we are.
        role: String,
        /// Where the tables belong.
        schema: String,
    },
    /// The tables cannot be used.
    #[error(
        "failed to use the queue: role {role} may not use the tables of schema {schema}; GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.job, {schema}.job_audit, {schema}.job_schema TO {role}"
    )]
    UseTable {
        /// Who we are.
        role: String,
        /// Where the table is.
        schema: String,
    },
}

/// What a server says of itself.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the server's settings, each asked for by its name"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    version: i64,
    fsync: bool,
    full_page_writes: bool,
    standby: bool,
    read_only: bool,
    schema: Option<String>,
    search_path: String,
}

fn judge(facts: Facts) -> Result<(), RefuseServer> {
    let Facts {
        version,
        fsync,
        full_page_writes,
        standby,
        read_only,
        schema,
        search_path,
    } = facts;
    if version < OLDEST_VERSION {
        Err(RefuseServer::MeetVersion(version / 10_000))
    } else if standby {
        Err(RefuseServer::FindPrimary)
    } else if !fsync {
        Err(RefuseServer::KeepCommits)
    } else if !full_page_writes {
        Err(RefuseServer::KeepPages)
    } else if read_only {
        Err(RefuseServer::WriteRows)
    } else if schema.is_none() {
        Err(RefuseServer::FindSchema(search_path))
    } else {
        Ok(())
    }
}

fn read(row: &PgRow) -> Result<Facts, sqlx::Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let version = text("version")?.parse();
    Ok(Facts {
        version: version.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        fsync: text("fsync")? != "off",
        full_page_writes: text("full_page_writes")? != "off",
        standby: text("standby")? == "true",
        read_only: text("read_only")? == "on",
        schema: row.try_get("schema")?,
        search_path: text("search_path")?,
    })
}

/// Refuses the session of a server that we do not work on; inside of the pool's own error, as that has to be.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let row = raw_sql(FACTS).fetch_one(connection).await?;
    judge(read(&row)?).map_err(|refusal| sqlx::Error::Configuration(Box::new(refusal)))
}

/// How PgBouncer begins to say that its pool mode is `statement`; there is no setting of its that could be asked.
const NO_TRANSACTIONS: &str = "transaction blocks not allowed in statement pooling mode";

fn forbids_transactions(error: &sqlx::Error) -> bool {
    let said = error.as_database_error();
    said.is_some_and(|error| error.message().starts_with(NO_TRANSACTIONS))
}

/// Takes a refusal out again.
pub(super) fn open_error(error: sqlx::Error) -> QueueError {
    match error {
        error if forbids_transactions(&error) => QueueError::RefuseServer(RefuseServer::HoldTransaction),
        sqlx::Error::Configuration(inner) => match inner.downcast::<RefuseServer>() {
            Ok(refusal) => QueueError::RefuseServer(*refusal),
            Err(other) => QueueError::OpenDatabase(sqlx::Error::Configuration(other)),
        },
        other => QueueError::OpenDatabase(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, RefuseServer, judge};

    fn good() -> Facts {
        Facts {
            version: 150_018,
            fsync: true,
            full_page_writes: true,
            standby: false,
            read_only: false,
            schema: Some("public".to_owned()),
            search_path: "\"$user\", public".to_owned(),
        }
    }

    #[test]
    fn takes_a_server_that_keeps_its_commits_and_refuses_each_that_does_not() {
        let search_path = good().search_path;
        for (facts, expected) in [
            (good(), Ok(())),
            (Facts { fsync: false, ..good() }, Err(RefuseServer::KeepCommits)),
            (
                Facts {
                    full_page_writes: false,
                    ..good()
                },
                Err(RefuseServer::KeepPages),
            ),
            (
                Facts {
                    standby: true,
                    ..good()
                },
                Err(RefuseServer::FindPrimary),
            ),
            (
                Facts {
                    read_only: true,
                    ..good()
                },
                Err(RefuseServer::WriteRows),
            ),
            (
                Facts {
                    version: 120_022,
                    ..good()
                },
                Err(RefuseServer::MeetVersion(12)),
            ),
            (
                Facts { schema: None, ..good() },
                Err(RefuseServer::FindSchema(search_path)),
            ),
        ] {
            assert_eq!(judge(facts), expected);
        }
    }
}
