//! The result that is delivered for a recording: its form, which is published as `docs/result.schema.json`, and what of it is
//! left out when it would be too large. Called by `worker` for each job.

use marketplace_crds::endpoint::IntegrationKey;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Value, json};

use super::analyzer::{Results, optional_lists};
use crate::domain::Job;

/// Of the form. It changes when a member goes or comes to mean something else, and not when one is added.
pub const SCHEMA_VERSION: u32 = 1;
/// Where the schema of this version is published.
const SCHEMA_ID: &str =
    "https://github.com/marketplace-operator/marketplace-operator/blob/main/docs/result.schema.json";

/// The word in `error_code` of a job that has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobErrorCode {
    /// The audio is in no form that can be read.
    UnreadableAudio,
    /// The audio could not be fetched from its URL.
    AudioUnreachable,
    /// What was fetched had another number of bytes than was announced, each time.
    AudioIncomplete,
    /// What was to be fetched is larger than a recording may be.
    AudioTooLarge,
    /// The time until Twilio's cut-off was not enough.
    TimedOut,
    /// The partner's code has not answered, or not with a result.
    HandlerFailed,
    /// The result is larger than Twilio takes.
    ResultTooLarge,
    /// All attempts failed for reasons of ours.
    InternalError,
}

impl JobErrorCode {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableAudio => "unreadable_audio",
            Self::AudioUnreachable => "audio_unreachable",
            Self::AudioIncomplete => "audio_incomplete",
            Self::AudioTooLarge => "audio_too_large",
            Self::TimedOut => "timed_out",
            Self::HandlerFailed => "handler_failed",
            Self::ResultTooLarge => "result_too_large",
            Self::InternalError => "internal_error",
        }
    }
}

/// What is sent to the callback URL of a recording.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "The result of a recording")]
struct ResultJson<'a> {
    /// The version of this form.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    schema_version: u32,
    /// The SID of the request that brought the recording; null where it had none.
    request_sid: Option<&'a str>,
    /// The name of the endpoint that it came in at.
    #[schemars(with = "String")]
    endpoint: &'a str,
    /// The kind of recording, where the request names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    integration_key: Option<IntegrationKey>,
    /// The customer's choices, by the names of `request.configuration`.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    configuration: &'a std::collections::BTreeMap<String, String>,
    /// Why there is no result; null where there is one.
    #[schemars(with = "Option<JobErrorCode>")]
    error_code: Option<JobErrorCode>,
    /// What was left out because the result would have been larger than `limits.resultBytes`: each list that is empty
    /// now, and last the segments of the transcript, from the end. Not there where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    /// What the analyzers say, a member for each; null where there is an error.
    #[schemars(with = "Option<Results>")]
    results: Option<&'a Value>,
}

/// What of a result was left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Truncated {
    /// Lists that were emptied, such as `sentiment.segments`.
    pub emptied: Vec<String>,
    /// How many segments of the transcript are missing, from its end.
    pub segments_dropped: usize,
}

/// The schema of every result.
#[must_use]
pub fn schema() -> Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<ResultJson<'_>>();
    schema.insert("$id".to_owned(), json!(SCHEMA_ID));
    schema
}

/// The result that is delivered for a job.
#[must_use]
pub fn result_json(job: &Job, results: Result<&Value, JobErrorCode>) -> String {
    write(job, results, None)
}

fn write(job: &Job, results: Result<&Value, JobErrorCode>, truncated: Option<Truncated>) -> String {
    let json = ResultJson {
        schema_version: SCHEMA_VERSION,
        request_sid: job.work.sids.request.as_deref(),
        endpoint: job.work.endpoint.as_str(),
        integration_key: job.work.details.integration_key,
        configuration: &job.work.details.configuration,
        error_code: results.err(),
        truncated,
        results: results.ok(),
    };
    serde_json::to_string(&json).expect("strings and a JSON value always serialise")
}

/// The result as it is sent: whole where it fits, with less in it where that fits, and else the error in its place.
#[must_use]
pub fn fitting(job: &Job, results: Result<Value, JobErrorCode>, limit_bytes: usize) -> (String, Option<JobErrorCode>) {
    let whole = write(job, results.as_ref().map_err(|code| *code), None);
    let mut results = match results {
        Ok(results) if whole.len() > limit_bytes => results,
        Ok(_) => return (whole, None),
        Err(code) => return (whole, Some(code)),
    };
    drop(whole);
    let mut truncated = Truncated::default();
    for (member, list) in optional_lists() {
        if !empty(&mut results, member, list) {
            continue;
        }
        truncated.emptied.push(format!("{member}.{list}"));
        let json = write(job, Ok(&results), Some(truncated.clone()));
        if json.len() <= limit_bytes {
            return (json, None);
        }
    }
    drop_segments(job, &mut results, &mut truncated, limit_bytes);
    let json = write(job, Ok(&results), Some(truncated));
    if json.len() <= limit_bytes {
        return (json, None);
    }
    let too_large = JobErrorCode::ResultTooLarge;
    (write(job, Err(too_large), None), Some(too_large))
}

fn list_of<'a>(results: &'a mut Value, member: &str, list: &str) -> Option<&'a mut Vec<Value>> {
    results.get_mut(member)?.get_mut(list)?.as_array_mut()
}

/// Whether there was anything in it.
fn empty(results: &mut Value, member: &str, list: &str) -> bool {
    let items = list_of(results, member, list).map(std::mem::take);
    items.is_some_and(|items| !items.is_empty())
}

/// As many of the last segments as must go for the rest to fit; they are written with commas between them.
fn drop_segments(job: &Job, results: &mut Value, truncated: &mut Truncated, limit_bytes: usize) {
    let Some(segments) = list_of(results, "transcription", "segments").map(std::mem::take) else {
        return;
    };
    truncated.segments_dropped = segments.len();
    let mut bytes = write(job, Ok(results), Some(truncated.clone())).len();
    let fits = |segment: &Value| {
        bytes += segment.to_string().len() + 1;
        bytes <= limit_bytes
    };
    let kept: Vec<Value> = segments.into_iter().take_while(fits).collect();
    truncated.segments_dropped -= kept.len();
    if let Some(place) = list_of(results, "transcription", "segments") {
        *place = kept;
    }
}

#[cfg(test)]
mod tests;
