//! Reads what a server wrote down, and trusts none of it: times lie within the piece, texts are bounded and have no control
//! characters. Pure; called by `openai`.

use serde::Deserialize;

use crate::analysis::transcript::Segment;
use crate::speech::pieces::Piece;

/// More segments than words can be said in 30 s.
const MOST_SEGMENTS: usize = 200;
/// More characters than can be said in 30 s, whatever the script.
const MOST_CHARACTERS: usize = 2_000;

/// Why an answer is none. Each may pass: servers restart, and proxies write pages of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAnswer {
    /// No JSON of the documented shape.
    ReadJson,
    /// More than can be said in the time.
    AcceptLength,
}

impl ReadAnswer {
    pub(super) const fn category(self) -> &'static str {
        match self {
            Self::ReadJson => "answer_unreadable",
            Self::AcceptLength => "answer_too_long",
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    /// Not there where the server knows no `verbose_json`.
    #[serde(default)]
    segments: Option<Vec<Said>>,
}

#[derive(Deserialize)]
struct Said {
    start: f64,
    end: f64,
    text: String,
    /// The mean logarithm of the likelihood of its tokens.
    #[serde(default)]
    avg_logprob: Option<f64>,
}

/// The segments of a piece, in time of the whole recording.
pub(super) fn read(answer: &[u8], piece: &Piece) -> Result<Vec<Segment>, ReadAnswer> {
    let Answer { text, segments } = serde_json::from_slice(answer).map_err(|_| ReadAnswer::ReadJson)?;
    let whole = Said {
        start: 0.0,
        end: piece.end_seconds - piece.start_seconds,
        text,
        avg_logprob: None,
    };
    let said = segments.unwrap_or_else(|| vec![whole]);
    let characters: usize = said.iter().map(|said| said.text.chars().count()).sum();
    if said.len() > MOST_SEGMENTS || characters > MOST_CHARACTERS {
        return Err(ReadAnswer::AcceptLength);
    }
    let segments = said.into_iter().map(|said| segment(said, piece));
    Ok(segments.filter(|segment| !segment.text.is_empty()).collect())
}

fn segment(said: Said, piece: &Piece) -> Segment {
    let Said {
        start,
        end,
        text,
        avg_logprob,
    } = said;
    let within = |seconds: f64| rounded((piece.start_seconds + seconds).clamp(piece.start_seconds, piece.end_seconds));
    let start_seconds = within(start);
    Segment {
        channel: piece.channel,
        start_seconds,
        end_seconds: within(end).max(start_seconds),
        text: printable(&text),
        confidence: avg_logprob.map(|mean| rounded(mean.exp().clamp(0.0, 1.0))),
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

fn printable(text: &str) -> String {
    let printable = text.chars().map(|each| if each.is_control() { ' ' } else { each });
    printable.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn piece() -> Piece {
        Piece {
            place: 3,
            channel: 2,
            start_seconds: 100.0,
            end_seconds: 110.0,
            samples: vec![],
        }
    }

    fn of(answer: &Value) -> Result<Vec<Segment>, ReadAnswer> {
        read(answer.to_string().as_bytes(), &piece())
    }

    fn said(start_seconds: f64, end_seconds: f64, text: &str, confidence: Option<f64>) -> Segment {
        Segment {
            channel: 2,
            start_seconds,
            end_seconds,
            text: text.to_owned(),
            confidence,
        }
    }

    #[test]
    fn times_are_those_of_the_recording_and_never_outside_the_piece() {
        let answer = json!({"text": "all", "segments": [
            {"start": 0.0, "end": 2.5, "text": " Hello. ", "avg_logprob": -0.105_360_515, "id": 0},
            {"start": 4.0, "end": 99.0, "text": "Is it\u{7}you?", "avg_logprob": 7.0},
            {"start": -5.0, "end": -9.0, "text": "  "},
        ]});
        let expected = vec![
            said(100.0, 102.5, "Hello.", Some(0.9)),
            said(104.0, 110.0, "Is it you?", Some(1.0)),
        ];
        assert_eq!(of(&answer), Ok(expected));
    }

    #[test]
    fn a_server_without_segments_still_has_its_words_heard() {
        assert_eq!(
            of(&json!({"text": "Hello."})),
            Ok(vec![said(100.0, 110.0, "Hello.", None)])
        );
        assert_eq!(of(&json!({"text": "", "segments": []})), Ok(vec![]));
    }

    #[test]
    fn what_nobody_can_have_said_is_refused() {
        let long = "x".repeat(MOST_CHARACTERS + 1);
        assert_eq!(of(&json!({"text": long})), Err(ReadAnswer::AcceptLength));
        let many: Vec<_> = (0..=MOST_SEGMENTS)
            .map(|_| json!({"start": 0, "end": 1, "text": "a"}))
            .collect();
        assert_eq!(
            of(&json!({"text": "", "segments": many})),
            Err(ReadAnswer::AcceptLength)
        );
        for garbage in ["", "<html>", "[]", r#"{"segments": []}"#, r#"{"text": 7}"#] {
            assert_eq!(
                read(garbage.as_bytes(), &piece()),
                Err(ReadAnswer::ReadJson),
                "{garbage}"
            );
        }
    }
}
