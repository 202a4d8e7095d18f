//! A front on a loopback port with a real spool and a real queue, and a client that writes requests byte by byte and signs
//! them with the published algorithm as `signature` has it.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use marketplace_crds::manifest;
use prometheus::TextEncoder;
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::Credentials;
use crate::files::Secrets;
use crate::handler::LookupHandler;
use crate::handler::analysis::Recordings;
use crate::metrics::Metrics;
use crate::queue::{Queue as _, SqliteQueue};
use crate::request::pairs;
use crate::server::{Server, connection};
use crate::signature::{Parameter, SIGNATURE_HEADER, body_hash, sign};
use crate::spool::{Limits, Spool};

pub type Failure = Box<dyn Error>;

pub const TOKEN: &str = "12345";
const PUBLIC_URL: &str = "https://addons.example.com";
const BOUNDARY: &str = "XXboundaryXX";

/// What a front starts with.
pub struct Setup {
    pub tokens: &'static [&'static str],
}

impl Default for Setup {
    fn default() -> Self {
        Self { tokens: &[TOKEN] }
    }
}

pub struct Front {
    address: SocketAddr,
    folder: TempDir,
    queue: Arc<SqliteQueue>,
    metrics: Metrics,
    credentials: watch::Sender<Arc<Credentials>>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    _database_url: watch::Sender<Option<SecretString>>,
}

impl Front {
    pub async fn start(setup: Setup) -> Result<Self, Failure> {
        let addon = manifest::read(include_str!("../../../../crds/fixtures/call-insights.yaml"))?;
        let config = Arc::new(Config::from_addon(&addon)?);
        let folder = tempfile::tempdir()?;
        let limits = Limits {
            max_file_bytes: 10_000,
            quarantine_bytes: 100_000,
            quarantine_files: 4,
        };
        let spool = Arc::new(Spool::open(folder.path(), limits)?);
        let file = folder.path().join("queue.db");
        let queue = Arc::new(SqliteQueue::open(&file, config.addon.clone(), Duration::from_secs(30)).await?);
        let (credentials, credentials_seen) = watch::channel(read(setup.tokens));
        let (database_url, database_url_seen) = watch::channel(None);
        let secrets = Secrets {
            credentials: credentials_seen,
            database_urls: [("crm".to_owned(), database_url_seen)].into(),
        };
        let metrics = Metrics::new(&config.addon)?;
        let server = Server {
            lookups: LookupHandler::all(&config, &secrets),
            credentials: secrets.credentials,
            recordings: Some(Recordings {
                spool,
                queue: queue.clone(),
                sla: config.sla,
            }),
            metrics: metrics.clone(),
            config,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let serving = tokio::spawn(connection::serve(listener, server.into_router(), stop.clone()));
        let _database_url = database_url;
        Ok(Self {
            address,
            folder,
            queue,
            metrics,
            credentials,
            stop,
            serving,
            _database_url,
        })
    }

    pub async fn connect(&self) -> io::Result<Connection> {
        Ok(Connection {
            stream: TcpStream::connect(self.address).await?,
        })
    }

    pub async fn ask(&self, sent: &Sent) -> Result<Answer, Failure> {
        self.connect().await?.ask(sent).await
    }

    pub fn set_tokens(&self, tokens: &[&str]) {
        self.credentials.send_replace(read(tokens));
    }

    pub fn stop(self) -> JoinHandle<()> {
        self.stop.cancel();
        self.serving
    }

    pub async fn queued(&self) -> Result<u64, Failure> {
        Ok(self.queue.gauges().await?.jobs.iter().map(|(_, jobs)| jobs).sum())
    }

    pub fn files(&self, room: &str) -> io::Result<usize> {
        Ok(self.folder.path().join(room).read_dir()?.count())
    }

    pub fn metrics(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.metrics.registry().gather())
    }

    pub async fn wait_in_flight(&self, requests: u32) -> Result<(), Failure> {
        let series = format!("marketplace_requests_in_flight{{addon=\"addons/call-insights\"}} {requests}\n");
        while !self.metrics()?.contains(&series) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn read(tokens: &[&str]) -> Arc<Credentials> {
    let tokens = tokens.iter().map(|token| SecretString::from(*token)).collect();
    Arc::new(Credentials {
        account_sid: "AC1".to_owned(),
        tokens,
    })
}

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
        let mut line = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
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

pub struct Connection {
    stream: TcpStream,
}

impl Connection {
    pub async fn ask(&mut self, sent: &Sent) -> Result<Answer, Failure> {
        let (head, body) = sent.halves();
        self.write([head, body].concat()).await?;
        self.read_answer().await
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// One answer, with the interim one before it if there is one.
    pub async fn read_answer(&mut self) -> Result<Answer, Failure> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") || head.ends_with("100 Continue\r\n\r\n") {
            head.push(char::from(self.stream.read_u8().await?));
        }
        let last = head.rsplit("HTTP/1.1 ").next().unwrap_or_default();
        let status = last.split(' ').next().unwrap_or_default().parse()?;
        let length = last
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap_or("0")
            .parse()?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, head, body })
    }

    pub async fn is_closed(&mut self) -> io::Result<bool> {
        Ok(self.stream.read(&mut [0]).await? == 0)
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Result<Value> {
        serde_json::from_slice(&self.body)
    }

    pub fn error_code(&self) -> serde_json::Result<Option<String>> {
        Ok(self.json()?["error_code"].as_str().map(str::to_owned))
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
