//! The root of the resource, and the rules that need more than one of its parts.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::audio_fetch::AudioFetch;
use crate::credentials::{Callbacks, Credentials};
use crate::endpoint::Endpoint;
use crate::exposure::{AllowList, Exposure};
use crate::handler::container::apart;
use crate::limits::Limits;
use crate::monitoring::Monitoring;
use crate::network::Network;
use crate::retention::Retention;
use crate::routes::{balanced, proxied, routed};
use crate::rules::{public_url, rule};
use crate::scaling::Scaling;
use crate::sla::Sla;
use crate::status::MarketplaceAddonStatus;
use crate::storage::Storage;
use crate::workload::Workload;
use crate::workload_rules::{requested_of_front, requested_of_workers};

/// One add-on of a publisher on the Twilio Marketplace: the URLs that Twilio calls, how each is answered, and how the
/// answering pods are exposed, fenced and scaled.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "marketplace-operator.dev",
    version = "v1alpha1",
    kind = "MarketplaceAddon",
    plural = "marketplaceaddons",
    shortname = "mpa",
    shortname = "addon",
    category = "all",
    category = "marketplace",
    namespaced,
    cel,
    derive = "PartialEq",
    status = "MarketplaceAddonStatus",
    doc = "An add-on of the Twilio Marketplace, run on this cluster: its signed endpoints, their answers, and the pods behind them.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#, description = "Whether the add-on answers as declared"),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#, description = "Why it is Ready, or why not"),
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.publicUrl", description = "The base of every URL that Twilio signs"),
    printcolumn(name = "Message", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#, description = "What is missing, and what to do", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,43}[a-z0-9])?$')",
        "metadata.name must start with a letter, contain only lower-case letters, digits and '-', and have at most 45 characters: the names of the parts are made from it",
    ),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "!self.endpoints.exists(e, e.integration == 'RecordingAnalysis') || has(self.storage)",
        "storage is required by an endpoint of integration RecordingAnalysis, because accepted recordings must not be lost: write storage: {volume: {}}",
    ),
    validation = rule(
        "!has(self.storage) || !has(self.storage.volume) || (has(self.scaling.front.fixed) && self.scaling.front.fixed.replicas <= 1)",
        "storage.volume is written by one pod only: set scaling.front.fixed.replicas to 1 or 0",
    ),
    validation = rule(
        "!has(self.scaling.workers) || (has(self.storage) && has(self.storage.postgres) && self.endpoints.exists(e, e.integration == 'RecordingAnalysis'))",
        "scaling.workers needs an endpoint of integration RecordingAnalysis and storage.postgres, whose jobs several pods share: leave scaling.workers out, or declare both",
    ),
    validation = requested_of_front(),
    validation = requested_of_workers(),
    validation = rule(
        "!has(self.workload.workers) || (has(self.storage) && has(self.storage.postgres))",
        "workload.workers needs storage.postgres, whose jobs are worked on by pods of their own: remove workload.workers, or declare storage.postgres",
    ),
    validation = rule(
        "!has(self.storage) || !has(self.storage.postgres) || self.storage.postgres.secretName != self.credentials.secretName",
        "storage.postgres.secretName must name a Secret of its own, not the one of spec.credentials",
    ),
    validation = rule(
        "!has(self.storage) || !has(self.storage.postgres) || !has(self.storage.postgres.audio) || self.storage.postgres.audio.s3.secretName != self.credentials.secretName",
        "s3.secretName must name a Secret of its own, not the one of spec.credentials",
    ),
    validation = rule(
        "!self.endpoints.exists(e, has(e.handler.sql) && e.handler.sql.secretName == self.credentials.secretName)",
        "handler.sql.secretName must name a Secret of its own, not the one of spec.credentials",
    ),
    validation = rule(
        "!self.endpoints.exists(e, (has(e.handler.http) && has(e.handler.http.secretName) && e.handler.http.secretName == self.credentials.secretName) || (has(e.handler.table) && has(e.handler.table.secretName) && e.handler.table.secretName == self.credentials.secretName))",
        "handler.http.secretName and handler.table.secretName must name a Secret of their own, not the one of spec.credentials",
    ),
    validation = apart(),
    validation = rule(
        "(has(self.allowList) && self.allowList.mode == 'Enforce') || self.endpoints.all(e, e.signature.mode != 'UrlOnly' || has(e.basicAuth))",
        "signature.mode UrlOnly leaves the body unproven: set basicAuth on the endpoint, or spec.allowList with mode Enforce",
    ),
    validation = rule(
        "self.endpoints.all(e, !has(e.handler.analysis) || !has(e.handler.analysis.transcription) || !has(e.handler.analysis.transcription.engine.openai) || !has(e.handler.analysis.transcription.engine.openai.secretName) || e.handler.analysis.transcription.engine.openai.secretName != self.credentials.secretName)",
        "openai.secretName must name a Secret of its own, not the one of spec.credentials",
    ),
    validation = rule(
        "self.endpoints.all(e, !has(e.basicAuth) || e.basicAuth.secretName != self.credentials.secretName)",
        "basicAuth.secretName must name a Secret of its own, not the one of spec.credentials",
    ),
    validation = routed(),
    validation = balanced(),
    validation = proxied(),
    validation = rule(
        "self.endpoints.all(e, !has(e.request.constants) || e.request.constants.all(c, !has(c.valueFrom) || c.valueFrom.secretName != self.credentials.secretName))",
        "the valueFrom.secretName of request.constants must name a Secret of its own, not the one of spec.credentials",
    ),
    validation = rule(
        "!has(oldSelf.addonSid) || has(self.addonSid)",
        "addonSid cannot be removed once it is set: create another MarketplaceAddon for another add-on",
    ),
)]
pub struct MarketplaceAddonSpec {
    /// The base of every URL that Twilio calls, exactly as it is registered in the Twilio Console: scheme, host, optional
    /// port and optional path, for example `https://addons.example.com/insights`. Twilio signs publicUrl followed by the
    /// path of the endpoint; the service verifies against this value and never against headers of the request.
    #[schemars(length(min = 9, max = 1024))]
    #[x_kube(validation = public_url())]
    pub public_url: String,

    /// The SID of the add-on (`XB` and 32 hexadecimal digits). When set, a request that names another add-on in
    /// `X-Twilio-AddOnSid` is refused. It cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 34))]
    #[x_kube(
        validation = rule("self.matches('^XB[0-9a-f]{32}$')", "addonSid must be XB followed by 32 lower-case hexadecimal digits"),
        validation = rule("self == oldSelf", "addonSid cannot be changed: create another MarketplaceAddon for another add-on"),
    )]
    pub addon_sid: Option<String>,

    /// Where the account's SID and auth token are kept.
    pub credentials: Credentials,

    /// The URLs of the add-on, each with its integration point and the handler that answers it.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("size(self) >= 1", "endpoints must name at least one endpoint"),
        validation = rule("self.all(e, self.exists_one(o, o.name == e.name))", "each endpoint must have a name of its own"),
        validation = rule(
            "self.all(e, self.exists_one(o, o.path == e.path && has(o.publicUrl) == has(e.publicUrl) && (!has(e.publicUrl) || o.publicUrl == e.publicUrl)))",
            "each endpoint must have a path of its own, or a publicUrl of its own",
        ),
    )]
    pub endpoints: Vec<Endpoint>,

    /// Who may be sent a result, and with it the account's credentials.
    #[serde(default)]
    pub callbacks: Callbacks,

    /// How recordings are fetched whose requests carry a URL and not the audio.
    #[serde(default)]
    pub audio_fetch: AudioFetch,

    /// Where accepted recordings are kept until their result is delivered. Required by an endpoint of integration
    /// `RecordingAnalysis`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,

    /// How requests reach the pods. Exactly one member.
    #[serde(default)]
    pub exposure: Exposure,

    /// The only source addresses that may connect. Without it every address that reaches the Service may; the signature
    /// protects the add-on either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_list: Option<AllowList>,

    /// Where in the cluster the traffic comes from, and where it may go.
    #[serde(default, skip_serializing_if = "Network::is_unset")]
    pub network: Network,

    /// How many pods answer.
    #[serde(default)]
    pub scaling: Scaling,

    /// The time within which a recording is to be analyzed, as multiples of its length.
    #[serde(default)]
    pub sla: Sla,

    /// What the Prometheus Operator is told of the add-on.
    #[serde(default, skip_serializing_if = "Monitoring::is_unset")]
    pub monitoring: Monitoring,

    /// How much is taken of what comes from outside, for each pod.
    #[serde(default)]
    pub limits: Limits,

    /// How long what is kept.
    #[serde(default)]
    pub retention: Retention,

    /// While true the operator changes nothing of the add-on: what runs keeps running as it is.
    #[serde(default)]
    pub suspend: bool,

    /// The pods themselves.
    #[serde(default)]
    pub workload: Workload,
}
