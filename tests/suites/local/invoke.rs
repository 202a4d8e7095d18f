//! `invoke` acts as Twilio for a person who tries an add-on; its exit code says whether all was well.

use std::fs;
use std::process::Output;

use anyhow::Result;
use marketplace_tests::addon::{
    ACCOUNT_SID, KNOWN, home, home_of, lookup_endpoint, manifest_of, manifest_with, recording_endpoint,
};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::canary::Canary;
use marketplace_tests::service::{Home, Service, run_to_end};
use serde_json::json;

pub async fn invoke(home: &Home, arguments: &[&str]) -> Result<Output> {
    invoke_at(home, home, arguments).await
}

/// With the manifest and secrets of one, against the service of another.
async fn invoke_at(home: &Home, service: &Home, arguments: &[&str]) -> Result<Output> {
    let (file, secrets) = (home.manifest_path(), home.path().join("secrets"));
    let (file, secrets) = (file.to_string_lossy(), secrets.to_string_lossy());
    let to = format!("http://{}", service.address());
    let common = ["invoke", "-f", &*file, "--secrets", &*secrets, "--to", &*to];
    run_to_end(&[&common[..], arguments].concat()).await
}

pub fn assert_printed(output: &Output, code: i32, words: &[&str]) {
    let printed = [&output.stdout[..], &output.stderr[..]].concat();
    let printed = String::from_utf8_lossy(&printed);
    assert_eq!(output.status.code(), Some(code), "{printed}");
    for word in words {
        assert!(printed.contains(word), "want {word:?} in {printed}");
    }
}

fn write_wav(home: &Home) -> Result<String> {
    let file = home.path().join("recording.wav");
    fs::write(
        &file,
        Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.5).wav(),
    )?;
    Ok(file.to_string_lossy().into_owned())
}

#[tokio::test]
async fn prints_the_answer_of_every_encoding() -> Result<()> {
    let home = home()?;
    let _service = Service::start(&home).await?;
    for endpoint in ["query", "form", "json", "multipart"] {
        let field = format!("phone={KNOWN}");
        let output = invoke(&home, &["--endpoint", endpoint, "--field", &field]).await?;
        assert_printed(&output, 0, &["200", "Ada Lovelace", "all was well"]);
    }
    Ok(())
}

#[tokio::test]
async fn sends_the_password_of_the_endpoint() -> Result<()> {
    let mut manifest = manifest_with("/spec/callbacks", json!({ "allowedHosts": ["*.twilio.com"] }));
    manifest["spec"]["endpoints"][0]["basicAuth"] = json!({ "secretName": "door" });
    let home = home_of(&manifest)?;
    let field = format!("phone={KNOWN}");
    let arguments = ["--endpoint", "query", "--field", &field];
    assert_printed(&invoke(&home, &arguments).await?, 2, &["secret door"]);
    home.write_secret("door", "username", "twilio")?;
    home.write_secret("door", "password", "open sesame")?;
    let _service = Service::start(&home).await?;
    assert_printed(
        &invoke(&home, &arguments).await?,
        0,
        &["200", "Ada Lovelace", "all was well"],
    );
    Ok(())
}

#[tokio::test]
async fn receives_and_prints_the_callback_of_a_recording() -> Result<()> {
    let home = home()?;
    let _service = Service::start(&home).await?;
    let output = invoke(&home, &["--endpoint", "recordings", "--audio", &write_wav(&home)?]).await?;
    let words = ["202", "\"duration_seconds\": 0.5", ACCOUNT_SID, "all was well"];
    assert_printed(&output, 0, &words);
    Ok(())
}

#[tokio::test]
async fn sends_the_constants_of_a_secret_and_prints_none() -> Result<()> {
    let constants = json!([{ "name": "query:apikey", "valueFrom": { "secretName": "keys", "key": "crm" } }]);
    let request = json!({ "encoding": "Form", "fields": { "phoneNumber": "phone" }, "constants": constants });
    let home = home_of(&manifest_of(json!([lookup_endpoint("lookup", &request)])))?;
    let arguments = ["--endpoint", "lookup"];
    assert_printed(&invoke(&home, &arguments).await?, 2, &["secret keys"]);
    home.write_secret("keys", "crm", "c0nstant/of+a=secret")?;
    let _service = Service::start(&home).await?;
    let output = invoke(&home, &arguments).await?;
    assert_printed(&output, 0, &["Ada Lovelace", "apikey=***", "all was well"]);
    let printed = [output.stdout, output.stderr].concat();
    Canary::new("a constant", b"c0nstant/of+a=secret").assert_absent("invoke", &printed);
    Ok(())
}

#[tokio::test]
async fn fills_in_what_the_manifest_maps() -> Result<()> {
    let constants = json!([{ "name": "query:apikey", "value": "k3y" }]);
    let mut lookup = lookup_endpoint(
        "lookup",
        &json!({ "encoding": "Json", "constants": constants, "configuration": { "language": "header:X-Language" },
            "fields": { "phoneNumber": "/contact/number", "requestSid": "/sid", "date": "query:date", "ttl": "/ttl" } }),
    );
    lookup["replay"] = json!({ "ttlUnit": "Milliseconds" });
    let fields = |audio: &str| {
        json!({ "audio": audio, "callback": "to", "size": "size", "format": "format", "sampleSize": "bytes",
        "sampleRate": "rate", "channels": "channels", "duration": "duration", "testFlag": "header:X-Test", "integrationKey": "kind" })
    };
    let home = home_of(&manifest_of(json!([
        lookup,
        recording_endpoint(
            "parts",
            &json!({ "encoding": "Multipart", "constants": constants, "fields": fields("data") })
        ),
        recording_endpoint(
            "json",
            &json!({ "encoding": "Json", "fields": fields("/recording/data") })
        ),
        recording_endpoint(
            "form",
            &json!({ "encoding": "Form", "constants": constants, "fields": fields("data") })
        ),
    ])))?;
    let _service = Service::start(&home).await?;
    let audio = write_wav(&home)?;
    let wrong = ["--endpoint", "lookup", "--field", "query:apikey=other"];
    assert_printed(&invoke(&home, &wrong).await?, 1, &["constant_mismatch"]);
    let stale = ["--endpoint", "lookup", "--field", "query:date=2001-01-01T00:00:00Z"];
    assert_printed(&invoke(&home, &stale).await?, 1, &["request_expired"]);
    let known = ["--endpoint", "lookup", "--field", "header:X-Language=de"];
    assert_printed(
        &invoke(&home, &known).await?,
        0,
        &["Ada Lovelace", "apikey=k3y", "all was well"],
    );
    for endpoint in ["parts", "json", "form"] {
        let output = invoke(&home, &["--endpoint", endpoint, "--audio", &audio]).await?;
        assert_printed(
            &output,
            0,
            &["202", "\"duration_seconds\": 0.5", "RECORDING_VERB", "all was well"],
        );
        let output = invoke(&home, &["--endpoint", endpoint, "--audio", &audio, "--test"]).await?;
        assert_printed(&output, 0, &["202", "all was well"]);
        let output = invoke(&home, &["--endpoint", endpoint, "--audio", &audio, "--field", "size=7"]).await?;
        assert_printed(&output, 1, &["503"]);
    }
    let output = invoke(&home, &["--endpoint", "lookup", "--test"]).await?;
    assert_printed(&output, 2, &["testFlag"]);
    Ok(())
}

#[tokio::test]
async fn expects_a_forged_request_to_be_refused() -> Result<()> {
    let home = home()?;
    let _service = Service::start(&home).await?;
    let audio = write_wav(&home)?;
    let field = format!("phone={KNOWN}");
    for arguments in [
        &["--endpoint", "query", "--field", &field, "--forge"][..],
        &["--endpoint", "json", "--field", &field, "--forge"],
        &["--endpoint", "recordings", "--audio", &audio, "--forge"],
    ] {
        let output = invoke(&home, arguments).await?;
        assert_printed(&output, 0, &["403", "all was well"]);
    }
    Ok(())
}

#[tokio::test]
async fn says_what_was_not_well() -> Result<()> {
    let home = home_of(&manifest_with(
        "/spec/callbacks",
        json!({ "allowedHosts": ["*.twilio.com"] }),
    ))?;
    let audio = write_wav(&home)?;
    let field = format!("phone={KNOWN}");
    let nobody = invoke(&home, &["--endpoint", "query", "--field", &field]).await?;
    assert_printed(&nobody, 1, &["failed to send the request"]);
    let _service = Service::start(&home).await?;
    for (arguments, words) in [
        (
            &["--endpoint", "query", "--field", "phone="][..],
            &["200", "not well", "field_missing"][..],
        ),
        (&["--endpoint", "customers", "--field", &field], &["503", "not well"]),
        (
            &["--endpoint", "recordings", "--audio", &audio],
            &["callback_not_allowed", "allowInsecure: true"],
        ),
    ] {
        assert_printed(&invoke(&home, arguments).await?, 1, words);
    }
    Ok(())
}

#[tokio::test]
async fn says_which_token_it_lacks() -> Result<()> {
    let (home, stranger) = (home()?, home()?);
    let _service = Service::start(&home).await?;
    let arguments = ["--endpoint", "query", "--field", "phone=1"];
    stranger.write_secret("twilio", "AUTH_TOKEN", "0123456789abcdef0123456789abcdef")?;
    let output = invoke_at(&stranger, &home, &arguments).await?;
    assert_printed(&output, 1, &["403", "not well", "AUTH_TOKEN"]);
    fs::remove_file(stranger.path().join("secrets/twilio/AUTH_TOKEN"))?;
    assert_printed(&invoke_at(&stranger, &home, &arguments).await?, 2, &["AUTH_TOKEN"]);
    Ok(())
}

#[tokio::test]
async fn says_what_it_was_not_given() -> Result<()> {
    let home = home()?;
    for (arguments, words) in [
        (&["--endpoint", "nowhere"][..], &["nowhere", "recordings"][..]),
        (&["--endpoint", "recordings"], &["--audio FILE"]),
        (&["--endpoint", "query", "--audio", "x.wav"], &["leave --audio out"]),
        (&["--endpoint", "recordings", "--audio", "none.wav"], &["none.wav"]),
        (&["--endpoint", "query", "--field", "phone"], &["NAME=VALUE"]),
    ] {
        assert_printed(&invoke(&home, arguments).await?, 2, words);
    }
    Ok(())
}
