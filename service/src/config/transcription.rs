//! Reads who writes down what is said, and which Secrets that takes. Called by `config`.

use std::collections::BTreeSet;
use std::time::Duration;

use marketplace_crds::handler::transcription::{Builtin, Engine, NoEngine, OpenAi, Transcription};
use url::Url;

use super::{Endpoint, ReadConfig};
use crate::speech::openai::OpenAiPlan;
use crate::speech::{EnginePlan, TranscriptionPlan};

/// What is redacted afterwards is kept nowhere before: `keep_pieces` is false then.
pub(super) fn read(
    endpoint: &str,
    transcription: &Transcription,
    keep_pieces: bool,
) -> Result<TranscriptionPlan, ReadConfig> {
    let Transcription { engine } = transcription;
    let engine = match engine {
        Engine {
            builtin: Some(Builtin {}),
            openai: None,
            none: None,
        } => EnginePlan::Builtin,
        Engine {
            builtin: None,
            openai: Some(server),
            none: None,
        } => EnginePlan::OpenAi(read_server(endpoint, server)?),
        Engine {
            builtin: None,
            openai: None,
            none: Some(NoEngine {}),
        } => EnginePlan::None,
        _ => {
            return Err(ReadConfig::ChooseEngine {
                endpoint: endpoint.to_owned(),
            });
        }
    };
    Ok(TranscriptionPlan { engine, keep_pieces })
}

fn read_server(endpoint: &str, server: &OpenAi) -> Result<OpenAiPlan, ReadConfig> {
    let OpenAi {
        url,
        model,
        secret_name,
        language,
        timeout_seconds,
        allow_private,
    } = server;
    let unread = || ReadConfig::ReadSpeechUrl {
        endpoint: endpoint.to_owned(),
    };
    let base = url.trim_end_matches('/');
    Ok(OpenAiPlan {
        url: Url::parse(&format!("{base}/v1/audio/transcriptions")).map_err(|_| unread())?,
        model: model.clone(),
        secret_name: secret_name.clone(),
        language: language.clone(),
        timeout: Duration::from_secs(timeout_seconds.unsigned_abs().into()),
        allow_private: *allow_private,
    })
}

/// The Secrets with the keys of servers.
pub(super) fn api_keys(endpoints: &[Endpoint]) -> BTreeSet<String> {
    let plans = endpoints.iter().filter_map(|endpoint| endpoint.handler.analysis());
    let transcriptions = plans.filter_map(|plan| plan.transcription.as_ref());
    let names = transcriptions.filter_map(|transcription| match &transcription.engine {
        EnginePlan::OpenAi(plan) => plan.secret_name.clone(),
        EnginePlan::Builtin | EnginePlan::None => None,
    });
    names.collect()
}
