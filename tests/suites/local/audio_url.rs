//! A recording that a request names by its URL: accepted at once, fetched from a host that makes mistakes, delivered all the
//! same; and a host that would lead elsewhere.

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use marketplace_tests::addon::{home_of, manifest_with, recording_endpoint, request_sid, twilio};
use marketplace_tests::audio_host::{AudioHost, Slip};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::callback::faulty::Authorities;
use marketplace_tests::patience::until;
use marketplace_tests::postgres::Postgres;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};

use super::recording::{assert_accepted, short_wav, until_nothing_is_kept};

const PATH: &str = "/by-url";

/// The suites' add-on with one endpoint that takes recordings by their URL.
pub fn manifest() -> Value {
    let request = json!({
        "encoding": "Form",
        "fields": { "audioUrl": "url", "callback": "callback", "size": "size" },
    });
    let mut manifest = manifest_with("/spec/endpoints", json!([recording_endpoint("by-url", &request)]));
    manifest["spec"]["audioFetch"] = json!({ "allowInsecure": true });
    manifest
}

/// A request whose callback URL is named by its request SID.
pub fn by_url(receiver: &CallbackReceiver, sid: &str, url: &str, size: Option<usize>) -> Result<SignedRequest> {
    let callback = receiver.url(sid);
    let mut fields = pairs(&[("callback", &callback), ("url", url)]);
    fields.extend(size.map(|size| ("size".to_owned(), size.to_string())));
    twilio(Sdk::Python).request(PATH, sid, Payload::Form(fields))
}

/// A folder with the resource, on this database or with one of its own, that trusts this authority.
pub fn home(database_url: Option<&str>, authorities: Option<&Authorities>) -> Result<Home> {
    let mut manifest = manifest();
    if database_url.is_some() {
        manifest["spec"]["storage"] = json!({ "postgres": { "secretName": "jobs" } });
    }
    let mut home = home_of(&manifest)?;
    if let Some(url) = database_url {
        home.write_secret("jobs", "DATABASE_URL", url)?;
    }
    if let Some(authorities) = authorities {
        home.set_variable("SSL_CERT_FILE", &authorities.trusted().to_string_lossy());
    }
    Ok(home)
}

/// On each database.
fn homes(authorities: &Authorities) -> Result<[Home; 2]> {
    let schema = Postgres::shared()?.schema()?;
    Ok([home(None, Some(authorities))?, home(Some(&schema), Some(authorities))?])
}

/// The host makes these slips; what the callback is told, and how often the host was asked.
async fn fetch(
    service: &Service<'_>,
    authorities: &Authorities,
    slips: Vec<Slip>,
    size: Option<usize>,
) -> Result<(Value, usize)> {
    let receiver = CallbackReceiver::start(&[]).await?;
    let host = AudioHost::start(authorities, short_wav(), slips).await?;
    let sid = request_sid();
    let request = by_url(&receiver, &sid, &host.url("a?signature=1"), size)?;
    assert_accepted(&request.send(service.address()).await?);
    let told = receiver.wait_for(&sid).await?.json()?;
    assert_eq!(told["request_sid"], sid.as_str());
    Ok((told, host.asked().len()))
}

#[tokio::test]
async fn delivers_what_it_fetched_after_every_mistake_that_passes() -> Result<()> {
    let authorities = Authorities::new()?;
    for home in homes(&authorities)? {
        let service = Service::start(&home).await?;
        let whole = short_wav().len();
        let cases = [
            (vec![], Some(whole)),
            (vec![Slip::Reset], None),
            (vec![Slip::Half], None),
            (vec![Slip::Status(503), Slip::Status(429)], Some(whole)),
            (vec![Slip::Short], Some(whole)),
        ];
        let fetches = cases.map(|(slips, size)| {
            let (service, authorities) = (&service, &authorities);
            async move {
                let slipped = slips.len();
                let (told, asked) = fetch(service, authorities, slips.clone(), size).await?;
                assert_eq!(told["error_code"], Value::Null, "after {slips:?}: {told}");
                assert!(told["results"]["acoustics"].is_object(), "after {slips:?}: {told}");
                assert_eq!(asked, slipped + 1, "after {slips:?}");
                anyhow::Ok(())
            }
        });
        try_join_all(fetches).await?;
        until_nothing_is_kept(&home).await?;
    }
    Ok(())
}

#[tokio::test]
async fn reports_what_cannot_be_fetched() -> Result<()> {
    let authorities = Authorities::new()?;
    let home = home(None, Some(&authorities))?;
    let service = Service::start(&home).await?;
    let metadata = "https://169.254.169.254/latest/meta-data".to_owned();
    let whole = short_wav().len();
    let cases = [
        (vec![Slip::Status(404)], None, "audio_unreachable", 1),
        (vec![Slip::Status(403)], None, "audio_unreachable", 1),
        (vec![Slip::Redirect(metadata)], None, "audio_unreachable", 1),
        (
            vec![Slip::Redirect("/again".to_owned()); 9],
            None,
            "audio_unreachable",
            6,
        ),
        (vec![], Some(whole + 1), "audio_incomplete", 5),
        (vec![Slip::Short], None, "unreadable_audio", 1),
    ];
    let fetches = cases.map(|(slips, size, code, times)| {
        let (service, authorities) = (&service, &authorities);
        async move {
            let (told, asked) = fetch(service, authorities, slips.clone(), size).await?;
            assert_eq!(told["error_code"], code, "after {slips:?}: {told}");
            assert_eq!(told["results"], Value::Null);
            assert_eq!(asked, times, "after {slips:?}");
            anyhow::Ok(())
        }
    });
    try_join_all(fetches).await?;
    until_nothing_is_kept(&home).await
}

#[tokio::test]
async fn refuses_a_url_that_is_never_fetched() -> Result<()> {
    let mut strict = manifest();
    strict["spec"]["audioFetch"] = json!({ "allowedHosts": ["media.example.com"] });
    let home = home_of(&strict)?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    for url in [
        "http://media.example.com/a",
        "https://elsewhere.example.com/a",
        "https://user:word@media.example.com/a",
        "https://127.0.0.1/a",
        "recording.wav",
    ] {
        let answer = by_url(&receiver, &request_sid(), url, None)?
            .send(service.address())
            .await?;
        assert_eq!(answer.status, 200, "{url}");
        assert_eq!(answer.json()?["error_code"], "audio_url_not_allowed", "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn a_repeat_brings_a_new_url_for_the_one_that_leads_nowhere() -> Result<()> {
    let authorities = Authorities::new()?;
    for home in homes(&authorities)? {
        let service = Service::start(&home).await?;
        let receiver = CallbackReceiver::start(&[]).await?;
        let host = AudioHost::start(&authorities, short_wav(), vec![Slip::Silence]).await?;
        let sid = request_sid();
        let first = by_url(&receiver, &sid, &host.url("a?signature=1"), None)?;
        assert_accepted(&first.send(service.address()).await?);
        host.wait(1).await?;
        until("the job is shown as fetching", async || {
            let metrics = service.metrics().await?;
            let shown = metrics.lines().any(|line| {
                line.starts_with("marketplace_queue_jobs") && line.contains("fetching") && line.ends_with(" 1")
            });
            Ok(shown.then_some(()))
        })
        .await?;
        let second = by_url(&receiver, &sid, &host.url("a?signature=2"), None)?;
        assert_accepted(&second.send(service.address()).await?);
        let told = receiver.wait_for(&sid).await?.json()?;
        assert_eq!(told["error_code"], Value::Null, "{told}");
        let asked = host.asked();
        let last = asked.last().context("the host was asked")?;
        assert!(last.target.ends_with("signature=2"), "{asked:?}");
        assert!(
            asked
                .iter()
                .all(|asked| !asked.head.to_lowercase().contains("authorization"))
        );
    }
    Ok(())
}
