//! Decides what becomes of a request that is verified: looked up now, worked on later, or refused. Pure: called by `server`
//! between the reading of a request and the doing.

mod refusal;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use marketplace_crds::endpoint::{Encoding, IntegrationKey};

use crate::config::{Config, Endpoint};
use crate::domain::{AudioUrl, CallbackUrl, RequestDetails, TwilioSids};
use crate::egress;
use crate::replay::{Dated, JudgeDate};
use crate::request::{self, AudioClaims, ConstantSecrets, ReadFields, RecordingFields, Sent, Values};

pub use self::refusal::Refusal;

/// A verified request as it was sent.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// GET or POST; nothing else is ever accepted.
    pub method: Method,
    /// The encoding, where it is one that endpoints know.
    pub encoding: Option<Encoding>,
    /// Where its fields are.
    pub sent: Sent,
    /// What came as the file part with the recording.
    pub audio: AudioPart,
    /// What the headers say of the parties. Not signed, so nothing but refusals and names hangs on them. Shared, because
    /// they are large and go with the request through all of it.
    pub sids: Arc<TwilioSids>,
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
    Analyze(Box<Analyze>),
    /// Read the recording, and then forget it: the request only tries the endpoint.
    Try(Upload),
}

/// A question about a phone number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The phone number that is asked about, in E.164 where it can be written so.
    pub phone_number: String,
    /// The same as it was sent.
    pub sent_phone_number: String,
    /// The other party's, in E.164 where it can be written so.
    pub secondary_phone_number: Option<String>,
    /// The text of a message.
    pub body: Option<String>,
    /// The customer's choices, by our names.
    pub configuration: BTreeMap<String, String>,
    /// What Twilio calls the parties.
    pub sids: Arc<TwilioSids>,
}

/// A recording to be analyzed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyze {
    /// The audio.
    pub upload: Upload,
    /// Where the result goes.
    pub callback: CallbackUrl,
    /// What else is kept with the job.
    pub details: RequestDetails,
    /// What Twilio calls the parties; the request SID is that of the field, where it is one.
    pub sids: Arc<TwilioSids>,
    /// Tells a repetition from another request under the same SID.
    pub fields_digest: String,
}

/// A recording as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Where its bytes are.
    pub source: AudioSource,
    /// What is said of it.
    pub claims: AudioClaims,
}

/// Where the bytes of a recording are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioSource {
    /// In quarantine: they came as the file part.
    FilePart,
    /// Here: they came as a field.
    Inline(Vec<u8>),
    /// Elsewhere: a field says where they are to be fetched.
    Url(AudioUrl),
}

/// What a request is judged by, whichever endpoint it is for.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The add-on.
    pub config: &'a Config,
    /// What the Secrets hold of its constants.
    pub constants: &'a ConstantSecrets,
    /// The present time.
    pub now: Timestamp,
}

/// Admits a verified request, or says why not. The order is from the request as a whole to its parts, so that the first
/// thing that is wrong is the one that is told.
pub fn admit(known: &Known<'_>, endpoint: Option<&Endpoint>, request: &SignedRequest) -> Result<Admission, Refusal> {
    let Known { config, constants, now } = *known;
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
    let values = Values::read(&request.sent).map_err(refuse_fields)?;
    if !request::keeps_constants(&endpoint.mapping, constants, &values).map_err(refuse_fields)? {
        return Err(Refusal::ConstantMismatch);
    }
    judge_date(endpoint, &values, now)?;
    if endpoint.integration.is_asynchronous() {
        admit_recording(config, endpoint, request, &values)
    } else {
        admit_lookup(endpoint, &values, &request.sids).map(Admission::Lookup)
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

fn judge_date(endpoint: &Endpoint, values: &Values<'_>, now: Timestamp) -> Result<(), Refusal> {
    let Some(replay) = &endpoint.replay else {
        return Ok(());
    };
    let fields = &endpoint.mapping.fields;
    let dated = Dated {
        date: request::text(fields.date.as_ref(), values).map_err(refuse_fields)?,
        ttl: request::text(fields.ttl.as_ref(), values).map_err(refuse_fields)?,
    };
    let judged = replay.judge(&dated, fields.ttl.is_some(), now);
    judged.map_err(|error| match error {
        JudgeDate::TakeInTime => Refusal::RequestExpired,
        JudgeDate::FindDate | JudgeDate::ReadDate | JudgeDate::BelieveDate => Refusal::RequestDateInvalid,
    })
}

fn admit_lookup(endpoint: &Endpoint, values: &Values<'_>, sids: &Arc<TwilioSids>) -> Result<Lookup, Refusal> {
    let mapping = &endpoint.mapping;
    let mapped = request::lookup(&mapping.fields, values).map_err(refuse_fields)?;
    let sent_phone_number = mapped.phone_number.ok_or(Refusal::FieldMissing)?;
    let in_e164 = |sent: &str| request::normalised(sent, mapping.default_country_code.as_deref());
    Ok(Lookup {
        phone_number: in_e164(&sent_phone_number),
        sent_phone_number,
        secondary_phone_number: mapped.secondary_phone_number.as_deref().map(in_e164),
        body: mapped.body,
        configuration: request::configuration(mapping, values).map_err(refuse_fields)?,
        sids: signed_sids(endpoint, values, sids)?,
    })
}

fn admit_recording(
    config: &Config,
    endpoint: &Endpoint,
    request: &SignedRequest,
    values: &Values<'_>,
) -> Result<Admission, Refusal> {
    let mapping = &endpoint.mapping;
    let mut mapped = request::recording(mapping, values).map_err(refuse_fields)?;
    let callback = match mapped.callback.take() {
        None if mapped.is_test => None,
        None => return Err(Refusal::FieldMissing),
        Some(text) => Some(admit_callback(config, &text)?),
    };
    let details = RequestDetails {
        integration_key: integration_key(endpoint, mapped.integration_key.as_deref())?,
        configuration: request::configuration(mapping, values).map_err(refuse_fields)?,
    };
    let sids = signed_sids(endpoint, values, &request.sids)?;
    let upload = Upload {
        source: audio_source(config, endpoint, request.audio, &mut mapped)?,
        claims: mapped.claims,
    };
    Ok(match callback.filter(|_| !mapped.is_test) {
        None => Admission::Try(upload),
        Some(callback) => Admission::Analyze(Box::new(Analyze {
            upload,
            callback,
            details,
            sids,
            fields_digest: request::digest(&mapping.fields, values),
        })),
    })
}

fn admit_callback(config: &Config, text: &str) -> Result<CallbackUrl, Refusal> {
    let callback = CallbackUrl::parse(text).map_err(|_| Refusal::CallbackNotAllowed)?;
    egress::admits(&config.callbacks, callback.expose()).map_err(|_| Refusal::CallbackNotAllowed)?;
    Ok(callback)
}

/// The audio itself, where it came with the request; else where it is.
fn audio_source(
    config: &Config,
    endpoint: &Endpoint,
    part: AudioPart,
    mapped: &mut RecordingFields,
) -> Result<AudioSource, Refusal> {
    if let Some(bytes) = mapped.audio.take() {
        return Ok(AudioSource::Inline(bytes));
    }
    let part = if endpoint.mapping.file_part.is_some() {
        part
    } else {
        AudioPart::Missing
    };
    match part {
        AudioPart::Missing => match &mapped.audio_url {
            Some(text) => admit_audio_url(config, text).map(AudioSource::Url),
            None => Err(Refusal::AudioMissing),
        },
        AudioPart::Repeated => Err(Refusal::AudioAmbiguous),
        AudioPart::TooLarge => Err(Refusal::AudioTooLarge),
        AudioPart::Received => Ok(AudioSource::FilePart),
    }
}

fn admit_audio_url(config: &Config, text: &str) -> Result<AudioUrl, Refusal> {
    let url = AudioUrl::parse(text).map_err(|_| Refusal::AudioUrlNotAllowed)?;
    egress::admits_fetch(&config.audio_fetch, url.expose()).map_err(|_| Refusal::AudioUrlNotAllowed)?;
    Ok(url)
}

/// The kind of recording: as it is sent, or the only one that customers may choose. A list is a filter for what is sent.
fn integration_key(endpoint: &Endpoint, sent: Option<&str>) -> Result<Option<IntegrationKey>, Refusal> {
    let listed = &endpoint.integration_keys;
    if endpoint.mapping.fields.integration_key.is_none() {
        return Ok(match listed.as_slice() {
            [only] => Some(*only),
            _ => None,
        });
    }
    let sent = sent.ok_or(Refusal::FieldMissing)?;
    let known = IntegrationKey::ALL.into_iter().find(|key| key.as_str() == sent);
    known
        .filter(|key| listed.is_empty() || listed.contains(key))
        .map(Some)
        .ok_or(Refusal::IntegrationKeyNotAccepted)
}

/// The SIDs, the request's by its signed field where that is mapped and sent.
fn signed_sids(endpoint: &Endpoint, values: &Values<'_>, sids: &Arc<TwilioSids>) -> Result<Arc<TwilioSids>, Refusal> {
    let signed = request::request_sid(&endpoint.mapping.fields, values).map_err(refuse_fields)?;
    Ok(match signed {
        None => Arc::clone(sids),
        Some(sid) => Arc::new(TwilioSids {
            request: Some(sid.as_str().to_owned()),
            ..TwilioSids::clone(sids)
        }),
    })
}

fn refuse_fields(error: ReadFields) -> Refusal {
    match error {
        ReadFields::ChooseValue => Refusal::FieldAmbiguous,
        ReadFields::FindValue => Refusal::FieldMissing,
        ReadFields::ReadValue => Refusal::FieldInvalid,
        ReadFields::DecodeAudio => Refusal::AudioUnreadable,
        ReadFields::ReadJson => Refusal::BodyUnreadable,
    }
}

#[cfg(test)]
mod tests;
