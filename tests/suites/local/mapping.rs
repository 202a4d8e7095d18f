//! The publisher's own names: every field from every place that the resource may name, signed by Twilio's own libraries.

use std::fs::File;

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home_of, lookup_endpoint, manifest_of, manifest_with, request_sid, twilio};
use marketplace_tests::canary::Canary;
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service, refused_at_start};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::sms::json_of;

fn multipart(fields: &[(&str, &str)]) -> Payload {
    Payload::Multipart {
        fields: pairs(fields),
        file: None,
        order: FileOrder::Last,
    }
}

async fn error_code(service: &Service<'_>, request: &SignedRequest) -> Result<Value> {
    Ok(json_of(&request.send(service.address()).await?)?["error_code"].clone())
}

#[tokio::test]
async fn finds_the_number_in_every_encoding_wherever_it_is_mapped_to() -> Result<()> {
    let endpoint = |name: &str, encoding: &str, source: &str| {
        lookup_endpoint(
            name,
            &json!({ "encoding": encoding, "fields": { "phoneNumber": source } }),
        )
    };
    let home = home_of(&manifest_of(json!([
        endpoint("get-name", "Query", "e164"),
        endpoint("get-header", "Query", "header:X-My-Number"),
        endpoint("form-name", "Form", "e164"),
        endpoint("form-query", "Form", "query:e164"),
        endpoint("form-header", "Form", "header:X-My-Number"),
        endpoint("json-name", "Json", "e164"),
        endpoint("json-pointer", "Json", "/contact/a~1b/0"),
        endpoint("json-query", "Json", "query:e164"),
        endpoint("json-header", "Json", "header:X-My-Number"),
        endpoint("parts-name", "Multipart", "e164"),
        endpoint("parts-query", "Multipart", "query:e164"),
        endpoint("parts-header", "Multipart", "header:X-My-Number"),
    ])))?;
    let service = Service::start(&home).await?;
    let (named, other) = ([("e164", KNOWN)], [("other", "x")]);
    let nested = json!({ "contact": { "a/b": [KNOWN] } }).to_string();
    for sdk in Sdk::ALL {
        for (path, payload) in [
            ("get-name", Payload::Query(pairs(&named))),
            ("get-header", Payload::Query(pairs(&other))),
            ("form-name?hardcoded_param=STATIC_VALUE", Payload::Form(pairs(&named))),
            ("form-query?e164=%2B14155551212", Payload::Form(pairs(&other))),
            ("form-header", Payload::Form(pairs(&other))),
            (
                "json-name?hardcoded_param=STATIC_VALUE",
                Payload::Json(json!({ "e164": KNOWN }).to_string()),
            ),
            ("json-pointer", Payload::Json(nested.clone())),
            ("json-query?e164=%2B14155551212", Payload::Json("{}".to_owned())),
            ("json-header", Payload::Json("{}".to_owned())),
            ("parts-name?hardcoded_param=STATIC_VALUE", multipart(&named)),
            ("parts-query?e164=%2B14155551212", multipart(&other)),
            ("parts-header", multipart(&other)),
        ] {
            let request = twilio(sdk).request(path, &request_sid(), payload)?;
            let request = if path.ends_with("header") {
                request.with_header("x-my-number", KNOWN)
            } else {
                request
            };
            let answer = json_of(&request.send(service.address()).await?)?;
            assert_eq!(
                answer["results"]["customer_name"], "Ada Lovelace",
                "{sdk:?} {path}: {answer}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn takes_a_request_only_with_the_constants_that_were_registered() -> Result<()> {
    let request = |encoding: &str, constants: Value| json!({ "encoding": encoding, "fields": { "phoneNumber": "phone" }, "constants": constants });
    let both = json!([{ "name": "query:apikey", "value": "k3y" }, { "name": "plan", "value": "gold" }]);
    let home = home_of(&manifest_of(json!([
        lookup_endpoint("get", &request("Query", json!([{ "name": "apikey", "value": "k3y" }]))),
        lookup_endpoint("form", &request("Form", both.clone())),
        lookup_endpoint("json", &request("Json", both)),
    ])))?;
    let service = Service::start(&home).await?;
    let get = |key: &str| Payload::Query(pairs(&[("phone", KNOWN), ("apikey", key)]));
    let form = |plan: &str| Payload::Form(pairs(&[("phone", KNOWN), ("plan", plan)]));
    let json = |plan: &str| Payload::Json(json!({ "phone": KNOWN, "plan": plan }).to_string());
    let mismatch = json!("constant_mismatch");
    for (path, payload, expected) in [
        ("get", get("k3y"), Value::Null),
        ("get", get("other"), mismatch.clone()),
        ("get", Payload::Query(pairs(&[("phone", KNOWN)])), mismatch.clone()),
        ("form?apikey=k3y", form("gold"), Value::Null),
        ("form?apikey=k3y", form("silver"), mismatch.clone()),
        ("form?apikey=other", form("gold"), mismatch.clone()),
        ("form", form("gold"), mismatch.clone()),
        ("json?apikey=k3y", json("gold"), Value::Null),
        ("json?apikey=k3y", json("silver"), mismatch),
    ] {
        let request = twilio(Sdk::Node).request(path, &request_sid(), payload)?;
        assert_eq!(error_code(&service, &request).await?, expected, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn takes_a_constant_from_a_secret_as_the_secret_is_now() -> Result<()> {
    let constants = json!([
        { "name": "query:apikey", "valueFrom": { "secretName": "keys", "key": "crm.key" } },
        { "name": "query:plan", "value": "gold" },
    ]);
    let query = "select :phone_number as customer_name";
    let manifest = manifest_of(json!([{
        "name": "form", "path": "/form", "integration": "IncomingSms",
        "request": { "encoding": "Form", "fields": { "phoneNumber": "phone" }, "constants": constants },
        "handler": { "sql": { "secretName": "crm", "query": query } },
    }]));
    let home = home_of(&manifest)?;
    name_empty_database(&home)?;
    File::create(home.path().join("customers.db"))?;
    let first = Canary::new("a constant", b"c0nstant/of+a=secret");
    let second = Canary::new("another constant", b"4nother-c0nstant");
    home.write_secret("keys", "crm.key", "c0nstant/of+a=secret\n")?;
    let service = Service::start(&home).await?;
    let ask = async |key: &str| {
        let path = format!("form?apikey={key}&plan=gold");
        let request = twilio(Sdk::Node).request(&path, &request_sid(), Payload::Form(pairs(&[("phone", KNOWN)])))?;
        json_of(&request.send(service.address()).await?)
    };
    let (old, new) = ("c0nstant%2Fof%2Ba%3Dsecret", "4nother-c0nstant");
    assert_eq!(
        ask(old).await?["results"]["customer_name"],
        KNOWN,
        "the handler was asked"
    );
    for wrong in [new, "", "c0nstant"] {
        assert_eq!(ask(wrong).await?["error_code"], "constant_mismatch", "{wrong}");
    }
    home.write_secret("keys", "crm.key", "4nother-c0nstant")?;
    until("the new value counts", async || {
        Ok((ask(new).await?["error_code"] == Value::Null).then_some(()))
    })
    .await?;
    assert_eq!(ask(old).await?["error_code"], "constant_mismatch");
    // What is read of it while it is gone is what was read before.
    std::fs::remove_dir_all(home.path().join("secrets/keys"))?;
    until("the loss is told", async || {
        Ok(home.log().contains("failed to find secret keys").then_some(()))
    })
    .await?;
    assert_eq!(ask(new).await?["error_code"], Value::Null);
    let metrics = service.metrics().await?;
    for canary in [first, second] {
        canary.assert_absent("the log", home.log().as_bytes());
        canary.assert_absent("the metrics", metrics.as_bytes());
    }
    Ok(())
}

#[tokio::test]
async fn does_not_start_without_the_value_of_a_constant() -> Result<()> {
    let constants = json!([{ "name": "apikey", "valueFrom": { "secretName": "keys", "key": "crm" } }]);
    let request = json!({ "encoding": "Query", "fields": { "phoneNumber": "phone" }, "constants": constants });
    let home = home_of(&manifest_of(json!([lookup_endpoint("get", &request)])))?;
    for (key, value, words) in [
        (None, "", "failed to find secret keys"),
        (Some("other"), "k3y", "failed to find key crm of secret keys"),
        (Some("crm"), "", "failed to accept key crm of secret keys: it is empty"),
    ] {
        if let Some(key) = key {
            home.write_secret("keys", key, value)?;
        }
        let (code, told) = refused_at_start(&home, &[]).await?;
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(words) && !told.contains("k3y"), "{words}: {told}");
    }
    home.write_secret("keys", "crm", "k3y")?;
    let _service = Service::start(&home).await?;
    Ok(())
}

fn name_empty_database(home: &Home) -> Result<()> {
    let url = format!("sqlite://{}", home.path().join("customers.db").display());
    home.write_secret("crm", "DATABASE_URL", &url)
}

#[tokio::test]
async fn hands_the_parties_and_the_customers_choices_to_a_query() -> Result<()> {
    let query = "select :request_sid as request, :addon_install_sid as install, :configuration_sid as configuration, \
                 :account_sid as account, :config_language as language, :config_tier as tier";
    let mut manifest = manifest_with("/spec/endpoints/4/handler/sql/query", json!(query));
    manifest["spec"]["endpoints"][4]["request"]["configuration"] =
        json!({ "language": "source_language", "tier": "tier" });
    let home = home_of(&manifest)?;
    name_empty_database(&home)?;
    let file = SqliteConnectOptions::new().filename(home.path().join("customers.db"));
    let connection: SqliteConnection = file.create_if_missing(true).connect().await?;
    connection.close().await?;
    let service = Service::start(&home).await?;
    let sid = request_sid();
    let payload = Payload::Query(pairs(&[("phone", KNOWN), ("source_language", "de")]));
    // The accounts that the headers name are not the one of the credentials: nobody promises that they are.
    let answer = twilio(Sdk::Python)
        .request("/customers", &sid, payload)?
        .send(service.address())
        .await?;
    let expected = json!({
        "request": sid,
        "install": "XD0123456789abcdef0123456789abcdef",
        "configuration": "XE0123456789abcdef0123456789abcdef",
        "account": "ACfedcba9876543210fedcba9876543210",
        "language": "de",
        "tier": null,
    });
    assert_eq!(json_of(&answer)?["results"], expected);
    let told = service.metrics().await?;
    for sid in [sid.as_str(), "XD0123", "XE0123", "XC0123", "XB0123", "ACfedc", "AC0123"] {
        assert!(!told.contains(sid), "{sid} is a label of a metric");
    }
    Ok(())
}

#[tokio::test]
async fn serves_two_versions_of_an_addon_under_their_own_urls() -> Result<()> {
    let request = |field: &str| json!({ "encoding": "Query", "fields": { "phoneNumber": field } });
    let mut old = lookup_endpoint("sms-old", &request("number"));
    old["path"] = json!("/sms");
    old["publicUrl"] = json!("https://old.example.com/v1");
    let mut new = lookup_endpoint("sms-new", &request("phone"));
    new["path"] = json!("/sms");
    let home = home_of(&manifest_of(json!([
        old,
        new,
        lookup_endpoint("lookup", &request("phone"))
    ])))?;
    let service = Service::start(&home).await?;
    let at = |base: &str| twilio(Sdk::Node).registered_as(base);
    let (new, old) = ("https://addons.example.com/insights", "https://old.example.com/v1");
    let payload = |field: &str| Payload::Query(pairs(&[(field, KNOWN)]));
    let asked_new = at(new).request("/sms", &request_sid(), payload("phone"))?;
    let asked_old = at(old).request("/sms", &request_sid(), payload("number"))?;
    for request in [&asked_new, &asked_old] {
        assert_eq!(error_code(&service, request).await?, Value::Null, "{}", request.target);
    }
    // What is signed for one version is forged for the other, whatever host it names.
    let query = asked_old
        .target
        .split_once('?')
        .map_or("", |(_, query)| query)
        .to_owned();
    let crossed = asked_old.clone().to(&format!("/insights/sms?{query}"));
    assert_eq!(crossed.send(service.address()).await?.status, 403);
    // Behind a proxy that takes the prefix off nothing but the host could tell them apart; others are still found.
    assert_eq!(
        asked_old
            .to(&format!("/sms?{query}"))
            .send(service.address())
            .await?
            .status,
        403
    );
    let stripped = at(new).request("/lookup", &request_sid(), payload("phone"))?;
    let target = stripped.target.replace("/insights", "");
    assert_eq!(error_code(&service, &stripped.to(&target)).await?, Value::Null);
    Ok(())
}
