//! The endpoint's own names, as its resource maps them. Made by `config`, followed by `request`.

use std::collections::{BTreeMap, BTreeSet};

use marketplace_crds::request::{Encoding, Fields, Request};

use super::source::Source;

/// Where an endpoint's requests carry what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Our fields.
    pub fields: FieldSources,
    /// What must be equal to a fixed value.
    pub constants: Vec<Constant>,
    /// The customer's choices, by our names.
    pub configuration: BTreeMap<String, Source>,
    /// The name of the file part with the recording.
    pub file_part: Option<String>,
    /// The headers that hold fields, in lower case.
    pub headers: BTreeSet<String>,
}

/// A parameter with a fixed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Where it is.
    pub source: Source,
    /// What it must be.
    pub value: String,
}

/// The source of each of our fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the member of the same name of the resource's request.fields"
)]
pub struct FieldSources {
    pub phone_number: Option<Source>,
    pub secondary_phone_number: Option<Source>,
    pub body: Option<Source>,
    pub audio: Option<Source>,
    pub audio_url: Option<Source>,
    pub callback: Option<Source>,
    pub size: Option<Source>,
    pub duration: Option<Source>,
    pub format: Option<Source>,
    pub sample_size: Option<Source>,
    pub sample_rate: Option<Source>,
    pub channels: Option<Source>,
    pub test_flag: Option<Source>,
    pub integration_key: Option<Source>,
    pub request_sid: Option<Source>,
    pub date: Option<Source>,
    pub ttl: Option<Source>,
}

impl Mapping {
    /// Reads the resource, whose own rules were evaluated.
    #[must_use]
    pub fn new(request: &Request) -> Self {
        let Request {
            encoding,
            fields,
            constants,
            configuration,
        } = request;
        let constants = constants.iter().flatten().map(|constant| Constant {
            source: Source::parse(&constant.name),
            value: constant.value.clone(),
        });
        let configuration = configuration
            .iter()
            .flatten()
            .map(|(name, source)| (name.clone(), Source::parse(source)));
        let mut mapping = Self {
            file_part: fields.audio.clone().filter(|_| *encoding == Encoding::Multipart),
            fields: FieldSources::new(fields),
            constants: constants.collect(),
            configuration: configuration.collect(),
            headers: BTreeSet::new(),
        };
        mapping.headers = mapping.header_names();
        mapping
    }

    fn header_names(&self) -> BTreeSet<String> {
        let constants = self.constants.iter().map(|constant| &constant.source);
        let sources = self.fields.all().into_iter().flatten();
        sources
            .chain(constants)
            .chain(self.configuration.values())
            .filter_map(|source| match source {
                Source::Header(name) => Some(name.clone()),
                Source::Parameter(_) | Source::Pointer(_) | Source::Query(_) => None,
            })
            .collect()
    }
}

impl FieldSources {
    fn new(fields: &Fields) -> Self {
        // No `..`: whoever adds a field decides here where it is read.
        let Fields {
            phone_number,
            secondary_phone_number,
            body,
            audio,
            audio_url,
            callback,
            size,
            duration,
            format,
            sample_size,
            sample_rate,
            channels,
            test_flag,
            integration_key,
            request_sid,
            date,
            ttl,
        } = fields;
        let source = |text: &Option<String>| text.as_deref().map(Source::parse);
        Self {
            phone_number: source(phone_number),
            secondary_phone_number: source(secondary_phone_number),
            body: source(body),
            audio: source(audio),
            audio_url: source(audio_url),
            callback: source(callback),
            size: source(size),
            duration: source(duration),
            format: source(format),
            sample_size: source(sample_size),
            sample_rate: source(sample_rate),
            channels: source(channels),
            test_flag: source(test_flag),
            integration_key: source(integration_key),
            request_sid: source(request_sid),
            date: source(date),
            ttl: source(ttl),
        }
    }

    fn all(&self) -> [Option<&Source>; 17] {
        let Self {
            phone_number,
            secondary_phone_number,
            body,
            audio,
            audio_url,
            callback,
            size,
            duration,
            format,
            sample_size,
            sample_rate,
            channels,
            test_flag,
            integration_key,
            request_sid,
            date,
            ttl,
        } = self;
        [
            phone_number,
            secondary_phone_number,
            body,
            audio,
            audio_url,
            callback,
            size,
            duration,
            format,
            sample_size,
            sample_rate,
            channels,
            test_flag,
            integration_key,
            request_sid,
            date,
            ttl,
        ]
        .map(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use marketplace_crds::request::Request;

    use super::{Mapping, Source};

    fn mapping(request: serde_json::Value) -> serde_json::Result<Mapping> {
        Ok(Mapping::new(&serde_json::from_value::<Request>(request)?))
    }

    #[test]
    fn a_file_part_is_what_holds_the_recording_of_multipart_alone() -> serde_json::Result<()> {
        for (encoding, expected) in [("Multipart", Some("audio-data")), ("Form", None), ("Json", None)] {
            let mapping = mapping(serde_json::json!({"encoding": encoding, "fields": {"audio": "audio-data"}}))?;
            assert_eq!(mapping.file_part.as_deref(), expected, "{encoding}");
            assert_eq!(mapping.fields.audio, Some(Source::Parameter("audio-data".to_owned())));
        }
        Ok(())
    }

    #[test]
    fn knows_every_header_that_holds_something() -> serde_json::Result<()> {
        let mapping = mapping(serde_json::json!({
            "encoding": "Json",
            "fields": {"phoneNumber": "header:X-Number", "requestSid": "header:X-Sid", "body": "/text"},
            "constants": [{"name": "header:X-Api-Key", "value": "k"}],
            "configuration": {"language": "header:X-Language", "region": "query:region"},
        }))?;
        let headers: Vec<_> = mapping.headers.iter().map(String::as_str).collect();
        assert_eq!(headers, ["x-api-key", "x-language", "x-number", "x-sid"]);
        Ok(())
    }
}
