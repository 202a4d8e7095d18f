//! What is true of a bucket alone: whose objects are whose, what a store says that does not do as told, and what is known of
//! its room.

use super::*;
use crate::spool::bucket::Trouble;

fn trouble<T: std::fmt::Debug>(result: Result<T, SpoolError>) -> Result<Trouble, Box<dyn Error>> {
    match result {
        Err(SpoolError::UseBucket { trouble, .. }) => Ok(trouble),
        other => Err(format!("no trouble with the bucket: {other:?}").into()),
    }
}

#[tokio::test]
async fn addons_share_a_bucket_and_see_nothing_of_each_other() -> Tested {
    let server = Minio::shared()?;
    let name = server.bucket()?;
    let plan = plan(server, &name)?;
    let (one, other) = (
        in_bucket(&plan, "acme/insights", LIMITS)?,
        in_bucket(&plan, "acme/insights-two", LIMITS)?,
    );
    let stored = store(&one.spool, b"of one").await?;
    let named = format!("twilio/production/acme/insights/audio/{}", stored.key.as_str());
    assert_eq!(server.objects(&name)?, [named]);
    assert_eq!(other.spool.keys_older_than(Area::Audio, Duration::ZERO).await?, []);
    assert!(!other.spool.has(&stored.key).await?);
    other.spool.remove(Area::Audio, &stored.key).await?;
    assert!(one.spool.has(&stored.key).await?);
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_gone_is_waited_for() -> Tested {
    let mut server = Minio::start()?;
    let place = over(&server, LIMITS)?;
    let stored = store(&place.spool, b"before").await?;
    server.stop()?;
    for asked in [
        place.spool.look().await,
        store(&place.spool, b"meanwhile").await.map(drop),
        place.spool.read(Area::Audio, &stored.key).await.map(drop),
        place.spool.remove(Area::Audio, &stored.key).await,
    ] {
        let error = asked.expect_err("nobody answers");
        assert!(error.is_passing(), "{error}");
        assert_eq!(trouble::<()>(Err(error))?, Trouble::Reach);
    }
    server.resume()?;
    place.spool.look().await?;
    let opened = place.spool.read(Area::Audio, &stored.key).await?;
    assert_eq!(std::fs::read(opened.path())?, b"before");
    Ok(())
}

#[tokio::test]
async fn a_key_pair_is_used_as_it_is_read() -> Tested {
    let server = Minio::shared()?;
    let (sender, keys) = watch::channel(None);
    let plan = plan(server, &server.bucket()?)?;
    let folder = TempDir::new()?;
    let spool = Spool::over(folder.path(), LIMITS, bucket(&plan, "acme/insights", keys)?)?;
    assert_eq!(trouble(spool.look().await)?, Trouble::FindKeys);
    sender.send_replace(Some(pair((KEYS.0, "wrong"))));
    let refused = Trouble::Admit(Some("SignatureDoesNotMatch".to_owned()));
    assert_eq!(trouble(spool.look().await)?, refused);
    assert_eq!(trouble(store(&spool, b"refused").await)?, refused);
    sender.send_replace(Some(pair(KEYS)));
    spool.look().await?;
    store(&spool, b"taken").await?;
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_said() -> Tested {
    let server = Minio::shared()?;
    let place = in_bucket(&plan(server, "no-such-bucket")?, "acme/insights", LIMITS)?;
    assert_eq!(trouble(place.spool.look().await)?, Trouble::FindBucket);
    assert_eq!(trouble(store(&place.spool, b"nowhere").await)?, Trouble::FindBucket);
    Ok(())
}

#[tokio::test]
async fn uploads_stop_at_four_fifths_of_the_budget() -> Tested {
    let limits = Limits {
        spool_bytes: 1000,
        ..LIMITS
    };
    let server = Minio::shared()?;
    let plan = plan(server, &server.bucket()?)?;
    let (one, other) = (
        in_bucket(&plan, "acme/insights", limits)?,
        in_bucket(&plan, "acme/insights", limits)?,
    );
    let stored = store(&one.spool, &noise(800)).await?;
    let full = |taken: Result<Quarantined, SpoolError>| matches!(taken, Err(SpoolError::FillSpool));
    assert!(full(one.spool.quarantine().await), "what it sent itself it knows");
    assert!(!full(other.spool.quarantine().await), "and the other does not");
    other.spool.look().await?;
    assert!(full(other.spool.quarantine().await), "until it has looked");
    other.spool.store_result(b"{}").await?;
    one.spool.remove(Area::Audio, &stored.key).await?;
    one.spool.look().await?;
    assert!(!full(one.spool.quarantine().await));
    Ok(())
}

#[tokio::test]
async fn copies_take_of_the_quarantine() -> Tested {
    let limits = Limits {
        quarantine_files: 1,
        ..LIMITS
    };
    let place = over(Minio::shared()?, limits)?;
    let stored = store(&place.spool, b"asked for twice").await?;
    let first = place.spool.read(Area::Audio, &stored.key).await?;
    let second = place.spool.read(Area::Audio, &stored.key).await;
    assert!(matches!(second, Err(SpoolError::ExceedBudget)), "{second:?}");
    drop(first);
    place.spool.read(Area::Audio, &stored.key).await?;
    Ok(())
}
