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

/// The pointer to a member of the JSON object itself.
#[must_use]
pub fn pointer_to(member: &str) -> String {
    format!("/{}", member.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::{Source, pointer_to};

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
    fn points_at_members_with_any_name() {
        let json = serde_json::json!({"a": 1, "a/b": 2, "m~n": 3, "~1": 4, "": 5});
        for (member, expected) in [("a", 1), ("a/b", 2), ("m~n", 3), ("~1", 4), ("", 5)] {
            assert_eq!(
                json.pointer(&pointer_to(member)),
                Some(&serde_json::json!(expected)),
                "{member}"
            );
        }
    }
}
