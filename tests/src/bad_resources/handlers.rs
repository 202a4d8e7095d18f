//! The rows about what answers a URL.

use serde_json::json;

use super::{Row, replace};

const HANDLER: &str = "handler must have exactly one member: table, sql or analysis";

pub(super) fn rows() -> Vec<Row> {
    vec![
        replace(
            "a handler without a member",
            "/spec/endpoints/1/handler",
            json!({}),
            HANDLER,
        ),
        replace(
            "a handler with two members",
            "/spec/endpoints/2/handler/table",
            json!({"entries": []}),
            HANDLER,
        ),
        replace(
            "a recording answered by a table",
            "/spec/endpoints/0/handler",
            json!({"table": {"entries": []}}),
            "an endpoint of integration RecordingAnalysis is answered by handler.analysis",
        ),
        replace(
            "a message answered by an analysis",
            "/spec/endpoints/1/handler",
            json!({"analysis": {"acoustics": {}}}),
            "an endpoint of integration RecordingAnalysis is answered by handler.analysis",
        ),
        replace(
            "an analysis of nothing",
            "/spec/endpoints/0/handler",
            json!({"analysis": {}}),
            "handler.analysis must name at least one analyzer",
        ),
        replace(
            "a query that writes",
            "/spec/endpoints/2/handler/sql/query",
            json!("delete from customers"),
            "query must be one SELECT statement",
        ),
        replace(
            "a query without time",
            "/spec/endpoints/2/handler/sql/timeoutSeconds",
            json!(0),
            "handler.sql.timeoutSeconds must be between 1 and 14",
        ),
        replace(
            "a query with 65 connections",
            "/spec/endpoints/2/handler/sql/maxConnections",
            json!(65),
            "handler.sql.maxConnections must be between 1 and 64",
        ),
        replace(
            "a query with the account's own Secret",
            "/spec/endpoints/2/handler/sql/secretName",
            json!("twilio"),
            "handler.sql.secretName must name a Secret of its own",
        ),
    ]
}
