//! Turns the resource into what the service works with. Pure, from the reduced resource alone: the same resource gives the
//! same `Config`, on a laptop and in a pod. Flags are no part of it; they are `cli`'s `RunOptions`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use marketplace_crds::MarketplaceAddon;
use marketplace_crds::endpoint::{self, Encoding, Integration, IntegrationKey};
use marketplace_crds::exposure::{AllowList, AllowListMode};
use marketplace_crds::paths::{self, TellApart};
use marketplace_crds::storage::Storage;
use url::Url;

use crate::analysis::{AnalysisPlan, ReadPattern};
use crate::deadline::Sla;
use crate::domain::{AddonKey, EndpointName};
use crate::egress::{CallbackPolicy, FetchPolicy, PatternError, Reach};
use crate::files::SecretNames;
use crate::handler::http::BreakerPlan;
use crate::handler::sql::statement::{ReadStatement, Statement};
use crate::handler::table::WrittenResults;
use crate::limits::{self, Limits};
use crate::queue::Retention;
use crate::replay::ReplayPlan;
use crate::request::{Mapping, named_keys};
use crate::signature::{EndpointUrl, ReadPublicUrl, SignaturePlan};
use crate::source::{Mode, SourcePolicy};

mod bucket;
mod handlers;
mod outward;
mod transcription;

pub use bucket::BucketPlan;

/// The namespace of a resource that names none, as `kubectl` has it.
const DEFAULT_NAMESPACE: &str = "default";

/// One add-on, ready to be served.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which add-on this is; every row and series carries it.
    pub addon: AddonKey,
    /// The add-on that requests may name.
    pub addon_sid: Option<String>,
    /// The base of every signed URL.
    pub public_url: String,
    /// The Secrets that are read.
    pub secrets: SecretNames,
    /// The URLs that Twilio calls.
    pub endpoints: Vec<Endpoint>,
    /// Where results may go.
    pub callbacks: CallbackPolicy,
    /// From where audio is fetched, and how.
    pub audio_fetch: FetchPolicy,
    /// When results are due.
    pub sla: Sla,
    /// Where accepted recordings are kept, if any are.
    pub storage: Option<StoragePlan>,
    /// From where requests may come, where that is limited.
    pub sources: Option<SourcePolicy>,
    /// How much is taken of what comes from outside.
    pub limits: Limits,
    /// How long what is kept.
    pub retention: Retention,
}

/// Where accepted recordings are kept until their result is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoragePlan {
    /// Jobs and audio in a folder that one process has for itself.
    Folder,
    /// Jobs in Postgres.
    Postgres {
        /// The Secret with the `DATABASE_URL`.
        secret_name: String,
        /// The audio in a bucket; none: in a folder that all processes share.
        bucket: Option<Box<BucketPlan>>,
    },
}

/// One URL and what answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its name, a label of metrics.
    pub name: EndpointName,
    /// What makes Twilio call it.
    pub integration: Integration,
    /// The recordings that customers may choose.
    pub integration_keys: Vec<IntegrationKey>,
    /// Its whole URL.
    pub url: EndpointUrl,
    /// The one encoding that it accepts.
    pub encoding: Encoding,
    /// The publisher's own names of the fields.
    pub mapping: Mapping,
    /// Until when a request is good.
    pub replay: Option<ReplayPlan>,
    /// How its requests are verified.
    pub signature: SignaturePlan,
    /// The Secret with the password that they must carry besides.
    pub basic_auth_secret: Option<String>,
    /// What answers.
    pub handler: HandlerPlan,
}

/// The ways to answer.
#[derive(Clone, Debug, PartialEq)]
pub enum HandlerPlan {
    /// Entries.
    Table(TablePlan),
    /// A query.
    Sql(SqlPlan),
    /// A partner's own code, wherever it runs.
    Http(HttpPlan),
    /// Analyzers, and a callback.
    Analysis(AnalysisPlan),
}

impl HandlerPlan {
    /// The analyzers, where it has them.
    #[must_use]
    pub const fn analysis(&self) -> Option<&AnalysisPlan> {
        match self {
            Self::Analysis(plan) => Some(plan),
            Self::Table(_) | Self::Sql(_) | Self::Http(_) => None,
        }
    }
}

/// The known phone numbers and what is answered for them.
pub type TableEntries = BTreeMap<String, WrittenResults>;

/// Where entries are.
#[derive(Clone, Debug, PartialEq)]
pub enum TablePlan {
    /// In the resource.
    Entries(Arc<TableEntries>),
    /// In the Secret of this name.
    Secret(String),
}

/// A partner's code and how it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpPlan {
    /// Its URL.
    pub url: Url,
    /// To which addresses that may lead.
    pub reach: Reach,
    /// The Secret with what it is sent as `Authorization`.
    pub secret_name: Option<String>,
    /// How long one call may take at the most.
    pub timeout: Option<Duration>,
    /// When it is left alone.
    pub breaker: BreakerPlan,
}

/// A query and its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlPlan {
    /// The Secret with the `DATABASE_URL`.
    pub secret_name: String,
    /// The query, its parameters numbered.
    pub statement: Statement,
    /// From the wait for a connection to the row.
    pub timeout: Duration,
    /// How many queries run at once.
    pub max_connections: u32,
}

/// Why a resource that keeps its own rules still cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadConfig {
    /// A resource without a name.
    #[error("failed to read metadata.name: the add-on has none")]
    ReadName,
    /// No base of a URL.
    #[error("failed to read spec.publicUrl")]
    ReadPublicUrl(#[source] ReadPublicUrl),
    /// No host.
    #[error("failed to read spec.callbacks.allowedHosts")]
    ReadAllowedHost(#[source] PatternError),
    /// No host.
    #[error("failed to read spec.audioFetch.allowedHosts")]
    ReadAudioHost(#[source] PatternError),
    /// No URL.
    #[error("failed to read spec.callbacks.proxyUrl: it is no URL")]
    ReadProxyUrl,
    /// No URL.
    #[error("failed to read spec.storage.postgres.audio.s3.endpoint: it is no URL")]
    ReadStoreEndpoint,
    /// No address range.
    #[error("failed to read spec.allowList: {0} is no address range")]
    ReadRange(String),
    /// A query that cannot work.
    #[error("failed to read handler.sql.query of endpoint {endpoint}")]
    ReadQuery {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: ReadStatement,
    },
    /// No URL of a server of speech.
    #[error("failed to read transcription.engine.openai.url of endpoint {endpoint}: it is no URL")]
    ReadSpeechUrl {
        /// The endpoint.
        endpoint: String,
    },
    /// None of the engines that this service knows.
    #[error("failed to choose transcription.engine of endpoint {endpoint}: it must have exactly one member")]
    ChooseEngine {
        /// The endpoint.
        endpoint: String,
    },
    /// No URL.
    #[error("failed to read handler.http.url of endpoint {endpoint}: it is no URL")]
    ReadPartnerUrl {
        /// The endpoint.
        endpoint: String,
    },
    /// A pattern that cannot be used.
    #[error("failed to read handler.analysis of endpoint {endpoint}")]
    ReadAnalysis {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: ReadPattern,
    },
    /// Two endpoints behind one path.
    #[error(transparent)]
    TellApart(TellApart),
    /// None of the members that this service knows.
    #[error("failed to choose the handler of endpoint {endpoint}: it must have exactly one member")]
    ChooseHandler {
        /// The endpoint.
        endpoint: String,
    },
}

impl Config {
    /// Reads the resource. Its own rules were evaluated when the manifest was read; what fails here is what they cannot say.
    pub fn from_addon(addon: &MarketplaceAddon) -> Result<Self, ReadConfig> {
        let spec = &addon.spec;
        let name = addon.metadata.name.as_deref().ok_or(ReadConfig::ReadName)?;
        let namespace = addon.metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let endpoints: Vec<Endpoint> = spec
            .endpoints
            .iter()
            .map(|endpoint| read_endpoint(&spec.public_url, endpoint))
            .collect::<Result<_, _>>()?;
        paths::tell_apart(addon).map_err(ReadConfig::TellApart)?;
        let storage = spec.storage.as_ref().map(read_storage).transpose()?.flatten();
        Ok(Self {
            addon: AddonKey::new(namespace, name),
            addon_sid: spec.addon_sid.clone(),
            public_url: spec.public_url.clone(),
            secrets: secret_names(&spec.credentials.secret_name, &endpoints, storage.as_ref()),
            endpoints,
            callbacks: outward::callbacks(&spec.callbacks)?,
            audio_fetch: outward::audio_fetch(&spec.audio_fetch)?,
            sla: Sla {
                median_factor: f64::from(spec.sla.median_factor),
                p99_factor: f64::from(spec.sla.p99_factor),
                cutoff_factor: f64::from(spec.sla.cutoff_factor),
                floor_seconds: f64::from(spec.sla.floor_seconds),
            },
            storage,
            sources: spec.allow_list.as_ref().map(read_sources).transpose()?,
            limits: Limits::new(&spec.limits),
            retention: limits::retention(&spec.retention),
        })
    }

    /// The endpoint of this name.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name.as_str() == name)
    }

    /// Whether any endpoint is answered later, so that a data folder and a worker are needed.
    #[must_use]
    pub fn has_asynchronous_endpoint(&self) -> bool {
        self.endpoints
            .iter()
            .any(|endpoint| endpoint.integration.is_asynchronous())
    }
}

fn secret_names(credentials: &str, endpoints: &[Endpoint], storage: Option<&StoragePlan>) -> SecretNames {
    let named = |name: fn(&HandlerPlan) -> Option<&String>| -> BTreeSet<String> {
        let handlers = endpoints.iter().map(|endpoint| &endpoint.handler);
        handlers.filter_map(name).cloned().collect()
    };
    let mut databases = named(|handler| match handler {
        HandlerPlan::Sql(plan) => Some(&plan.secret_name),
        HandlerPlan::Table(_) | HandlerPlan::Http(_) | HandlerPlan::Analysis(_) => None,
    });
    let mut object_stores = BTreeSet::new();
    if let Some(StoragePlan::Postgres { secret_name, bucket }) = storage {
        databases.insert(secret_name.clone());
        object_stores.extend(bucket.iter().map(|bucket| bucket.secret_name.clone()));
    }
    SecretNames {
        credentials: credentials.to_owned(),
        databases,
        object_stores,
        basic_auth: endpoints
            .iter()
            .filter_map(|endpoint| endpoint.basic_auth_secret.clone())
            .collect(),
        constants: named_keys(endpoints.iter().flat_map(|endpoint| &endpoint.mapping.constants)),
        api_keys: transcription::api_keys(endpoints),
        authorizations: named(|handler| match handler {
            HandlerPlan::Http(plan) => plan.secret_name.as_ref(),
            HandlerPlan::Table(_) | HandlerPlan::Sql(_) | HandlerPlan::Analysis(_) => None,
        }),
        tables: named(|handler| match handler {
            HandlerPlan::Table(TablePlan::Secret(name)) => Some(name),
            HandlerPlan::Table(TablePlan::Entries(_))
            | HandlerPlan::Sql(_)
            | HandlerPlan::Http(_)
            | HandlerPlan::Analysis(_) => None,
        }),
    }
}

fn read_storage(storage: &Storage) -> Result<Option<StoragePlan>, ReadConfig> {
    let Storage { volume, postgres } = storage;
    let Some(postgres) = postgres else {
        return Ok(volume.as_ref().map(|_| StoragePlan::Folder));
    };
    Ok(Some(StoragePlan::Postgres {
        secret_name: postgres.secret_name.clone(),
        bucket: postgres.audio.as_ref().map(bucket::read).transpose()?.map(Box::new),
    }))
}

fn read_sources(list: &AllowList) -> Result<SourcePolicy, ReadConfig> {
    let AllowList {
        mode,
        trusted_proxies,
        sources,
    } = list;
    let range = |text: &String| text.parse().map_err(|_| ReadConfig::ReadRange(text.clone()));
    Ok(SourcePolicy {
        mode: match mode {
            AllowListMode::Audit => Mode::Audit,
            AllowListMode::Enforce => Mode::Enforce,
        },
        sources: sources
            .iter()
            .map(|source| range(&source.cidr))
            .collect::<Result<_, _>>()?,
        trusted_proxies: trusted_proxies.iter().flatten().map(range).collect::<Result<_, _>>()?,
    })
}

fn read_endpoint(public_url: &str, endpoint: &endpoint::Endpoint) -> Result<Endpoint, ReadConfig> {
    let endpoint::Endpoint {
        name,
        path,
        public_url: own_public_url,
        integration,
        integration_keys,
        request,
        replay,
        signature,
        basic_auth,
        handler,
    } = endpoint;
    let public_url = own_public_url.as_deref().unwrap_or(public_url);
    let mapping = Mapping::new(request);
    Ok(Endpoint {
        name: EndpointName::new(name),
        integration: *integration,
        integration_keys: integration_keys.clone().unwrap_or_default(),
        url: EndpointUrl::new(public_url, path).map_err(ReadConfig::ReadPublicUrl)?,
        encoding: request.encoding,
        replay: replay.as_ref().map(ReplayPlan::new),
        signature: signature.into(),
        basic_auth_secret: basic_auth.as_ref().map(|secret| secret.secret_name.clone()),
        handler: handlers::read(name, handler, &mapping)?,
        mapping,
    })
}

#[cfg(test)]
mod tests;
