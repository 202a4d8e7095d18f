//! Where a channel is cut, for scores of the detector that are written down and for a sound that is none.

use super::*;

/// Scores of so many frames each.
fn scores(spans: &[(f32, usize)]) -> Vec<f32> {
    spans
        .iter()
        .flat_map(|(score, frames)| std::iter::repeat_n(*score, *frames))
        .collect()
}

const SPEECH: f32 = 0.9;
const QUIET: f32 = 0.1;

#[test]
fn silence_before_speech_is_forgotten_but_for_a_margin() {
    assert_eq!(next(&scores(&[(QUIET, MARGIN_FRAMES)]), false), Next::Wait);
    assert_eq!(next(&scores(&[(QUIET, MARGIN_FRAMES + 3)]), false), Next::Forget(3));
}

#[test]
fn a_pause_ends_a_long_piece_and_only_a_long_pause_a_short_one() {
    for (speech, pause, expected) in [
        (ENOUGH_FRAMES, PAUSE_FRAMES - 1, None),
        (ENOUGH_FRAMES, PAUSE_FRAMES, Some(ENOUGH_FRAMES + PAUSE_FRAMES)),
        (100, PAUSE_FRAMES, None),
        (100, LONG_PAUSE_FRAMES - 1, None),
        (100, LONG_PAUSE_FRAMES, Some(100 + LONG_PAUSE_FRAMES)),
    ] {
        let next = next(&scores(&[(SPEECH, speech), (QUIET, pause)]), true);
        let want = expected.map_or(Next::Wait, |frames| Next::Cut(frames - MARGIN_FRAMES));
        assert_eq!(next, want, "{speech} frames of speech, then {pause} of silence");
    }
}

#[test]
fn speech_without_a_pause_is_cut_in_its_quietest_moment() {
    let before = scores(&[(SPEECH, LONGEST_FRAMES - 1)]);
    assert_eq!(next(&before, true), Next::Wait);
    let breath = FORCED_FROM_FRAMES + 100;
    let mut whole = scores(&[(SPEECH, LONGEST_FRAMES)]);
    whole[breath..breath + MOMENT_FRAMES].fill(0.55);
    // An even quieter one that comes too early would leave a piece that is short for no reason.
    whole[200..220].fill(0.0);
    assert_eq!(next(&whole, true), Next::Cut(breath + MOMENT_FRAMES / 2));
}

/// A cutter that was fed these scores, one frame of samples each: the sample is the number of its frame.
fn fed(spans: &[(f32, usize)]) -> (Vec<Cut>, Cutter) {
    let (mut cuts, mut cutter) = (Vec::new(), Cutter::new());
    for (frame, score) in scores(spans).into_iter().enumerate() {
        let sample = f32::from(u16::try_from(frame).unwrap_or(u16::MAX));
        cutter.hold(&[sample; FRAME_SAMPLES], score, &mut |cut| cuts.push(cut));
    }
    (cuts, cutter)
}

fn frame(number: usize) -> u64 {
    (number * FRAME_SAMPLES) as u64
}

#[test]
fn a_piece_says_where_it_was_said_and_has_its_margins() {
    let (cuts, _) = fed(&[
        (QUIET, 500),
        (SPEECH, 100),
        (QUIET, LONG_PAUSE_FRAMES),
        (SPEECH, 50),
        (QUIET, 200),
    ]);
    let found: Vec<_> = cuts
        .iter()
        .map(|cut| (cut.start, cut.end, cut.samples.len() / FRAME_SAMPLES))
        .collect();
    let second = 600 + LONG_PAUSE_FRAMES;
    let margins = 2 * MARGIN_FRAMES;
    let expected = [
        (frame(500), frame(600), 100 + margins),
        (frame(second), frame(second + 50), 50 + margins),
    ];
    assert_eq!(found, expected);
    for (cut, first) in cuts.iter().zip([500, second]) {
        let sample = cut.samples.first().copied().map(f64::from);
        let expected = u32::try_from(first - MARGIN_FRAMES).map(f64::from).ok();
        assert_eq!(sample, expected, "the samples are those of the place");
    }
}

#[test]
fn a_click_is_no_speech() {
    let (cuts, _) = fed(&[(QUIET, 100), (SPEECH, FEWEST_SPEECH_FRAMES - 1), (QUIET, 300)]);
    assert_eq!(cuts, []);
    let (cuts, _) = fed(&[(QUIET, 100), (SPEECH, FEWEST_SPEECH_FRAMES), (QUIET, 300)]);
    assert_eq!(cuts.len(), 1);
}

#[test]
fn what_is_said_up_to_the_last_sample_is_heard() {
    let (none_yet, cutter) = fed(&[(QUIET, 30), (SPEECH, 60)]);
    assert_eq!(none_yet, []);
    let mut cuts = Vec::new();
    cutter.finish(|cut| cuts.push(cut));
    let start = cuts.first().map(|cut| (cuts.len(), cut.start));
    assert_eq!(start, Some((1, frame(30))));
}

#[test]
fn no_more_is_held_than_the_longest_piece_whatever_comes() {
    for spans in [
        [(QUIET, 10_000), (QUIET, 0)],
        [(SPEECH, 10_000), (QUIET, 0)],
        [(SPEECH, 3), (QUIET, 10_000)],
    ] {
        let (cuts, cutter) = fed(&spans);
        assert!(cutter.scores.len() <= LONGEST_FRAMES, "{spans:?}");
        assert_eq!(cutter.held.len(), cutter.scores.len() * FRAME_SAMPLES);
        assert!(
            cuts.iter()
                .all(|cut| cut.samples.len() <= LONGEST_FRAMES * FRAME_SAMPLES)
        );
    }
}

#[test]
fn nobody_is_heard_in_silence() {
    let (mut cuts, mut cutter) = (Vec::new(), Cutter::new());
    for _ in 0..50 {
        cutter.add(&[0.0; 1600], |cut| cuts.push(cut));
    }
    cutter.finish(|cut| cuts.push(cut));
    assert_eq!(cuts, []);
}
