//! The fields of a request in each encoding that an add-on may be registered with.

use anyhow::Result;
use bytes::Bytes;
use form_urlencoded::Serializer;

use super::signer::Sdk;

const BOUNDARY: &str = "--------------------------015731429718254968410723";

/// A name and a value.
pub type Pair = (String, String);

/// A file part.
#[derive(Debug, Clone)]
pub struct File {
    /// The name of the part.
    pub field: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Where the file part stands among the text parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOrder {
    /// Before them.
    First,
    /// After them.
    Last,
}

/// The fields of a request, in one of the encodings.
#[derive(Debug, Clone)]
pub enum Payload {
    /// GET with the fields in the query.
    Query(Vec<Pair>),
    /// POST of a form.
    Form(Vec<Pair>),
    /// POST of this JSON text.
    Json(String),
    /// POST of text parts and a file part.
    Multipart {
        /// The text parts.
        fields: Vec<Pair>,
        /// The file part.
        file: Option<File>,
        /// Which comes first.
        order: FileOrder,
    },
}

/// Owned pairs of what is written as literals.
pub fn pairs(literals: &[(&str, &str)]) -> Vec<Pair> {
    literals
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

impl Payload {
    /// A recording as the client of the example add-ons sends it.
    pub fn recording(callback: &str, wav: Bytes, order: FileOrder) -> Self {
        Self::Multipart {
            fields: pairs(&[
                ("callback", callback),
                ("channels", "2"),
                ("duration", "4"),
                ("format", "audio/x-wav"),
            ]),
            file: Some(File {
                field: "audio-data".to_owned(),
                bytes: wav,
            }),
            order,
        }
    }

    /// Lays the fields out as they are sent; the hash of a JSON body is the library's own.
    pub(super) fn lay_out(self, sdk: Sdk) -> Result<Unsigned> {
        Ok(match self {
            Self::Query(fields) => Unsigned::get(encode(&fields)),
            Self::Form(fields) => {
                let body = vec![Bytes::from(encode(&fields))];
                Unsigned::post(fields, "application/x-www-form-urlencoded; charset=utf-8", body)
            }
            Self::Json(text) => {
                let query = format!("bodySHA256={}", sdk.body_hash(&text)?);
                Unsigned {
                    query: Some(query),
                    ..Unsigned::post(Vec::new(), "application/json", vec![Bytes::from(text)])
                }
            }
            Self::Multipart { fields, file, order } => {
                let body = multipart(&fields, file, order);
                Unsigned::post(fields, &format!("multipart/form-data; boundary={BOUNDARY}"), body)
            }
        })
    }
}

/// A request before it is signed.
pub(super) struct Unsigned {
    pub(super) method: &'static str,
    pub(super) query: Option<String>,
    pub(super) parameters: Vec<Pair>,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<Bytes>,
}

impl Unsigned {
    fn get(query: String) -> Self {
        Self {
            method: "GET",
            query: Some(query),
            parameters: Vec::new(),
            content_type: None,
            body: Vec::new(),
        }
    }

    fn post(parameters: Vec<Pair>, content_type: &str, body: Vec<Bytes>) -> Self {
        Self {
            method: "POST",
            query: None,
            parameters,
            content_type: Some(content_type.to_owned()),
            body,
        }
    }
}

fn encode(fields: &[Pair]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The parts as the `form-data` library of the examples' client writes them.
fn multipart(fields: &[Pair], file: Option<File>, order: FileOrder) -> Vec<Bytes> {
    let texts = fields.iter().map(|(name, value)| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let texts = Bytes::from(texts.collect::<String>());
    let file = file.into_iter().flat_map(|File { field, bytes }| {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"test.wav\"\r\nContent-Type: audio/x-wav\r\n\r\n"
        );
        [Bytes::from(head), bytes, Bytes::from_static(b"\r\n")]
    });
    let mut body = vec![texts];
    match order {
        FileOrder::First => drop(body.splice(0..0, file)),
        FileOrder::Last => body.extend(file),
    }
    body.push(Bytes::from(format!("--{BOUNDARY}--\r\n")));
    body
}
