//! Traces, where a program is told a collector: spans are queued within a bound, sent as OTLP over HTTP by a thread of their
//! own, and dropped when the collector is too slow; nothing ever waits for them but the end of the process, a little.
//!
//! Only spans with our own [`TARGET`] are sent. What libraries make of a request may hold its URL.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Tracer};
use thiserror::Error;
use tokio::runtime::Handle;

use crate::cause::chain;
use crate::telemetry::Build;

/// The target of the spans that are sent.
pub const TARGET: &str = "marketplace_trace";

/// The path of a collector, as OTLP has it.
const TRACES_PATH: &str = "v1/traces";

const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end of the process may take for what is still queued.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why traces cannot be sent.
#[derive(Debug, Error)]
pub enum TraceError {
    /// No URL.
    #[error("failed to read the address of the collector: want http://HOST:PORT or https://HOST:PORT")]
    ReadEndpoint,
    /// The client of the collector.
    #[error("failed to build the client of the collector")]
    BuildClient(#[source] reqwest::Error),
    /// What encodes the spans.
    #[error("failed to build the exporter of traces")]
    BuildExporter(#[source] ExporterBuildError),
}

/// Where traces go, and how many.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// The collector, without the path.
    pub endpoint: String,
    /// Of all traces, the part that is kept: from 0 to 1.
    pub sample_ratio: f64,
    /// What is told of the program, beside its name and version.
    pub attributes: Vec<(&'static str, String)>,
}

/// The traces of a running program.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send. Must be called within the runtime.
    pub fn start(build: Build, settings: TraceSettings) -> Result<Self, TraceError> {
        let TraceSettings {
            endpoint,
            sample_ratio,
            attributes,
        } = settings;
        let endpoint = reqwest::Url::parse(&endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or(TraceError::ReadEndpoint)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(&endpoint)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/{TRACES_PATH}", endpoint.as_str().trim_end_matches('/')))
            .build()
            .map_err(TraceError::BuildExporter)?;
        let attributes = attributes.into_iter().map(|(name, value)| KeyValue::new(name, value));
        let resource = Resource::builder()
            .with_service_name(build.name)
            .with_attribute(KeyValue::new("service.version", build.version))
            .with_attributes(attributes)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(sample_ratio))))
            .with_batch_exporter(exporter)
            .build();
        Ok(Self { provider })
    }

    pub(crate) fn tracer(&self, build: Build) -> Tracer {
        self.provider.tracer(build.name)
    }

    /// Sends what is still queued, for as long as the end of a process may take.
    pub async fn flush(self) {
        let flushed = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "the last traces were not sent"),
            Err(error) => tracing::warn!(error = chain(&error), "the last traces were not sent"),
        }
    }
}

/// The client of the collector. The exporter calls it from a thread without a runtime.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    host: String,
    /// So that a collector which is away is told once, and not with every batch.
    failing: AtomicBool,
}

impl Collector {
    fn new(endpoint: &reqwest::Url) -> Result<Self, TraceError> {
        crate::telemetry::install_tls_provider();
        let client = reqwest::Client::builder()
            .timeout(SEND_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(TraceError::BuildClient)?;
        Ok(Self {
            client,
            runtime: Handle::current(),
            host: endpoint.host_str().unwrap_or_default().to_owned(),
            failing: AtomicBool::new(false),
        })
    }

    fn tell(&self, problem: Option<String>) {
        let was_failing = self.failing.swap(problem.is_some(), Ordering::Relaxed);
        match problem {
            Some(error) if !was_failing => {
                tracing::warn!(collector.host = self.host, error, "traces are lost");
            }
            None if was_failing => tracing::info!(collector.host = self.host, "traces are sent again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await })
            .await;
        let answer = match sent {
            Ok(answer) => answer.map_err(without_url),
            Err(error) => Err(HttpError::from(error)),
        };
        self.tell(match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("the collector answers {}", answer.status().as_u16())),
            Err(error) => Some(chain(error.as_ref())),
        });
        answer
    }
}

/// The address of a collector may hold a key.
fn without_url(error: HttpError) -> HttpError {
    match error.downcast::<reqwest::Error>() {
        Ok(error) => error.without_url().into(),
        Err(error) => error,
    }
}
