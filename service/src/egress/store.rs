//! The way to the S3 store with the audio. Who runs the add-on says where it is, and no stranger: so any address will do, and
//! the one in the same cluster is a private one.

use std::time::Duration;

use super::{BuildClient, builder};

/// How long the store may be silent; a part of an upload must be sent in it too.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);

/// Builds the client. A TLS provider must have been installed by the process.
pub fn store_client() -> Result<reqwest::Client, BuildClient> {
    let builder = builder().no_proxy().read_timeout(SILENCE_TIMEOUT);
    builder.build().map_err(BuildClient)
}
