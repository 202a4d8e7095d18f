//! Where accepted recordings are kept.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

pub mod bucket;

/// Where accepted recordings are kept until their result is delivered. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "has(self.volume) != has(self.postgres)",
        "storage must have exactly one member: write storage: {volume: {}}, or storage: {postgres: {secretName: NAME}}",
    ),
    validation = rule(
        "has(self.volume) == has(oldSelf.volume)",
        "storage cannot move between volume and postgres, because accepted recordings would be left behind: create another MarketplaceAddon",
    ),
)]
pub struct Storage {
    /// A volume that holds both the jobs and the audio. Exactly one pod writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,

    /// The jobs in a Postgres database, the audio on a volume that all pods share, or in a bucket. Any number of pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Postgres>,
}

/// A Postgres database for the jobs; the audio on a volume, or in a bucket.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "!(has(self.volume) && has(self.audio))",
        "storage.postgres keeps the audio in one place: leave out volume, or audio",
    ),
    validation = rule(
        "has(self.audio) == has(oldSelf.audio)",
        "the audio of storage.postgres cannot move between a volume and a bucket, because accepted recordings would be left behind: create another MarketplaceAddon",
    ),
    // A volume that is not declared is the usual one, which may have been claimed already.
    validation = rule(
        "has(self.volume) || has(self.audio) || !has(oldSelf.volume) || (!has(oldSelf.volume.storageClassName) && (!isQuantity(oldSelf.volume.size) || quantity(oldSelf.volume.size).compareTo(quantity('1Gi')) <= 0))",
        "storage.postgres.volume cannot be left out any more: the volume exists already, and is another than the usual one",
    ),
    validation = rule(
        "!has(self.volume) || has(oldSelf.volume) || has(oldSelf.audio) || (!has(self.volume.storageClassName) && (!isQuantity(self.volume.size) || quantity(self.volume.size).compareTo(quantity('1Gi')) >= 0))",
        "storage.postgres.volume comes late: the usual volume of 1Gi exists already; its size can only be raised, and it has no storageClassName",
    ),
)]
pub struct Postgres {
    /// The Secret whose key `DATABASE_URL` is `postgres://USER:PASSWORD@HOST/DATABASE`. The pods make the tables
    /// themselves, in the schema to which the role's search_path leads; several add-ons may share one database. A changed
    /// URL is used within two minutes, and no pod restarts.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("storage.postgres.secretName"))]
    pub secret_name: String,

    /// The volume that holds the audio until its result is delivered, 1Gi of the default storage class when neither this nor
    /// `audio` is set. It is claimed as ReadWriteMany, because every pod writes and reads it: name a storage class that has
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,

    /// The audio elsewhere than on a volume: then nothing is claimed, and the pods may run on any node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<bucket::Audio>,
}

impl Postgres {
    /// The volume for the audio, declared or usual; none where it lies in a bucket.
    #[must_use]
    pub fn audio_volume(&self) -> Option<Volume> {
        match &self.audio {
            Some(_) => None,
            None => Some(self.volume.clone().unwrap_or_default()),
        }
    }
}

/// A volume of the add-on's own.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "has(self.storageClassName) == has(oldSelf.storageClassName)",
        "storageClassName can be neither added nor removed: the volume exists already",
    ),
)]
pub struct Volume {
    /// The size to claim. It can be raised later where the storage class allows that, never lowered.
    #[serde(default = "volume_size")]
    #[schemars(schema_with = "quantity")]
    #[x_kube(
        validation = rule("isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))", "size must be a quantity greater than 0, such as 1Gi"),
        validation = rule("!isQuantity(self) || quantity(self).compareTo(quantity(oldSelf)) >= 0", "size cannot be lowered: a volume only grows"),
    )]
    pub size: Quantity,

    /// The storage class to claim from; the cluster's default class when unset. It cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = object_name("storageClassName"),
        validation = rule("self == oldSelf", "storageClassName cannot be changed: the volume exists already"),
    )]
    pub storage_class_name: Option<String>,

    /// What becomes of the volume when the add-on is deleted: `Retain` keeps it, with every accepted recording, and an
    /// add-on of the same name takes it over; `Delete` deletes it.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// What becomes of a volume when its add-on is deleted.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// Keep it. An add-on of the same name takes it over.
    #[default]
    Retain,
    /// Delete it, with every recording on it.
    Delete,
}

impl Default for Volume {
    fn default() -> Self {
        Self {
            size: volume_size(),
            storage_class_name: None,
            on_delete: OnDelete::default(),
        }
    }
}

fn volume_size() -> Quantity {
    Quantity("1Gi".to_owned())
}

fn quantity(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    // A plain string: the int-or-string form would let the API server accept numbers that CEL's quantity() does not take.
    schemars::json_schema!({ "type": "string", "maxLength": 32 })
}
