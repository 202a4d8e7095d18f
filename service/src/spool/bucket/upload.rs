//! One upload into a bucket: in one request, or in parts where it is large. A store ends an upload only when it is told, so
//! that one that is given up is told so.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use object_store::aws::AmazonS3;
use object_store::path::Path as Name;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;

use super::super::SpoolError;
use super::trouble::Trouble;

/// The smallest part that a store takes, but for the last one.
const PART_BYTES: u64 = 5 * 1024 * 1024;
/// A part waits in memory while it is sent, for it may have to be sent again.
const PARTS_IN_MEMORY: usize = 8;
/// For one part, tries included.
const PART_WITHIN: Duration = Duration::from_mins(1);

/// How many may be on their way at once, whoever sends them.
#[derive(Clone, Debug)]
pub(super) struct Uploads(Arc<Semaphore>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PARTS_IN_MEMORY)))
    }
}

impl Uploads {
    /// Sends a file of so many bytes.
    pub(super) async fn put(
        &self,
        store: &AmazonS3,
        name: &Name,
        (path, bytes): (&Path, u64),
    ) -> Result<(), SpoolError> {
        let _turn = self.0.acquire().await.expect("nobody closes the semaphore");
        let mut file = File::open(path).await.map_err(SpoolError::disk("read a file"))?;
        if bytes <= PART_BYTES {
            let payload = PutPayload::from(part(&mut file).await?);
            return sent(store.put(name, payload)).await.map(drop);
        }
        let mut upload = Unfinished(Some(sent(store.put_multipart(name)).await?));
        loop {
            let part = part(&mut file).await?;
            if part.is_empty() {
                return upload.complete().await;
            }
            upload.send(part).await?;
        }
    }
}

/// Up to a part's bytes of what the file still has.
async fn part(file: &mut File) -> Result<Bytes, SpoolError> {
    let mut part = BytesMut::new();
    let mut rest = file.take(PART_BYTES);
    while rest
        .read_buf(&mut part)
        .await
        .map_err(SpoolError::disk("read a file"))?
        > 0
    {}
    Ok(part.freeze())
}

async fn sent<T>(sending: impl Future<Output = object_store::Result<T>>) -> Result<T, SpoolError> {
    let failed = |trouble| SpoolError::UseBucket {
        action: "put an object",
        trouble,
    };
    match tokio::time::timeout(PART_WITHIN, sending).await {
        Ok(Ok(sent)) => Ok(sent),
        Ok(Err(error)) => Err(failed(Trouble::of(&error).unwrap_or(Trouble::Answer(None)))),
        Err(_) => Err(failed(Trouble::Reach)),
    }
}

/// An upload in parts that is given up when it is dropped.
struct Unfinished(Option<Box<dyn MultipartUpload>>);

impl Unfinished {
    async fn send(&mut self, part: Bytes) -> Result<(), SpoolError> {
        match &mut self.0 {
            Some(upload) => sent(upload.put_part(PutPayload::from(part))).await,
            None => Ok(()),
        }
    }

    async fn complete(mut self) -> Result<(), SpoolError> {
        let Some(upload) = &mut self.0 else {
            return Ok(());
        };
        sent(upload.complete()).await?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let (Some(mut upload), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            // Should this fail too, the bucket's lifecycle rule ends the upload.
            runtime.spawn(async move { drop(upload.abort().await) });
        }
    }
}
