//! What docs/metrics.md says is what a running service shows, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use marketplace_tests::addon::{KNOWN, home_of, lookup_endpoint, manifest, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::{CallbackReceiver, Reply};
use marketplace_tests::cluster::top;
use marketplace_tests::patience::until;
use marketplace_tests::service::Service;
use marketplace_tests::tls::Certificate;
use marketplace_tests::twilio::{Payload, Sdk, pairs};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::audio_url;
use super::recording::upload;
use super::tls::home_with;

/// Labels by metric, and the words that may stand in each; none where a sentence says what may.
type Documented = BTreeMap<String, BTreeMap<String, Option<BTreeSet<String>>>>;

fn documented() -> Result<Documented> {
    let text = std::fs::read_to_string(top().join("docs/metrics.md"))?;
    let (service, _) = text
        .split_once("## The operator")
        .context("docs/metrics.md has a part for the operator")?;
    let rows = service.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split(" | ").collect();
        let labels = cells.get(3).context("a row has five cells")?;
        let labels = labels
            .split("; ")
            .filter_map(|label| label.split_once(": "))
            .map(|(name, values)| {
                let words: BTreeSet<_> = values.split(", ").map(str::to_owned).collect();
                let is_sentence = words.iter().any(|word| word.contains(' '));
                (name.trim_matches('`').to_owned(), (!is_sentence).then_some(words))
            });
        Ok((cells[0].trim_matches(['|', ' ', '`']).to_owned(), labels.collect()))
    })
    .collect()
}

/// The names and labels of a line of the exposition, without its value.
fn series(line: &str) -> Result<(&str, Vec<(&str, &str)>)> {
    let (series, _) = line.rsplit_once(' ').context("a series has a value")?;
    let Some((name, labels)) = series.split_once('{') else {
        return Ok((series, Vec::new()));
    };
    let labels = labels.trim_end_matches('}').split("\",");
    let pairs = labels.filter_map(|label| label.split_once("=\""));
    Ok((
        name,
        pairs.map(|(name, value)| (name, value.trim_end_matches('"'))).collect(),
    ))
}

/// Each metric shown must be documented, with these labels and these words in them.
fn assert_documented(metrics: &str, documented: &Documented) -> Result<BTreeSet<String>> {
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let shown: BTreeSet<_> = types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = series(line)?;
        let metric = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|name| shown.contains(*name)))
            .unwrap_or(name);
        let known = documented
            .get(metric)
            .with_context(|| format!("{metric} is not documented"))?;
        for (label, value) in labels.into_iter().filter(|(label, _)| !["addon", "le"].contains(label)) {
            let words = known
                .get(label)
                .with_context(|| format!("{label} of {metric} is not documented"))?;
            let is_known = words.as_ref().is_none_or(|words| words.contains(value));
            assert!(is_known, "{label}=\"{value}\" of {metric} is not documented");
        }
    }
    Ok(shown)
}

/// What the plain service shows when something of every kind has happened.
async fn plain() -> Result<String> {
    let mut manifest = manifest();
    manifest["spec"]["allowList"] = json!({ "mode": "Audit", "sources": [{ "name": "it", "cidr": "192.0.2.0/24" }] });
    let by_url_endpoint = audio_url::manifest()["spec"]["endpoints"][0].clone();
    let endpoints = manifest["spec"]["endpoints"].as_array_mut().context("a list")?;
    endpoints.push(by_url_endpoint);
    let mut partner = lookup_endpoint(
        "partner",
        &json!({"encoding": "Query", "fields": {"phoneNumber": "phone"}}),
    );
    // Nobody listens on this port.
    partner["handler"] = json!({"http": {"url": "http://127.0.0.1:9/none", "allowInsecure": true}});
    endpoints.push(partner);
    manifest["spec"]["audioFetch"] = json!({ "allowInsecure": true });
    manifest["spec"]["endpoints"][1]["signature"] = json!({ "mode": "Commission" });
    let home = home_of(&manifest)?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[Reply::Status(500)]).await?;
    let lookup = twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))?;
    assert_eq!(lookup.send(service.address()).await?.status, 200);
    let asked = twilio(Sdk::Node).request("/partner", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))?;
    assert_eq!(asked.send(service.address()).await?.status, 503);
    let first = Payload::Form(pairs(&[("phone", KNOWN)]));
    let commissioned = twilio(Sdk::Node).request("/form", &request_sid(), first)?;
    assert_eq!(commissioned.send(service.address()).await?.status, 503);
    let forged = lookup.with_header("X-Twilio-Signature", "0FqS203W44/lM2UEM+51hRzwat4=");
    assert_eq!(forged.send(service.address()).await?.status, 403);
    let recording = upload(&receiver, &request_sid(), wav_of_bytes(20_000, 1))?;
    assert_eq!(recording.send(service.address()).await?.status, 202);
    // Nobody listens on this port.
    let elsewhere = audio_url::by_url(&receiver, &request_sid(), "https://127.0.0.1:9/none", None)?;
    assert_eq!(elsewhere.send(service.address()).await?.status, 202);
    until("the callback is confirmed and the queue is told", async || {
        let metrics = service.metrics().await?;
        let all = [
            "jobs_finished_total",
            "queue_jobs",
            "audio_fetches_total",
            "work_audio_factor",
        ]
        .iter()
        .all(|name| metrics.contains(&format!("marketplace_{name}{{")));
        Ok(all.then_some(metrics))
    })
    .await
}

/// What one with TLS shows after a handshake that failed.
async fn with_tls() -> Result<String> {
    let home = home_with(&Certificate::generate()?)?;
    let service = Service::start(&home).await?;
    let mut stream = tokio::net::TcpStream::connect(service.address()).await?;
    stream.write_all(b"no handshake at all\r\n\r\n").await?;
    let _ = stream.read_to_end(&mut Vec::new()).await;
    until("the handshake is counted", async || {
        let metrics = service.metrics().await?;
        let counted = metrics.contains("marketplace_tls_handshakes_failed_total{");
        Ok(counted.then_some(metrics))
    })
    .await
}

#[tokio::test]
async fn a_running_service_shows_what_is_documented_and_nothing_else() -> Result<()> {
    let documented = documented()?;
    let mut shown = assert_documented(&plain().await?, &documented)?;
    shown.extend(assert_documented(&with_tls().await?, &documented)?);
    assert_eq!(shown, documented.into_keys().collect());
    Ok(())
}
