//! A rotation and whatever may happen to the Secret on the way, pass by pass: what the pods are given, and what is said.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use marketplace_crds::fingerprint::{self, Fingerprint, Report, TokenRole};

use super::*;
use crate::fake_page::Pages;
use crate::tokens::Pods;

const SECRET: &str = "secrets/switchboard";
const COPY: &str = "secrets/florist-credentials";

impl World {
    /// Writes the Secret as a person or another controller does.
    fn write_secret(&self, values: &[(&str, &str)]) {
        let data: BTreeMap<_, _> = values
            .iter()
            .map(|(key, value)| (*key, ByteString(value.as_bytes().to_vec())))
            .collect();
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": data});
        self.api.kept().objects.insert(SECRET.to_owned(), secret);
    }

    fn write_tokens(&self, primary: &str, secondary: &str) {
        self.write_secret(&[
            ("ACCOUNT_SID", "AC1"),
            ("AUTH_TOKEN", primary),
            ("AUTH_TOKEN_SECONDARY", secondary),
        ]);
    }

    /// The tokens that the pods are given, in the order in which they are tried.
    fn given(&self) -> Vec<String> {
        let copy = self.api.kept().objects.get(COPY).cloned().unwrap_or_default();
        let data: BTreeMap<String, ByteString> = serde_json::from_value(copy["data"].clone()).unwrap_or_default();
        let keys = ["AUTH_TOKEN", "AUTH_TOKEN_SECONDARY", "AUTH_TOKEN_PREVIOUS"];
        let values = keys.iter().filter_map(|key| data.get(*key));
        values
            .map(|value| String::from_utf8_lossy(&value.0).into_owned())
            .collect()
    }

    fn said(&self, kind: &str) -> String {
        let (status, reason, _) = self.condition(kind);
        format!("{status} {reason}")
    }
}

/// An add-on at rest, with one pod that tells what it has loaded.
async fn rotating() -> Result<(World, Pages), Box<dyn std::error::Error>> {
    let mut world = World::new(&Scenario::Fresh, addon());
    let pod = Pages::start().await?;
    let context = Arc::get_mut(&mut world.context).expect("nobody else has it yet");
    context.pods = Pods::new(pod.address().port())?;
    let running = json!({
        "metadata": {"name": "florist-front-0"},
        "status": {"podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    world.api.put("pods/florist-front-0", running);
    world.write_tokens("a", "");
    load(&pod, &[(TokenRole::Primary, "a")]);
    world.pass().await?;
    world.roll_out("florist-front", 2);
    world.pass().await?;
    assert_eq!(world.said("TokensPropagated"), "True Propagated");
    world.api.take_writes();
    world.api.kept().events.clear();
    Ok((world, pod))
}

fn load(pod: &Pages, tokens: &[(TokenRole, &str)]) {
    let report = Report::of(tokens.iter().map(|(role, token)| (*role, Fingerprint::of(token))));
    let page = serde_json::to_string(&report).expect("a report can be written as JSON");
    pod.put(fingerprint::PATH, page);
}

#[tokio::test]
async fn a_rotation_waits_for_the_pods_and_is_told_when_they_have_it() -> Result<(), Box<dyn std::error::Error>> {
    let (mut world, pod) = rotating().await?;
    world.write_tokens("a", "b");
    let action = world.pass().await?;
    assert_eq!(world.given(), ["a", "b"]);
    assert_eq!(world.said("TokensPropagated"), "False Propagating");
    assert_eq!(world.said("Ready"), "True PodsReady", "a rotation is no fault");
    assert_eq!(action, Action::requeue(Duration::from_secs(5)));
    world.api.take_writes();
    world.pass().await?;
    assert_eq!(world.api.take_writes(), [""; 0], "it is written once");

    load(&pod, &[(TokenRole::Primary, "a"), (TokenRole::Secondary, "b")]);
    let action = world.pass().await?;
    assert_eq!(world.said("TokensPropagated"), "True Propagated");
    let message = world.condition("TokensPropagated").2;
    assert!(
        message.contains(&format!("secondary {}", Fingerprint::of("b"))),
        "{message}"
    );
    assert_eq!(world.api.kept().events, ["TokensPropagated"]);
    assert_eq!(action, Action::requeue(Duration::from_secs(30)));

    world.write_tokens("b", "");
    world.pass().await?;
    assert_eq!(world.given(), ["b", "a"], "the old token is good for the overlap");
    load(&pod, &[(TokenRole::Primary, "b"), (TokenRole::Previous, "a")]);
    world.pass().await?;
    assert_eq!(world.said("TokensPropagated"), "True Propagated");
    world.api.take_writes();
    pod.take_asked();
    for _ in 0..3 {
        world.pass().await?;
    }
    assert_eq!(world.api.take_writes(), [""; 0], "at rest during the overlap");
    assert_eq!(pod.take_asked(), [""; 0], "and nobody is asked");
    Ok(())
}

#[tokio::test]
async fn without_an_overlap_a_token_that_is_taken_out_is_revoked() -> Result<(), Box<dyn std::error::Error>> {
    let (mut world, pod) = rotating().await?;
    world.addon.spec.credentials.overlap_seconds = 0;
    world.write_tokens("b", "");
    world.pass().await?;
    assert_eq!(world.given(), ["b"]);
    let message = world.condition("TokensPropagated").2;
    assert!(message.contains("have not loaded the primary token"), "{message}");
    assert!(message.contains("still accept a token that was taken out"), "{message}");
    load(&pod, &[(TokenRole::Primary, "b")]);
    world.pass().await?;
    assert_eq!(world.said("TokensPropagated"), "True Propagated");
    Ok(())
}

#[tokio::test]
async fn whatever_happens_to_the_secret_the_pods_keep_what_was_good() -> Result<(), Box<dyn std::error::Error>> {
    let (mut world, _pod) = rotating().await?;
    let account = ("ACCOUNT_SID", "AC1");
    for (what, values, reason) in [
        ("deleted", None, "SecretMissing"),
        ("made anew, and not filled yet", Some(vec![]), "SecretKeyMissing"),
        ("of other keys", Some(vec![account, ("token", "b")]), "SecretKeyMissing"),
        (
            "of blanks",
            Some(vec![account, ("AUTH_TOKEN", " ")]),
            "SecretValueInvalid",
        ),
        (
            "of a secondary of two lines",
            Some(vec![account, ("AUTH_TOKEN", "a"), ("AUTH_TOKEN_SECONDARY", "b\nc")]),
            "SecretValueInvalid",
        ),
    ] {
        match values {
            Some(values) => world.write_secret(&values),
            None => drop(world.api.kept().objects.remove(SECRET)),
        }
        world.pass().await?;
        assert_eq!(world.said("CredentialsValid"), format!("False {reason}"), "{what}");
        assert_eq!(world.said("TokensPropagated"), "Unknown NotApplied", "{what}");
        assert_eq!(world.given(), ["a"], "{what}");
        world.api.take_writes();
        world.pass().await?;
        assert_eq!(world.api.take_writes(), [""; 0], "{what}");
    }
    world.write_tokens("a", "");
    world.pass().await?;
    assert_eq!(world.said("CredentialsValid"), "True Found");
    assert_eq!(world.said("TokensPropagated"), "True Propagated");
    Ok(())
}

#[tokio::test]
async fn a_secret_that_may_not_be_read_is_said_with_the_value_of_the_chart() -> Result<(), Box<dyn std::error::Error>> {
    let (mut world, _pod) = rotating().await?;
    world.api.kept().refused = Some(("GET secrets/switchboard", 403, "secrets is forbidden"));
    world.pass().await?;
    let (status, reason, message) = world.condition("CredentialsValid");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "SecretForbidden"));
    assert!(message.contains("rbac.secretNames"), "{message}");
    assert_eq!(world.given(), ["a"]);
    Ok(())
}
