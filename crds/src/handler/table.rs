//! `handler.table`: answers from entries written in the resource or in a Secret.

use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

/// The key of a Secret that holds a table.
pub const TABLE: &str = "table.yaml";

/// Answers from entries written in the resource, or in a Secret. A number that is not listed is answered with
/// `"results": null` and `"error_code": "not_found"`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.entries) != has(self.secretName)",
    "handler.table must have exactly one of entries and secretName",
))]
pub struct Table {
    /// The known phone numbers: a handful, for trying out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["key".into()]),
        validation = rule("self.all(e, self.exists_one(o, o.key == e.key))", "each entry of a table must have a key of its own"),
    )]
    pub entries: Option<Vec<TableEntry>>,

    /// A Secret in the add-on's namespace whose key `table.yaml` holds the table: YAML or JSON, an object with a member for
    /// each phone number, whose value is the object that is answered under `results`. At most 1 MiB and 20000 numbers. A
    /// change of it reaches running pods within two minutes; one that cannot be read is passed over, and what was read
    /// before stays in use. Not the Secret of spec.credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("handler.table.secretName"))]
    pub secret_name: Option<String>,
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
