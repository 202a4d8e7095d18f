//! `marketplace-service jobs` beside a running service, on both databases, as text and as JSON.

use std::process::Output;

use anyhow::{Context as _, Result};
use marketplace_tests::addon::{home_at, home_of, home_on, homes, manifest, request_sid, twilio};
use marketplace_tests::callback::{CallbackReceiver, Reply};
use marketplace_tests::canary::Canary;
use marketplace_tests::patience::until;
use marketplace_tests::postgres::Postgres;
use marketplace_tests::service::{Home, Service, run_to_end};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::{Value, json};

use super::recording::{PATH, assert_accepted, short_wav, upload};

/// After everything that happens in a test.
const LATER: &str = "2099-01-01T00:00:00Z";

/// Runs a command of `jobs` on the folder of this home.
async fn jobs(home: &Home, command: &[&str]) -> Result<Output> {
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let places = [
        text(home.manifest_path()),
        text(home.path().join("secrets")),
        text(home.data_path()),
    ];
    let mut arguments = vec![
        "jobs",
        command[0],
        "-f",
        &places[0],
        "--secrets",
        &places[1],
        "--data",
        &places[2],
    ];
    arguments.extend(&command[1..]);
    run_to_end(&arguments).await
}

/// What it says as JSON, line by line; it must end well.
pub async fn told(home: &Home, command: &[&str]) -> Result<Vec<Value>> {
    let output = jobs(home, &[command, &["-o", "json"]].concat()).await?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{command:?}: {errors}");
    let lines = String::from_utf8(output.stdout)?;
    lines.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

pub async fn until_state(home: &Home, sid: &str, state: &str) -> Result<Value> {
    until(&format!("{sid} is {state}"), async || {
        let found = told(home, &["list", "--request", sid, "--state", state]).await?;
        Ok(found.into_iter().next())
    })
    .await
}

async fn replays_and_purges(home: &Home) -> Result<()> {
    let service = Service::start(home).await?;
    let receiver = CallbackReceiver::start(&[Reply::Status(400)]).await?;
    let sid = request_sid();
    assert_accepted(&upload(&receiver, &sid, short_wav())?.send(service.address()).await?);
    let job = until_state(home, &sid, "rejected").await?;
    let id = job["id"].as_str().context("a job has a name")?;
    assert_eq!(
        (&job["sids"]["request"], &job["endpoint"]),
        (&json!(sid), &json!("recordings"))
    );
    assert_eq!(
        (&job["callback_host"], &job["delivery_attempts"]),
        (&json!("127.0.0.1"), &json!(1))
    );

    told(home, &["replay", "--state", "rejected"]).await?;
    assert_eq!(
        told(home, &["list", "--state", "rejected"]).await?.len(),
        1,
        "only shown"
    );
    let replayed = told(home, &["replay", "--state", "rejected", "--yes", "--by", "ada"]).await?;
    assert_eq!(replayed, [json!({ "id": id, "action": "replay", "done": true })]);
    let sent = receiver.wait("a second delivery", |all| all.len() == 2).await?;
    assert_eq!(sent[0].body, sent[1].body, "the stored result");
    until_state(home, &sid, "confirmed").await?;

    let again = jobs(home, &["discard", id]).await?;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stdout).contains("it has ended already"));
    assert!(
        told(home, &["purge", id]).await?.is_empty(),
        "without --yes nothing is purged"
    );
    told(home, &["purge", id, "--yes"]).await?;
    assert!(told(home, &["list"]).await?.is_empty());
    let audit = told(home, &["audit"]).await?;
    let actions: Vec<_> = audit.iter().map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions, [Some("purge"), Some("replay")]);
    assert_eq!(
        (&audit[1]["by"], &audit[1]["choice"]),
        (&json!("ada"), &json!("state=rejected"))
    );
    assert_eq!((&audit[1]["request"], &audit[1]["job"]), (&json!(sid), &json!(id)));
    Ok(())
}

#[tokio::test]
async fn replays_a_rejected_result_and_purges_it_beside_the_service() -> Result<()> {
    for home in homes()? {
        replays_and_purges(&home).await?;
    }
    Ok(())
}

async fn shows_no_secret(home: &Home) -> Result<()> {
    let service = Service::start(home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (sid, name) = (request_sid(), "capability-7d1e");
    let payload = Payload::recording(&receiver.url(name), short_wav(), FileOrder::Last);
    let request = twilio(Sdk::Node).request(PATH, &sid, payload)?;
    let request = request.with_header("X-Twilio-AddOnInstallSid", "XE-customer");
    assert_accepted(&request.send(service.address()).await?);
    until_state(home, &sid, "confirmed").await?;
    let result = receiver.wait_for(name).await?.json()?;
    let loudness = result["results"]["acoustics"].to_string();
    for command in [
        &["show", &sid][..],
        &["list"],
        &["show", &sid, "-o", "json"],
        &["list", "-o", "json"],
    ] {
        let output = jobs(home, command).await?;
        let all = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&all);
        assert!(
            text.contains(&sid) && text.contains("XE-customer") && text.contains("127.0.0.1"),
            "{text}"
        );
        assert!(text.contains("confirmed") && text.contains('Z'), "{text}");
        Canary::new("the path of a callback", name.as_bytes()).assert_absent("jobs", &all);
        Canary::new("a result", loudness.as_bytes()).assert_absent("jobs", &all);
    }
    Ok(())
}

#[tokio::test]
async fn shows_sids_states_and_times_and_of_a_callback_its_host_alone() -> Result<()> {
    for home in homes()? {
        shows_no_secret(&home).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_discarded_job_is_not_worked_on() -> Result<()> {
    let home = home_on(Postgres::shared()?)?;
    let front = Service::start_as(&home, "front").await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (sid, kept) = (request_sid(), request_sid());
    assert_accepted(&upload(&receiver, &sid, short_wav())?.send(front.address()).await?);
    let discarded = told(&home, &["discard", "--request", &sid, "--yes"]).await?;
    assert_eq!((discarded.len(), &discarded[0]["done"]), (1, &json!(true)));
    assert_accepted(&upload(&receiver, &kept, short_wav())?.send(front.address()).await?);
    let beside = home.shared();
    let _worker = Service::start_as(&beside, "worker").await?;
    receiver.wait_for(&kept).await?;
    assert!(receiver.deliveries_of(&sid).is_empty());
    until_state(&home, &sid, "discarded").await?;
    Ok(())
}

#[tokio::test]
async fn a_worker_holds_what_was_accepted_before_the_fence_until_somebody_chooses() -> Result<()> {
    let home = home_on(Postgres::shared()?)?;
    let front = Service::start_as(&home, "front").await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (before, after, last) = (request_sid(), request_sid(), request_sid());
    assert_accepted(&upload(&receiver, &before, short_wav())?.send(front.address()).await?);
    let beside = home.shared().with_arguments(&["--fence-before", LATER]);
    let worker = Service::start_as(&beside, "worker").await?;
    assert_accepted(&upload(&receiver, &after, short_wav())?.send(front.address()).await?);
    receiver.wait_for(&after).await?;
    assert!(receiver.deliveries_of(&before).is_empty(), "it is held");
    until_state(&home, &before, "held").await?;

    // What was chosen since is not fenced again by a restart with the same flag.
    drop(worker);
    assert_accepted(&upload(&receiver, &last, short_wav())?.send(front.address()).await?);
    told(&home, &["replay", "--state", "held", "--yes"]).await?;
    let _worker = Service::start_as(&beside, "worker").await?;
    receiver.wait_for(&before).await?;
    receiver.wait_for(&last).await?;
    Ok(())
}

#[tokio::test]
async fn a_fence_by_hand_says_first_what_it_would_hold() -> Result<()> {
    let home = home_on(Postgres::shared()?)?;
    let front = Service::start_as(&home, "front").await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_accepted(&upload(&receiver, &sid, short_wav())?.send(front.address()).await?);
    let rehearsed = told(&home, &["fence", "--before", LATER]).await?;
    assert_eq!(rehearsed, [json!({ "action": "fence", "jobs": 1, "done": false })]);
    until_state(&home, &sid, "queued").await?;
    let held = told(&home, &["fence", "--before", LATER, "--yes"]).await?;
    assert_eq!(held, [json!({ "action": "fence", "jobs": 1, "done": true })]);
    until_state(&home, &sid, "held").await?;
    Ok(())
}

#[tokio::test]
async fn says_what_is_missing() -> Result<()> {
    let never_run = home_of(&manifest())?;
    let no_database = home_at("mysql://nobody")?;
    for (home, command, word) in [
        (&never_run, &["list"][..], "queue.db"),
        (&no_database, &["list"], "DATABASE_URL"),
        (&never_run, &["replay"], "--state"),
        (&never_run, &["replay", "--state", "lost"], "held"),
        (&never_run, &["list", "--after", "yesterday"], "yesterday"),
    ] {
        let output = jobs(home, command).await?;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {told}");
        assert!(told.contains(word), "{command:?}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn one_customer_does_not_fill_the_queue() -> Result<()> {
    let mut manifest = manifest();
    manifest["spec"]["storage"] = json!({ "postgres": { "secretName": "jobs" } });
    manifest["spec"]["limits"] = json!({ "perInstall": { "unfinishedJobs": 1 } });
    let home = home_of(&manifest)?;
    home.write_secret("jobs", "DATABASE_URL", &Postgres::shared()?.schema()?)?;
    let front = Service::start_as(&home, "front").await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let send = async |install: &str| -> Result<u16> {
        let request = upload(&receiver, &request_sid(), short_wav())?;
        let request = request.with_header("X-Twilio-AddOnInstallSid", install);
        Ok(request.send(front.address()).await?.status)
    };
    assert_eq!(
        (send("XE1").await?, send("XE1").await?, send("XE2").await?),
        (202, 503, 202)
    );
    let metrics = front.metrics().await?;
    assert!(metrics.contains(r#"reason="install_queue_full"} 1"#), "{metrics}");
    assert_eq!(home.data_files("audio").len(), 2, "what is refused leaves nothing");
    Ok(())
}
