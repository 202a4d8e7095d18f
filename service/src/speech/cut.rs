//! Cuts one channel into pieces at pauses: where speech begins and ends, and no piece longer than an engine understands.
//! What nobody speaks in is in no piece, so that no engine is asked what was said in silence. Pure but for the detector of
//! speech; called by `pieces` with samples at 16 kHz as they come.

use earshot::Detector;

use super::SPEECH_RATE;

/// What the detector takes at a time: 16 ms.
const FRAME_SAMPLES: usize = 256;
/// The score from which on a frame is speech; the detector's authors recommend it.
const SPEECH_SCORE: f32 = 0.5;
/// A pause of so many frames, 0.8 s, ends a piece that is long enough: longer than between the words of a sentence.
const PAUSE_FRAMES: usize = 50;
/// A shorter piece than 8 s ends with a pause of 1.6 s: words are the better understood, the more there is around them.
const ENOUGH_FRAMES: usize = 8 * SPEECH_RATE / FRAME_SAMPLES;
const LONG_PAUSE_FRAMES: usize = 2 * PAUSE_FRAMES;
/// So many frames, a quarter of a second, are kept before and after speech: soft sounds begin and end below the detector.
const MARGIN_FRAMES: usize = 16;
/// Less speech than this, about a tenth of a second, is a click.
const FEWEST_SPEECH_FRAMES: usize = 6;
/// The longest piece: 30 s is what models of speech are made for.
const LONGEST_FRAMES: usize = 30 * SPEECH_RATE / FRAME_SAMPLES;
/// A piece that must end without a pause ends in the quietest moment after so many frames, 20 s.
const FORCED_FROM_FRAMES: usize = 20 * SPEECH_RATE / FRAME_SAMPLES;
/// How many frames are weighed as one moment when the quietest is looked for.
const MOMENT_FRAMES: usize = 8;

/// Something that was said on one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Cut {
    /// Where speech begins, in samples from the beginning of the channel.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// The samples, with a little of what is around.
    pub samples: Vec<f32>,
}

/// One channel, as far as it has come.
pub struct Cutter {
    detector: Box<Detector>,
    /// Less than a frame.
    waiting: Vec<f32>,
    /// Whole frames that are in no piece yet.
    held: Vec<f32>,
    /// The detector's score of each of them.
    scores: Vec<f32>,
    /// Where they begin, in frames.
    begin: u64,
    speaking: bool,
}

impl Cutter {
    pub fn new() -> Self {
        Self {
            detector: Detector::default_boxed(),
            waiting: Vec::new(),
            held: Vec::new(),
            scores: Vec::new(),
            begin: 0,
            speaking: false,
        }
    }

    /// Takes samples; hands over each piece that has come to its end.
    pub fn add(&mut self, samples: &[f32], mut take: impl FnMut(Cut)) {
        self.waiting
            .extend(samples.iter().map(|sample| sample.clamp(-1.0, 1.0)));
        let whole = self.waiting.len() - self.waiting.len() % FRAME_SAMPLES;
        let frames: Vec<f32> = self.waiting.drain(..whole).collect();
        for frame in frames.chunks_exact(FRAME_SAMPLES) {
            let score = self.detector.predict_f32(frame);
            self.hold(frame, score, &mut take);
        }
    }

    fn hold(&mut self, frame: &[f32], score: f32, take: &mut impl FnMut(Cut)) {
        self.held.extend_from_slice(frame);
        self.scores.push(score);
        self.speaking |= is_speech(score);
        match next(&self.scores, self.speaking) {
            Next::Wait => {}
            Next::Forget(frames) => self.forget(frames),
            Next::Cut(frames) => {
                if let Some(cut) = self.cut(frames) {
                    take(cut);
                }
            }
        }
    }

    /// Hands over what was being said when the recording ended.
    pub fn finish(mut self, mut take: impl FnMut(Cut)) {
        // The last sound is often cut off in the middle; a pause lets the piece end as any other.
        let silence = vec![0.0; (LONG_PAUSE_FRAMES + 1) * FRAME_SAMPLES];
        self.add(&silence, &mut take);
        if self.speaking
            && let Some(cut) = self.cut(self.scores.len())
        {
            take(cut);
        }
    }

    fn forget(&mut self, frames: usize) {
        self.held.drain(..frames * FRAME_SAMPLES);
        self.scores.drain(..frames);
        self.begin += frames as u64;
    }

    /// Takes these frames away from the front; of what is left a margin may belong to the next piece.
    fn cut(&mut self, frames: usize) -> Option<Cut> {
        let scores = &self.scores[..frames];
        let first = scores.iter().position(|score| is_speech(*score));
        let last = scores.iter().rposition(|score| is_speech(*score));
        let spoken = scores.iter().filter(|score| is_speech(**score)).count();
        let cut = match (first, last) {
            (Some(first), Some(last)) if spoken >= FEWEST_SPEECH_FRAMES => {
                let from = first.saturating_sub(MARGIN_FRAMES);
                let to = (last + 1 + MARGIN_FRAMES).min(frames);
                Some(Cut {
                    start: (self.begin + first as u64) * FRAME_SAMPLES as u64,
                    end: (self.begin + last as u64 + 1) * FRAME_SAMPLES as u64,
                    samples: self.held[from * FRAME_SAMPLES..to * FRAME_SAMPLES].to_vec(),
                })
            }
            _ => None,
        };
        self.forget(frames);
        self.speaking = self.scores.iter().any(|score| is_speech(*score));
        cut
    }
}

fn is_speech(score: f32) -> bool {
    score >= SPEECH_SCORE
}

/// What is to be done with the frames that are held.
#[derive(Debug, PartialEq)]
enum Next {
    Wait,
    /// So many frames are before any speech.
    Forget(usize),
    /// So many frames are a piece.
    Cut(usize),
}

fn next(scores: &[f32], speaking: bool) -> Next {
    if !speaking {
        return match scores.len().saturating_sub(MARGIN_FRAMES) {
            0 => Next::Wait,
            frames => Next::Forget(frames),
        };
    }
    let quiet = scores.iter().rev().take_while(|score| !is_speech(**score)).count();
    let pause = if scores.len() - quiet >= ENOUGH_FRAMES {
        PAUSE_FRAMES
    } else {
        LONG_PAUSE_FRAMES
    };
    if quiet >= pause {
        // What comes next keeps its margin.
        Next::Cut(scores.len() - MARGIN_FRAMES)
    } else if scores.len() >= LONGEST_FRAMES {
        Next::Cut(quietest(scores))
    } else {
        Next::Wait
    }
}

/// The middle of the moment with the lowest scores, near the end.
fn quietest(scores: &[f32]) -> usize {
    let moments = scores[FORCED_FROM_FRAMES..].windows(MOMENT_FRAMES);
    let sums = moments.map(|moment| moment.iter().sum::<f32>());
    let lowest = sums.enumerate().min_by(|one, other| one.1.total_cmp(&other.1));
    FORCED_FROM_FRAMES + lowest.map_or(0, |(place, _)| place) + MOMENT_FRAMES / 2
}

#[cfg(test)]
mod tests;
