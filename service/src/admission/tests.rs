//! One row per way in which a verified request is admitted or refused.

use std::error::Error;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use marketplace_crds::endpoint::Encoding;
use marketplace_crds::manifest;

use super::{Admission, AudioPart, Known, Lookup, Method, Refusal, SignedRequest, admit};
use crate::config::Config;
use crate::domain::TwilioSids;
use crate::request::{ConstantSecrets, Sent, SentBody};
use crate::signature::Parameter;

fn config() -> Result<Config, Box<dyn Error>> {
    Ok(Config::from_addon(&manifest::read(include_str!(
        "../../../crds/fixtures/call-insights.yaml"
    ))?)?)
}

fn parameters(pairs: &[(&str, &str)]) -> Vec<Parameter> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn now() -> Result<Timestamp, jiff::Error> {
    "2026-11-21T16:00:00Z".parse()
}

fn known(config: &Config) -> Result<Known<'_>, jiff::Error> {
    static NONE: LazyLock<ConstantSecrets> = LazyLock::new(ConstantSecrets::default);
    Ok(Known {
        config,
        constants: &NONE,
        now: now()?,
    })
}

fn request(method: Method, encoding: Option<Encoding>, pairs: &[(&str, &str)]) -> SignedRequest {
    SignedRequest {
        method,
        encoding,
        sent: match method {
            Method::Post => Sent {
                body: SentBody::Parameters(parameters(pairs)),
                ..Sent::default()
            },
            Method::Get | Method::Other => Sent {
                query: parameters(pairs),
                ..Sent::default()
            },
        },
        audio: AudioPart::Missing,
        sids: Arc::default(),
    }
}

fn sms(pairs: &[(&str, &str)]) -> SignedRequest {
    request(Method::Get, Some(Encoding::Query), pairs)
}

fn recording(callback: &str, audio: AudioPart) -> SignedRequest {
    let pairs = [("callback", callback), ("duration", "4")];
    SignedRequest {
        audio,
        ..request(Method::Post, Some(Encoding::Multipart), &pairs)
    }
}

fn json(body: &'static str) -> SignedRequest {
    SignedRequest {
        sent: Sent {
            body: SentBody::Bytes(body.into()),
            ..Sent::default()
        },
        ..request(Method::Post, Some(Encoding::Json), &[])
    }
}

fn from_addon(sid: &str) -> SignedRequest {
    let sids = TwilioSids {
        addon: Some(sid.to_owned()),
        ..TwilioSids::default()
    };
    SignedRequest {
        sids: Arc::new(sids),
        ..sms(&[("phone", "+1")])
    }
}

fn refusal(endpoint: &str, request: &SignedRequest) -> Result<Option<Refusal>, Box<dyn Error>> {
    let config = config()?;
    Ok(admit(&known(&config)?, config.endpoint(endpoint), request).err())
}

#[test]
fn refuses_what_does_not_fit_the_endpoint() -> Result<(), Box<dyn Error>> {
    use Refusal as R;
    let phone = [("phone", "+14155551212")];
    let allowed = "https://api.twilio.com/result";
    let cases = [
        ("nowhere", sms(&phone), Some(R::UnknownEndpoint)),
        ("sms", sms(&phone), None),
        (
            "sms",
            request(Method::Post, Some(Encoding::Form), &phone),
            Some(R::MethodNotAccepted),
        ),
        ("sms", request(Method::Other, None, &phone), Some(R::MethodNotAccepted)),
        ("sms", sms(&[]), Some(R::FieldMissing)),
        ("sms", sms(&[("phone", "")]), Some(R::FieldMissing)),
        ("sms", sms(&[("phone", "1"), ("phone", "2")]), Some(R::FieldAmbiguous)),
        ("sms", from_addon("XB00000000000000000000000000000000"), None),
        (
            "sms",
            from_addon("XB11111111111111111111111111111111"),
            Some(R::AnotherAddon),
        ),
        ("lookup", json(r#"{"phone": "+14155551212"}"#), None),
        ("lookup", json(r#"{"phone": ["+14155551212"]}"#), Some(R::FieldMissing)),
        ("lookup", json("+14155551212"), Some(R::BodyUnreadable)),
        (
            "lookup",
            request(Method::Post, Some(Encoding::Form), &phone),
            Some(R::EncodingNotAccepted),
        ),
        (
            "lookup",
            request(Method::Post, None, &phone),
            Some(R::EncodingNotAccepted),
        ),
        ("lookup", sms(&phone), Some(R::MethodNotAccepted)),
        ("recordings", recording(allowed, AudioPart::Received), None),
        (
            "recordings",
            recording(allowed, AudioPart::Missing),
            Some(R::AudioMissing),
        ),
        (
            "recordings",
            recording(allowed, AudioPart::Repeated),
            Some(R::AudioAmbiguous),
        ),
        (
            "recordings",
            recording(allowed, AudioPart::TooLarge),
            Some(R::AudioTooLarge),
        ),
        ("recordings", recording("", AudioPart::Received), Some(R::FieldMissing)),
        (
            "recordings",
            recording("no url", AudioPart::Received),
            Some(R::CallbackNotAllowed),
        ),
        (
            "recordings",
            recording("http://api.twilio.com/", AudioPart::Received),
            Some(R::CallbackNotAllowed),
        ),
        (
            "recordings",
            recording("https://example.org/", AudioPart::Received),
            Some(R::CallbackNotAllowed),
        ),
    ];
    for (endpoint, request, expected) in cases {
        assert_eq!(refusal(endpoint, &request)?, expected, "{endpoint} {request:?}");
    }
    Ok(())
}

#[test]
fn looks_up_the_mapped_fields() -> Result<(), Box<dyn Error>> {
    let config = config()?;
    let request = sms(&[("phone", "+14155551212"), ("message", "hello"), ("to", "+18005551212")]);
    let expected = Lookup {
        phone_number: "+14155551212".to_owned(),
        sent_phone_number: "+14155551212".to_owned(),
        body: Some("hello".to_owned()),
        ..Lookup::default()
    };
    assert_eq!(
        admit(&known(&config)?, config.endpoint("sms"), &request),
        Ok(Admission::Lookup(expected))
    );
    Ok(())
}

#[test]
fn a_repeated_recording_has_the_same_digest_under_another_callback() -> Result<(), Box<dyn Error>> {
    let config = config()?;
    let known = known(&config)?;
    let digest = |callback: &str| match admit(
        &known,
        config.endpoint("recordings"),
        &recording(callback, AudioPart::Received),
    ) {
        Ok(Admission::Analyze(analyze)) => Some(analyze.fields_digest),
        _ => None,
    };
    let first = digest("https://api.twilio.com/1");
    assert!(first.is_some());
    assert_eq!(first, digest("https://api.twilio.com/2"));
    Ok(())
}
