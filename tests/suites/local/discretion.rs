//! What the service was trusted with does not show in what it tells of itself, and strangers add nothing to it.

use std::collections::BTreeSet;

use anyhow::Result;
use bytes::Bytes;
use marketplace_tests::addon::{
    ACCOUNT_SID, AUTH_TOKEN, home, home_of, manifest, recording_endpoint, request_sid, twilio,
};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::{CallbackReceiver, Reply};
use marketplace_tests::canary::Canary;
use marketplace_tests::collector::Collector;
use marketplace_tests::http::{Connection, get};
use marketplace_tests::http2::Http2;
use marketplace_tests::patience::until;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{File, FileOrder, Payload, Sdk, SignedRequest, pairs};
use serde_json::json;

use super::recording::{PATH, upload};

const PHONE: &str = "+14155550104";
const MESSAGE: &str = "kestrel over/the weir";
const AUDIO: &[u8] = b"\x91a-recorded-voice\xe3\x07\xa5";
const AUDIO_URL_NAME: &str = "capability-2b7a";
const AUDIO_URL_QUERY: &str = "signature=capability-9e4c";
const CALLBACK_NAME: &str = "capability-8c1f";
const CALLBACK_QUERY: &str = "key=capability-5d2e";
const NEXT_TOKEN: &str = "5f4e3d2c1b0a99887766554433221100";
const DATABASE_PASSWORD: &str = "open-sesame-4711";

/// What the service is trusted with, by what it is.
fn entrusted() -> Vec<Canary> {
    vec![
        // without the country, as some write it
        Canary::new("a phone number", &PHONE.as_bytes()[2..]),
        Canary::new("a message", MESSAGE.as_bytes()),
        Canary::new("audio", AUDIO),
        Canary::new("the path of a recording", AUDIO_URL_NAME.as_bytes()),
        Canary::new("the query of a recording", AUDIO_URL_QUERY.as_bytes()),
        Canary::new("the path of a callback", CALLBACK_NAME.as_bytes()),
        Canary::new("the query of a callback", CALLBACK_QUERY.as_bytes()),
        Canary::new("a token", AUTH_TOKEN.as_bytes()),
        Canary::new("the next token", NEXT_TOKEN.as_bytes()),
        Canary::new("Basic credentials", format!("{ACCOUNT_SID}:{AUTH_TOKEN}").as_bytes()),
        Canary::new(
            "the next Basic credentials",
            format!("{ACCOUNT_SID}:{NEXT_TOKEN}").as_bytes(),
        ),
        Canary::new("a password of a database", DATABASE_PASSWORD.as_bytes()),
    ]
}

/// A recording in whose samples there are bytes that are found again.
fn recognisable_wav() -> Bytes {
    let mut wav = wav_of_bytes(20_000, 1).to_vec();
    wav[10_000..10_000 + AUDIO.len()].copy_from_slice(AUDIO);
    wav.into()
}

fn recording(callback: &str, wav: Bytes) -> Result<SignedRequest> {
    let payload = Payload::recording(callback, wav, FileOrder::Last);
    twilio(Sdk::Node).request(PATH, &request_sid(), payload)
}

/// Every kind of request, and of each what goes well and what goes wrong.
fn requests(callback: &str) -> Result<Vec<SignedRequest>> {
    let fields = pairs(&[("phone", PHONE), ("message", MESSAGE)]);
    let body = serde_json::json!({ "phone": PHONE, "message": MESSAGE }).to_string();
    let multipart = |field: &str| Payload::Multipart {
        fields: fields.clone(),
        file: Some(File {
            field: field.to_owned(),
            bytes: recognisable_wav(),
        }),
        order: FileOrder::First,
    };
    let mut requests = Vec::new();
    for (path, payload) in [
        ("/query", Payload::Query(fields.clone())),
        ("/form", Payload::Form(fields.clone())),
        ("/json", Payload::Json(body.clone())),
        ("/json", Payload::Json(body.replace('}', ""))),
        ("/multipart", multipart("audio-data")),
        ("/customers", Payload::Query(fields.clone())),
        ("/nowhere", Payload::Query(fields.clone())),
        ("/query", Payload::Form(fields.clone())),
        (PATH, multipart("another-part")),
    ] {
        requests.push(twilio(Sdk::Node).request(path, &request_sid(), payload)?);
    }
    requests.push(recording(callback, recognisable_wav())?);
    requests.push(recording(callback, Bytes::from_static(AUDIO))?);
    requests.push(recording(
        &format!("https://elsewhere.example/{CALLBACK_NAME}?{CALLBACK_QUERY}"),
        recognisable_wav(),
    )?);
    requests.push(recording(&format!("/{CALLBACK_NAME}"), recognisable_wav())?);
    // None of them leads to a recording: one is not admitted, the others lead to nobody.
    for url in ["http://elsewhere.example", "https://127.0.0.1:9", "https://localhost:9"] {
        let url = format!("{url}/{AUDIO_URL_NAME}?{AUDIO_URL_QUERY}");
        let fields = pairs(&[("callback", callback), ("url", &url)]);
        requests.push(twilio(Sdk::Node).request("/by-url", &request_sid(), Payload::Form(fields))?);
    }
    let spoilt: Vec<_> = requests
        .iter()
        .flat_map(|request| {
            [
                request
                    .clone()
                    .with_header("X-Twilio-Signature", "0FqS203W44/lM2UEM+51hRzwat4="),
                request.clone().with_header("X-Twilio-Signature", MESSAGE),
                request.clone().without_header("X-Twilio-Signature"),
                request.clone().with_header("Content-Type", MESSAGE),
            ]
        })
        .collect();
    requests.extend(spoilt);
    Ok(requests)
}

/// Sends them over both protocols; the answers that say that something was not well.
async fn confide(service: &Service<'_>, callback: &str) -> Result<Vec<u8>> {
    let mut told = Vec::new();
    let http2 = Http2::open(service.address()).await?;
    for request in requests(callback)? {
        for answer in [request.send(service.address()).await?, http2.send(&request)?.await?] {
            // Who asked for a number is told about it. Everything else is an error, and names nothing.
            let is_answer = answer.status == 200 && answer.json()?.get("phone_number").is_some();
            if !is_answer {
                told.extend(answer.text().bytes());
                told.extend(answer.headers.iter().flat_map(|(_, value)| value.bytes()));
            }
        }
    }
    let mut connection = Connection::open(service.address()).await?;
    let no_request = format!("GET /{MESSAGE} {PHONE}\r\n\r\n");
    connection.send(no_request.as_bytes()).await?;
    told.extend(connection.answer().await?.body);
    Ok(told)
}

#[tokio::test]
async fn tells_nothing_of_what_it_is_trusted_with() -> Result<()> {
    let collector = Collector::start().await?;
    let mut manifest = manifest();
    let by_url = json!({ "encoding": "Form", "fields": { "audioUrl": "url", "callback": "callback" } });
    if let Some(endpoints) = manifest["spec"]["endpoints"].as_array_mut() {
        endpoints.push(recording_endpoint("by-url", &by_url));
    }
    manifest["spec"]["audioFetch"] = json!({ "allowInsecure": true, "allowedHosts": ["127.0.0.1", "localhost"] });
    let home = home_of(&manifest)?.with_arguments(&["--log-filter", "trace", "--otlp-endpoint", &collector.url()]);
    let database_url = format!("postgres://crm:{DATABASE_PASSWORD}@127.0.0.1:9/crm");
    home.write_secret("crm", "DATABASE_URL", &database_url)?;
    let mut service = Service::start(&home).await?;
    // Fails, is refused with both tokens, and then only the next token is good.
    let receiver = CallbackReceiver::start(&[Reply::Status(500), Reply::Status(401)]).await?;
    let callback = format!("{}?{CALLBACK_QUERY}", receiver.url(CALLBACK_NAME));
    let mut told = confide(&service, &callback).await?;
    receiver.admit_only(&format!("{ACCOUNT_SID}:{NEXT_TOKEN}"));
    home.write_secret("twilio", "AUTH_TOKEN_SECONDARY", NEXT_TOKEN)?;
    until("a callback is confirmed with the next token", async || {
        Ok(service.metrics().await?.contains("outcome=\"confirmed\"").then_some(()))
    })
    .await?;
    for page in ["/metrics", "/credentials", "/healthz", "/readyz", "/nowhere"] {
        told.extend(get(service.admin(), page).await?.body);
    }
    service.terminate()?;
    assert!(service.wait().await?.success());
    let log = home.log();
    assert!(log.contains("not confirmed"), "the failed try is told: {log}");
    assert!(log.contains("a fetch failed"), "the failed fetch is told");
    assert!(log.contains("\"DEBUG\""), "the log is as full as it can be");
    let spans = collector.bytes();
    assert!(!spans.is_empty());
    for (place, bytes) in [
        ("an answer or a page", told),
        ("the log", log.into_bytes()),
        ("a span", spans),
    ] {
        for canary in entrusted() {
            canary.assert_absent(place, &bytes);
        }
    }
    Ok(())
}

#[tokio::test]
async fn names_the_cause_when_the_disk_does_not_take_an_upload() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let request = upload(&receiver, &request_sid(), wav_of_bytes(20_000, 1))?;
    let quarantine = home.data_path().join("quarantine");
    std::fs::remove_dir(&quarantine)?;
    assert_eq!(request.send(service.address()).await?.status, 503);
    let told = home.log();
    assert!(
        told.contains("No such file or directory"),
        "nobody can mend what is told as {told}"
    );
    std::fs::create_dir(&quarantine)?;
    assert_eq!(request.send(service.address()).await?.status, 202);
    Ok(())
}

/// The names and labels of all series.
async fn series(service: &Service<'_>) -> Result<BTreeSet<String>> {
    let metrics = service.metrics().await?;
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect())
}

#[tokio::test]
async fn strangers_add_no_series_to_the_metrics() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let stray = |number: usize| {
        let sid = format!("stray-{number}");
        twilio(Sdk::Python).request(&format!("/stray/{number}"), &sid, Payload::Query(Vec::new()))
    };
    let send = async |numbers: std::ops::Range<usize>| -> Result<()> {
        for number in numbers {
            stray(number)?.send(service.address()).await?;
            stray(number)?
                .without_header("X-Twilio-Signature")
                .send(service.address())
                .await?;
        }
        Ok(())
    };
    send(0..1).await?;
    // The worker tells of the queue when it has first looked at it.
    let before = until("the queue is told of", async || {
        let series = series(&service).await?;
        let is_told = series
            .iter()
            .any(|series| series.starts_with("marketplace_queue_jobs{"));
        Ok(is_told.then_some(series))
    })
    .await?;
    send(1..20).await?;
    assert_eq!(series(&service).await?, before);
    assert!(
        before
            .iter()
            .any(|series| series.contains("addon=\"acme/caller-insights\""))
    );
    Ok(())
}
