//! The endpoint's own names, as its resource maps them. Made by `config`, followed by `request`.

use std::collections::{BTreeMap, BTreeSet};

use marketplace_crds::request::{Encoding, Fields, Request};

use super::constant::Constant;
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
    /// The country code of phone numbers that come without one.
    pub default_country_code: Option<String>,
    /// The name of the file part with the recording.
    pub file_part: Option<String>,
    /// The headers that hold fields, in lower case.
    pub headers: BTreeSet<String>,
}

/// Each field is written once: the resource's `request.fields`, which must have the very same ones, gives the sources.
macro_rules! field_sources {
    ($($field:ident),+ $(,)?) => {
        /// The source of each of our fields.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[expect(
            missing_docs,
            reason = "each is the member of the same name of the resource's request.fields"
        )]
        pub struct FieldSources {
            $(pub $field: Option<Source>),+
        }

        impl FieldSources {
            fn new(fields: &Fields) -> Self {
                // No `..`: whoever adds a field decides above that it is read.
                let Fields { $($field),+ } = fields;
                Self { $($field: $field.as_deref().map(Source::parse)),+ }
            }

            fn all(&self) -> impl Iterator<Item = &Source> {
                [$(&self.$field),+].into_iter().flatten()
            }
        }
    };
}

field_sources!(
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
);

impl Mapping {
    /// Reads the resource, whose own rules were evaluated.
    #[must_use]
    pub fn new(request: &Request) -> Self {
        let Request {
            encoding,
            fields,
            constants,
            configuration,
            default_country_code,
        } = request;
        let constants = constants.iter().flatten().map(Constant::new);
        let configuration = configuration
            .iter()
            .flatten()
            .map(|(name, source)| (name.clone(), Source::parse(source)));
        let mut mapping = Self {
            file_part: fields.audio.clone().filter(|_| *encoding == Encoding::Multipart),
            fields: FieldSources::new(fields),
            constants: constants.collect(),
            configuration: configuration.collect(),
            default_country_code: default_country_code.clone(),
            headers: BTreeSet::new(),
        };
        mapping.headers = mapping.header_names();
        mapping
    }

    fn header_names(&self) -> BTreeSet<String> {
        let constants = self.constants.iter().map(|constant| &constant.source);
        let sources = self.fields.all();
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
