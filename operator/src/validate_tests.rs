//! What is refused, in which words, and what is copied of the Secrets.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use marketplace_crds::constant::{Constant, ValueFrom};
use marketplace_crds::credentials::{AUTH_TOKEN, AUTH_TOKEN_SECONDARY};
use marketplace_crds::paths::whole_path;
use marketplace_crds::signature::{BasicAuth, PASSWORD, USERNAME};

use super::*;
use crate::dereference::{self, SecretFact};
use crate::fixtures::{addon, defaults, facts};

fn reasons(addon: &MarketplaceAddon, facts: &Facts) -> Vec<String> {
    let refused = validate(addon, facts, &defaults()).err().unwrap_or_default();
    refused
        .iter()
        .map(|refusal| format!("{}: {refusal}", refusal.category()))
        .collect()
}

#[test]
fn copies_the_named_keys_and_no_other() {
    let valid = validate(&addon(), &facts(), &defaults()).expect("the fixture is valid");
    let keys: Vec<_> = valid.credentials.0.keys().map(String::as_str).collect();
    assert_eq!(keys, ["ACCOUNT_SID", "AUTH_TOKEN"]);
    assert_eq!(valid.mounted_secrets, BTreeSet::from(["ledger".to_owned()]));
}

#[test]
fn the_secret_with_the_password_of_an_endpoint_is_mounted_once_it_has_both_keys() {
    let (mut addon, mut facts) = (addon(), facts());
    addon.spec.endpoints[0].basic_auth = Some(BasicAuth {
        secret_name: "doorbell".to_owned(),
    });
    assert_eq!(
        reasons(&addon, &facts),
        [
            "SecretMissing: Secret doorbell does not exist: create it in the namespace of the add-on with the keys username and password"
        ]
    );
    let keys = [(USERNAME, "twilio"), (PASSWORD, "word")];
    let content = keys.map(|(key, value)| (key.to_owned(), ByteString(value.as_bytes().to_vec())));
    let content = SecretFact::Found(SecretContent(content.into()));
    facts.secrets.insert("doorbell".to_owned(), content);
    let valid = validate(&addon, &facts, &defaults()).expect("all Secrets are there");
    let mounted = ["doorbell".to_owned(), "ledger".to_owned()];
    assert_eq!(valid.mounted_secrets, BTreeSet::from(mounted));
}

#[test]
fn a_secret_with_constants_is_mounted_once_it_has_every_key_that_is_named() {
    let (mut addon, mut facts) = (addon(), facts());
    let constant = |name: &str, key: &str| Constant {
        name: name.to_owned(),
        value: None,
        value_from: Some(ValueFrom {
            secret_name: "keyring".to_owned(),
            key: key.to_owned(),
        }),
    };
    let constants = vec![constant("query:apikey", "crm"), constant("query:plan", "plan.txt")];
    addon.spec.endpoints[0].request.constants = Some(constants);
    assert_eq!(
        reasons(&addon, &facts),
        [
            "SecretMissing: Secret keyring does not exist: create it in the namespace of the add-on with the keys crm and plan.txt"
        ]
    );
    let mut hold = |keys: &[(&str, &str)]| {
        let content = keys.iter();
        let content = content.map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        let content = SecretFact::Found(SecretContent(content.collect()));
        facts.secrets.insert("keyring".to_owned(), content);
        (reasons(&addon, &facts), validate(&addon, &facts, &defaults()).ok())
    };
    assert_eq!(
        hold(&[("crm", "k3y"), ("plan.txt", "")]).0,
        ["SecretKeyMissing: Secret keyring has no value under the key plan.txt: add it"]
    );
    let valid = hold(&[("crm", "k3y"), ("plan.txt", "gold")]).1;
    let valid = valid.expect("all Secrets are there");
    let mounted = ["keyring".to_owned(), "ledger".to_owned()];
    assert_eq!(valid.mounted_secrets, BTreeSet::from(mounted));
    assert!(!valid.manifest.contains("k3y"));
    assert!(dereference::secrets::named_by(&addon).contains("keyring"));
}

#[test]
fn the_secondary_token_is_copied_when_there_is_one() {
    let mut facts = facts();
    if let Some(SecretFact::Found(content)) = facts.secrets.get_mut("switchboard") {
        content
            .0
            .insert(AUTH_TOKEN_SECONDARY.to_owned(), ByteString(b"next".to_vec()));
    }
    let valid = validate(&addon(), &facts, &defaults()).expect("the fixture is valid");
    assert!(valid.credentials.0.contains_key(AUTH_TOKEN_SECONDARY));
}

#[test]
fn a_missing_secret_is_named_with_the_keys_that_it_needs() {
    let mut facts = facts();
    facts.secrets.insert("switchboard".to_owned(), SecretFact::Absent);
    facts.secrets.insert(
        "ledger".to_owned(),
        SecretFact::Forbidden("secrets is forbidden".to_owned()),
    );
    assert_eq!(
        reasons(&addon(), &facts),
        [
            "SecretMissing: Secret switchboard does not exist: create it in the namespace of the add-on with the keys ACCOUNT_SID and AUTH_TOKEN",
            "SecretForbidden: the operator may not read Secret ledger: secrets is forbidden; allow it to get the Secret (values rbac.secretNames of its chart)",
        ]
    );
}

#[test]
fn a_missing_or_empty_key_is_named() {
    let mut facts = facts();
    let content = BTreeMap::from([(AUTH_TOKEN.to_owned(), ByteString(Vec::new()))]);
    facts
        .secrets
        .insert("switchboard".to_owned(), SecretFact::Found(SecretContent(content)));
    assert_eq!(
        reasons(&addon(), &facts),
        [
            "SecretKeyMissing: Secret switchboard has no value under the key ACCOUNT_SID: add it",
            "SecretKeyMissing: Secret switchboard has no value under the key AUTH_TOKEN: add it",
        ]
    );
}

#[test]
fn a_value_that_the_service_would_not_read_is_named_and_never_shown() {
    let said = |key: &str, value: &[u8]| {
        let mut facts = facts();
        if let Some(SecretFact::Found(content)) = facts.secrets.get_mut("switchboard") {
            content.0.insert(key.to_owned(), ByteString(value.to_vec()));
        }
        reasons(&addon(), &facts).join(" and ")
    };
    let told = |key: &str, what: &str| {
        format!(
            "SecretValueInvalid: the value under the key {key} of Secret switchboard is {what}: write one line of text without blanks around it"
        )
    };
    for (key, value, what) in [
        (AUTH_TOKEN, &b"\n"[..], "empty"),
        (AUTH_TOKEN, b"  ", "surrounded by blanks"),
        (AUTH_TOKEN, b"token ", "surrounded by blanks"),
        (AUTH_TOKEN, b"token\n\n", "more than one line"),
        (AUTH_TOKEN, b"\xff\xfe", "not text"),
        ("ACCOUNT_SID", b"\tAC1", "more than one line"),
        (AUTH_TOKEN_SECONDARY, b"\n", "empty"),
        (AUTH_TOKEN_SECONDARY, b"next\nnext", "more than one line"),
    ] {
        assert_eq!(said(key, value), told(key, what), "{value:?}");
    }
    for (key, value) in [(AUTH_TOKEN, &b"token\r\n"[..]), (AUTH_TOKEN_SECONDARY, b"")] {
        assert_eq!(said(key, value), "", "{value:?}");
    }
}

#[test]
fn what_is_copied_is_what_the_service_reads() {
    let mut facts = facts();
    if let Some(SecretFact::Found(content)) = facts.secrets.get_mut("switchboard") {
        let line = || ByteString(b"token\n".to_vec());
        content
            .0
            .extend([AUTH_TOKEN, AUTH_TOKEN_SECONDARY].map(|key| (key.to_owned(), line())));
    }
    let valid = validate(&addon(), &facts, &defaults()).expect("the fixture is valid");
    assert_eq!(valid.credentials.0[AUTH_TOKEN], ByteString(b"token".to_vec()));
    assert!(
        !valid.credentials.0.contains_key(AUTH_TOKEN_SECONDARY),
        "it repeats the primary"
    );
}

#[test]
fn two_endpoints_behind_one_path_are_refused_before_a_pod_is_made_that_cannot_start() {
    let mut addon = addon();
    let mut second = addon.spec.endpoints[0].clone();
    second.name = "second".to_owned();
    second.path = whole_path(&addon, &addon.spec.endpoints[0]);
    second.public_url = Some("https://old.example.com".to_owned());
    addon.spec.endpoints.push(second);
    let reasons = reasons(&addon, &facts());
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(
        reasons[0].starts_with("InvalidSpec: failed to tell endpoint ") && reasons[0].contains("from second"),
        "{reasons:?}"
    );
}

#[test]
fn an_object_that_is_older_than_a_rule_is_refused_by_the_rule() {
    let mut addon = addon();
    addon.spec.endpoints[0].path = "no-slash".to_owned();
    let reasons = reasons(&addon, &facts());
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(
        reasons[0].starts_with("InvalidSpec: spec.endpoints[0].path: path must start with '/'"),
        "{reasons:?}"
    );
}
