//! Every way in which a genuine request is refused. Chosen by `admission` and the handlers, told by `server::verdict`.

/// Why a genuine request is refused: the `error_code` of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No endpoint has this path.
    UnknownEndpoint,
    /// The endpoint accepts another method.
    MethodNotAccepted,
    /// The endpoint accepts another encoding.
    EncodingNotAccepted,
    /// The request names another add-on.
    AnotherAddon,
    /// The body is no JSON object.
    BodyUnreadable,
    /// A field that the endpoint needs is not there or empty.
    FieldMissing,
    /// A field has two values.
    FieldAmbiguous,
    /// A field is not of its kind, or too long.
    FieldInvalid,
    /// A parameter that was registered with a fixed value has another.
    ConstantMismatch,
    /// The request is older than it may be.
    RequestExpired,
    /// The request has no date that can be read, or one that has not come yet.
    RequestDateInvalid,
    /// The recording is of a kind that the endpoint does not list.
    IntegrationKeyNotAccepted,
    /// The callback is no URL, or its host is not one that may be given a result.
    CallbackNotAllowed,
    /// No file part.
    AudioMissing,
    /// More than one file part.
    AudioAmbiguous,
    /// The recording is to be fetched from what is no URL, or from a host or in a way that is not allowed.
    AudioUrlNotAllowed,
    /// The recording is larger than the limit.
    AudioTooLarge,
    /// The recording is no audio that can be read.
    AudioUnreadable,
    /// Another request had this SID.
    RequestSidReused,
    /// The answer is larger than Twilio takes.
    AnswerTooLarge,
}

impl Refusal {
    /// Every refusal, for tables and documentation.
    pub const ALL: [Self; 20] = [
        Self::UnknownEndpoint,
        Self::MethodNotAccepted,
        Self::EncodingNotAccepted,
        Self::AnotherAddon,
        Self::BodyUnreadable,
        Self::FieldMissing,
        Self::FieldAmbiguous,
        Self::FieldInvalid,
        Self::ConstantMismatch,
        Self::RequestExpired,
        Self::RequestDateInvalid,
        Self::IntegrationKeyNotAccepted,
        Self::CallbackNotAllowed,
        Self::AudioMissing,
        Self::AudioAmbiguous,
        Self::AudioUrlNotAllowed,
        Self::AudioTooLarge,
        Self::AudioUnreadable,
        Self::RequestSidReused,
        Self::AnswerTooLarge,
    ];

    /// The word in the answer, in logs and in metrics.
    #[must_use]
    pub const fn error_code(self) -> &'static str {
        match self {
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::MethodNotAccepted => "method_not_accepted",
            Self::EncodingNotAccepted => "encoding_not_accepted",
            Self::AnotherAddon => "another_addon",
            Self::BodyUnreadable => "body_unreadable",
            Self::FieldMissing => "field_missing",
            Self::FieldAmbiguous => "field_ambiguous",
            Self::FieldInvalid => "field_invalid",
            Self::ConstantMismatch => "constant_mismatch",
            Self::RequestExpired => "request_expired",
            Self::RequestDateInvalid => "request_date_invalid",
            Self::IntegrationKeyNotAccepted => "integration_key_not_accepted",
            Self::CallbackNotAllowed => "callback_not_allowed",
            Self::AudioMissing => "audio_missing",
            Self::AudioAmbiguous => "audio_ambiguous",
            Self::AudioUrlNotAllowed => "audio_url_not_allowed",
            Self::AudioTooLarge => "audio_too_large",
            Self::AudioUnreadable => "audio_unreadable",
            Self::RequestSidReused => "request_sid_reused",
            Self::AnswerTooLarge => "answer_too_large",
        }
    }

    /// The sentence beside it.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnknownEndpoint => "no endpoint of this add-on has this path",
            Self::MethodNotAccepted => "this endpoint accepts another method",
            Self::EncodingNotAccepted => "this endpoint accepts another encoding of its fields",
            Self::AnotherAddon => "the request is for another add-on",
            Self::BodyUnreadable => "the body is not a JSON object",
            Self::FieldMissing => "a field that this endpoint needs is missing or empty",
            Self::FieldAmbiguous => "a field that this endpoint needs has more than one value",
            Self::FieldInvalid => "a field that this endpoint needs is not of its kind, or too long",
            Self::ConstantMismatch => {
                "a parameter of this add-on's registered URL or body is not what it was registered to be"
            }
            Self::RequestExpired => "the request is older than it may be",
            Self::RequestDateInvalid => {
                "the date of the request or its time to live is missing, unreadable or has not come yet"
            }
            Self::IntegrationKeyNotAccepted => "this endpoint does not take recordings of this kind",
            Self::CallbackNotAllowed => "the callback is not a URL that this add-on may send results to",
            Self::AudioMissing => "the recording is missing",
            Self::AudioAmbiguous => "there is more than one file part with a recording",
            Self::AudioUrlNotAllowed => "the recording is not at a URL that this add-on may fetch from",
            Self::AudioTooLarge => "the recording is larger than this add-on accepts",
            Self::AudioUnreadable => "the recording is not audio that this add-on can read",
            Self::RequestSidReused => "another request had this request SID",
            Self::AnswerTooLarge => "the answer is larger than 64 kB",
        }
    }
}
