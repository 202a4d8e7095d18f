//! Writes what is found: a table for people, or a JSON object on each line. Of a callback its host alone is known here.

use std::io::{self, Stdout, Write as _};

use serde::Serialize;
use serde_json::{Value, json};

use super::options::Format;
use crate::clock;
use crate::domain::JobId;
use crate::queue::jobs::{Acted, Action, AuditEntry, JobFacts, JobTimes};

/// Where and how.
pub(super) struct Output {
    stdout: Stdout,
    format: Format,
}

impl Output {
    pub(super) fn stdout(format: Format) -> Self {
        Self {
            stdout: io::stdout(),
            format,
        }
    }

    /// A list.
    pub(super) fn jobs(&mut self, jobs: &[JobFacts]) -> io::Result<()> {
        let header = [
            "JOB", "STATE", "ENDPOINT", "REQUEST", "INSTALL", "ACCEPTED", "TRIES", "CALLBACK", "ERROR",
        ];
        let row = |job: &JobFacts| {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(nothing);
            [
                job.id.to_string(),
                job.standing.label().to_owned(),
                job.endpoint.to_string(),
                text(&job.sids.request),
                text(&job.sids.addon_install),
                moment(Some(job.times.accepted)).unwrap_or_else(nothing),
                format!("{}+{}", job.attempts, job.delivery_attempts),
                text(&job.callback_host),
                text(&job.last_error.clone().or_else(|| job.error_code.clone())),
            ]
        };
        match self.format {
            Format::Text => self.table(header, &jobs.iter().map(row).collect::<Vec<_>>()),
            Format::Json => jobs.iter().try_for_each(|job| self.line(&object(job))),
        }
    }

    /// All of one.
    pub(super) fn job(&mut self, job: &JobFacts) -> io::Result<()> {
        let object = object(job);
        match (self.format, object.as_object()) {
            (Format::Text, Some(members)) => {
                for (name, value) in members {
                    let value = value.as_str().map_or_else(|| value.to_string(), printable);
                    writeln!(self.stdout, "{name}: {value}")?;
                }
                writeln!(self.stdout)
            }
            _ => self.line(&object),
        }
    }

    /// What became of a change.
    pub(super) fn acted(&mut self, id: JobId, action: Action, acted: &Acted) -> io::Result<()> {
        let reason = match acted {
            Acted::Done { .. } => None,
            Acted::Refused(reason) => Some(reason.to_string()),
            Acted::Gone => Some("there is no such job".to_owned()),
        };
        let (id, action) = (id.to_string(), action.label());
        match (self.format, reason) {
            (Format::Json, None) => self.line(&json!({ "id": id, "action": action, "done": true })),
            (Format::Json, Some(reason)) => {
                self.line(&json!({ "id": id, "action": action, "done": false, "reason": reason }))
            }
            (Format::Text, None) => writeln!(self.stdout, "{id} {action}: done"),
            (Format::Text, Some(reason)) => writeln!(self.stdout, "{id} {action}: refused: {reason}"),
        }
    }

    /// How many a fence holds. In words it is said on the other stream.
    pub(super) fn fenced(&mut self, jobs: u64, done: bool) -> io::Result<()> {
        match self.format {
            Format::Text => Ok(()),
            Format::Json => self.line(&json!({ "action": "fence", "jobs": jobs, "done": done })),
        }
    }

    /// Who did what.
    pub(super) fn audit(&mut self, entries: &[AuditEntry]) -> io::Result<()> {
        let row = |entry: &AuditEntry| {
            [
                moment(Some(entry.at)).unwrap_or_else(nothing),
                entry.action.clone(),
                entry.job.clone().unwrap_or_else(nothing),
                entry.request.clone().unwrap_or_else(nothing),
                entry.by.clone(),
                entry.choice.clone(),
            ]
        };
        match self.format {
            Format::Text => {
                let header = ["AT", "ACTION", "JOB", "REQUEST", "BY", "CHOSEN"];
                self.table(header, &entries.iter().map(row).collect::<Vec<_>>())
            }
            Format::Json => entries.iter().try_for_each(|entry| {
                self.line(&TimedEntry {
                    at: moment(Some(entry.at)),
                    entry,
                })
            }),
        }
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.stdout, value)?;
        writeln!(self.stdout)
    }

    fn table<const COLUMNS: usize>(&mut self, header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> io::Result<()> {
        let header = header.map(str::to_owned);
        let rows: Vec<_> = std::iter::once(&header)
            .chain(rows)
            .map(|row| row.each_ref().map(|cell| printable(cell)))
            .collect();
        for row in &rows {
            for (column, cell) in row.iter().enumerate() {
                let width = rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
                let is_last = column + 1 == COLUMNS;
                let width = if is_last { 0 } else { width + 2 };
                write!(self.stdout, "{cell:<width$}")?;
            }
            writeln!(self.stdout)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct TimedEntry<'a> {
    at: Option<String>,
    #[serde(flatten)]
    entry: &'a AuditEntry,
}

fn nothing() -> String {
    "-".to_owned()
}

/// What Twilio says is opaque to us: it must not speak to the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { '?' } else { character })
        .collect()
}

fn moment(seconds: Option<f64>) -> Option<String> {
    clock::from_seconds(seconds?).map(|moment| moment.to_string())
}

/// Every member by name; one that is not known is left out.
fn object(job: &JobFacts) -> Value {
    let JobFacts {
        id,
        endpoint,
        standing,
        sids,
        callback_host,
        attempts,
        delivery_attempts,
        last_error,
        error_code,
        is_leased,
        has_audio,
        has_result,
        audio_seconds,
        times,
    } = job;
    let JobTimes {
        accepted,
        due,
        cutoff,
        finished,
        deliver_at,
        held,
        ended,
        forgotten,
    } = *times;
    let mut object = json!({
        "id": id.to_string(),
        "state": standing,
        "endpoint": endpoint,
        "sids": sids,
        "attempts": attempts,
        "delivery_attempts": delivery_attempts,
        "in_hand": is_leased,
        "has_audio": has_audio,
        "has_result": has_result,
        "audio_seconds": audio_seconds,
    });
    let more = [
        ("callback_host", callback_host.clone()),
        ("last_error", last_error.clone()),
        ("error_code", error_code.clone()),
        ("accepted_at", moment(Some(accepted))),
        ("due_at", moment(Some(due))),
        ("cutoff_at", moment(Some(cutoff))),
        ("finished_at", moment(finished)),
        ("deliver_at", moment(deliver_at)),
        ("held_at", moment(held)),
        ("ended_at", moment(ended)),
        ("forgotten_at", moment(forgotten)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            object[name] = Value::String(value);
        }
    }
    object
}
