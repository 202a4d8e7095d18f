//! What is wrong with the way in which the program is started is told in one sentence that names it.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use anyhow::Result;
use marketplace_tests::addon::{home, home_of, manifest, manifest_with};
use marketplace_tests::service::{Home, Service, run_to_end};
use serde_json::json;

async fn run(home: &Home, without: Option<&str>) -> Result<Output> {
    let mut arguments = home.arguments();
    if let Some(flag) = without.and_then(|flag| arguments.iter().position(|argument| argument == flag)) {
        arguments.drain(flag..flag + 2);
    }
    let arguments = arguments.iter().map(String::as_str);
    run_to_end(&std::iter::once("run").chain(arguments).collect::<Vec<_>>()).await
}

/// It ended with an error, and said in one line, the last one, what each of the words stands for.
fn assert_told(output: &Output, code: i32, words: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.lines().last().unwrap_or_default();
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(words.iter().all(|word| last.contains(word)), "want {words:?} in {told}");
    let ours = told
        .lines()
        .filter(|line| line.starts_with("marketplace-service: "))
        .count();
    assert_eq!((ours, told.contains("panicked")), (1, false), "{told}");
}

#[tokio::test]
async fn names_what_is_wrong_with_a_manifest() -> Result<()> {
    let good = serde_yaml::to_string(&manifest())?;
    for (what, text, words) in [
        ("no YAML", "a: [b".to_owned(), &["addon.yaml", "not valid YAML"][..]),
        (
            "nothing of ours",
            "kind: Pod".to_owned(),
            &["addon.yaml", "no MarketplaceAddon"],
        ),
        (
            "a misspelt field",
            good.replace("publicUrl:", "publicURL:"),
            &["addon.yaml", "publicUrl"],
        ),
        (
            "an unknown field",
            good.replace("  credentials:", "  credentails: {}\n  credentials:"),
            &["addon.yaml", "unknown field: spec.credentails"],
        ),
        (
            "a field of the wrong type",
            good.replace("allowInsecure: true", "allowInsecure: perhaps"),
            &["addon.yaml", "spec.callbacks.allowInsecure"],
        ),
        (
            "a rule not kept",
            good.replace("https://addons", "http://addons"),
            &["addon.yaml", "spec.publicUrl", "must be https://"],
        ),
        (
            "two add-ons",
            format!("{good}---\n{good}"),
            &["addon.yaml", "2 MarketplaceAddons"],
        ),
    ] {
        let home = home()?;
        assert!(text != good, "{what} changes nothing");
        fs::write(home.manifest_path(), text)?;
        assert_told(&run(&home, None).await?, 2, words);
    }
    Ok(())
}

#[tokio::test]
async fn names_the_file_that_is_not_there() -> Result<()> {
    let home = home()?;
    fs::remove_file(home.manifest_path())?;
    assert_told(&run(&home, None).await?, 2, &["addon.yaml", "No such file"]);
    Ok(())
}

#[tokio::test]
async fn names_the_query_that_is_more_than_one_statement() -> Result<()> {
    let query = "select 1 as one; delete from customers";
    let home = home_of(&manifest_with("/spec/endpoints/4/handler/sql/query", json!(query)))?;
    assert_told(
        &run(&home, None).await?,
        2,
        &["endpoint customers", "more than one statement"],
    );
    Ok(())
}

#[tokio::test]
async fn asks_for_a_place_for_recordings_where_an_endpoint_takes_them() -> Result<()> {
    assert_told(&run(&home()?, Some("--data")).await?, 2, &["--data DIR"]);
    Ok(())
}

#[tokio::test]
async fn names_the_folder_of_secrets_that_is_not_there() -> Result<()> {
    let home = home()?;
    fs::remove_dir_all(home.path().join("secrets"))?;
    assert_told(&run(&home, None).await?, 2, &["secrets", "No such file"]);
    Ok(())
}

#[tokio::test]
async fn lets_no_second_service_into_a_data_folder() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let (data, other) = (home.data_path(), home_of(&manifest())?);
    fs::remove_dir(other.data_path())?;
    std::os::unix::fs::symlink(&data, other.data_path())?;
    assert_told(&run(&other, None).await?, 1, &["data", "another process"]);
    drop(service);
    let _taken_over = Service::start(&other).await?;
    Ok(())
}

#[tokio::test]
async fn names_the_address_that_is_in_use() -> Result<()> {
    for admin in [false, true] {
        let home = home()?;
        let address = if admin { home.admin() } else { home.address() };
        let _listener = TcpListener::bind(address)?;
        assert_told(&run(&home, None).await?, 1, &[&address.to_string(), "in use"]);
    }
    Ok(())
}

#[tokio::test]
async fn explains_itself() -> Result<()> {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["invoke", "--help"],
        &["--version"],
    ] {
        let output = run_to_end(arguments).await?;
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}");
    }
    for (arguments, word) in [
        (&["run", "--fiel", "addon.yaml"][..], "--file"),
        (&["invoke", "-f", "addon.yaml"], "--endpoint"),
        (&["serve"], "serve"),
        (&[], "Usage"),
    ] {
        let output = run_to_end(arguments).await?;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(word), "{arguments:?}: {told}");
    }
    Ok(())
}
