//! Passes against a mock API server and pods that tell what they have loaded: what a rotation shows, and what is asked at rest.

use std::net::Ipv4Addr;

use marketplace_crds::fingerprint::{Fingerprint, TokenRole};
use serde_json::{Value, json};

use super::*;
use crate::fake_api::FakeApi;
use crate::fake_page::{Pages, install_tls};
use crate::fixtures::{addon, valid};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// An add-on of two pods in a cluster.
struct World {
    api: FakeApi,
    pods: [Pages; 2],
    asker: Pods,
    valid: ValidatedAddon,
    workload: Workload,
}

fn told(tokens: &[(TokenRole, &str)]) -> String {
    let tokens = tokens.iter().map(|(role, token)| (*role, Fingerprint::of(token)));
    serde_json::to_string(&Report::of(tokens)).expect("a report can be written as JSON")
}

fn pod(address: IpAddr, number: usize) -> Value {
    json!({
        "metadata": {"name": format!("florist-front-{number}"), "uid": number.to_string()},
        "status": {"podIP": address.to_string(), "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

impl World {
    async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        install_tls();
        let api = FakeApi::default();
        let first = Pages::start().await?;
        let second = first.beside(Ipv4Addr::new(127, 0, 0, 2).into()).await?;
        let asker = Pods::new(first.address().port())?;
        let pods = [first, second];
        for (number, pages) in pods.iter().enumerate() {
            api.put(
                &format!("pods/florist-front-{number}"),
                pod(pages.address().ip(), number),
            );
            pages.put(fingerprint::PATH, told(&[(TokenRole::Primary, "token")]));
        }
        Ok(Self {
            api,
            pods,
            asker,
            valid: valid(&addon()),
            workload: Workload::default(),
        })
    }

    /// What a pass finds, and how many pods it asked.
    async fn look(&self) -> (Tokens, usize) {
        let client = self.api.client();
        let found = self.asker.tokens(&client, &self.valid, &self.workload, NOW).await;
        let asked = self.pods.iter().map(|pages| pages.take_asked().len()).sum();
        (found, asked)
    }

    fn want_secondary(&mut self) {
        let next = k8s_openapi::ByteString(b"next".to_vec());
        self.valid.credentials.0.insert("AUTH_TOKEN_SECONDARY".to_owned(), next);
    }
}

fn is_complete(found: &Tokens) -> bool {
    matches!(found.propagation, Propagation::Complete { .. })
}

#[tokio::test]
async fn pods_are_asked_until_all_have_the_tokens_and_then_no_more() -> Outcome {
    let mut world = World::new().await?;
    let (found, asked) = world.look().await;
    assert!(is_complete(&found) && asked == 2, "{found:?}");
    assert_eq!(world.look().await, (found, 0), "at rest nobody is asked");

    world.want_secondary();
    let both = told(&[(TokenRole::Primary, "token"), (TokenRole::Secondary, "next")]);
    world.pods[0].put(fingerprint::PATH, both.clone());
    for _ in 0..2 {
        let (found, asked) = world.look().await;
        let lacking = Propagation::Lacking {
            pods: 2,
            lacking: [(TokenRole::Secondary, 1)].into(),
            surplus: 0,
        };
        assert_eq!((found.propagation, asked), (lacking, 2));
        assert_eq!(found.again, Some(LACKING_PAUSE));
    }
    world.pods[1].put(fingerprint::PATH, both);
    let (found, _) = world.look().await;
    assert!(is_complete(&found) && found.again.is_none(), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn another_version_of_a_deployment_is_reason_enough_to_ask_again() -> Outcome {
    let mut world = World::new().await?;
    world.look().await;
    let deployment = json!({"metadata": {"resourceVersion": "7"}, "spec": {"selector": {}, "template": {}}});
    world.workload.front.deployment = serde_json::from_value(deployment)?;
    assert_eq!(world.look().await.1, 2);
    assert_eq!(world.look().await.1, 0);
    world.asker.forget(&("shop".to_owned(), "florist".to_owned()));
    assert_eq!(world.look().await.1, 2);
    Ok(())
}

#[tokio::test]
async fn pods_that_are_not_ready_or_about_to_end_are_not_asked() -> Outcome {
    let world = World::new().await?;
    let mut leaving = pod(world.pods[0].address().ip(), 0);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-11-21T12:00:00Z");
    world.api.put("pods/florist-front-0", leaving);
    let mut starting = pod(world.pods[1].address().ip(), 1);
    starting["status"]["conditions"][0]["status"] = json!("False");
    world.api.put("pods/florist-front-1", starting);
    let (found, asked) = world.look().await;
    assert_eq!((found.propagation, asked), (Propagation::NoneReady, 0));
    Ok(())
}

#[tokio::test]
async fn a_pod_that_does_not_answer_is_said_and_asked_seldom() -> Outcome {
    let world = World::new().await?;
    world.pods[1].put(fingerprint::PATH, "<html>");
    let (found, asked) = world.look().await;
    let silent = Propagation::Silent {
        pods: 2,
        silent: 1,
        why: "failed to understand the answer".to_owned(),
    };
    assert_eq!((found.propagation, asked), (silent, 2));
    assert_eq!(found.again, Some(SILENT_PAUSE));
    assert_eq!(world.look().await.1, 0, "each costs a pass its time");
    Ok(())
}

#[tokio::test]
async fn pods_that_cannot_be_listed_are_no_failure_of_the_pass() -> Outcome {
    let world = World::new().await?;
    world.api.kept().refused = Some(("GET pods", 403, "pods is forbidden"));
    let (found, _) = world.look().await;
    assert_eq!(found.propagation, Propagation::Unlisted("pods is forbidden".to_owned()));
    Ok(())
}

#[tokio::test]
async fn the_end_of_an_overlap_is_waited_for() -> Outcome {
    let mut world = World::new().await?;
    world.valid.previous_until = Some(Timestamp::from_second(90)?);
    assert_eq!(world.look().await.0.again, Some(Duration::from_secs(91)));
    Ok(())
}
