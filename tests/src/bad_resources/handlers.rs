//! The rows about what answers a URL.

use serde_json::json;

use super::{Row, replace};

const ONE: &str = "handler.table must have exactly one of entries and secretName";
const HANDLER: &str = "handler must have exactly one member: table, sql, http, container or analysis";

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
    .into_iter()
    .chain(of_tables())
    .chain(of_partners())
    .collect()
}

fn of_tables() -> Vec<Row> {
    let table = "/spec/endpoints/1/handler/table";
    vec![
        replace("a table of nothing", table, json!({}), ONE),
        replace(
            "a table here and there",
            table,
            json!({"entries": [], "secretName": "numbers"}),
            ONE,
        ),
        replace(
            "a table in the account's own Secret",
            table,
            json!({"secretName": "twilio"}),
            "handler.table.secretName must name a Secret of their own",
        ),
        replace(
            "a table in no Secret",
            table,
            json!({"secretName": "Numbers"}),
            "handler.table.secretName must be the name of an object",
        ),
        replace(
            "a country without a code",
            "/spec/endpoints/1/request/defaultCountryCode",
            json!("+1"),
            "request.defaultCountryCode must be a country code in quotes",
        ),
        replace(
            "a country of a recording",
            "/spec/endpoints/0/request/defaultCountryCode",
            json!("1"),
            "request.defaultCountryCode is for phone numbers",
        ),
    ]
}

fn of_partners() -> Vec<Row> {
    let handler = "/spec/endpoints/1/handler";
    let http = |member: &str, value: serde_json::Value| {
        let mut http = json!({"url": "https://partner.example.com/ask"});
        http[member] = value;
        json!({"http": http})
    };
    let container = |member: &str, value: serde_json::Value| {
        let mut container = json!({"image": "registry.example.com/handler:1", "port": 9000});
        container[member] = value;
        json!({"container": container})
    };
    let rows = [
        (
            "a partner called without TLS",
            http("url", json!("http://partner.example.com")),
            "handler.http.url must be https",
        ),
        (
            "a partner with a user in its URL",
            http("url", json!("https://ada:word@partner.example.com/")),
            "handler.http.url must be https://HOST",
        ),
        (
            "a partner with a fragment in its URL",
            http("url", json!("https://partner.example.com/#top")),
            "handler.http.url must be https://HOST",
        ),
        (
            "a partner with the account's own Secret",
            http("secretName", json!("twilio")),
            "must name a Secret of their own",
        ),
        (
            "a partner with no Secret's name",
            http("secretName", json!("Partner")),
            "handler.http.secretName must be the name of an object",
        ),
        (
            "a partner without time",
            http("timeoutSeconds", json!(0)),
            "handler.http.timeoutSeconds must be between 1 and 86400",
        ),
        (
            "a partner that is left alone at once",
            http("breaker", json!({"failures": 0})),
            "breaker.failures must be between 1 and 1000",
        ),
        (
            "a partner that is left alone for ever",
            http("breaker", json!({"openSeconds": 301})),
            "breaker.openSeconds must be between 1 and 300",
        ),
        (
            "a container on the service's port",
            container("port", json!(8081)),
            "handler.container.port must not be 8080 or 8081",
        ),
        (
            "a container on a privileged port",
            container("port", json!(80)),
            "handler.container.port must be between 1024 and 65535",
        ),
        (
            "a container at no path",
            container("path", json!("ask")),
            "handler.container.path must start with '/'",
        ),
        (
            "a container probed at no path",
            container("probePath", json!("a b")),
            "handler.container.probePath must start with '/'",
        ),
        (
            "a container without time",
            container("timeoutSeconds", json!(86401)),
            "handler.container.timeoutSeconds must be between 1 and 86400",
        ),
        (
            "a container with no image's name",
            container("image", json!("a b")),
            "handler.container.image must be the name of an image",
        ),
    ];
    let rows = rows.map(|(name, value, message)| replace(name, handler, value, message));
    let shared = container("path", json!("/ask"));
    let one_port = Row {
        name: "two containers on one port",
        change: json!([
            { "op": "add", "path": "/spec/endpoints/1/handler", "value": shared },
            { "op": "add", "path": "/spec/endpoints/2/handler", "value": shared },
        ]),
        message: "two endpoints have the same handler.container.port",
    };
    rows.into_iter().chain([one_port]).collect()
}
