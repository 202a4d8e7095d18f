//! One text for two databases: where they differ there stands a word in capitals, and `statement!` puts in what each wants.
//! Both number their parameters, `$1` and on. A statement of a database alone would be one that the contract suite does
//! not hold against the other.

/// A statement in both dialects.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    pub(in crate::queue) sqlite: &'static str,
    pub(in crate::queue) postgres: &'static str,
}

macro_rules! dialect {
    // Seconds since 1970 by the database's clock: of this moment, not of the beginning of the transaction.
    (sqlite NOW) => {
        "unixepoch('subsec')"
    };
    (postgres NOW) => {
        "extract(epoch FROM clock_timestamp())::double precision"
    };
    (sqlite LATER_OF) => {
        "max"
    };
    (postgres LATER_OF) => {
        "greatest"
    };
    (sqlite EARLIER_OF) => {
        "min"
    };
    (postgres EARLIER_OF) => {
        "least"
    };
    // A number that is not below zero without its fraction: WHOLE_OF "number" AS_WHOLE.
    (sqlite WHOLE_OF) => {
        "CAST("
    };
    (postgres WHOLE_OF) => {
        "floor("
    };
    (sqlite AS_WHOLE) => {
        " AS INTEGER)"
    };
    (postgres AS_WHOLE) => {
        ")"
    };
    // SQLite has one writer at a time; in Postgres a row that is to be changed is kept from others until the commit.
    (sqlite LOCKED) => {
        ""
    };
    (postgres LOCKED) => {
        "FOR UPDATE"
    };
    (sqlite UNLESS_LOCKED) => {
        ""
    };
    (postgres UNLESS_LOCKED) => {
        "FOR UPDATE SKIP LOCKED"
    };
    // The members of a parameter that is a JSON list of texts.
    (sqlite MEMBERS) => {
        "(SELECT value FROM json_each($1))"
    };
    (postgres MEMBERS) => {
        "(SELECT json_array_elements_text($1::json))"
    };
    // Whether the audio of a job is still to be fetched; the column `state` then says that it is queued.
    ($database:ident FETCHING) => {
        "(audio_source IS NOT NULL AND state = 'queued')"
    };
    // Where a job is, in the words of `JobState`.
    ($database:ident STATE) => {
        "CASE WHEN audio_source IS NOT NULL AND state = 'queued' THEN 'fetching' ELSE state END"
    };
    (sqlite REQUEST_SID) => {
        "json_extract(sids, '$.request')"
    };
    (postgres REQUEST_SID) => {
        "(sids::json->>'request')"
    };
    (sqlite VERSION_SID) => {
        "json_extract(sids, '$.addon_version')"
    };
    (postgres VERSION_SID) => {
        "(sids::json->>'addon_version')"
    };
    (sqlite INSTALL_SID) => {
        "json_extract(sids, '$.addon_install')"
    };
    (postgres INSTALL_SID) => {
        "(sids::json->>'addon_install')"
    };
    // Where a job is for whoever looks at it; the words are those of `Standing`.
    ($database:ident STANDING) => {
        "CASE WHEN discarded_at IS NOT NULL THEN 'discarded' WHEN held_at IS NOT NULL THEN 'held' \
         WHEN audio_source IS NOT NULL AND state = 'queued' THEN 'fetching' ELSE state END"
    };
    // Never due, for this version and the one before: seconds of thirty million years.
    ($database:ident NEVER) => {
        "1e15"
    };
    // What must be done one at a time: in SQLite every write is.
    (sqlite ALONE) => {
        "SELECT $1"
    };
    (postgres ALONE) => {
        "SELECT pg_advisory_xact_lock(1835757677, hashtext($1))::text"
    };
    ($database:ident $text:literal) => {
        $text
    };
}

macro_rules! statement {
    ($($part:tt)+) => {
        $crate::queue::sql::statement::Statement {
            sqlite: concat!($($crate::queue::sql::statement::dialect!(sqlite $part)),+),
            postgres: concat!($($crate::queue::sql::statement::dialect!(postgres $part)),+),
        }
    };
}

pub(in crate::queue) use {dialect, statement};
