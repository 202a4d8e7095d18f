//! Every verdict and every word has a test that provokes it through a listener: here is which. A row names the function
//! that has the word in it; a word without a row, or a row without its function, fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Outcome;
use crate::admission::Refusal;
use crate::server::reasons;
use crate::server::verdict::Verdict;

/// One way to end, and where it is provoked.
struct Proof {
    verdict: &'static str,
    status: u16,
    words: &'static [&'static str],
    file: &'static str,
    function: &'static str,
}

const fn proof(
    (verdict, status): (&'static str, u16),
    words: &'static [&'static str],
    (file, function): (&'static str, &'static str),
) -> Proof {
    Proof {
        verdict,
        status,
        words,
        file,
        function,
    }
}

const TABLE: &str = "service/src/server/tests/table.rs";
const UNIT: &str = "service/src/server/tests/unavailable.rs";
const BOUNDS: &str = "tests/suites/local/bounds.rs";
const MODES: &str = "tests/suites/local/signature_modes.rs";
const PARTNER: &str = "tests/suites/local/partner.rs";
const RECORDING: &str = "tests/suites/local/mapping_recording.rs";

const ANSWERED: (&str, u16) = ("answered", 200);
const ACCEPTED: (&str, u16) = ("accepted", 202);
const REFUSED: (&str, u16) = ("refused", 200);
const CHALLENGED: (&str, u16) = ("challenged", 401);
const UNVERIFIED: (&str, u16) = ("unverified", 403);
const UNAVAILABLE: (&str, u16) = ("unavailable", 503);

/// A bug has no request that provokes it; that its answer is 503 is a line of `respond`.
const WITHOUT_CAUSE: [&str; 1] = ["panic"];

const PROOFS: &[Proof] = &[
    proof(ANSWERED, &[], (TABLE, "served")),
    proof(ACCEPTED, &[], (TABLE, "served")),
    proof(
        REFUSED,
        &[
            "unknown_endpoint",
            "method_not_accepted",
            "encoding_not_accepted",
            "another_addon",
            "body_unreadable",
            "field_missing",
            "field_ambiguous",
            "callback_not_allowed",
            "audio_missing",
            "audio_ambiguous",
            "audio_too_large",
            "audio_unreadable",
        ],
        (TABLE, "refused"),
    ),
    proof(
        REFUSED,
        &["field_invalid"],
        (RECORDING, "asks_for_a_recording_again_that_did_not_come_whole"),
    ),
    proof(
        REFUSED,
        &["integration_key_not_accepted"],
        (
            RECORDING,
            "repeats_in_the_result_what_kind_it_was_and_what_the_customer_chose",
        ),
    ),
    proof(
        REFUSED,
        &["audio_url_not_allowed"],
        ("tests/suites/local/audio_url.rs", "refuses_a_url_that_is_never_fetched"),
    ),
    proof(
        REFUSED,
        &["constant_mismatch"],
        (
            "tests/suites/local/mapping.rs",
            "takes_a_request_only_with_the_constants_that_were_registered",
        ),
    ),
    proof(
        REFUSED,
        &["request_expired", "request_date_invalid"],
        (
            "tests/suites/local/replay.rs",
            "refuses_a_request_that_is_old_and_says_so",
        ),
    ),
    proof(
        REFUSED,
        &["request_sid_reused"],
        (
            "service/src/server/tests.rs",
            "a_repeated_recording_is_one_job_and_another_under_its_sid_is_refused",
        ),
    ),
    proof(
        REFUSED,
        &["answer_too_large"],
        (UNIT, "an_answer_that_twilio_would_not_take_is_refused"),
    ),
    proof(
        CHALLENGED,
        &[],
        (
            MODES,
            "asks_for_the_password_of_the_endpoint_once_the_signature_is_verified",
        ),
    ),
    proof(
        UNVERIFIED,
        &["head_unreadable", "head_too_large", "headers_too_many"],
        (TABLE, "what_the_http_library_refuses_by_itself_is_403_as_well"),
    ),
    proof(
        UNVERIFIED,
        &[
            "signature_missing",
            "signature_malformed",
            "signature_mismatch",
            "body_hash_missing",
            "body_hash_mismatch",
            "body_compressed",
            "body_too_large",
            "boundary_missing",
            "parts_malformed",
            "parts_too_many",
            "part_head_too_large",
            "text_part_too_large",
            "parameters_too_many",
        ],
        (TABLE, "unverified"),
    ),
    proof(
        UNVERIFIED,
        &["password_wrong"],
        (
            MODES,
            "asks_for_the_password_of_the_endpoint_once_the_signature_is_verified",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["no_password"],
        (
            MODES,
            "asks_for_the_password_of_the_endpoint_once_the_signature_is_verified",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["commission"],
        (
            MODES,
            "tells_what_a_signature_covers_and_executes_nothing_while_commissioning",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["signature_mismatch"],
        (MODES, "asks_twilio_to_repeat_what_a_coming_token_may_verify"),
    ),
    proof(
        UNAVAILABLE,
        &["source_unlisted", "source_unknown"],
        (
            "tests/suites/local/sources.rs",
            "enforces_the_list_and_lets_twilio_try_again_when_the_list_is_wrong",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["displaced"],
        (
            "tests/suites/local/slow.rs",
            "a_request_that_is_sent_at_once_takes_the_place_of_one_that_trickles",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["body_stalled", "body_too_slow"],
        (BOUNDS, "a_sender_that_falls_silent_or_trickles_is_asked_to_come_again"),
    ),
    proof(
        UNAVAILABLE,
        &["body_broken"],
        (
            "tests/suites/local/recording.rs",
            "keeps_nothing_of_an_upload_that_breaks_off",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["over_budget", "queue_full"],
        (BOUNDS, "a_full_quarantine_and_a_full_queue_are_503"),
    ),
    proof(
        UNAVAILABLE,
        &["install_queue_full"],
        ("tests/suites/local/jobs.rs", "one_customer_does_not_fill_the_queue"),
    ),
    proof(
        UNAVAILABLE,
        &["spool_full"],
        (BOUNDS, "a_full_spool_is_503_while_what_it_holds_is_still_delivered"),
    ),
    proof(
        UNAVAILABLE,
        &["answer_timed_out"],
        (BOUNDS, "a_query_has_no_more_time_than_the_answer"),
    ),
    proof(
        UNAVAILABLE,
        &["audio_size_mismatch"],
        (RECORDING, "asks_for_a_recording_again_that_did_not_come_whole"),
    ),
    proof(
        UNAVAILABLE,
        &["no_token"],
        (UNIT, "without_a_token_nothing_can_be_told"),
    ),
    proof(
        UNAVAILABLE,
        &["not_configured"],
        (UNIT, "without_what_answers_nothing_is_answered"),
    ),
    proof(UNAVAILABLE, &["database_url_missing"], (TABLE, "served")),
    proof(
        UNAVAILABLE,
        &["database_url_invalid", "database_failed"],
        (UNIT, "a_database_that_cannot_be_asked"),
    ),
    proof(
        UNAVAILABLE,
        &["busy", "database_timeout"],
        (UNIT, "a_query_without_an_end_holds_its_place_until_its_time_is_over"),
    ),
    proof(
        UNAVAILABLE,
        &["table_missing"],
        (
            "tests/suites/local/table.rs",
            "answers_from_what_the_secret_has_now_and_keeps_the_last_good_table",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["partner_secret_missing"],
        (
            PARTNER,
            "tells_the_partner_who_asks_which_request_it_is_and_how_much_time_there_is",
        ),
    ),
    proof(
        UNAVAILABLE,
        &["partner_timeout", "partner_failed", "partner_answer_invalid"],
        (PARTNER, "what_a_partner_does_badly_is_503_in_a_word_of_ours"),
    ),
    proof(
        UNAVAILABLE,
        &["partner_broke_off", "partner_unreachable", "partner_left_alone"],
        (PARTNER, "a_partner_that_is_gone_is_left_alone_and_found_again"),
    ),
    proof(
        UNAVAILABLE,
        &["partner_not_allowed"],
        (PARTNER, "a_url_that_leads_to_a_private_address_is_not_called"),
    ),
    proof(UNAVAILABLE, &["disk"], (UNIT, "a_disk_that_takes_no_upload")),
    proof(UNAVAILABLE, &["spool_failed"], (UNIT, "a_disk_that_keeps_no_recording")),
    proof(
        UNAVAILABLE,
        &["audio_unavailable"],
        (UNIT, "an_upload_that_is_lost_before_it_is_looked_at"),
    ),
    proof(UNAVAILABLE, &["queue_failed"], (UNIT, "a_queue_that_takes_no_job")),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a function that stands at the left margin.
fn body<'a>(source: &'a str, function: &str) -> Option<&'a str> {
    let start = source.find(&format!("fn {function}("))?;
    let rest = &source[start..];
    rest.find("\n}\n").map(|end| &rest[..end])
}

#[test]
fn every_row_names_a_test_that_provokes_it() -> Outcome {
    for proof in PROOFS {
        let Proof {
            verdict: _,
            status: _,
            words,
            file,
            function,
        } = proof;
        let source = fs::read_to_string(repository().join(file))?;
        let body = body(&source, function).ok_or_else(|| format!("{file} has no {function}"))?;
        for word in *words {
            assert!(body.contains(word), "{function} of {file} does not speak of {word}");
        }
    }
    Ok(())
}

#[test]
fn every_verdict_and_every_word_has_a_row() {
    let verdicts: BTreeSet<_> = PROOFS.iter().map(|proof| proof.verdict).collect();
    assert_eq!(verdicts, Verdict::LABELS.into());
    let words = PROOFS.iter().flat_map(|proof| proof.words).chain(&WITHOUT_CAUSE);
    let words: BTreeSet<_> = words.copied().collect();
    assert_eq!(words, reasons::all().into_iter().collect());
}

#[test]
fn every_row_has_the_status_that_is_answered() {
    for Proof { verdict, status, .. } in PROOFS {
        let verdict = match *verdict {
            "answered" => Verdict::Answered("{}".to_owned()),
            "accepted" => Verdict::Accepted,
            "refused" => Verdict::Refused(Refusal::UnknownEndpoint),
            "challenged" => Verdict::Challenged,
            "unverified" => Verdict::Unverified("signature_missing"),
            _ => Verdict::Unavailable("no_token"),
        };
        assert_eq!(verdict.clone().into_response().status(), *status, "{verdict:?}");
    }
}

#[test]
fn every_word_is_listed_once() {
    let (mut words, all) = (reasons::all(), reasons::all().len());
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), all);
}

/// Words are written where they are decided; this is what keeps the list closed.
#[test]
fn no_word_is_written_that_is_not_listed() -> Outcome {
    let listed = reasons::all();
    let mut folders = vec![repository().join("service/src")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir()? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path)?;
            for written in ["Unverified(\"", "Unavailable(\"", "ReadParts(\""] {
                for piece in source.split(written).skip(1) {
                    let word = piece.split('"').next().unwrap_or_default();
                    seen += 1;
                    assert!(listed.contains(&word), "{word} of {} is not listed", path.display());
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} words were found");
    Ok(())
}
