//! What the spool promises about other people's bytes.

use std::error::Error;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

type Tested = Result<(), Box<dyn Error>>;

const LIMITS: Limits = Limits {
    max_file_bytes: 1000,
    quarantine_bytes: 2500,
    quarantine_files: 3,
    spool_bytes: 1 << 40,
};

fn files_in(folder: &Path, room: &str) -> io::Result<usize> {
    Ok(std::fs::read_dir(folder.join(room))?.count())
}

#[tokio::test]
async fn stored_audio_reads_back_as_it_came() -> Tested {
    let folder = TempDir::new()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let mut file = spool.quarantine().await?;
    for piece in [b"first, ".as_slice(), b"", b"second"] {
        file.write(piece).await?;
    }
    assert_eq!(file.bytes(), 13);
    assert_eq!(
        std::fs::read(file.path().await?)?,
        b"first, second",
        "it can be measured before it is stored"
    );
    let stored = file.store().await?;
    assert_eq!(std::fs::read(spool.path(&stored.key))?, b"first, second");
    assert_eq!(
        (stored.bytes, stored.sha256_hex),
        (13, hex::encode(Sha256::digest(b"first, second")))
    );
    assert_eq!(files_in(folder.path(), "quarantine")?, 0);
    Ok(())
}

#[tokio::test]
async fn what_is_not_stored_is_gone() -> Tested {
    let folder = TempDir::new()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let mut file = spool.quarantine().await?;
    file.write(b"forged").await?;
    assert_eq!(files_in(folder.path(), "quarantine")?, 1);
    drop(file);
    assert_eq!(files_in(folder.path(), "quarantine")?, 0);
    assert_eq!(files_in(folder.path(), "audio")?, 0);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_too_large_is_its_senders_fault() -> Tested {
    let folder = TempDir::new()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let mut file = spool.quarantine().await?;
    file.write(&[0; 1000]).await?;
    assert!(matches!(
        file.write(&[0]).await,
        Err(SpoolError::ReceiveTooLarge { limit_bytes: 1000 })
    ));
    Ok(())
}

#[tokio::test]
async fn a_full_quarantine_takes_no_more_until_a_place_is_free() -> Tested {
    let folder = TempDir::new()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let mut files = Vec::new();
    for _ in 0..3 {
        files.push(spool.quarantine().await?);
    }
    assert!(
        matches!(spool.quarantine().await, Err(SpoolError::ExceedBudget)),
        "a fourth file"
    );
    for file in &mut files {
        file.write(&[0; 800]).await?;
    }
    assert!(
        matches!(files[0].write(&[0; 150]).await, Err(SpoolError::ExceedBudget)),
        "2550 bytes"
    );
    files[0].write(&[0; 100]).await?;

    let stored = files.remove(0).store().await?;
    files[0].write(&[0; 150]).await?;
    drop(files);
    for _ in 0..3 {
        files_refill(&spool).await?;
    }
    spool.remove(Area::Audio, &stored.key).await?;
    Ok(())
}

async fn files_refill(spool: &Spool) -> Result<(), SpoolError> {
    let mut file = spool.quarantine().await?;
    file.write(&[0; 1000]).await
}

#[test]
fn a_second_process_is_told_that_the_folder_is_taken() -> Tested {
    let folder = TempDir::new()?;
    let first = Spool::open(folder.path(), LIMITS)?;
    let second = Spool::open(folder.path(), LIMITS);
    assert!(matches!(second, Err(SpoolError::LockFolder { .. })), "{second:?}");
    drop(first);
    Spool::open(folder.path(), LIMITS)?;
    Ok(())
}

#[tokio::test]
async fn a_restart_keeps_what_was_stored_and_empties_the_quarantine() -> Tested {
    let folder = TempDir::new()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let mut file = spool.quarantine().await?;
    file.write(b"kept").await?;
    let stored = file.store().await?;
    drop(spool);
    // What a killed process leaves behind.
    std::fs::write(
        folder.path().join("quarantine").join(SpoolKey::random().as_str()),
        b"half an upload",
    )?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    assert_eq!(files_in(folder.path(), "quarantine")?, 0);
    assert_eq!(std::fs::read(spool.path(&stored.key))?, b"kept");
    Ok(())
}

#[tokio::test]
async fn removing_twice_is_no_error() -> Tested {
    let folder = TempDir::new()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let key = spool.store_result(b"{}").await?;
    let opened = spool.read(Area::Results, &key).await?;
    assert_eq!(
        (std::fs::read(opened.path())?.as_slice(), opened.bytes()),
        (&b"{}"[..], 2)
    );
    for _ in 0..2 {
        spool.remove(Area::Results, &key).await?;
    }
    assert!(matches!(
        spool.read(Area::Results, &key).await,
        Err(SpoolError::FindFile)
    ));
    Ok(())
}

#[tokio::test]
async fn only_old_files_with_our_names_are_listed() -> Tested {
    let folder = TempDir::new()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let (old, young) = (
        spool.quarantine().await?.store().await?.key,
        spool.quarantine().await?.store().await?.key,
    );
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options()
        .write(true)
        .open(spool.path(&old))?
        .set_modified(long_ago)?;
    let foreign = folder.path().join("audio").join("lost+found");
    std::fs::write(&foreign, b"not ours")?;
    File::options().write(true).open(&foreign)?.set_modified(long_ago)?;
    assert_eq!(
        spool.keys_older_than(Area::Audio, Duration::from_mins(10)).await?,
        std::slice::from_ref(&old)
    );
    let mut all = spool.keys_older_than(Area::Audio, Duration::ZERO).await?;
    all.sort_by(|left, right| left.as_str().cmp(right.as_str()));
    let mut expected = [old, young];
    expected.sort_by(|left, right| left.as_str().cmp(right.as_str()));
    assert_eq!(all, expected);
    assert!(spool.keys_older_than(Area::Results, Duration::ZERO).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_large_upload_waits_in_small_pieces() -> Tested {
    let folder = TempDir::new()?;
    let limits = Limits {
        max_file_bytes: 8 << 20,
        quarantine_bytes: 8 << 20,
        quarantine_files: 1,
        spool_bytes: 1 << 40,
    };
    let spool = Spool::open(folder.path(), limits)?;
    let mut file = spool.quarantine().await?;
    let piece = vec![7_u8; 1 << 20];
    for _ in 0..4 {
        file.write(&piece).await?;
    }
    let stored = file.store().await?;
    assert_eq!(std::fs::metadata(spool.path(&stored.key))?.len(), 4 << 20);
    assert_eq!(stored.sha256_hex, hex::encode(Sha256::digest(vec![7_u8; 4 << 20])));
    Ok(())
}
