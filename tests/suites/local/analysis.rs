//! Analyzers on real parts: what is keyed in, what is taken out of it, and that a voice is no key.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use marketplace_service::analysis::{Halt, dtmf};
use marketplace_tests::addon::{home_of, manifest_with, request_sid};
use marketplace_tests::audio::keys::pressed;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::service::Service;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::recording::{assert_accepted, upload};

const ANALYSIS: &str = "/spec/endpoints/5/handler/analysis";

/// What is told of keys, by an endpoint with these analyzers.
async fn told_of(keys: &str, analysis: Value) -> Result<Value> {
    let home = home_of(&manifest_with(ANALYSIS, analysis))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_accepted(&upload(&receiver, &sid, pressed(keys))?.send(service.address()).await?);
    receiver.wait_for(&sid).await?.json()
}

#[tokio::test]
async fn keys_that_were_pressed_are_told() -> Result<()> {
    let told = told_of("1 4*0#", json!({"dtmf": {}})).await?;
    let keyed = &told["results"]["dtmf"];
    assert_eq!(keyed["count"], 5, "{told}");
    assert_eq!(keyed["sequences"][0]["keys"], "14*0#", "{told}");
    assert_eq!(keyed["keys"][0]["channel"], 2, "{told}");
    assert_eq!(told["schema_version"], 1);
    Ok(())
}

#[tokio::test]
async fn a_card_that_is_keyed_in_is_not_told() -> Result<()> {
    let told = told_of("4111111111111111#    0128#", json!({"dtmf": {}, "redaction": {}})).await?;
    let results = &told["results"];
    assert_eq!(
        results["dtmf"]["sequences"][0]["keys"], "[CardNumber]#[CardExpiry]#",
        "{told}"
    );
    assert_eq!(
        results["redaction"]["counts"],
        json!({"CardExpiry": 1, "CardNumber": 1}),
        "{told}"
    );
    assert_eq!(results["redaction"]["spans"][0]["source"], "keys", "{told}");
    Ok(())
}

/// How many sentences are spoken: some minutes.
const SENTENCES: u64 = 40;

fn sentence(seed: u64) -> String {
    const WORDS: [&str; 24] = [
        "customer", "number", "one", "seven", "please", "hello", "money", "always", "yellow", "running", "early",
        "area", "window", "memory", "hour", "review", "alarm", "evening", "ninety", "mirror", "only", "library",
        "loyal", "zero",
    ];
    let mut random = StdRng::seed_from_u64(seed);
    let words: Vec<&str> = (0..16).map(|_| WORDS[random.random_range(0..WORDS.len())]).collect();
    words.join(" ")
}

fn speak(text: &str, voice: &str, file: &Path) -> Result<()> {
    let status = Command::new("espeak-ng")
        .args(["-v", voice, "-w"])
        .arg(file)
        .arg(text)
        .status()
        .context("espeak-ng is missing: tests/lanes/packages.sh installs it")?;
    ensure!(status.success(), "espeak-ng ended with {status}");
    Ok(())
}

#[test]
fn voices_press_no_keys() -> Result<()> {
    let file = tempfile::Builder::new().suffix(".wav").tempfile()?;
    let (mut pressed, mut seconds) = (Vec::new(), 0.0);
    for seed in 0..SENTENCES {
        let voice = ["en-us", "en-us+f3", "en-gb+m3", "en-us+f5"][usize::try_from(seed % 4)?];
        speak(&sentence(seed), voice, file.path())?;
        seconds += marketplace_service::analysis::probe(file.path())?.seconds;
        pressed.extend(dtmf::listen(file.path(), &Halt::never())?);
    }
    println!("{} keys in {seconds:.0} s of four voices", pressed.len());
    assert!(seconds > 120.0, "{seconds} s were spoken");
    assert!(pressed.is_empty(), "{pressed:?}");
    Ok(())
}
