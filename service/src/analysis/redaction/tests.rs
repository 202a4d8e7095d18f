//! What is taken out, and what is left.

use serde_json::json;

use super::*;
use crate::analysis::tests::transcript;

mod sentences;

fn all() -> RedactionPlan {
    RedactionPlan::read(&Redaction::default()).unwrap_or_default()
}

/// What is left of what was said, a segment each.
fn left(plan: &RedactionPlan, said: &[(u16, &str)]) -> (Vec<String>, RedactionReport) {
    let mut transcript = transcript(said);
    let report = plan.redact(Some(&mut transcript), &mut Vec::new());
    (
        transcript.segments.into_iter().map(|segment| segment.text).collect(),
        report,
    )
}

fn check(cases: &[(&str, &str)]) {
    for (said, expected) in cases {
        let (left, _) = left(&all(), &[(1, said)]);
        assert_eq!(left, [*expected], "{said}");
    }
}

#[test]
fn card_numbers_go_however_they_are_written_or_spoken() {
    check(&[
        ("it is 4111111111111111 thanks", "it is [CardNumber] thanks"),
        ("it is 4111 1111 1111 1111, thanks", "it is [CardNumber], thanks"),
        ("it is 4111-1111-1111-1111.", "it is [CardNumber]."),
        ("amex 3782 822463 10005", "amex [CardNumber]"),
        (
            "four one one one one one one one one one one one one one one one",
            "[CardNumber]",
        ),
        (
            "Four, one, one, one. One one one one, one one one one, one one one one!",
            "[CardNumber]!",
        ),
        (
            "forty one eleven eleven eleven eleven eleven eleven eleven ok",
            "[CardNumber] ok",
        ),
        (
            "forty-one eleven 1111 double one double one one triple one",
            "[CardNumber]",
        ),
        (
            "five five double five double five five five double five double five double four double four",
            "[CardNumber]",
        ),
        ("4111 um 1111 uh 1111 then 1111", "[CardNumber]"),
        (
            "the first four are 4111 the next four 1111 the next four 1111 and the last four 1111",
            "the first four are [CardNumber]",
        ),
        ("4111 1111 hang on let me see 1111 1111", "[CardNumber]"),
        (
            "forty one hundred, three thousand, twelve hundred fifty six, seventy eight oh one",
            "[CardNumber]",
        ),
    ]);
}

#[test]
fn other_numbers_stay() {
    for said in [
        "call me at 415 555 1212 please",
        "my order 12345 is 3 days late",
        "it costs $4111 and 11 cents for 11 people since 1111",
        "order number 4111 1111 1111 1112",
        "on the twenty fourth of june two thousand and nineteen at ten thirty",
        "one two three testing",
        "zip code 94103, apartment 12, 1600 Pennsylvania Avenue",
    ] {
        assert_eq!(left(&all(), &[(1, said)]).0, [said]);
    }
}

#[test]
fn a_card_that_was_misheard_goes_by_the_word_for_it() {
    check(&[
        (
            "my card number is 4111 1111 1111 1112",
            "my card number is [CardNumber]",
        ),
        (
            "my cart number is 4880 0596 0898 0592 and the car number 4429, 3357, 80078, 9918",
            "my cart number is [CardNumber] and the car number [CardNumber]",
        ),
        (
            "the visa is four one one one one one one one one one one one one one one two",
            "the visa is [CardNumber]",
        ),
    ]);
}

#[test]
fn a_number_goes_on_in_the_next_segment_whatever_others_say() {
    let (left, report) = left(
        &all(),
        &[
            (2, "what is your card number"),
            (1, "sure it's 4111 1111"),
            (2, "okay 2 more"),
            (1, "one one one one um"),
            (2, "go on"),
            (1, "1111 that's it"),
        ],
    );
    assert_eq!(
        left,
        [
            "what is your card number",
            "sure it's [CardNumber]",
            "okay 2 more",
            "[CardNumber]",
            "go on",
            "[CardNumber] that's it"
        ]
    );
    let span = RedactedSpan {
        entity: "CardNumber".to_owned(),
        source: RedactedSource::Transcript,
        channel: 1,
        segments: Some([1, 5]),
        start_seconds: 2.0,
        end_seconds: 12.0,
    };
    assert_eq!(report.spans, [span]);
    assert_eq!(report.counts, [("CardNumber".to_owned(), 1)].into());
}

#[test]
fn words_say_what_a_short_number_is() {
    check(&[
        ("the security code is 123", "the security code is [CardCode]"),
        ("cvv one two three", "cvv [CardCode]"),
        ("123 is the code on the back", "[CardCode] is the code on the back"),
        ("it expires 12/26", "it expires [CardExpiry]"),
        (
            "expiration date december twenty twenty six",
            "expiration date [CardExpiry]",
        ),
        ("valid thru oh one twenty eight", "valid thru [CardExpiry]"),
        ("my social is 123-45-6789", "my social is [SocialSecurityNumber]"),
        ("123-45-6789", "[SocialSecurityNumber]"),
        (
            "social security number one two three four five six seven eight nine",
            "social security number [SocialSecurityNumber]",
        ),
        (
            "the last four of your social 6789",
            "the last four of your social [SocialSecurityNumber]",
        ),
        ("my account number is 12345678", "my account number is [AccountNumber]"),
        ("routing number 021000021", "routing number [AccountNumber]"),
        ("666-45-6789 and 000-12-3456", "666-45-6789 and 000-12-3456"),
        ("4111 1111 1111 1111 12 26 123", "[CardNumber] [CardExpiry]"),
        (
            "4111 1111 1111 1111, expiring 12/26, code 123",
            "[CardNumber], expiring [CardExpiry], code [CardCode]",
        ),
    ]);
}

#[test]
fn a_question_gives_its_answer_a_meaning() {
    let (left, _) = left(
        &all(),
        &[
            (2, "and the three digits on the back?"),
            (1, "nine oh seven"),
            (2, "expiry?"),
            (1, "oh four twenty nine"),
        ],
    );
    assert_eq!(
        left,
        [
            "and the three digits on the back?",
            "[CardCode]",
            "expiry?",
            "[CardExpiry]"
        ]
    );
}

#[test]
fn only_what_is_wanted_goes() -> Result<(), Box<dyn std::error::Error>> {
    let settings = json!({"entities": ["CardCode"], "patterns": [{"name": "Member", "pattern": r"\bM-\d+\b"}]});
    let plan = RedactionPlan::read(&serde_json::from_value(settings)?)?;
    let (left, report) = left(&plan, &[(1, "4111 1111 1111 1111, cvv 123, I am M-77 and M-78")]);
    assert_eq!(
        left,
        ["4111 1111 1111 1111, cvv [CardCode], I am [Member] and [Member]"]
    );
    assert_eq!(
        report.counts,
        [("CardCode".to_owned(), 1), ("Member".to_owned(), 2)].into()
    );
    Ok(())
}

#[test]
fn what_overlaps_goes_once_and_whole() -> Result<(), Box<dyn std::error::Error>> {
    let settings =
        json!({"patterns": [{"name": "Rest", "pattern": "1111 thanks"}, {"name": "Inner", "pattern": "4111"}]});
    let plan = RedactionPlan::read(&serde_json::from_value(settings)?)?;
    let (left, report) = left(&plan, &[(1, "4111 1111 1111 1111 thanks é")]);
    assert_eq!(left, ["[CardNumber] é"]);
    assert_eq!(
        report.counts,
        [("CardNumber".to_owned(), 1), ("Rest".to_owned(), 1)].into()
    );
    Ok(())
}

fn keyed(keys: &str) -> Vec<Keyed> {
    let key = |(place, key): (u32, char)| Keyed {
        key: key.to_string(),
        channel: 1,
        start_seconds: f64::from(place),
        end_seconds: f64::from(place) + 0.1,
    };
    (0..)
        .zip(keys.chars())
        .filter(|(_, key)| *key != ' ')
        .map(key)
        .collect()
}

#[test]
fn a_card_that_is_keyed_in_is_a_card() {
    for (keys, expected) in [
        ("4111111111111111#", "[CardNumber]#"),
        (
            "2   4111111111111111#   1226#   123#",
            "2[CardNumber]#[CardExpiry]#[CardCode]#",
        ),
        ("4111 1111 1111 1111", "[CardNumber]"),
        ("94103#", "94103#"),
        ("4273464686958969#", "4273464686958969#"),
    ] {
        let mut keyed = keyed(keys);
        let spans = all().redact(None, &mut keyed).spans;
        let left: String = keyed.iter().map(|key| key.key.as_str()).collect();
        assert_eq!(left, expected, "{keys}");
        assert_eq!(spans.len(), expected.matches('[').count());
    }
}

#[test]
fn text_of_any_kind_is_left_whole_where_nothing_is_found() {
    for said in [
        "",
        " ",
        "naïve café — «ça va»?",
        "日本語のテキスト",
        "😀 1️⃣",
        "don’t O’Brien",
        "\u{0}\n\t",
    ] {
        assert_eq!(left(&all(), &[(1, said)]).0, [said]);
    }
}
