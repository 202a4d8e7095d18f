//! Judges JSON lines as they come, one verdict a line and in their order; called by `verify`. It holds one line at a time,
//! and passes a verdict on before it waits for the next line.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde_json::json;

use super::question::{Judged, Question};

/// A line beyond this is not held.
const LINE_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// What is printed for a line that is none, so that the verdicts stay beside their lines.
const UNREADABLE: &str = "line_unreadable";

/// Why it ended before the last line.
#[derive(Debug)]
pub enum JudgeLines {
    /// Nothing more can be read.
    Read(io::Error),
    /// Nothing more can be printed.
    Print(io::Error),
}

/// A line of the input.
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// Judges every line and returns how many of them could not be read. Those are told on standard error, with their number.
/// Empty lines are no questions.
pub fn judge_lines(mut input: BufReader<impl Read>, mut output: impl Write) -> Result<usize, JudgeLines> {
    let mut unreadable = 0;
    let mut number = 0_usize;
    while let Some(line) = next_line(&mut input).map_err(JudgeLines::Read)? {
        number += 1;
        let judged = match &line {
            Line::Whole(line) if line.trim_ascii().is_empty() => continue,
            Line::Whole(line) => Question::read(line).map(Question::judge),
            Line::TooLong => Err("it is too long"),
        };
        let (valid, form, reason) = match judged {
            Ok(Judged { form, reason }) => (form.is_some(), form, reason),
            Err(problem) => {
                unreadable += 1;
                eprintln!("failed to read line {number}: {problem}");
                (false, None, UNREADABLE)
            }
        };
        let verdict = json!({ "valid": valid, "form": form, "reason": reason });
        writeln!(output, "{verdict}").map_err(JudgeLines::Print)?;
        if input.buffer().is_empty() {
            output.flush().map_err(JudgeLines::Print)?;
        }
    }
    output.flush().map_err(JudgeLines::Print)?;
    Ok(unreadable)
}

/// The next line without its end; what is too long is skipped to its end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let limit = LINE_LIMIT_BYTES as u64 + 1;
    if input.take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LINE_LIMIT_BYTES {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::TooLong));
    }
    Ok(Some(Line::Whole(line)))
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::{LINE_LIMIT_BYTES, judge_lines};

    fn judged(input: &[u8]) -> (usize, String) {
        let mut output = Vec::new();
        let unreadable = judge_lines(BufReader::new(input), &mut output);
        (
            unreadable.unwrap_or(usize::MAX),
            String::from_utf8_lossy(&output).into_owned(),
        )
    }

    const GENUINE: &str = r#"{"url": "https://mycompany.com/myapp.php?foo=1&bar=2", "token": "12345", "signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "params": {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}}"#;

    #[test]
    fn gives_every_line_its_verdict_in_order() {
        let forged = GENUINE.replace("1234\"", "1235\"");
        let input = format!("\n{GENUINE}\r\n{forged}\n  \n[1]\n{{\n{GENUINE}");
        let (unreadable, output) = judged(input.as_bytes());
        let expected = [
            r#"{"form":"port_absent","reason":"matched","valid":true}"#,
            r#"{"form":null,"reason":"signature_mismatch","valid":false}"#,
            r#"{"form":null,"reason":"line_unreadable","valid":false}"#,
            r#"{"form":null,"reason":"line_unreadable","valid":false}"#,
            r#"{"form":"port_absent","reason":"matched","valid":true}"#,
        ];
        assert_eq!(output.lines().collect::<Vec<_>>(), expected);
        assert_eq!(unreadable, 2);
    }

    #[test]
    fn skips_a_line_that_is_too_long_and_one_that_is_no_text() {
        let mut input = vec![b' '; LINE_LIMIT_BYTES + 10];
        input.extend_from_slice(b"\n\xff\n");
        input.extend_from_slice(GENUINE.as_bytes());
        let (unreadable, output) = judged(&input);
        assert_eq!((unreadable, output.lines().count()), (2, 3));
        assert!(output.ends_with("\"valid\":true}\n"), "{output}");
    }
}
