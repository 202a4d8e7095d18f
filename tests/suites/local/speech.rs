//! What the built-in engine hears: sentences that a seed made up and espeak-ng says while the test runs. The word error
//! rates are bounds above what was measured, printed each time; a robot's voice is harder to understand than a person's.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use marketplace_tests::addon::{home_of, manifest_with, request_sid};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Service, program, refused_at_start};
use marketplace_tests::spoken::{
    Studio, TELEPHONE_LIMIT_PERCENT, WordErrors, bytes_of, model, sentences, text_in, text_of, words,
};
use serde_json::{Value, json};

use super::recording::{assert_accepted, upload};

/// Voices that speak English.
const VOICES: [&str; 3] = ["en-us", "en-gb", "en-us+f3"];
/// Of each voice.
const SENTENCES: usize = 6;
/// In percent, of what is spoken at full quality.
const CLEAN_LIMIT_PERCENT: usize = 15;

/// What the program hears in a network namespace of its own, where there is no way to anybody.
fn heard_alone(recording: &Path) -> Result<Vec<Value>> {
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net"])
        .arg(program()?)
        .args(["transcribe", "--model", text_of(&model()?)?, text_of(recording)?])
        .stdin(Stdio::null())
        .output()
        .context("unshare is missing: apt-get install util-linux")?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{words}");
    let transcript: Value = serde_json::from_slice(&output.stdout)?;
    Ok(transcript["segments"].as_array().context("it has segments")?.clone())
}

fn transcribing() -> Value {
    manifest_with(
        "/spec/endpoints/5/handler/analysis",
        json!({ "transcription": { "engine": { "builtin": {} } } }),
    )
}

#[test]
fn writes_down_what_is_said_where_there_is_no_network() -> Result<()> {
    let studio = Studio::new()?;
    let (mut clean, mut telephone) = (WordErrors::default(), WordErrors::default());
    for (seed, voice) in (2026..).zip(VOICES) {
        let said = sentences(seed, SENTENCES);
        let spoken = studio.say("spoken", voice, &said)?;
        let sent = studio.telephone("sent", &spoken)?;
        clean = clean.and(WordErrors::between(&said, &text_in(&heard_alone(&spoken)?)));
        telephone = telephone.and(WordErrors::between(&said, &text_in(&heard_alone(&sent)?)));
    }
    for (what, errors, limit) in [
        ("as it is spoken", clean, CLEAN_LIMIT_PERCENT),
        ("at 8 kHz in mu-law", telephone, TELEPHONE_LIMIT_PERCENT),
    ] {
        let percent = errors.percent();
        figure(&format!(
            "word error rate of a robot's voice {what}: {percent} % of {} words",
            errors.said
        ));
        assert!(percent <= limit, "{what}: {percent} %, want {limit} % at the most");
    }
    Ok(())
}

#[test]
fn what_is_not_said_is_not_heard() -> Result<()> {
    let studio = Studio::new()?;
    let said = sentences(7, SENTENCES);
    let spoken = studio.say("spoken", "en-us", &said)?;
    let reversed = studio.reversed("reversed", &spoken)?;
    let heard = text_in(&heard_alone(&reversed)?);
    let errors = WordErrors::between(&said, &heard);
    assert!(errors.percent() > 80, "of reversed speech was heard: {heard}");
    let silence = studio.mix("silence", &["-n", "-r", "8000", "-c", "1"], &["trim", "0", "20"])?;
    assert_eq!(heard_alone(&silence)?, Vec::<Value>::new());
    let noise = studio.mix(
        "noise",
        &["-n", "-r", "8000", "-c", "1"],
        &["synth", "20", "pinknoise", "vol", "0.05"],
    )?;
    let heard = text_in(&heard_alone(&noise)?);
    assert!(words(&heard).len() < 4, "in noise was heard: {heard}");
    Ok(())
}

#[tokio::test]
async fn tells_who_spoke_and_when() -> Result<()> {
    let studio = Studio::new()?;
    let (first, second) = (sentences(11, 2), sentences(12, 2));
    let customer = studio.say("customer", "en-us", &first)?;
    let agent = studio.say("agent", "en-gb", &second)?;
    // The one speaks when the other has ended.
    let begins = 1.0
        + hound::WavReader::open(&customer).map(|wav| f64::from(wav.duration()) / f64::from(wav.spec().sample_rate))?;
    let agent = studio.mix("later", &[text_of(&agent)?], &["pad", &begins.to_string()])?;
    let call = studio.mix(
        "call",
        &["-M", text_of(&customer)?, text_of(&agent)?, "-r", "16000"],
        &["gain", "-3"],
    )?;

    let home = home_of(&transcribing())?.with_arguments(&["--model", text_of(&model()?)?]);
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_accepted(
        &upload(&receiver, &sid, bytes_of(&call)?)?
            .send(service.address())
            .await?,
    );
    let result = receiver.wait_for(&sid).await?.json()?;
    assert_eq!(result["error_code"], Value::Null, "{result}");
    let transcript = &result["results"]["transcription"];
    assert_eq!(transcript["language"], json!("en"));
    let segments = transcript["segments"].as_array().cloned().unwrap_or_default();
    for (channel, said) in [(1, &first), (2, &second)] {
        let of: Vec<_> = segments
            .iter()
            .filter(|segment| segment["channel"] == json!(channel))
            .cloned()
            .collect();
        let errors = WordErrors::between(said, &text_in(&of));
        assert!(
            errors.percent() <= TELEPHONE_LIMIT_PERCENT,
            "channel {channel}: {segments:?}"
        );
        for segment in &of {
            let number = |name: &str| segment[name].as_f64().unwrap_or(f64::NAN);
            let (start, end) = (number("start_seconds"), number("end_seconds"));
            assert!(
                if channel == 1 {
                    end < begins
                } else {
                    start > begins - 0.5
                },
                "{segment}"
            );
            assert!(start < end && (0.0..=1.0).contains(&number("confidence")), "{segment}");
        }
    }
    let said_words = words(&first);
    let log = home.log();
    assert!(
        !said_words
            .iter()
            .any(|word| word.len() > 7 && log.contains(word.as_str())),
        "the log tells what was said"
    );
    Ok(())
}

#[tokio::test]
async fn does_not_start_without_the_model_that_it_is_to_hear_with() -> Result<()> {
    let home = home_of(&transcribing())?;
    let nowhere = home.path().join("nowhere");
    let (code, said) = refused_at_start(&home, &["--model", text_of(&nowhere)?]).await?;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("transcription.engine.builtin needs the model of speech")
            && said.contains("use the image marketplace-service-speech"),
        "{said}"
    );
    Ok(())
}
