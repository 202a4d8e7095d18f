//! What every place for files promises, the same for a folder and for a bucket of a real S3 store.

use std::error::Error;
use std::time::Duration;

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::watch;

use super::*;
use crate::config::BucketPlan;
use crate::domain::{AddonKey, StoredAudio};
use crate::files::KeyPair;
use crate::harness::minio::{KEYS, Minio};

mod store;

type Tested = Result<(), Box<dyn Error>>;

const LIMITS: Limits = Limits {
    max_file_bytes: 32 << 20,
    quarantine_bytes: 64 << 20,
    quarantine_files: 8,
    spool_bytes: u64::MAX,
};

/// A spool of one kind, empty, and what it stands on.
struct Place {
    spool: Spool,
    folder: TempDir,
}

fn in_folder(limits: Limits) -> Result<Place, Box<dyn Error>> {
    let folder = TempDir::new()?;
    Ok(Place {
        spool: Spool::open(folder.path(), limits)?,
        folder,
    })
}

fn over(server: &Minio, limits: Limits) -> Result<Place, Box<dyn Error>> {
    let bucket = plan(server, &server.bucket()?)?;
    in_bucket(&bucket, "acme/insights", limits)
}

fn in_bucket(plan: &BucketPlan, addon: &str, limits: Limits) -> Result<Place, Box<dyn Error>> {
    let (_, keys) = watch::channel(Some(pair(KEYS)));
    let folder = TempDir::new()?;
    Ok(Place {
        spool: Spool::over(folder.path(), limits, bucket(plan, addon, keys)?)?,
        folder,
    })
}

fn bucket(plan: &BucketPlan, addon: &str, keys: watch::Receiver<Option<KeyPair>>) -> Result<Bucket, Box<dyn Error>> {
    marketplace_daemon::telemetry::install_tls_provider();
    let (namespace, name) = addon.split_once('/').ok_or("no name")?;
    Ok(Bucket::new(plan, &AddonKey::new(namespace, name), keys)?)
}

fn pair((id, secret): (&str, &str)) -> KeyPair {
    KeyPair {
        id: SecretString::from(id),
        secret: SecretString::from(secret),
    }
}

fn plan(server: &Minio, bucket: &str) -> Result<BucketPlan, Box<dyn Error>> {
    Ok(BucketPlan {
        name: bucket.to_owned(),
        secret_name: "store".to_owned(),
        endpoint: Some(server.url().parse()?),
        region: "us-east-1".to_owned(),
        prefix: Some("twilio/production".to_owned()),
        is_in_path: true,
    })
}

/// Tells it to every kind of place.
macro_rules! holds_everywhere {
    ($($promise:ident),* $(,)?) => {
        mod folder {
            $(#[tokio::test] async fn $promise() -> super::Tested {
                super::$promise(super::in_folder(super::LIMITS)?).await
            })*
        }
        mod s3 {
            $(#[tokio::test] async fn $promise() -> super::Tested {
                super::$promise(super::over(super::Minio::shared()?, super::LIMITS)?).await
            })*
        }
    };
}

holds_everywhere!(
    what_is_stored_is_read_as_it_came,
    what_is_large_is_read_as_it_came,
    a_result_is_kept_beside_audio,
    what_is_not_stored_is_nowhere,
    removing_twice_is_no_error,
    what_is_gone_is_said_to_be_missing,
    only_what_is_old_is_listed,
    nothing_stays_in_quarantine,
);

async fn store(spool: &Spool, bytes: &[u8]) -> Result<StoredAudio, SpoolError> {
    let mut file = spool.quarantine().await?;
    for piece in bytes.chunks(100_000) {
        file.write(piece).await?;
    }
    file.store().await
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

async fn what_is_stored_is_read_as_it_came(place: Place) -> Tested {
    for bytes in [noise(0), noise(1), noise(200_000)] {
        let stored = store(&place.spool, &bytes).await?;
        assert_eq!(stored.bytes, bytes.len() as u64);
        assert_eq!(stored.sha256_hex, hex::encode(Sha256::digest(&bytes)));
        assert!(place.spool.has(&stored.key).await?);
        let opened = place.spool.read(Area::Audio, &stored.key).await?;
        assert_eq!((std::fs::read(opened.path())?, opened.bytes()), (bytes, stored.bytes));
    }
    Ok(())
}

/// Larger than what goes to a bucket in one request, and no multiple of it.
async fn what_is_large_is_read_as_it_came(place: Place) -> Tested {
    let bytes = noise((11 << 20) + 1);
    let stored = store(&place.spool, &bytes).await?;
    let opened = place.spool.read(Area::Audio, &stored.key).await?;
    assert!(std::fs::read(opened.path())? == bytes, "other bytes");
    Ok(())
}

async fn a_result_is_kept_beside_audio(place: Place) -> Tested {
    let key = place.spool.store_result(b"{}").await?;
    let opened = place.spool.read(Area::Results, &key).await?;
    assert_eq!(std::fs::read(opened.path())?, b"{}");
    assert!(!place.spool.has(&key).await?, "it is no audio");
    assert_eq!(place.spool.keys_older_than(Area::Audio, Duration::ZERO).await?, []);
    assert_eq!(place.spool.keys_older_than(Area::Results, Duration::ZERO).await?, [key]);
    Ok(())
}

async fn what_is_not_stored_is_nowhere(place: Place) -> Tested {
    let mut file = place.spool.quarantine().await?;
    file.write(b"forged").await?;
    drop(file);
    for area in Area::ALL {
        assert_eq!(place.spool.keys_older_than(area, Duration::ZERO).await?, []);
    }
    Ok(())
}

async fn removing_twice_is_no_error(place: Place) -> Tested {
    let kept = store(&place.spool, b"kept").await?;
    let stored = store(&place.spool, b"removed").await?;
    for _ in 0..2 {
        place.spool.remove(Area::Audio, &stored.key).await?;
    }
    assert!(!place.spool.has(&stored.key).await?);
    assert!(place.spool.has(&kept.key).await?);
    Ok(())
}

async fn what_is_gone_is_said_to_be_missing(place: Place) -> Tested {
    for area in Area::ALL {
        let read = place.spool.read(area, &SpoolKey::random()).await;
        assert!(matches!(read, Err(SpoolError::FindFile)), "{read:?}");
    }
    assert!(!place.spool.has(&SpoolKey::random()).await?);
    Ok(())
}

async fn only_what_is_old_is_listed(place: Place) -> Tested {
    let stored = store(&place.spool, b"young").await?;
    let listed = async |age| place.spool.keys_older_than(Area::Audio, age).await;
    assert_eq!(listed(Duration::from_mins(10)).await?, []);
    assert_eq!(listed(Duration::ZERO).await?, [stored.key]);
    Ok(())
}

async fn nothing_stays_in_quarantine(place: Place) -> Tested {
    let stored = store(&place.spool, b"whole").await?;
    drop(place.spool.read(Area::Audio, &stored.key).await?);
    assert_eq!(std::fs::read_dir(place.folder.path().join(QUARANTINE))?.count(), 0);
    assert_eq!(place.spool.quarantined(), Held { files: 0, bytes: 0 });
    Ok(())
}
