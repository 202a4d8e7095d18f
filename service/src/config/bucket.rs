//! Reads where the audio lies that is in no folder. Called by `Config::from_addon`.

use marketplace_crds::storage::bucket::{Audio, S3};
use url::Url;

use super::ReadConfig;

/// What a region is called where nobody says otherwise.
const USUAL_REGION: &str = "us-east-1";

/// A bucket of an S3 store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlan {
    /// Its name.
    pub name: String,
    /// The Secret with the key pair.
    pub secret_name: String,
    /// Where the store is, if it is not Amazon's.
    pub endpoint: Option<Url>,
    /// What requests are signed for.
    pub region: String,
    /// What the names of all objects begin with.
    pub prefix: Option<String>,
    /// Whether the bucket is named in the path of a request, and not in its host.
    pub is_in_path: bool,
}

pub(super) fn read(audio: &Audio) -> Result<BucketPlan, ReadConfig> {
    let Audio { s3 } = audio;
    let S3 {
        bucket,
        secret_name,
        endpoint,
        region,
        prefix,
        path_style,
    } = s3;
    let url = endpoint.as_deref().map(Url::parse).transpose();
    Ok(BucketPlan {
        name: bucket.clone(),
        secret_name: secret_name.clone(),
        endpoint: url.map_err(|_| ReadConfig::ReadStoreEndpoint)?,
        region: region.clone().unwrap_or_else(|| USUAL_REGION.to_owned()),
        prefix: prefix.clone(),
        is_in_path: path_style.unwrap_or(endpoint.is_some()),
    })
}
