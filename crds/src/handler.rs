//! The ways to answer a request. A handler is an object with exactly one member set, as a volume is in a Pod.

pub mod analysis;
pub mod container;
pub mod dtmf;
pub mod http;
pub mod intent;
mod pattern;
pub mod redaction;
pub mod sentiment;
pub mod sql;
pub mod table;
pub mod transcription;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use self::analysis::Analysis;
use self::container::Container;
use self::http::Http;
use self::sql::Sql;
use self::table::Table;
use crate::rules::rule;

/// What answers the requests of an endpoint. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "[has(self.table), has(self.sql), has(self.http), has(self.container), has(self.analysis)].filter(set, set).size() == 1",
    "handler must have exactly one member: table, sql, http, container or analysis",
))]
pub struct Handler {
    /// Answers from entries written here, or in a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,

    /// Answers with the first row that a query returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<Sql>,

    /// Answers with what a partner's own code says, at a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,

    /// Answers with what a partner's own code says, in a container beside the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,

    /// Analyzes a recording and POSTs the result to the callback URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
}
