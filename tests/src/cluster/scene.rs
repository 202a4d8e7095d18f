//! A namespace of a test's own, under restricted Pod Security, with an account's Secret in it.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, NamespaceResourceScope};
use kube::{Client, Resource};
use marketplace_crds::MarketplaceAddon;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::{NODE, client, watch};
use crate::callback::{CallbackReceiver, Reply};
use crate::patience::{until, within};
use crate::twilio::{Sdk, Twilio};

/// The account of every scene.
pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// Its token.
pub const AUTH_TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// The URL under which the scene's add-ons are registered.
pub const PUBLIC_URL: &str = "https://addons.example.com/insights";
/// A phone number that the table of [`sms_addon`] knows.
pub const KNOWN: &str = "+14155551212";

/// A pod that works on recordings is given five minutes to end, and who empties a namespace looks again after half of that.
const GRACE_BOUND: Duration = Duration::from_mins(8);

/// A namespace of a test's own.
pub struct Scene {
    /// The API server.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
}

impl Scene {
    /// Makes the namespace and the Secret `twilio`.
    pub async fn new(name: &str) -> Result<Self> {
        let scene = Self::without_secret(name).await?;
        let account = json!({"ACCOUNT_SID": ACCOUNT_SID, "AUTH_TOKEN": AUTH_TOKEN});
        scene.secret("twilio", account).await?;
        Ok(scene)
    }

    /// Makes the namespace alone.
    pub async fn without_secret(name: &str) -> Result<Self> {
        let client = client().await?;
        let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        let api = Api::<Namespace>::all(client.clone());
        api.patch(name, &PatchParams::apply("suite"), &Patch::Apply(&namespace))
            .await?;
        Ok(Self {
            client,
            namespace: name.to_owned(),
        })
    }

    /// The objects of a kind in the namespace.
    pub fn all<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies an object as a person does with kubectl.
    pub async fn apply<K>(&self, object: &Value) -> Result<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let name = object["metadata"]["name"].as_str().context("the object has a name")?;
        let parameters = PatchParams::apply("suite").force();
        self.all::<K>()
            .patch(name, &parameters, &Patch::Apply(object))
            .await
            .with_context(|| format!("failed to apply {name}"))
    }

    /// Applies a Secret of these texts.
    pub async fn secret(&self, name: &str, texts: Value) -> Result<()> {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts});
        self.apply::<Secret>(&secret).await.map(drop)
    }

    /// Applies an object of a kind that is known by its definition alone, in the namespace.
    pub async fn apply_other(&self, object: &Value) -> Result<DynamicObject> {
        let object: DynamicObject = serde_json::from_value(object.clone())?;
        let types = object.types.as_ref().context("the object has a kind")?;
        let kind = ApiResource::from_gvk(&GroupVersionKind::try_from(types)?);
        let name = object.metadata.name.as_deref().context("the object has a name")?;
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &kind);
        api.patch(name, &PatchParams::apply("suite").force(), &Patch::Apply(&object))
            .await
            .with_context(|| format!("failed to apply {name}"))
    }

    /// Applies an add-on and waits until it is Ready for what was applied.
    pub async fn run(&self, addon: &Value) -> Result<MarketplaceAddon> {
        let applied = self.apply::<MarketplaceAddon>(addon).await?;
        let name = applied.metadata.name.as_deref().context("it was applied by name")?;
        watch::ready(&self.all(), name, applied.metadata.generation).await
    }

    /// Where the Service of an add-on answers; the node may learn of a new Service or port a moment after its pods are
    /// ready.
    pub async fn address(&self, addon: &str) -> Result<SocketAddr> {
        let service = self.all::<Service>().get(&format!("{addon}-front")).await?;
        let spec = service.spec.context("a Service has a spec")?;
        let port = spec
            .ports
            .and_then(|ports| ports.into_iter().next())
            .context("it has a port")?
            .port;
        let address = spec.cluster_ip.context("it has an address")?;
        let address = SocketAddr::new(address.parse()?, u16::try_from(port)?);
        let connects = async || Ok(TcpStream::connect(address).await.is_ok().then_some(address));
        until(&format!("a connection to {addon}"), connects).await
    }

    /// A receiver that the pods reach.
    pub async fn callbacks(&self, first_replies: &[Reply]) -> Result<CallbackReceiver> {
        CallbackReceiver::on(TcpListener::bind((NODE, 0)).await?, first_replies)
    }

    /// Who calls the add-ons of the scene.
    pub fn twilio(&self, sdk: Sdk) -> Twilio {
        Twilio {
            sdk,
            token: AUTH_TOKEN.to_owned(),
            public_url: PUBLIC_URL.to_owned(),
            addon_sid: None,
        }
    }

    /// Deletes the namespace; what is in it goes after the test.
    pub async fn end(self) -> Result<()> {
        Api::<Namespace>::all(self.client)
            .delete(&self.namespace, &DeleteParams::default())
            .await?;
        Ok(())
    }

    /// Deletes the namespace and waits until nothing of it is left: the next test needs its volumes.
    pub async fn end_entirely(self) -> Result<()> {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        let name = self.namespace.clone();
        self.end().await?;
        within(GRACE_BOUND, &format!("the end of namespace {name}"), async || {
            Ok(namespaces.get_opt(&name).await?.is_none().then_some(()))
        })
        .await
    }
}

/// An add-on that answers from a table.
pub fn sms_addon(name: &str) -> Value {
    addon(
        name,
        &json!([{
            "name": "sms", "path": "/incoming-sms", "integration": "IncomingSms",
            "request": {"encoding": "Query", "fields": {"phoneNumber": "phone"}},
            "handler": {"table": {"entries": [{"key": KNOWN, "results": {"customer_name": "Ada Lovelace", "customer_type": "gold"}}]}},
        }]),
    )
}

/// An add-on that analyzes recordings, and keeps them on a volume.
pub fn recording_addon(name: &str) -> Value {
    let mut addon = addon(
        name,
        &json!([{
            "name": "recordings", "path": "/transcription", "integration": "RecordingAnalysis",
            "request": {"encoding": "Multipart", "fields": {"audio": "audio-data", "callback": "callback"}},
            "handler": {"analysis": {"acoustics": {}}},
        }]),
    );
    addon["spec"]["storage"] = json!({"volume": {"size": "1Gi"}});
    addon["spec"]["callbacks"] = json!({"allowedHosts": [NODE.to_string()], "allowInsecure": true});
    addon
}

fn addon(name: &str, endpoints: &Value) -> Value {
    json!({
        "apiVersion": "marketplace-operator.dev/v1alpha1", "kind": "MarketplaceAddon", "metadata": {"name": name},
        "spec": {"publicUrl": PUBLIC_URL, "credentials": {"secretName": "twilio"}, "endpoints": endpoints},
    })
}
