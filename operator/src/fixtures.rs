//! The add-on that the tests of this crate change one thing of at a time. Its names differ from every name of the product,
//! so that a swapped label shows.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use marketplace_crds::network::Network;
use marketplace_crds::{MarketplaceAddon, manifest};

use crate::dereference::monitoring::Served;
use crate::dereference::{Facts, Routing, SecretContent, SecretFact, Workload};
use crate::render::{Children, render};
use crate::validate::{Defaults, MonitoringDefaults, ValidatedAddon, validate};

/// A synchronous add-on with one table and one database.
pub fn addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/florist.yaml"))
}

/// An add-on that analyzes recordings, with a volume and an allow list.
pub fn recording_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/harbour.yaml"))
}

/// An add-on that analyzes recordings, with its jobs in Postgres and more than one pod.
pub fn shared_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/ferry.yaml"))
}

/// The same with the audio in a bucket.
pub fn bucket_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/barge.yaml"))
}

/// An add-on behind an ingress, whose endpoints lie under two hosts.
pub fn routed_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/bakery.yaml"))
}

/// An add-on behind a gateway that lives elsewhere, with peers of every kind.
pub fn gateway_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/orchard.yaml"))
}

/// An add-on with a load balancer of its own, an allow list of both families of addresses, and two ports.
pub fn balanced_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/quarry.yaml"))
}

/// The same with the pods that take requests scaled by CPU, and the workers by demand.
pub fn scaled_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/tram.yaml"))
}

/// An add-on that decides everything that may be decided of its pods.
pub fn particular_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/kiosk.yaml"))
}

/// An add-on whose endpoints are answered by partners' code: at a URL and in containers, and by a table in a Secret.
pub fn partner_addon() -> MarketplaceAddon {
    read(include_str!("../fixtures/depot.yaml"))
}

fn read(text: &str) -> MarketplaceAddon {
    let mut addon = manifest::read(text).expect("the fixture is valid");
    addon.metadata.uid = Some("11111111-2222-3333-4444-555555555555".to_owned());
    addon.metadata.generation = Some(3);
    addon
}

/// All Secrets are there; one has a key that nobody named.
pub fn facts() -> Facts {
    let content = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        SecretFact::Found(SecretContent(pairs.collect::<BTreeMap<_, _>>()))
    };
    Facts {
        secrets: BTreeMap::from([
            (
                "switchboard".to_owned(),
                content(&[
                    ("ACCOUNT_SID", "AC1"),
                    ("AUTH_TOKEN", "token"),
                    ("UNRELATED", "private"),
                ]),
            ),
            (
                "ledger".to_owned(),
                content(&[("DATABASE_URL", "sqlite:///srv/ledger.db")]),
            ),
            (
                "courier".to_owned(),
                content(&[("AUTHORIZATION", "Bearer 0123"), ("table.yaml", "{}")]),
            ),
            (
                "crane".to_owned(),
                content(&[("AWS_ACCESS_KEY_ID", "hook"), ("AWS_SECRET_ACCESS_KEY", "chain")]),
            ),
            (
                "seal".to_owned(),
                content(&[("tls.crt", "certificate"), ("tls.key", "key")]),
            ),
        ]),
        workload: Workload {
            routing: Routing::Routes(Some(Vec::new())),
            monitoring: Served::ALL,
            ..Workload::default()
        },
        ..Facts::default()
    }
}

/// What the operator decides where the resource is silent.
pub fn defaults() -> Defaults {
    Defaults {
        image: "registry.example/answering:9".to_owned(),
        speech_image: "registry.example/hearing:9".to_owned(),
        network: Network::default(),
        prometheus: Some("http://gauges.example:9090".to_owned()),
        monitoring: MonitoringDefaults {
            labels: BTreeMap::from([("fleet".to_owned(), "north".to_owned())]),
            ..MonitoringDefaults::default()
        },
        operator: None,
    }
}

/// The add-on, validated.
pub fn valid(addon: &MarketplaceAddon) -> ValidatedAddon {
    validate(addon, &facts(), &defaults()).expect("the fixture is valid")
}

/// The children of the add-on.
pub fn children(addon: &MarketplaceAddon) -> Children {
    render(&valid(addon))
}
