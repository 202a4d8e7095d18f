//! What the service cannot do now, and says so with 503: each cause is made, and the word is counted under which it shows.

use std::fs;

use marketplace_crds::MarketplaceAddon;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::Outcome;
use super::harness::{Front, Setup};
use super::sent::{Sent, wav};

fn question() -> Sent {
    Sent::json("/lookup", r#"{"phone": "1"}"#)
}

/// Asks, and holds the answer against the word.
async fn assert_unavailable(front: &Front, sent: &Sent, reason: &str) -> Outcome {
    let answer = front.ask(sent).await?;
    assert_eq!(
        (answer.status, answer.error_code()?.as_deref()),
        (503, Some("unavailable")),
        "{reason}"
    );
    assert_eq!(front.failures(reason)?, 1, "{reason}: {}", front.metrics()?);
    Ok(())
}

fn query(addon: &mut MarketplaceAddon, query: &str) {
    let handlers = addon.spec.endpoints.iter_mut().map(|endpoint| &mut endpoint.handler);
    for sql in handlers.filter_map(|handler| handler.sql.as_mut()) {
        query.clone_into(&mut sql.query);
    }
}

#[tokio::test]
async fn without_a_token_nothing_can_be_told() -> Outcome {
    let front = Front::start(Setup {
        tokens: &[],
        ..Setup::default()
    })
    .await?;
    assert_unavailable(&front, &question(), "no_token").await
}

#[tokio::test]
async fn without_what_answers_nothing_is_answered() -> Outcome {
    let front = Front::start(Setup {
        has_lookups: false,
        ..Setup::default()
    })
    .await?;
    assert_unavailable(&front, &question(), "not_configured").await
}

#[tokio::test]
async fn a_database_that_cannot_be_asked() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    front.set_database_url("no database");
    assert_unavailable(&front, &question(), "database_url_invalid").await?;
    front.set_database_url(&format!("sqlite://{}", front.path("none.db").display()));
    assert_unavailable(&front, &question(), "database_failed").await
}

#[tokio::test]
async fn a_query_without_an_end_holds_its_place_until_its_time_is_over() -> Outcome {
    let front = Front::start(Setup {
        change: |addon| {
            addon.spec.limits.requests = 1;
            query(
                addon,
                "with recursive more(n) as (select 1 union all select n + 1 from more) \
                 select count(*) as n, :phone_number as p from more",
            );
        },
        ..Setup::default()
    })
    .await?;
    fs::write(front.path("empty.db"), [])?;
    front.set_database_url(&format!("sqlite://{}", front.path("empty.db").display()));
    let mut endless = front.connect().await?;
    let (head, body) = question().halves();
    endless.write([head, body].concat()).await?;
    front.wait_for_places(1).await?;
    assert_unavailable(&front, &question(), "busy").await?;
    assert_eq!(endless.read_answer().await?.status, 503);
    assert_eq!(front.failures("database_timeout")?, 1, "{}", front.metrics()?);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_twilio_would_not_take_is_refused() -> Outcome {
    let front = Front::start(Setup {
        change: |addon| query(addon, "select hex(zeroblob(40000)) as name, :phone_number as phone"),
        ..Setup::default()
    })
    .await?;
    fs::write(front.path("empty.db"), [])?;
    front.set_database_url(&format!("sqlite://{}", front.path("empty.db").display()));
    let answer = front.ask(&question()).await?;
    assert_eq!(
        (answer.status, answer.error_code()?.as_deref()),
        (200, Some("answer_too_large"))
    );
    Ok(())
}

#[tokio::test]
async fn a_disk_that_takes_no_upload() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    fs::remove_dir_all(front.path("quarantine"))?;
    assert_unavailable(&front, &Sent::recording(&wav(100)), "disk").await
}

#[tokio::test]
async fn a_disk_that_keeps_no_recording() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let folder = front.path("audio");
    // The first look at the room of the disk holds good for what follows.
    front.ask(&Sent::recording(&wav(100))).await?;
    fs::remove_dir_all(folder)?;
    assert_unavailable(&front, &Sent::recording(&wav(200)), "spool_failed").await
}

#[tokio::test]
async fn an_upload_that_is_lost_before_it_is_looked_at() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let (head, body) = Sent::recording(&wav(2000)).halves();
    let (first, second) = body.split_at(2000);
    let mut connection = front.connect().await?;
    connection.write([&head, first].concat()).await?;
    while front.files("quarantine")? == 0 {
        tokio::task::yield_now().await;
    }
    for file in front.path("quarantine").read_dir()? {
        fs::remove_file(file?.path())?;
    }
    connection.write(second).await?;
    assert_eq!(connection.read_answer().await?.status, 503);
    assert_eq!(front.failures("audio_unavailable")?, 1, "{}", front.metrics()?);
    Ok(())
}

#[tokio::test]
async fn a_queue_that_takes_no_job() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let options = SqliteConnectOptions::new().filename(front.path("queue.db"));
    let database = SqlitePool::connect_with(options).await?;
    sqlx::query("DROP TABLE job").execute(&database).await?;
    assert_unavailable(&front, &Sent::recording(&wav(100)), "queue_failed").await
}
