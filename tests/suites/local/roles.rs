//! The halves of the work in processes of their own, on one Postgres and one folder, and what becomes of them when the
//! database does not answer.

use std::net::TcpStream;

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home, home_at, home_on, request_sid, twilio};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::patience::until;
use marketplace_tests::postgres::Postgres;
use marketplace_tests::service::{Service, refused_at_start};
use marketplace_tests::twilio::{Payload, Sdk, pairs};

use super::recording::{assert_accepted, short_wav, until_nothing_is_kept, upload};

#[tokio::test]
async fn a_front_accepts_what_a_worker_of_another_process_delivers() -> Result<()> {
    let home = home_on(Postgres::shared()?)?;
    let (one, two, beside) = (home.shared(), home.shared(), home.shared());
    let receiver = CallbackReceiver::start(&[]).await?;
    let fronts = [
        Service::start_as(&one, "front").await?,
        Service::start_as(&two, "front").await?,
    ];
    let mut sids = Vec::new();
    for front in fronts.iter().cycle().take(6) {
        let sid = request_sid();
        assert_accepted(&upload(&receiver, &sid, short_wav())?.send(front.address()).await?);
        sids.push(sid);
    }
    assert!(receiver.deliveries().is_empty(), "a front does no work");
    for front in &fronts {
        until_demand_is(front, 1).await?;
    }
    let worker = Service::start_as(&beside, "worker").await?;
    assert!(
        TcpStream::connect(worker.address()).is_err(),
        "a worker takes no requests"
    );
    for sid in &sids {
        receiver.wait_for(sid).await?;
    }
    assert_eq!(receiver.deliveries().len(), sids.len(), "each once");
    for service in [&fronts[0], &fronts[1], &worker] {
        until_demand_is(service, 0).await?;
    }
    until_nothing_is_kept(&home).await
}

/// Whoever has the queue says how many workers it needs, also where there is none.
async fn until_demand_is(service: &Service<'_>, workers: u32) -> Result<()> {
    until(&format!("{workers} workers are needed"), async || {
        let metrics = service.metrics().await?;
        let line = metrics
            .lines()
            .find(|line| line.starts_with("marketplace_worker_demand{"));
        Ok(line
            .is_some_and(|line| line.ends_with(&format!(" {workers}")))
            .then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_folder_that_processes_share_is_not_taken_by_one_alone() -> Result<()> {
    let home = home_on(Postgres::shared()?)?;
    let _front = Service::start_as(&home, "front").await?;
    let other = marketplace_tests::addon::home()?;
    std::fs::remove_dir(other.data_path())?;
    std::os::unix::fs::symlink(home.data_path(), other.data_path())?;
    let (_, told) = refused_at_start(&other, &[]).await?;
    assert!(told.contains("another process works on this data folder"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_worker_needs_a_database_that_is_not_one_folders() -> Result<()> {
    let home = home()?;
    let (_, told) = refused_at_start(&home, &["--role", "worker"]).await?;
    assert!(told.contains("declare storage.postgres"), "{told}");
    Ok(())
}

#[tokio::test]
async fn without_its_database_recordings_wait_and_everything_else_is_answered() -> Result<()> {
    let mut server = Postgres::start(&[])?;
    let home = home_on(&server)?;
    server.stop()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    for _ in 0..2 {
        let sid = request_sid();
        let request = upload(&receiver, &sid, short_wav())?;
        assert_eq!(request.send(service.address()).await?.status, 503);
        let question = Payload::Query(pairs(&[("phone", KNOWN)]));
        let answer = twilio(Sdk::Node)
            .request("/query", &request_sid(), question)?
            .send(service.address())
            .await?;
        assert_eq!(answer.status, 200);
        server.resume()?;
        until("the recording is accepted", async || {
            Ok((request.send(service.address()).await?.status == 202).then_some(()))
        })
        .await?;
        receiver.wait_for(&sid).await?;
        server.stop()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_database_that_may_lose_commits_is_refused_with_what_mends_it() -> Result<()> {
    let server = Postgres::start(&["fsync=off"])?;
    let home = home_at(&server.url_with(""))?;
    let (code, told) = refused_at_start(&home, &[]).await?;
    assert_eq!(code, Some(1));
    assert!(
        told.contains("fsync is off") && told.contains("set fsync = on"),
        "{told}"
    );
    Ok(())
}
