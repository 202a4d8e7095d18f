//! What becomes of a result whose receiver makes mistakes: over TLS, each in a connection of its own.

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use marketplace_tests::addon::{home, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::faulty::{Authorities, Fault, FaultyReceiver};
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};

async fn send_one(service: &Service<'_>, callback: &str, sid: &str) -> Result<()> {
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.5).wav();
    let payload = Payload::recording(callback, wav, FileOrder::Last);
    let request = twilio(Sdk::Python).request("/transcription", sid, payload)?;
    assert_eq!(request.send(service.address()).await?.status, 202);
    Ok(())
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
    let counted = |reason: &str| {
        let line = metrics
            .lines()
            .find(|line| line.starts_with("marketplace_callbacks_total") && line.contains(reason));
        line.and_then(|line| line.rsplit_once(' '))
            .and_then(|(_, count)| count.parse::<usize>().ok())
    };
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
