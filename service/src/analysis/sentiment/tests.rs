//! VADER's own examples, and how scores come together.

use super::*;
use crate::analysis::tests::transcript;

fn compound(text: &str) -> f64 {
    let vader = SentimentIntensityAnalyzer::new();
    let segments = transcript(&[(1, text)]).segments;
    let weighed: Vec<_> = segments.iter().map(|segment| Weighed::new(&vader, segment)).collect();
    report(&segments, &weighed).overall.compound
}

#[test]
fn sentences_have_the_scores_that_vaders_authors_publish() {
    // The library counts some intensifiers twice; docs/analysis.md says so.
    let mut exact = 0;
    for (sentence, expected) in [
        ("VADER is smart, handsome, and funny.", 0.8316),
        ("VADER is smart, handsome, and funny!", 0.8439),
        ("VADER is very smart, handsome, and funny.", 0.8545),
        ("VADER is VERY SMART, handsome, and FUNNY.", 0.9227),
        ("VADER is VERY SMART, handsome, and FUNNY!!!", 0.9342),
        ("VADER is VERY SMART, uber handsome, and FRIGGIN FUNNY!!!", 0.9469),
        ("VADER is not smart, handsome, nor funny.", -0.7424),
        ("The book was good.", 0.4404),
        ("At least it isn't a horrible book.", 0.431),
        ("The book was only kind of good.", 0.3832),
        (
            "The plot was good, but the characters are uncompelling and the dialog is not great.",
            -0.7042,
        ),
        ("Today SUX!", -0.5461),
        ("Not bad at all", 0.431),
    ] {
        let off = compound(sentence) - expected;
        println!("{off:+.4} {sentence}");
        assert!(off.abs() < 0.02, "{sentence} is off by {off}");
        exact += u32::from(off.abs() < 0.000_05);
    }
    assert!(exact >= 9, "{exact} of 13 are as published");
}

#[test]
fn a_text_is_told_sentence_by_sentence() {
    let found: Vec<_> = sentences("  Good. It costs 3.50 dollars!  Why?? Because").collect();
    assert_eq!(found, ["Good.", "It costs 3.50 dollars!", "Why??", "Because"]);
    assert_eq!(sentences(" ").count(), 0);
}

#[test]
fn speakers_and_pieces_have_the_mean_of_their_words() {
    let mut said = transcript(&[
        (1, "This is great."),
        (2, "This is horrible."),
        (1, "The book was good."),
    ]);
    said.segments[2].start_seconds = 65.0;
    let vader = SentimentIntensityAnalyzer::new();
    let weighed: Vec<_> = said
        .segments
        .iter()
        .map(|segment| Weighed::new(&vader, segment))
        .collect();
    let SentimentReport {
        overall,
        speakers,
        timeline,
        segments,
        ..
    } = report(&said.segments, &weighed);
    let (great, horrible, good) = (
        segments[0].score.compound,
        segments[1].score.compound,
        segments[2].score.compound,
    );
    let near = |one: f64, other: f64| (one - other).abs() < 0.000_11;
    assert!(near(
        overall.compound,
        (3.0 * great + 3.0 * horrible + 4.0 * good) / 10.0
    ));
    assert!(near(speakers[0].score.compound, (3.0 * great + 4.0 * good) / 7.0));
    assert_eq!(speakers[1].score.label, SentimentLabel::Negative);
    let pieces: Vec<_> = timeline
        .iter()
        .map(|piece| (piece.start_seconds, piece.end_seconds))
        .collect();
    assert_eq!(pieces, [(0.0, 30.0), (60.0, 90.0)]);
    assert!(near(timeline[1].score.compound, good));
}

#[test]
fn nothing_said_is_neutral() {
    let SentimentReport { overall, speakers, .. } = report(&[], &[]);
    assert_eq!((overall.label, speakers.len()), (SentimentLabel::Neutral, 0));
    assert!(compound("...").abs() < 1e-9);
}

#[test]
fn a_long_recording_has_a_bounded_number_of_pieces() {
    let mut said = transcript(&[(1, "good"), (1, "bad")]);
    said.segments[1].start_seconds = 100_000.0;
    let weighed = vec![Weighed::default(); 2];
    let pieces = timeline::pieces(&said.segments, &weighed);
    assert!((pieces[0].end_seconds - 480.0).abs() < 1e-9, "{pieces:?}");
}
