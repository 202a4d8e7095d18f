//! A front on a loopback port with a real spool and a real queue, and connections to it.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use marketplace_crds::{MarketplaceAddon, manifest};
use prometheus::TextEncoder;
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::sent::Sent;
use crate::config::Config;
use crate::domain::Credentials;
use crate::egress::tests::provide_tls;
use crate::files::Secrets;
use crate::handler::LookupHandler;
use crate::handler::analysis::Recordings;
use crate::handler::http::{self, PartnerMetrics};
use crate::metrics::Metrics;
use crate::queue::{Queue as _, SqliteQueue};
use crate::server::connection::{self, Door, Held, Stop};
use crate::server::seats::Seats;
use crate::server::{Passwords, Server};
use crate::spool::{Limits, Spool};

pub type Failure = Box<dyn Error>;

pub const TOKEN: &str = "12345";

/// What a front starts with.
pub struct Setup {
    pub tokens: &'static [&'static str],
    /// What is changed of the resource.
    pub change: fn(&mut MarketplaceAddon),
    /// Whether there is anything that answers at once.
    pub has_lookups: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tokens: &[TOKEN],
            change: |_| {},
            has_lookups: true,
        }
    }
}

pub struct Front {
    address: SocketAddr,
    /// What answers, without a connection.
    pub answerer: crate::server::Front,
    folder: TempDir,
    queue: Arc<SqliteQueue>,
    metrics: Metrics,
    credentials: watch::Sender<Arc<Credentials>>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    database_url: watch::Sender<Option<SecretString>>,
}

impl Front {
    pub async fn start(setup: Setup) -> Result<Self, Failure> {
        let mut addon = manifest::read(include_str!("../../../../crds/fixtures/call-insights.yaml"))?;
        // The loopback is on no list.
        addon.spec.allow_list = None;
        (setup.change)(&mut addon);
        let config = Arc::new(Config::from_addon(&addon)?);
        let folder = tempfile::tempdir()?;
        let limits = Limits {
            max_file_bytes: 10_000,
            quarantine_bytes: 100_000,
            quarantine_files: 4,
            spool_bytes: 1 << 40,
        };
        let spool = Arc::new(Spool::open(folder.path(), limits)?);
        let file = folder.path().join("queue.db");
        let queue = Arc::new(SqliteQueue::open(&file, config.addon.clone(), Duration::from_secs(30)).await?);
        let (credentials, credentials_seen) = watch::channel(read(setup.tokens));
        let (database_url, database_url_seen) = watch::channel(None);
        let secrets = Secrets {
            credentials: credentials_seen,
            database_urls: [("crm".to_owned(), database_url_seen)].into(),
            key_pairs: [].into(),
            basic_credentials: [].into(),
            api_keys: [].into(),
            constants: watch::channel(Arc::default()).1,
            authorizations: [].into(),
            tables: [].into(),
            unreadable: watch::channel(0).1,
        };
        let metrics = Metrics::new(&config.addon)?;
        let unread = Arc::new(metrics.clone());
        let measured = PartnerMetrics::register(metrics.registry(), &config.addon)?;
        provide_tls();
        let partners = http::all(&config, &secrets, &measured)?;
        let server = Server {
            lookups: if setup.has_lookups {
                LookupHandler::all(&config, &secrets, &partners, None)
            } else {
                HashMap::new()
            },
            passwords: Passwords::all(&config, &secrets),
            credentials: secrets.credentials,
            constants: secrets.constants,
            recordings: Some(Recordings {
                spool,
                queue: queue.clone(),
                sla: config.sla,
                fetch_seconds: config.audio_fetch.timeout_seconds,
            }),
            metrics: metrics.clone(),
            config,
        };
        let limits = server.config.limits.connection;
        let front = server.into_front()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let door = Door {
            listener,
            held: Held {
                seats: Seats::new(limits.connections),
                limits,
            },
            front: front.clone(),
            metrics: unread,
            tls: None,
        };
        let serving = tokio::spawn(connection::serve(
            door,
            Stop {
                asked: stop.clone(),
                drain: Duration::from_mins(1),
            },
        ));
        Ok(Self {
            answerer: front,
            address,
            folder,
            queue,
            metrics,
            credentials,
            stop,
            serving,
            database_url,
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

    pub fn set_database_url(&self, url: &str) {
        self.database_url.send_replace(Some(url.into()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
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

    /// How many requests have failed for this reason.
    pub fn failures(&self, reason: &str) -> Result<u64, Failure> {
        let (label, told) = (format!("reason=\"{reason}\"}} "), self.metrics()?);
        let counts = told.lines().filter_map(|line| line.split_once(&label));
        counts.map(|(_, count)| Ok(count.parse::<u64>()?)).sum()
    }

    /// Waits until so many places are taken.
    pub async fn wait_for_places(&self, places: u32) -> Result<(), Failure> {
        let series = format!("marketplace_limit_used{{addon=\"addons/call-insights\",limit=\"requests\"}} {places}\n");
        while !self.metrics()?.contains(&series) {
            tokio::task::yield_now().await;
        }
        Ok(())
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
        has_previous: false,
    })
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
