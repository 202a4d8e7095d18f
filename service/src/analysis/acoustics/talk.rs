//! Who talks how much, over whom, and for how long without being interrupted: from what each channel does, frame by frame.

use schemars::JsonSchema;
use serde::Serialize;

use super::rounded;
use super::silence::{MAX_SPANS, Span};
use super::voice::{FRAMES_PER_SECOND, Frame};

/// Two voices for less than 0.2 s are a change of turns.
const MIN_OVER_FRAMES: u64 = 13;
/// Another voice for longer than a second ends a monologue; a shorter one (`yes`, `mm-hmm`) does not.
const INTERRUPTED_FRAMES: u64 = 63;
/// A pause of more than two seconds ends it.
const PAUSED_FRAMES: u64 = 125;

/// Where several channels talk at once, for at least 0.2 s.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct TalkOver {
    /// All of it.
    pub seconds: Option<f64>,
    /// The part of the recording.
    pub ratio: Option<f64>,
    /// How often.
    pub count: u64,
    /// Where; of many the first five hundred.
    pub spans: Vec<Span>,
}

/// The longest stretch in which one channel talks and no other for more than a second, without a pause of more than two.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Monologue {
    /// The channel, from 1.
    pub channel: u16,
    /// Its length.
    pub seconds: f64,
    /// Its beginning.
    pub start_seconds: f64,
    /// Its end.
    pub end_seconds: f64,
}

/// What one channel does.
#[derive(Debug, Clone, Default)]
struct Channel {
    talking: u64,
    longest: Option<(u64, u64)>,
}

/// A monologue that goes on: from and to which frame its speaker talks, and for how long somebody else does now.
#[derive(Debug, Clone, Copy)]
struct Turn {
    channel: usize,
    first: u64,
    last: u64,
    interrupted: u64,
}

/// Follows all channels.
#[derive(Debug)]
pub(super) struct Talk {
    frames: u64,
    voiced: u64,
    channels: Vec<Channel>,
    turn: Option<Turn>,
    over_since: Option<u64>,
    over: TalkOver,
    over_frames: u64,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "frames of 16 ms: exact for four million years"
)]
fn seconds(frames: u64) -> f64 {
    frames as f64 / FRAMES_PER_SECOND
}

fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

impl Talk {
    pub(super) fn new(channels: u16) -> Self {
        Self {
            frames: 0,
            voiced: 0,
            channels: vec![Channel::default(); channels.into()],
            turn: None,
            over_since: None,
            over: TalkOver::default(),
            over_frames: 0,
        }
    }

    /// One frame of every channel.
    pub(super) fn add(&mut self, frames: &[Frame]) {
        let now = self.frames;
        self.frames += 1;
        self.voiced += u64::from(frames.iter().any(|frame| frame.is_voiced));
        let mut talking = 0;
        for (channel, frame) in self.channels.iter_mut().zip(frames) {
            channel.talking += u64::from(frame.is_talking);
            talking += u32::from(frame.is_talking);
        }
        match (talking >= 2, self.over_since) {
            (true, None) => self.over_since = Some(now),
            (false, Some(_)) => self.end_over(now),
            (true, Some(_)) | (false, None) => {}
        }
        self.follow_turn(now, frames);
    }

    fn follow_turn(&mut self, now: u64, frames: &[Frame]) {
        let is_talking = |channel: usize| frames.get(channel).is_some_and(|frame| frame.is_talking);
        if let Some(turn) = &mut self.turn {
            let somebody_else = (0..frames.len()).any(|channel| channel != turn.channel && is_talking(channel));
            turn.interrupted = if somebody_else { turn.interrupted + 1 } else { 0 };
            if is_talking(turn.channel) {
                turn.last = now;
            }
            if turn.interrupted <= INTERRUPTED_FRAMES && now - turn.last <= PAUSED_FRAMES {
                return;
            }
            self.end_turn();
        }
        // Whoever interrupted began before it was known to be more than a word.
        let next = (0..frames.len()).find(|channel| is_talking(*channel));
        self.turn = next.map(|channel| Turn {
            channel,
            first: now,
            last: now,
            interrupted: 0,
        });
    }

    fn end_turn(&mut self) {
        let Some(Turn {
            channel,
            first,
            last,
            interrupted,
        }) = self.turn.take()
        else {
            return;
        };
        // What was said into an interruption is no part of it.
        let last = if interrupted > INTERRUPTED_FRAMES {
            last.min(self.frames.saturating_sub(interrupted + 1))
        } else {
            last
        };
        if let Some(channel) = self.channels.get_mut(channel) {
            let is_longer = channel
                .longest
                .is_none_or(|(from, to)| last.saturating_sub(first) > to - from);
            if is_longer && last >= first {
                channel.longest = Some((first, last));
            }
        }
    }

    fn end_over(&mut self, end: u64) {
        let Some(start) = self.over_since.take().filter(|start| end - start >= MIN_OVER_FRAMES) else {
            return;
        };
        self.over.count += 1;
        self.over_frames += end - start;
        if self.over.spans.len() < MAX_SPANS {
            self.over.spans.push(Span {
                start_seconds: to_milliseconds(seconds(start)),
                end_seconds: to_milliseconds(seconds(end)),
            });
        }
    }

    /// Ends what goes on.
    pub(super) fn finish(&mut self) {
        self.end_over(self.frames);
        self.end_turn();
        let over = seconds(self.over_frames);
        (self.over.seconds, self.over.ratio) = (rounded(over), rounded(over / seconds(self.frames)));
    }

    pub(super) fn over(&self) -> TalkOver {
        self.over.clone()
    }

    /// The part of the recording in which a voice is heard on any channel.
    pub(super) fn speech_ratio(&self) -> Option<f64> {
        rounded(seconds(self.voiced) / seconds(self.frames))
    }

    /// How long this channel talks; of the recording, and of all talk.
    pub(super) fn share(&self, channel: usize) -> (f64, Option<f64>, Option<f64>) {
        let all: u64 = self.channels.iter().map(|channel| channel.talking).sum();
        let talking = self.channels.get(channel).map_or(0, |channel| channel.talking);
        let part = |of: u64| rounded(seconds(talking) / seconds(of));
        (to_milliseconds(seconds(talking)), part(self.frames), part(all))
    }

    pub(super) fn monologue(&self, channel: usize) -> Option<Monologue> {
        let (first, last) = self.channels.get(channel)?.longest?;
        let (start, end) = (seconds(first), seconds(last + 1));
        Some(Monologue {
            channel: u16::try_from(channel + 1).ok()?,
            seconds: to_milliseconds(end - start),
            start_seconds: to_milliseconds(start),
            end_seconds: to_milliseconds(end),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels, each as stretches of talk and of silence in turn, talk first; in frames.
    fn talk(one: &[u64], two: &[u64]) -> Talk {
        let spread = |stretches: &[u64]| -> Vec<bool> {
            let stretch = |(place, length): (usize, &u64)| vec![place % 2 == 0; usize::try_from(*length).unwrap_or(0)];
            stretches.iter().enumerate().flat_map(stretch).collect()
        };
        let mut talk = Talk::new(2);
        for (one, two) in spread(one).into_iter().zip(spread(two)) {
            talk.add(&[one, two].map(|is_talking| Frame {
                is_voiced: is_talking,
                is_talking,
            }));
        }
        talk.finish();
        talk
    }

    fn monologues(talk: &Talk) -> [Option<(u64, u64)>; 2] {
        [talk.channels[0].longest, talk.channels[1].longest]
    }

    #[test]
    fn who_talks_while_another_does_talks_over() {
        // The second begins before the first has ended, for 25 frames (0.4 s), and later for 12 only.
        let talk = talk(&[100, 100, 50, 50], &[0, 75, 100, 63, 62]);
        assert_eq!(talk.over.count, 1);
        assert_eq!(talk.over.seconds, Some(0.4));
        assert_eq!(
            talk.over.spans,
            [Span {
                start_seconds: 1.2,
                end_seconds: 1.6
            }]
        );
        assert_eq!(talk.share(0), (2.4, Some(0.5), Some(0.481)));
    }

    #[test]
    fn a_monologue_outlasts_a_word_of_another_and_a_short_pause() {
        // A word of half a second, and a pause of 1.6 s.
        let word = talk(&[200, 100, 200], &[0, 100, 31, 369]);
        assert_eq!(monologues(&word), [Some((0, 499)), None]);
    }

    #[test]
    fn a_monologue_ends_with_a_longer_pause_or_another_speaker() {
        let paused = talk(&[200, 130, 100], &[0, 430]);
        assert_eq!(monologues(&paused), [Some((0, 199)), None]);
        let answered = talk(&[200, 300, 100], &[0, 200, 300, 100]);
        assert_eq!(monologues(&answered)[0], Some((0, 199)));
        assert!(
            monologues(&answered)[1].is_some_and(|(first, last)| first <= 264 && last == 499),
            "{answered:?}"
        );
    }
}
