//! Makes the client of an S3 store from what the resource says of it. Called by `bucket`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::client::{HttpClient, HttpConnector};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, Error, RetryConfig};
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use url::Url;

use super::super::SpoolError;
use super::trouble::NoKeys;
use crate::config::BucketPlan;
use crate::egress::store_client;
use crate::files::KeyPair;

/// A store that is busy gets two more tries, well inside the time that a request has for its answer.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(1),
        base: 2.0,
    },
    max_retries: 2,
    retry_timeout: Duration::from_secs(5),
};

pub(super) fn build(plan: &BucketPlan, keys: watch::Receiver<Option<KeyPair>>) -> Result<AmazonS3, SpoolError> {
    let client = store_client().map_err(|_| SpoolError::BuildClient)?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&plan.name)
        .with_region(&plan.region)
        .with_virtual_hosted_style_request(!plan.is_in_path)
        .with_credentials(Arc::new(Keys(keys)))
        .with_http_connector(Connector(client))
        .with_retry(RETRY)
        // One request for each: not every store knows how to delete many at once.
        .with_disable_bulk_delete(true);
    if let Some(endpoint) = endpoint(plan)? {
        builder = builder
            .with_allow_http(endpoint.scheme() == "http")
            .with_endpoint(endpoint.as_str().trim_end_matches('/'));
    }
    builder.build().map_err(|_| SpoolError::BuildClient)
}

/// With the bucket before its host, where it is not in the path.
fn endpoint(plan: &BucketPlan) -> Result<Option<Url>, SpoolError> {
    let Some(mut endpoint) = plan.endpoint.clone() else {
        return Ok(None);
    };
    if !plan.is_in_path {
        let host = endpoint.host_str().ok_or(SpoolError::BuildClient)?;
        let host = format!("{}.{host}", plan.name);
        endpoint.set_host(Some(&host)).map_err(|_| SpoolError::BuildClient)?;
    }
    Ok(Some(endpoint))
}

/// The key pair as it was read last: a changed Secret signs the next request.
#[derive(Debug)]
struct Keys(watch::Receiver<Option<KeyPair>>);

#[async_trait]
impl CredentialProvider for Keys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        match &*self.0.borrow() {
            Some(KeyPair { id, secret }) => Ok(Arc::new(AwsCredential {
                key_id: id.expose_secret().to_owned(),
                secret_key: secret.expose_secret().to_owned(),
                token: None,
            })),
            None => Err(Error::Generic {
                store: "S3",
                source: Box::new(NoKeys),
            }),
        }
    }
}

/// Our own client in place of one with settings of its own.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host() -> Result<(), Box<dyn std::error::Error>> {
        let mut plan = BucketPlan {
            name: "voices".to_owned(),
            secret_name: "store".to_owned(),
            endpoint: Some("https://store.example.com:9000".parse()?),
            region: "us-east-1".to_owned(),
            prefix: None,
            is_in_path: true,
        };
        let shown = |plan: &BucketPlan| Ok::<_, SpoolError>(endpoint(plan)?.map(String::from));
        assert_eq!(shown(&plan)?.as_deref(), Some("https://store.example.com:9000/"));
        plan.is_in_path = false;
        assert_eq!(shown(&plan)?.as_deref(), Some("https://voices.store.example.com:9000/"));
        plan.endpoint = None;
        assert_eq!(shown(&plan)?, None);
        Ok(())
    }
}
