//! Files kept in a bucket of an S3 store, each under PREFIX/NAMESPACE/NAME/AREA/KEY: several add-ons may share one bucket, and
//! none sees another's objects.
//!
//! An object is there as a whole or not at all. It is safe once the store has confirmed the whole upload and its size; each
//! part of it is signed with its hash, so that what comes there is what was sent. A process that ends in between leaves an
//! object without a row, which is swept as a file without a row is, or an upload without an end, which the store's own
//! lifecycle rule ends.

use std::path::Path;
use std::time::{Duration, SystemTime};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::aws::AmazonS3;
use object_store::path::Path as Name;
use object_store::{GetResult, ObjectMeta, ObjectStore as _, ObjectStoreExt as _};
use tokio::sync::watch;

use super::{Area, SpoolError};
use crate::clock;
use crate::config::BucketPlan;
use crate::domain::{AddonKey, SpoolKey};
use crate::files::KeyPair;

mod client;
mod remote;
mod trouble;
mod upload;

pub(super) use remote::Remote;
pub use trouble::Trouble;

use upload::Uploads;

/// For one small question and its answer, tries included.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// What an add-on has of a bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: AmazonS3,
    root: Name,
    uploads: Uploads,
}

impl Bucket {
    /// Asks nobody yet. A TLS provider must have been installed by the process.
    pub fn new(
        plan: &BucketPlan,
        addon: &AddonKey,
        keys: watch::Receiver<Option<KeyPair>>,
    ) -> Result<Self, SpoolError> {
        let prefix = plan.prefix.iter().flat_map(|prefix| prefix.split('/'));
        Ok(Self {
            store: client::build(plan, keys)?,
            root: prefix.chain(addon.as_str().split('/')).collect(),
            uploads: Uploads::default(),
        })
    }

    fn room(&self, area: Area) -> Name {
        self.root.clone().join(area.name())
    }

    fn name(&self, area: Area, key: &SpoolKey) -> Name {
        self.room(area).join(key.as_str())
    }

    /// Removes an object; one that is gone already is no error.
    pub async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
        let name = self.name(area, key);
        answered("remove an object", self.store.delete(&name)).await.map(drop)
    }

    /// Uploads a file, and makes sure that it is there.
    async fn put(&self, (area, key): (Area, &SpoolKey), file: &Path, bytes: u64) -> Result<(), SpoolError> {
        let name = self.name(area, key);
        self.uploads.put(&self.store, &name, (file, bytes)).await?;
        if self.size(area, key).await? == Some(bytes) {
            Ok(())
        } else {
            Err(SpoolError::UseBucket {
                action: "confirm an object",
                trouble: Trouble::Compare,
            })
        }
    }

    /// The size of an object; none where there is none.
    async fn size(&self, area: Area, key: &SpoolKey) -> Result<Option<u64>, SpoolError> {
        let name = self.name(area, key);
        let found = answered("look for an object", self.store.head(&name)).await?;
        Ok(found.map(|found| found.size))
    }

    async fn get(&self, area: Area, key: &SpoolKey) -> Result<Option<GetResult>, SpoolError> {
        let name = self.name(area, key);
        answered("get an object", self.store.get(&name)).await
    }

    async fn keys_older_than(&self, area: Area, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
        let mut objects = self.store.list(Some(&self.room(area)));
        let mut keys = Vec::new();
        while let Some(object) = next(&mut objects).await? {
            let key = object.location.filename().and_then(|name| SpoolKey::parse(name).ok());
            // Both clocks are near enough: a store refuses what was signed more than minutes ago.
            if clock::age_of(SystemTime::from(object.last_modified)) >= age {
                keys.extend(key);
            }
        }
        Ok(keys)
    }

    /// The bytes of what lies there, of the first objects alone if it is only asked whether the bucket answers.
    async fn weigh(&self, objects_at_most: usize) -> Result<u64, SpoolError> {
        let mut objects = self.store.list(Some(&self.root));
        let mut bytes = 0_u64;
        for _ in 0..objects_at_most {
            let Some(object) = next(&mut objects).await? else {
                break;
            };
            bytes = bytes.saturating_add(object.size);
        }
        Ok(bytes)
    }
}

type Objects = BoxStream<'static, object_store::Result<ObjectMeta>>;

/// A prefix that nobody has written to is empty, and no error.
async fn next(objects: &mut Objects) -> Result<Option<ObjectMeta>, SpoolError> {
    let next = async { objects.next().await.transpose() };
    Ok(answered("list objects", next).await?.flatten())
}

/// Waits for the store. None where there is no such object.
async fn answered<T>(
    action: &'static str,
    asked: impl Future<Output = object_store::Result<T>>,
) -> Result<Option<T>, SpoolError> {
    let failed = |trouble| SpoolError::UseBucket { action, trouble };
    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(answer)) => Ok(Some(answer)),
        Ok(Err(error)) => match Trouble::of(&error) {
            Some(trouble) => Err(failed(trouble)),
            None => Ok(None),
        },
        Err(_) => Err(failed(Trouble::Reach)),
    }
}
