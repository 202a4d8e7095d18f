//! What counts as said, and what the result says of it.

use std::error::Error;

use serde_json::json;

use super::*;
use crate::analysis::tests::transcript;

fn plan(settings: serde_json::Value) -> Result<IntentPlan, Box<dyn Error>> {
    Ok(IntentPlan::read(&serde_json::from_value(settings)?)?)
}

fn shop() -> Result<IntentPlan, Box<dyn Error>> {
    plan(json!({"intents": [
        {"name": "cancel", "phrases": ["cancel my subscription", "I want to close my account"]},
        {"name": "refund", "phrases": ["I want my money back", "get a refund"], "patterns": ["(?i)\\brefund(ed|s)?\\b"]},
        {"name": "delivery", "phrases": ["where is my order", "my package has not arrived"]},
    ]}))
}

fn found(plan: &IntentPlan, said: &[(u16, &str)]) -> IntentReport {
    let transcript = transcript(said);
    let spoken = Spoken::new(&transcript);
    IntentReport {
        threshold: plan.threshold,
        detected: Vec::new(),
        intents: plan
            .intents
            .iter()
            .map(|intent| plan.find(intent, &transcript, &spoken))
            .collect(),
    }
}

fn detected(report: &IntentReport) -> Vec<&str> {
    report
        .intents
        .iter()
        .filter(|intent| intent.detected)
        .map(|intent| intent.name.as_str())
        .collect()
}

type Tested = Result<(), Box<dyn Error>>;

#[test]
fn what_is_said_in_other_words_is_found() -> Tested {
    let shop = shop()?;
    for (said, expected) in [
        ("I'd like to cancel my subscription please", &["cancel"][..]),
        ("I'm calling about cancelling a subscription", &["cancel"]),
        ("can you close the account for me", &["cancel"]),
        ("I just want my money back", &["refund"]),
        ("I would like to be refunded", &["refund"]),
        ("where's the order", &["delivery"]),
        ("where is the order that I made", &["delivery"]),
        ("the package still has not arrived", &["delivery"]),
        ("cancel the subscription and refund me", &["cancel", "refund"]),
        ("the weather is nice", &[]),
        ("my subscription is great", &[]),
        ("", &[]),
    ] {
        let report = found(&shop, &[(1, said)]);
        assert_eq!(detected(&report), expected, "{said}: {report:#?}");
    }
    Ok(())
}

#[test]
fn the_result_says_why() -> Tested {
    let report = found(
        &shop()?,
        &[
            (2, "hello"),
            (1, "so I would like to"),
            (2, "yes"),
            (1, "cancel my subscription today"),
        ],
    );
    let cancel = &report.intents[0];
    assert_eq!((cancel.detected, cancel.score, cancel.count), (true, 1.0, 1));
    let evidence = &cancel.evidence[0];
    assert_eq!(evidence.method, IntentMethod::Phrase);
    assert_eq!((evidence.channel, evidence.segments), (1, [3, 3]));
    assert_eq!((evidence.start_seconds, evidence.end_seconds), (6.0, 8.0));
    assert_eq!(evidence.text, "cancel my subscription");
    assert_eq!(evidence.phrase.as_deref(), Some("cancel my subscription"));
    assert_eq!(evidence.matched_words, ["cancel", "my", "subscript"]);
    Ok(())
}

#[test]
fn a_phrase_may_go_on_in_the_next_segment_of_its_speaker() -> Tested {
    let report = found(
        &shop()?,
        &[(1, "I want to cancel"), (2, "okay what"), (1, "my subscription")],
    );
    let evidence = &report.intents[0].evidence[0];
    assert_eq!(
        (evidence.text.as_str(), evidence.segments),
        ("cancel my subscription", [0, 2])
    );
    let apart = found(&shop()?, &[(1, "cancel"), (2, "my subscription")]);
    assert!(!apart.intents[0].detected, "of two speakers nobody said it");
    Ok(())
}

#[test]
fn each_time_counts_and_overlaps_do_not() -> Tested {
    let report = found(
        &shop()?,
        &[
            (1, "refund me, I want a refund"),
            (1, "nothing"),
            (2, "a refund you shall get"),
        ],
    );
    let refund = &report.intents[1];
    assert_eq!((refund.count, refund.score), (2, 1.0), "{refund:#?}");
    assert_eq!(refund.evidence[0].method, IntentMethod::Pattern);
    assert_eq!(refund.evidence[0].text, "refund");
    Ok(())
}

#[test]
fn rare_words_count_more_than_those_of_many_phrases() -> Tested {
    let plan = plan(json!({"thresholdPercent": 50, "intents": [
        {"name": "upgrade", "phrases": ["upgrade plan"]},
        {"name": "cancel", "phrases": ["cancel plan"]},
        {"name": "change", "phrases": ["change plan"]},
    ]}))?;
    assert_eq!(
        detected(&found(&plan, &[(1, "the plan")])),
        [""; 0],
        "the word of all phrases tells nothing"
    );
    assert_eq!(detected(&found(&plan, &[(1, "upgrade it")])), ["upgrade"]);
    Ok(())
}

#[test]
fn below_the_threshold_the_best_is_told_and_nothing_is_detected() -> Tested {
    let report = found(&shop()?, &[(1, "my subscription is nice")]);
    let cancel = &report.intents[0];
    assert_eq!((cancel.detected, cancel.count, cancel.evidence.len()), (false, 0, 1));
    assert!(cancel.score > 0.0 && cancel.score < report.threshold, "{cancel:?}");
    Ok(())
}

#[test]
fn a_pattern_that_cannot_be_compiled_names_its_intent() {
    let refused = plan(json!({"intents": [{"name": "cancel", "patterns": ["("]}]}));
    let message = refused.map_err(|error| error.to_string());
    assert_eq!(
        message,
        Err("failed to read the pattern of cancel: unclosed group".to_owned())
    );
}
