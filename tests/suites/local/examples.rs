//! What the files of `examples` say of a try without a cluster is so. In a cluster all of them run: see `cluster::examples`.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home_of};
use marketplace_tests::cluster::top;
use marketplace_tests::examples::{example, names};
use marketplace_tests::partner::{Example, Running};
use marketplace_tests::service::Service;
use serde_json::json;

use super::invoke::{assert_printed, invoke};

#[test]
fn each_file_has_a_test_in_a_cluster() -> Result<()> {
    let suite = std::fs::read_to_string(top().join("tests/suites/cluster/examples.rs"))?;
    let suite = suite.split_whitespace().collect::<String>();
    for name in names()? {
        assert!(suite.contains(&format!("example(\"{name}\"")), "nothing runs {name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_message_is_answered() -> Result<()> {
    let home = home_of(&example("incoming-sms", &[])?)?;
    let _service = Service::start(&home).await?;
    let output = invoke(&home, &["--endpoint", "sms", "--field", &format!("phone={KNOWN}")]).await?;
    assert_printed(&output, 0, &["200", "Ada Lovelace", "all was well"]);
    Ok(())
}

#[tokio::test]
async fn a_recording_is_measured() -> Result<()> {
    let home = home_of(&example("recording-analysis", &[])?)?;
    let _service = Service::start(&home).await?;
    let audio = top().join("examples/recording.wav").to_string_lossy().into_owned();
    let output = invoke(&home, &["--endpoint", "recordings", "--audio", &audio]).await?;
    assert_printed(&output, 0, &["202", "\"duration_seconds\"", "all was well"]);
    Ok(())
}

#[tokio::test]
async fn a_partners_code_on_this_machine_answers() -> Result<()> {
    let partner = Running::start(Example::Node).await?;
    let resource = example(
        "http",
        &[
            ("/spec/endpoints/0/handler/http/url", json!(partner.url())),
            ("/spec/endpoints/0/handler/http/allowInsecure", json!(true)),
        ],
    )?;
    let home = home_of(&resource)?;
    home.write_secret("partner", "AUTHORIZATION", "Bearer 0123")?;
    let _service = Service::start(&home).await?;
    let output = invoke(&home, &["--endpoint", "calls", "--field", "from=(415) 555-1212"]).await?;
    assert_printed(&output, 0, &["200", &format!("Hello {KNOWN}"), "all was well"]);
    Ok(())
}
