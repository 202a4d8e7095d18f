//! A bucket of an S3 store for the audio of recordings.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

/// The key of the Secret with the name of the key pair.
pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// The key of the Secret with its secret half.
pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// Where audio lies, if not on a volume. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Audio {
    /// A bucket of an S3 store: Amazon's, or one that speaks its language, such as MinIO or Ceph.
    pub s3: S3,
}

/// A bucket. Recordings, and results that are too large for a row of the database, lie in it under
/// PREFIX/NAMESPACE/NAME of the add-on until they are done with. The bucket must exist. Give it a lifecycle rule that aborts
/// incomplete multipart uploads after a day: a pod that is killed while it uploads leaves one.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "(has(self.prefix) ? self.prefix : '') == (has(oldSelf.prefix) ? oldSelf.prefix : '')",
        "s3.prefix cannot be changed, because accepted recordings would be left behind: create another MarketplaceAddon",
    ),
)]
pub struct S3 {
    /// The name of the bucket. It cannot be changed later: accepted recordings would be left behind.
    #[schemars(length(min = 3, max = 63))]
    #[x_kube(
        validation = rule(
            "self.matches('^[a-z0-9][a-z0-9.-]*[a-z0-9]$')",
            "s3.bucket must be the name of a bucket: 3 to 63 lower-case letters, digits, '-' and '.'",
        ),
        validation = rule(
            "self == oldSelf",
            "s3.bucket cannot be changed, because accepted recordings would be left behind: create another MarketplaceAddon",
        ),
    )]
    pub bucket: String,

    /// The Secret with the key pair, under the keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. It must be allowed to put,
    /// get and delete the bucket's objects and to list the bucket. A changed pair is used within two minutes, and no pod
    /// restarts.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("s3.secretName"))]
    pub secret_name: String,

    /// Where the store is, such as http://minio.storage.svc:9000; Amazon's own for the region when unset. Over plain http
    /// recordings can be read on their way: it is meant for a store in the same cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 512))]
    #[x_kube(validation = rule(
        "self.matches('^https?://[^/?#@[:space:]]+/?$') && isURL(self)",
        "s3.endpoint must be http://HOST[:PORT] or https://HOST[:PORT], without user, path, query or fragment",
    ))]
    pub endpoint: Option<String>,

    /// The region of the bucket, which every request is signed for. us-east-1 when unset, which most other stores take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rule(
        "self.matches('^[a-z0-9-]+$')",
        "s3.region must be the name of a region, such as eu-central-1: lower-case letters, digits and '-'",
    ))]
    pub region: Option<String>,

    /// What the names of all objects begin with, for a bucket that serves more than this: such as `twilio/production`. It
    /// cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = rule(
        "self.matches('^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$')",
        "s3.prefix must be words of letters, digits, '.', '_' and '-' parted by single slashes, such as twilio/production",
    ))]
    pub prefix: Option<String>,

    /// Whether the bucket is named in the path of a request (HOST/BUCKET) or in its host (BUCKET.HOST). In the path when unset
    /// and there is an `endpoint`, else in the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
}
