//! `handler.table`: answers from entries written in the resource.

use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::rules::rule;

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
