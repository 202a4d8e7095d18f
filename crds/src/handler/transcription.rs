//! `handler.analysis.transcription`: who writes down what is said in a recording.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, object_name, rule};

/// The key of the Secret with which a server of speech is asked.
pub const API_KEY: &str = "API_KEY";

/// Writes down what is said in a recording: with times, by channel (in a recording of two channels each is one speaker),
/// and with the engine's confidence. The recording is cut at pauses into pieces of at most 30 s, and silence is never
/// asked about. What analyzes words reads what this writes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Transcription {
    /// Who writes. Exactly one member.
    pub engine: Engine,
}

/// Who writes down what is said. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "[has(self.builtin), has(self.openai), has(self.none)].filter(set, set).size() == 1",
    "transcription.engine must have exactly one member: builtin, openai or none",
))]
pub struct Engine {
    /// A small model of English speech inside the service itself: nothing leaves the pod. It is part of the image
    /// `marketplace-service-speech`, which the operator takes by itself unless `workload.image` names another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Builtin>,

    /// A server that answers `POST /v1/audio/transcriptions`: a hosted one, or one of your own such as speaches, vLLM,
    /// LocalAI or the server of whisper.cpp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openai: Option<OpenAi>,

    /// Nobody: as if `transcription` were not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<NoEngine>,
}

/// The model inside the service. It has no settings: the language is English.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Builtin {}

/// Nobody.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct NoEngine {}

/// A server that answers `POST /v1/audio/transcriptions` with `response_format=verbose_json`. Each piece of speech is sent
/// by itself, as WAV of 16 kHz; what may pass is tried again until the recording's time is over.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "self.url.startsWith('https://') || self.allowPrivate",
    "openai.url must be https: or set openai.allowPrivate for a server of your own network, such as http://speaches.speech.svc:8000",
))]
pub struct OpenAi {
    /// Where the server is, without `/v1/audio/transcriptions`, which is added: `https://api.openai.com` or
    /// `http://speaches.speech.svc:8000`. Redirects are not followed.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = rule(
        "self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self) && !self.matches('/v1/?$')",
        "openai.url must be http(s)://HOST[:PORT][/PATH] without user, query or fragment, and without /v1, which is added",
    ))]
    pub url: String,

    /// The model, by the name that the server has for it: `whisper-1`, or `Systran/faster-distil-whisper-small.en`.
    #[schemars(length(min = 1, max = 256))]
    pub model: String,

    /// A Secret in the add-on's namespace whose key `API_KEY` is sent as Bearer token. None: nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("openai.secretName"))]
    pub secret_name: Option<String>,

    /// What is spoken, as a BCP 47 tag such as `de` or `pt-BR`. None: the server finds out for each piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 16))]
    #[x_kube(validation = rule(
        "self.matches('^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$')",
        "openai.language must be a tag such as de or pt-BR",
    ))]
    pub language: Option<String>,

    /// How long the server may take for one piece of at most 30 s.
    #[serde(default = "timeout_seconds")]
    #[schemars(range(min = 1, max = 600))]
    #[x_kube(validation = between(1, 600, "openai.timeoutSeconds"))]
    pub timeout_seconds: i32,

    /// The server may be on a private network, such as a Service of this cluster, and may be reached by plain http. Without
    /// it only https to a public address is admitted.
    #[serde(default)]
    pub allow_private: bool,
}

fn timeout_seconds() -> i32 {
    60
}

impl Transcription {
    /// Whether the service must have the model.
    #[must_use]
    pub fn wants_model(&self) -> bool {
        self.engine.builtin.is_some()
    }

    /// The Secret that is read for it.
    #[must_use]
    pub fn secret_name(&self) -> Option<&str> {
        self.engine.openai.as_ref()?.secret_name.as_deref()
    }
}
