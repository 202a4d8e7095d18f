//! Requests written byte by byte, and signed with the published algorithm as `signature` has it.

use secrecy::SecretString;

use super::harness::TOKEN;
use crate::request::pairs;
use crate::signature::{Parameter, SIGNATURE_HEADER, body_hash, sign};

const PUBLIC_URL: &str = "https://addons.example.com";
const BOUNDARY: &str = "XXboundaryXX";

/// A request to be signed and sent.
#[derive(Clone)]
pub struct Sent {
    method: String,
    target: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    signed: Vec<Parameter>,
    token: Option<String>,
    base: String,
    chunked: bool,
}

impl Sent {
    fn new(method: &str, target: &str, body: Vec<u8>, signed: Vec<Parameter>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            path: target.split('?').next().unwrap_or_default().to_owned(),
            headers: vec![],
            body,
            signed,
            token: Some(TOKEN.to_owned()),
            base: format!("{PUBLIC_URL}/insights"),
            chunked: false,
        }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target, vec![], vec![])
    }

    pub fn raw(target: &str, content_type: &str, body: Vec<u8>) -> Self {
        Self::new("POST", target, body, vec![]).header("content-type", content_type)
    }

    pub fn form(target: &str, body: &str) -> Self {
        Self::new("POST", target, body.into(), pairs(body.as_bytes()))
            .header("content-type", "application/x-www-form-urlencoded; charset=UTF-8")
    }

    pub fn json(target: &str, body: &str) -> Self {
        let target = format!("{target}?bodySHA256={}", body_hash(body.as_bytes()));
        Self::raw(&target, "application/json", body.into())
    }

    /// Parts as `text_part` and `file_part` make them; the text parts are what is signed.
    pub fn multipart(target: &str, parts: Vec<u8>) -> Self {
        let mut body = parts;
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let signed = text_parts(&body);
        let sent = Self::new("POST", target, body, signed);
        sent.header("content-type", &format!("multipart/form-data; boundary={BOUNDARY}"))
    }

    /// As the examples' own client sends it.
    pub fn recording(audio: &[u8]) -> Self {
        let parts = [
            text_part("callback", "https://api.twilio.com/result"),
            text_part("channels", "1"),
            file_part("audio-data", audio),
            text_part("format", "audio/x-wav"),
        ];
        Self::multipart("/transcription", parts.concat())
    }

    /// One text part more, before all others.
    pub fn field(self, name: &str, value: &str) -> Self {
        let body = [text_part(name, value), self.body].concat();
        Self {
            signed: text_parts(&body),
            body,
            ..self
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn method(self, method: &str) -> Self {
        Self {
            method: method.to_owned(),
            ..self
        }
    }

    /// Sent to another path than the one that is signed.
    pub fn to(self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self
        }
    }

    pub fn signed_with(self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self
        }
    }

    pub fn signed_over(self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self
        }
    }

    pub fn unsigned(self) -> Self {
        Self { token: None, ..self }
    }

    pub fn with_body(self, body: &str) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    pub fn without_body_hash(self) -> Self {
        Self {
            target: self.path.clone(),
            ..self
        }
    }

    pub fn chunked(self) -> Self {
        Self { chunked: true, ..self }
    }

    pub fn halves(&self) -> (Vec<u8>, Vec<u8>) {
        let query = self
            .target
            .split_once('?')
            .map_or_else(String::new, |(_, query)| format!("?{query}"));
        let mut head = format!(
            "{} {}{query} HTTP/1.1\r\nhost: forged.example.org\r\n",
            self.method, self.path
        );
        let mut line = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        if let Some(token) = &self.token {
            let url = format!("{}{}", self.base, self.target);
            line(
                SIGNATURE_HEADER,
                &sign(&SecretString::from(token.as_str()), &url, &self.signed),
            );
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        let body = if self.chunked {
            line("transfer-encoding", "chunked");
            let (first, second) = self.body.split_at(self.body.len() / 2);
            let chunk = |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            [chunk(first), chunk(second), b"0\r\n\r\n".to_vec()].concat()
        } else {
            line("content-length", &self.body.len().to_string());
            self.body.clone()
        };
        head.push_str("\r\n");
        (head.into_bytes(), body)
    }
}

pub fn text_part(name: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

pub fn file_part(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"test.wav\"\r\n\
         Content-Type: audio/x-wav\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

/// Telephone audio: silence of so many samples.
pub fn wav(samples: u32) -> Vec<u8> {
    let data_bytes = samples * 2;
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + data_bytes).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    for number in [16_u32, 0x0001_0001, 8000, 16_000, 0x0010_0002] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"data");
    bytes.extend(data_bytes.to_le_bytes());
    bytes.resize(44 + data_bytes as usize, 0);
    bytes
}

/// The text parts of a body that this file made.
fn text_parts(body: &[u8]) -> Vec<Parameter> {
    let body = String::from_utf8_lossy(body);
    body.split(&format!("--{BOUNDARY}\r\n"))
        .filter_map(|part| {
            let (name, rest) = part
                .strip_prefix("Content-Disposition: form-data; name=\"")?
                .split_once('"')?;
            let value = rest.strip_prefix("\r\n\r\n")?.split("\r\n").next()?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}
