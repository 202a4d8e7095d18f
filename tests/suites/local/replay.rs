//! A request is good from its date on, for as long as it says itself, and no longer.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home_of, lookup_endpoint, manifest_of, recording_endpoint, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{File, FileOrder, Payload, Sdk, pairs};
use serde_json::{Value, json};

use super::recording::assert_accepted;
use super::sms::json_of;

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// Seconds since 1970, so many from now. All that is compared is hours away.
#[expect(clippy::disallowed_methods, reason = "the service compares with the wall clock")]
fn from_now(seconds: i64) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok((i64::try_from(now)? + seconds).to_string())
}

#[tokio::test]
async fn refuses_a_request_that_is_old_and_says_so() -> Result<()> {
    let dated = |encoding: &str, date: &str, ttl: &str| {
        let fields = json!({ "phoneNumber": "phone", "date": date, "ttl": ttl });
        json!({ "encoding": encoding, "fields": fields })
    };
    let mut query = lookup_endpoint("query", &dated("Query", "date", "ttl"));
    query["replay"] = json!({});
    let mut json = lookup_endpoint("json", &dated("Json", "/sent/date", "query:ttl"));
    json["replay"] = json!({ "maxAgeSeconds": 2 * HOUR });
    let home = home_of(&manifest_of(json!([query, json])))?;
    let service = Service::start(&home).await?;
    let (now, old, ahead) = (from_now(0)?, from_now(-3 * HOUR)?, from_now(HOUR)?);
    let (hour, day, year) = (HOUR.to_string(), (24 * HOUR).to_string(), YEAR.to_string());
    let millis = format!("{now}000");
    let (expired, invalid) = (json!("request_expired"), json!("request_date_invalid"));
    for (path, date, ttl, expected) in [
        ("query", now.as_str(), hour.as_str(), Value::Null),
        ("query", &millis, &hour, Value::Null),
        ("query", &old, &day, Value::Null),
        ("query", &old, &hour, expired.clone()),
        ("query", &ahead, &hour, invalid.clone()),
        ("query", "", &hour, invalid.clone()),
        ("query", &now, "", invalid.clone()),
        ("query", "yesterday", &hour, invalid.clone()),
        ("json", &now, &hour, Value::Null),
        ("json", &old, &year, expired),
        ("json", "", &hour, invalid),
    ] {
        for sdk in Sdk::ALL {
            let payload = match path {
                "query" => Payload::Query(pairs(&[("phone", KNOWN), ("date", date), ("ttl", ttl)])),
                _ => Payload::Json(json!({ "phone": KNOWN, "sent": { "date": date } }).to_string()),
            };
            let target = if path == "json" {
                format!("json?ttl={ttl}")
            } else {
                path.to_owned()
            };
            let answer = twilio(sdk)
                .request(&target, &request_sid(), payload)?
                .send(service.address())
                .await?;
            assert_eq!(json_of(&answer)?["error_code"], expected, "{sdk:?} {path} {date} {ttl}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_repetition_may_be_dated_anew() -> Result<()> {
    let fields = json!({ "audio": "data", "callback": "to", "date": "date" });
    let mut endpoint = recording_endpoint("recordings", &json!({ "encoding": "Multipart", "fields": fields }));
    endpoint["replay"] = json!({ "maxAgeSeconds": HOUR });
    let home = home_of(&manifest_of(json!([endpoint])))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    let send = async |date: &str| {
        let payload = Payload::Multipart {
            fields: pairs(&[("to", &receiver.url(&sid)), ("date", date)]),
            file: Some(File {
                field: "data".to_owned(),
                bytes: wav_of_bytes(8_000, 1),
            }),
            order: FileOrder::Last,
        };
        twilio(Sdk::Node)
            .request("recordings", &sid, payload)?
            .send(service.address())
            .await
    };
    assert_accepted(&send(&from_now(-60)?).await?);
    receiver.wait_for(&sid).await?;
    assert_accepted(&send(&from_now(0)?).await?);
    assert_eq!(
        json_of(&send(&from_now(-2 * HOUR)?).await?)?["error_code"],
        "request_expired"
    );
    Ok(())
}
