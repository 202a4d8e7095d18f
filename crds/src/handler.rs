//! The ways to answer a request. A handler is an object with exactly one member set, as a volume is in a Pod.

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::rules::{between, object_name, rule};

/// What answers the requests of an endpoint. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "[has(self.table), has(self.sql), has(self.analysis)].filter(set, set).size() == 1",
    "handler must have exactly one member: table, sql or analysis",
))]
pub struct Handler {
    /// Answers from entries written here: a handful, for trying out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,

    /// Answers with the first row that a query returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<Sql>,

    /// Analyzes a recording and POSTs the result to the callback URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
}

/// Answers from entries written in the resource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The known phone numbers. A number that is not listed is answered with `"results": null` and
    /// `"error_code": "not_found"`.
    #[schemars(length(max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["key".into()]),
        validation = rule("self.all(e, self.exists_one(o, o.key == e.key))", "each entry of a table must have a key of its own"),
    )]
    pub entries: Vec<TableEntry>,
}

/// One phone number and what is known of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TableEntry {
    /// The phone number in E.164 form, for example `+14155551212`.
    #[schemars(length(min = 1, max = 64))]
    pub key: String,

    /// The object that is answered under `results`.
    #[schemars(schema_with = "free_object")]
    pub results: serde_json::Map<String, serde_json::Value>,
}

fn free_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Answers with the first row that a query returns; its columns become the members of `results`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Sql {
    /// A Secret in the add-on's namespace whose key `DATABASE_URL` names the database:
    /// `sqlite:///path/of/customers.db`. The database is opened read-only.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("handler.sql.secretName"))]
    pub secret_name: String,

    /// One SELECT statement with named parameters: `:phone_number`, `:secondary_phone_number` and `:body`; the SIDs
    /// `:request_sid`, `:addon_sid`, `:addon_version_sid`, `:addon_install_sid`, `:account_sid`, `:vendor_account_sid` and
    /// `:configuration_sid`; and `:config_NAME` for each NAME of request.configuration. Each is null where it is not sent.
    /// It runs in a read-only transaction.
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

/// The analyzers that run on a recording, one member each.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("has(self.acoustics)", "handler.analysis must name at least one analyzer: write analysis: {acoustics: {}}"))]
pub struct Analysis {
    /// Measures the sound itself: duration, channels, sample rate, loudness, share of speech, and silences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acoustics: Option<Acoustics>,
}

/// Measures the sound itself. It has no settings.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Acoustics {}
