//! The credentials from a file as the example add-ons keep it, in place of a Secret's folder.

use std::fs;

use anyhow::Result;
use marketplace_tests::addon::{ACCOUNT_SID, AUTH_TOKEN, KNOWN, home_of, manifest, request_sid, twilio};
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service, refused_at_start, run_to_end};
use marketplace_tests::twilio::{Payload, Sdk, Twilio, pairs};

const NEXT_TOKEN: &str = "ffeeddccbbaa99887766554433221100";

/// An add-on with lookups alone, no folder of secrets, and this file.
fn home_with(env_file: &str) -> Result<Home> {
    let mut manifest = manifest();
    if let Some(endpoints) = manifest["spec"]["endpoints"].as_array_mut() {
        endpoints.retain(|endpoint| endpoint["handler"].get("table").is_some());
    }
    let home = home_of(&manifest)?;
    fs::remove_dir_all(home.path().join("secrets"))?;
    let file = home.path().join(".env");
    fs::write(&file, env_file)?;
    Ok(home.with_arguments(&["--env-file", &file.to_string_lossy()]))
}

async fn status(service: &Service<'_>, token: &str) -> Result<u16> {
    let twilio = Twilio {
        token: token.to_owned(),
        ..twilio(Sdk::Node)
    };
    let payload = Payload::Query(pairs(&[("phone", KNOWN)]));
    let answer = twilio.request("/query", &request_sid(), payload)?;
    Ok(answer.send(service.address()).await?.status)
}

#[tokio::test]
async fn takes_the_examples_own_file_and_what_it_becomes() -> Result<()> {
    let home = home_with(&format!(
        "# Twilio\nexport ACCOUNT_SID={ACCOUNT_SID}\nAUTH_TOKEN=\"{AUTH_TOKEN}\"\nPORT=3000\n"
    ))?;
    let service = Service::start(&home).await?;
    assert_eq!(status(&service, AUTH_TOKEN).await?, 200);
    assert_eq!(status(&service, NEXT_TOKEN).await?, 403);
    fs::write(
        home.path().join(".env"),
        format!("ACCOUNT_SID={ACCOUNT_SID}\nAUTH_TOKEN={AUTH_TOKEN}\nAUTH_TOKEN_SECONDARY={NEXT_TOKEN}\n"),
    )?;
    until("the new token is taken", async || {
        Ok((status(&service, NEXT_TOKEN).await? == 200).then_some(()))
    })
    .await?;
    assert_eq!(status(&service, AUTH_TOKEN).await?, 200);
    Ok(())
}

#[tokio::test]
async fn invoke_signs_with_the_same_file() -> Result<()> {
    let home = home_with(&format!("ACCOUNT_SID={ACCOUNT_SID}\nAUTH_TOKEN={AUTH_TOKEN}\n"))?;
    let service = Service::start(&home).await?;
    let (manifest, file) = (home.manifest_path(), home.path().join(".env"));
    let output = run_to_end(&[
        "invoke",
        "-f",
        &manifest.to_string_lossy(),
        "--env-file",
        &file.to_string_lossy(),
        "--endpoint",
        "query",
        "--field",
        &format!("phone={KNOWN}"),
        "--to",
        &format!("http://{}", service.address()),
    ])
    .await?;
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("Ada Lovelace"), "{told}");
    Ok(())
}

#[tokio::test]
async fn does_not_start_with_a_file_that_it_cannot_use() -> Result<()> {
    for (text, words) in [
        ("ACCOUNT_SID=AC1\nAUTH_TOKEN hidden\n", "line 2 of"),
        ("ACCOUNT_SID=AC1\n", "find AUTH_TOKEN in"),
    ] {
        let home = home_with(text)?;
        assert_refused(&home, words).await?;
    }
    let home = home_with("")?;
    fs::remove_file(home.path().join(".env"))?;
    assert_refused(&home, ".env: entity not found").await
}

async fn assert_refused(home: &Home, words: &str) -> Result<()> {
    let (code, told) = refused_at_start(home, &[]).await?;
    assert_eq!((code, told.lines().count()), (Some(2), 1), "{told}");
    assert!(told.contains(words) && !told.contains("hidden"), "{words}: {told}");
    Ok(())
}
