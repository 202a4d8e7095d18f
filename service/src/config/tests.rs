//! What the service makes of a resource, and that it needs nothing but the reduced one.

use std::error::Error;

use marketplace_crds::constant::{Constant, ValueFrom};
use marketplace_crds::exposure::{AllowList, AllowListMode};
use marketplace_crds::paths::{TellApart, whole_path};
use marketplace_crds::{MarketplaceAddon, manifest, reduce};
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::{prop_assert_eq, sample};

use super::{Config, HandlerPlan, ReadConfig};

const ADDON: &str = include_str!("../../../crds/fixtures/call-insights.yaml");

fn addon(text: &str) -> Result<MarketplaceAddon, Box<dyn Error>> {
    Ok(manifest::read(text)?)
}

#[test]
fn reads_every_endpoint_with_its_whole_url() -> Result<(), Box<dyn Error>> {
    let config = Config::from_addon(&addon(ADDON)?)?;
    assert_eq!(config.addon.as_str(), "addons/call-insights");
    let endpoints: Vec<_> = config
        .endpoints
        .iter()
        .map(|endpoint| (endpoint.name.as_str(), endpoint.url.path()))
        .collect();
    let expected = [
        ("recordings", "/insights/transcription"),
        ("sms", "/insights/incoming-sms"),
        ("lookup", "/insights/lookup"),
    ];
    assert_eq!(endpoints, expected);
    assert!(config.has_asynchronous_endpoint());
    assert_eq!(config.secrets.databases, ["crm".to_owned()].into());
    Ok(())
}

#[test]
fn numbers_the_parameters_of_a_query() -> Result<(), Box<dyn Error>> {
    let config = Config::from_addon(&addon(ADDON)?)?;
    let Some(HandlerPlan::Sql(plan)) = config.endpoint("lookup").map(|endpoint| &endpoint.handler) else {
        return Err("lookup is answered by a query".into());
    };
    assert_eq!(
        plan.statement.as_str(),
        "select name as customer_name from customers where phone = ?1"
    );
    assert_eq!((plan.timeout.as_secs(), plan.max_connections), (5, 4));
    Ok(())
}

#[test]
fn refuses_a_query_that_cannot_work_and_names_the_endpoint() -> Result<(), Box<dyn Error>> {
    let read = Config::from_addon(&addon(&ADDON.replace(":phone_number", ":phone"))?);
    assert!(matches!(read, Err(ReadConfig::ReadQuery { endpoint, .. }) if endpoint == "lookup"));
    Ok(())
}

#[test]
fn refuses_endpoints_that_only_their_hosts_tell_apart() -> Result<(), Box<dyn Error>> {
    let own = |public_url: &str| {
        let path = format!("    path: /incoming-sms\n    publicUrl: {public_url}\n");
        ADDON.replace("    path: /lookup\n", &path)
    };
    for base in ["https://old.example.com/insights", "https://old.example.com/insights/"] {
        let read = Config::from_addon(&addon(&own(base))?);
        let expected = ReadConfig::TellApart(TellApart {
            first: "sms".to_owned(),
            second: "lookup".to_owned(),
        });
        assert_eq!(read, Err(expected), "{base}");
    }
    let config = Config::from_addon(&addon(&own("https://old.example.com/v1"))?)?;
    let lookup = config.endpoint("lookup").ok_or("the fixture has it")?;
    assert_eq!(lookup.url.path(), "/v1/incoming-sms");
    // What is compared is what is routed by.
    let addon = addon(&own("https://old.example.com/v1"))?;
    for (read, declared) in config.endpoints.iter().zip(&addon.spec.endpoints) {
        assert_eq!(read.url.path(), whole_path(&addon, declared));
    }
    Ok(())
}

#[test]
fn takes_the_default_namespace_where_none_is_named() -> Result<(), Box<dyn Error>> {
    let config = Config::from_addon(&addon(&ADDON.replace("  namespace: addons\n", ""))?)?;
    assert_eq!(config.addon.as_str(), "default/call-insights");
    Ok(())
}

fn constant() -> Constant {
    Constant {
        name: "query:apikey".to_owned(),
        value: None,
        value_from: Some(ValueFrom {
            secret_name: "keys".to_owned(),
            key: "crm".to_owned(),
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn needs_nothing_but_the_reduced_resource(
        with_sid in any::<bool>(),
        insecure in any::<bool>(),
        with_key in any::<bool>(),
        suspend in any::<bool>(),
        fenced in any::<bool>(),
        floor_seconds in 1..86_400_i32,
        kept in sample::subsequence(vec![0_usize, 1, 2], 1..=3),
    ) {
        let mut whole = addon(ADDON).expect("the fixture is good");
        let endpoints = std::mem::take(&mut whole.spec.endpoints);
        whole.spec.endpoints = kept.into_iter().map(|place| endpoints[place].clone()).collect();
        whole.spec.addon_sid = with_sid.then(|| "XB00000000000000000000000000000000".to_owned());
        whole.spec.callbacks.allow_insecure = insecure;
        whole.spec.suspend = suspend;
        whole.spec.allow_list = fenced.then(|| AllowList {
            mode: AllowListMode::Audit,
            trusted_proxies: Some(vec!["10.0.0.0/8".to_owned()]),
            sources: vec![],
        });
        whole.spec.sla.floor_seconds = floor_seconds;
        whole.spec.endpoints[0].request.constants = with_key.then(|| vec![constant()]);
        let read = Config::from_addon(&whole).expect("the fixture is good");
        prop_assert_eq!(read.secrets.constants.contains_key("keys"), with_key);
        prop_assert_eq!(Config::from_addon(&reduce(&whole)), Config::from_addon(&whole));
    }
}
