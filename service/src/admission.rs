//! Decides what becomes of a request that is verified: looked up now, worked on later, or refused. Pure: called by `server`
//! between the reading of a request and the doing.

use marketplace_crds::endpoint::Encoding;

use crate::config::{Config, Endpoint, HandlerPlan};
use crate::domain::{CallbackUrl, TwilioSids};
use crate::egress;
use crate::request::{self, ReadFields};
use crate::signature::Parameter;

/// A verified request as it was sent.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// GET or POST; nothing else is ever accepted.
    pub method: Method,
    /// The encoding, where it is one that endpoints know.
    pub encoding: Option<Encoding>,
    /// The parameters of the query, the form, or the text parts. A JSON body is `json` instead.
    pub parameters: Vec<Parameter>,
    /// A JSON body, whose hash is signed.
    pub json: Option<bytes::Bytes>,
    /// What came as the file part with the recording.
    pub audio: AudioPart,
    /// What the headers say of the parties. Not signed, so nothing but refusals and names hangs on them.
    pub sids: TwilioSids,
}

/// The methods as far as they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// Any other.
    Other,
}

/// What is known of the file part before anyone looks into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioPart {
    /// There was none.
    Missing,
    /// One, now in quarantine.
    Received,
    /// Larger than any recording may be.
    TooLarge,
    /// More than one; the signature does not say which.
    Repeated,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Look it up and answer at once.
    Lookup(Lookup),
    /// Accept it for later.
    Analyze(Analyze),
}

/// A question about a phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The phone number that is asked about.
    pub phone_number: String,
    /// The other party's.
    pub secondary_phone_number: Option<String>,
    /// The text of a message.
    pub body: Option<String>,
}

/// A recording to be analyzed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyze {
    /// Where the result goes.
    pub callback: CallbackUrl,
    /// Tells a repetition from another request under the same SID.
    pub fields_digest: String,
}

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
    /// The callback is no URL, or its host is not one that may be given a result.
    CallbackNotAllowed,
    /// No file part.
    AudioMissing,
    /// More than one file part.
    AudioAmbiguous,
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
    pub const ALL: [Self; 14] = [
        Self::UnknownEndpoint,
        Self::MethodNotAccepted,
        Self::EncodingNotAccepted,
        Self::AnotherAddon,
        Self::BodyUnreadable,
        Self::FieldMissing,
        Self::FieldAmbiguous,
        Self::CallbackNotAllowed,
        Self::AudioMissing,
        Self::AudioAmbiguous,
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
            Self::CallbackNotAllowed => "callback_not_allowed",
            Self::AudioMissing => "audio_missing",
            Self::AudioAmbiguous => "audio_ambiguous",
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
            Self::CallbackNotAllowed => "the callback is not a URL that this add-on may send results to",
            Self::AudioMissing => "the file part with the recording is missing",
            Self::AudioAmbiguous => "there is more than one file part with a recording",
            Self::AudioTooLarge => "the recording is larger than this add-on accepts",
            Self::AudioUnreadable => "the recording is not audio that this add-on can read",
            Self::RequestSidReused => "another request had this request SID",
            Self::AnswerTooLarge => "the answer is larger than 64 kB",
        }
    }
}

/// Admits a verified request, or says why not. The order is from the request as a whole to its parts, so that the first
/// thing that is wrong is the one that is told.
pub fn admit(config: &Config, endpoint: Option<&Endpoint>, request: &SignedRequest) -> Result<Admission, Refusal> {
    let endpoint = endpoint.ok_or(Refusal::UnknownEndpoint)?;
    if request.method != method_of(endpoint.encoding) {
        return Err(Refusal::MethodNotAccepted);
    }
    if request.encoding != Some(endpoint.encoding) {
        return Err(Refusal::EncodingNotAccepted);
    }
    if let (Some(own), Some(named)) = (&config.addon_sid, &request.sids.addon)
        && own != named
    {
        return Err(Refusal::AnotherAddon);
    }
    match endpoint.handler {
        HandlerPlan::Table(_) | HandlerPlan::Sql(_) => admit_lookup(endpoint, request).map(Admission::Lookup),
        HandlerPlan::Analysis(_) => admit_recording(config, endpoint, request).map(Admission::Analyze),
    }
}

/// The one method of an encoding.
#[must_use]
pub const fn method_of(encoding: Encoding) -> Method {
    match encoding {
        Encoding::Query => Method::Get,
        Encoding::Form | Encoding::Json | Encoding::Multipart => Method::Post,
    }
}

fn admit_lookup(endpoint: &Endpoint, request: &SignedRequest) -> Result<Lookup, Refusal> {
    let members = request
        .json
        .as_ref()
        .map(|json| request::members(json))
        .transpose()
        .map_err(refuse_fields)?;
    let parameters = members.as_ref().unwrap_or(&request.parameters);
    let mapped = request::map(&endpoint.fields, parameters).map_err(refuse_fields)?;
    Ok(Lookup {
        phone_number: mapped.phone_number.ok_or(Refusal::FieldMissing)?,
        secondary_phone_number: mapped.secondary_phone_number,
        body: mapped.body,
    })
}

fn admit_recording(config: &Config, endpoint: &Endpoint, request: &SignedRequest) -> Result<Analyze, Refusal> {
    let mapped = request::map(&endpoint.fields, &request.parameters).map_err(refuse_fields)?;
    let callback = mapped.callback.ok_or(Refusal::FieldMissing)?;
    let callback = CallbackUrl::parse(&callback).map_err(|_| Refusal::CallbackNotAllowed)?;
    egress::admits(&config.callbacks, callback.expose()).map_err(|_| Refusal::CallbackNotAllowed)?;
    match request.audio {
        AudioPart::Missing => Err(Refusal::AudioMissing),
        AudioPart::Repeated => Err(Refusal::AudioAmbiguous),
        AudioPart::TooLarge => Err(Refusal::AudioTooLarge),
        AudioPart::Received => Ok(Analyze {
            callback,
            fields_digest: request::digest(&endpoint.fields, &request.parameters),
        }),
    }
}

fn refuse_fields(error: ReadFields) -> Refusal {
    match error {
        ReadFields::ChooseValue => Refusal::FieldAmbiguous,
        ReadFields::ReadJson => Refusal::BodyUnreadable,
    }
}

#[cfg(test)]
mod tests;
