//! `handler.sql`: answers with the first row that a query returns.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, object_name, rule};

/// Answers with the first row that a query returns; its columns become the members of `results`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Sql {
    /// A Secret in the add-on's namespace whose key `DATABASE_URL` names the database: `postgres://USER:PASSWORD@HOST/NAME`
    /// or `sqlite:///path/of/customers.db`. It is only ever read.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("handler.sql.secretName"))]
    pub secret_name: String,

    /// One SELECT statement with named parameters: `:phone_number`, `:secondary_phone_number` and `:body`; the SIDs
    /// `:request_sid`, `:addon_sid`, `:addon_version_sid`, `:addon_install_sid`, `:account_sid`, `:vendor_account_sid` and
    /// `:configuration_sid`; and `:config_NAME` for each NAME of request.configuration. Each is null where it is not sent.
    /// It runs in a read-only transaction; its first row is taken, of at most 64 kB. On Postgres the parameters are text:
    /// write `:phone_number::bigint` to compare with a number.
    #[schemars(length(min = 1, max = 8192))]
    #[x_kube(validation = rule("self.matches('(?i)^[[:space:]]*(select|with)[[:space:]]')", "query must be one SELECT statement"))]
    pub query: String,

    /// How long one request may wait for its answer, connection included.
    #[serde(default = "sql_timeout_seconds")]
    #[schemars(range(min = 1, max = 14))]
    #[x_kube(validation = between(1, 14, "handler.sql.timeoutSeconds"))]
    pub timeout_seconds: i32,

    /// How many connections one pod holds at most.
    #[serde(default = "sql_max_connections")]
    #[schemars(range(min = 1, max = 64))]
    #[x_kube(validation = between(1, 64, "handler.sql.maxConnections"))]
    pub max_connections: i32,
}

fn sql_timeout_seconds() -> i32 {
    5
}

fn sql_max_connections() -> i32 {
    4
}
