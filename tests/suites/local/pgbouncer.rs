//! Two processes on one Postgres behind PgBouncer, in each of its pool modes, as docs/databases.md says of them.

use anyhow::Result;
use futures::future::try_join_all;
use marketplace_tests::addon::{home_at, request_sid};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::patience::until;
use marketplace_tests::pgbouncer::PgBouncer;
use marketplace_tests::postgres::Postgres;
use marketplace_tests::service::{Service, run_to_end};

use super::recording::{short_wav, upload};

/// Fewer than the sessions that two processes open, so that they must share.
const TOO_FEW: u32 = 3;
/// As many as two processes may open, and those of a start.
const ENOUGH: u32 = 24;
const RECORDINGS: usize = 24;

/// Recordings accepted by one process or the other, and delivered once; returns the sessions of the server by then.
async fn sessions_of_two_at_work(pool_mode: &str, sessions: u32) -> Result<u32> {
    let server = Postgres::start(&[])?;
    let bouncer = PgBouncer::start(&server, pool_mode, sessions)?;
    let home = home_at(&bouncer.url())?;
    let beside = home.shared();
    let receiver = CallbackReceiver::start(&[]).await?;
    let services = [Service::start(&home).await?, Service::start(&beside).await?];
    let requests: Vec<_> = (0..RECORDINGS)
        .map(|number| (request_sid(), services[number % 2].address()))
        .collect();
    let sent = requests.iter().map(async |(sid, address)| {
        let request = upload(&receiver, sid, short_wav())?;
        until("an upload is accepted", async || {
            Ok((request.send(*address).await?.status == 202).then_some(()))
        })
        .await
    });
    try_join_all(sent).await?;
    for (sid, _) in &requests {
        receiver.wait_for(sid).await?;
    }
    assert_eq!(receiver.deliveries().len(), requests.len(), "each once");
    let log = home.log();
    assert!(!log.contains("prepared statement"), "{log}");
    let counted = server.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )?;
    Ok(counted.parse()?)
}

#[tokio::test]
async fn works_where_each_transaction_gets_another_session() -> Result<()> {
    let sessions = sessions_of_two_at_work("transaction", TOO_FEW).await?;
    assert!(sessions <= TOO_FEW, "{sessions} sessions");
    Ok(())
}

#[tokio::test]
async fn works_where_each_client_keeps_its_session() -> Result<()> {
    let sessions = sessions_of_two_at_work("session", ENOUGH).await?;
    assert!(sessions <= ENOUGH, "{sessions} sessions");
    Ok(())
}

#[tokio::test]
async fn refuses_to_work_where_transactions_are_forbidden_with_the_setting_that_mends_it() -> Result<()> {
    let server = Postgres::start(&[])?;
    let bouncer = PgBouncer::start(&server, "statement", ENOUGH)?;
    let home = home_at(&bouncer.url())?;
    let arguments = home.arguments();
    let all: Vec<&str> = ["run"]
        .into_iter()
        .chain(arguments.iter().map(String::as_str))
        .collect();
    let ended = run_to_end(&all).await?;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("set pool_mode = transaction"), "{told}");
    Ok(())
}
