//! What becomes of a result whose receiver makes mistakes: over TLS, each in a connection of its own.

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use marketplace_tests::addon::{AUTH_TOKEN, home, home_of, manifest_with, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::faulty::{Authorities, Fault, FaultyReceiver, TRAP};
use marketplace_tests::connect_proxy::ConnectProxy;
use marketplace_tests::patience::until;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::json;

async fn send_one(service: &Service<'_>, callback: &str, sid: &str) -> Result<()> {
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.5).wav();
    let payload = Payload::recording(callback, wav, FileOrder::Last);
    let request = twilio(Sdk::Python).request("/transcription", sid, payload)?;
    assert_eq!(request.send(service.address()).await?.status, 202);
    Ok(())
}

/// How many callbacks had this label.
fn counted(metrics: &str, label: &str) -> Option<usize> {
    let line = metrics
        .lines()
        .find(|line| line.starts_with("marketplace_callbacks_total") && line.contains(label));
    line.and_then(|line| line.rsplit_once(' '))
        .and_then(|(_, count)| count.parse().ok())
}

/// A mistake is made once; then all is well, and the result must be there whole.
async fn meet(service: &Service<'_>, authorities: &Authorities, fault: Fault) -> Result<()> {
    let receiver = FaultyReceiver::start(authorities, &[fault]).await?;
    let sid = request_sid();
    send_one(service, &receiver.url(&sid), &sid).await?;
    // A request of which the receiver has only seen the head did not come whole.
    let wanted = if fault.is_before_the_request() || fault == Fault::ResetAfterHead {
        1
    } else {
        2
    };
    let tries = receiver
        .wait(wanted)
        .await
        .with_context(|| format!("after {fault:?}"))?;
    for delivery in &tries {
        assert_eq!(delivery.body, tries[0].body, "after {fault:?}");
        assert_eq!(delivery.json()?["request_sid"], sid.as_str(), "after {fault:?}");
        let key = delivery.header("idempotency-key").context("no idempotency key")?;
        assert_eq!(Some(key), tries[0].header("idempotency-key"), "after {fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn delivers_after_every_mistake_and_tells_nothing_to_a_stranger() -> Result<()> {
    let authorities = Authorities::new()?;
    let mut home = home()?;
    home.set_variable("SSL_CERT_FILE", &authorities.trusted().to_string_lossy());
    let service = Service::start(&home).await?;
    try_join_all(Fault::ALL.map(|fault| meet(&service, &authorities, fault))).await?;
    let metrics = service.metrics().await?;
    let counted = |reason: &str| counted(&metrics, reason);
    let before = Fault::ALL
        .into_iter()
        .filter(|fault| fault.is_before_the_request())
        .count();
    assert_eq!(counted("reason=\"unconnected\""), Some(before), "{metrics}");
    assert_eq!(
        counted("reason=\"ambiguous\""),
        Some(Fault::ALL.len() - before),
        "{metrics}"
    );
    Ok(())
}

/// What a receiver answers, how often it is then called, and what the metrics say of the first attempt.
const OUTCOMES: [(&[Fault], usize, &str); 16] = [
    (&[Fault::Status(200)], 1, "outcome=\"confirmed\""),
    (&[Fault::Status(202)], 1, "outcome=\"confirmed\""),
    (&[Fault::Status(204)], 1, "outcome=\"confirmed\""),
    // The other token is tried at once, within the attempt.
    (&[Fault::Status(401)], 2, "outcome=\"confirmed\""),
    (&[Fault::Status(401), Fault::Status(401)], 3, "reason=\"unauthorized\""),
    (&[Fault::Status(404)], 2, "reason=\"unknown_request\""),
    (&[Fault::Status(409)], 2, "reason=\"unknown_request\""),
    (&[Fault::Status(410)], 2, "reason=\"unknown_request\""),
    (&[Fault::Status(408)], 2, "reason=\"busy\""),
    (&[Fault::Status(425)], 2, "reason=\"busy\""),
    (&[Fault::Status(429)], 2, "reason=\"busy\""),
    (&[Fault::Status(503)], 2, "reason=\"server_error\""),
    (&[Fault::Silence], 2, "reason=\"timed_out\""),
    (&[Fault::ResetAfterRequest], 2, "reason=\"ambiguous\""),
    (&[Fault::Status(307)], 1, "reason=\"redirect\""),
    (&[Fault::Status(400)], 1, "reason=\"client_error\""),
];

#[tokio::test]
async fn every_answer_has_its_outcome() -> Result<()> {
    let authorities = Authorities::new()?;
    let mut home = home()?;
    home.set_variable("SSL_CERT_FILE", &authorities.trusted().to_string_lossy());
    home.write_secret("twilio", "AUTH_TOKEN_SECONDARY", &AUTH_TOKEN.replace('0', "1"))?;
    let service = Service::start(&home).await?;
    let calls = OUTCOMES.map(|(faults, called, _)| {
        let (service, authorities) = (&service, &authorities);
        async move {
            let receiver = FaultyReceiver::start(authorities, faults).await?;
            let sid = request_sid();
            send_one(service, &receiver.url(&sid), &sid).await?;
            receiver.wait(called).await.with_context(|| format!("{faults:?}"))?;
            anyhow::Ok(receiver)
        }
    });
    let receivers = try_join_all(calls).await?;
    // Every job has ended, so that nobody is called any more.
    until("every callback has ended", async || {
        let metrics = service.metrics().await?;
        let ended = ["confirmed", "rejected"].map(|outcome| {
            let lines = metrics
                .lines()
                .filter(|line| line.starts_with("marketplace_callbacks_total"));
            let counts = lines.filter(|line| line.contains(&format!("outcome=\"{outcome}\"")));
            counts
                .filter_map(|line| line.rsplit_once(' ')?.1.parse::<usize>().ok())
                .sum::<usize>()
        });
        Ok((ended.iter().sum::<usize>() == OUTCOMES.len()).then_some(()))
    })
    .await?;
    let metrics = service.metrics().await?;
    for ((faults, called, label), receiver) in OUTCOMES.into_iter().zip(&receivers) {
        let deliveries = receiver.deliveries();
        assert_eq!(deliveries.len(), called, "{faults:?}");
        assert!(deliveries.iter().all(|delivery| delivery.target != TRAP), "{faults:?}");
        assert!(
            counted(&metrics, label).is_some(),
            "{faults:?} is not counted as {label}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn sends_through_the_proxy_that_the_resource_names() -> Result<()> {
    const HOST: &str = "receiver.example.com";
    let authorities = Authorities::new()?;
    let receiver = FaultyReceiver::start_as(HOST, &authorities, &[]).await?;
    let proxy = ConnectProxy::start(receiver.address()).await?;
    let callbacks = json!({ "allowedHosts": [HOST], "proxyUrl": proxy.url() });
    let mut home = home_of(&manifest_with("/spec/callbacks", callbacks))?;
    home.set_variable("SSL_CERT_FILE", &authorities.trusted().to_string_lossy());
    let service = Service::start(&home).await?;
    let sid = request_sid();
    send_one(&service, &format!("https://{HOST}/callback/{sid}"), &sid).await?;
    let delivered = receiver.wait(1).await?;
    assert_eq!(delivered[0].json()?["request_sid"], sid.as_str());
    assert_eq!(proxy.asked(), [format!("CONNECT {HOST}:443 HTTP/1.1")]);
    Ok(())
}
