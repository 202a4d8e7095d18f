//! Where the value of a field is found, as the resource writes it. Read by `config`, followed by `Values`, and written into
//! by `invoke`.

use std::fmt;

/// The place of one value in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A parameter of the endpoint's encoding, by its name: of the query, the form, the text parts, or a member of the JSON.
    Parameter(String),
    /// A place in the JSON (RFC 6901).
    Pointer(String),
    /// A parameter in the query of a POST.
    Query(String),
    /// A header, in lower case. Never signed.
    Header(String),
}

impl Source {
    /// Takes what the resource has; its own rules say what may stand there, and with which encoding.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix("header:") {
            Self::Header(name.to_ascii_lowercase())
        } else if let Some(name) = text.strip_prefix("query:") {
            Self::Query(name.to_owned())
        } else if text.starts_with('/') {
            Self::Pointer(text.to_owned())
        } else {
            Self::Parameter(text.to_owned())
        }
    }

    /// Whether this is the parameter of that name.
    #[must_use]
    pub fn is_parameter(&self, name: &str) -> bool {
        matches!(self, Self::Parameter(own) if own == name)
    }

    /// Whether this is the parameter of that name in the query of a POST.
    #[must_use]
    pub fn is_query(&self, name: &str) -> bool {
        matches!(self, Self::Query(own) if own == name)
    }

    /// The members on the way to it in a JSON body, if it is there.
    #[must_use]
    pub fn json_path(&self) -> Option<Vec<String>> {
        match self {
            Self::Parameter(name) => Some(vec![name.clone()]),
            Self::Pointer(pointer) => {
                let segments = pointer.split('/').skip(1);
                Some(
                    segments
                        .map(|name| name.replace("~1", "/").replace("~0", "~"))
                        .collect(),
                )
            }
            Self::Query(_) | Self::Header(_) => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) | Self::Pointer(name) => formatter.write_str(name),
            Self::Query(name) => write!(formatter, "query:{name}"),
            Self::Header(name) => write!(formatter, "header:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn reads_each_kind_of_source_and_writes_it_back() {
        for (text, expected) in [
            ("phone", Source::Parameter("phone".to_owned())),
            ("my header", Source::Parameter("my header".to_owned())),
            ("/contact/number", Source::Pointer("/contact/number".to_owned())),
            ("query:apikey", Source::Query("apikey".to_owned())),
            ("header:x-my-number", Source::Header("x-my-number".to_owned())),
        ] {
            let source = Source::parse(text);
            assert_eq!(source, expected);
            assert_eq!(source.to_string(), text);
        }
        assert_eq!(
            Source::parse("header:X-My-Number"),
            Source::Header("x-my-number".to_owned())
        );
    }

    #[test]
    fn knows_the_way_to_a_place_in_json() {
        for (text, expected) in [
            ("phone", Some(&["phone"][..])),
            ("/contact/number", Some(&["contact", "number"])),
            ("/a~1b/m~0n/0", Some(&["a/b", "m~n", "0"])),
            ("/~01", Some(&["~1"])),
            ("query:phone", None),
            ("header:phone", None),
        ] {
            let path = Source::parse(text).json_path();
            let expected = expected.map(|path| path.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(path, expected, "{text}");
        }
    }
}
