//! What routes requests to the pods, as its controller has left it: the Ingress, the routes at a gateway, or the Service of
//! a load balancer.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt};
use marketplace_crds::MarketplaceAddon;
use marketplace_crds::exposure::Exposure;

use super::secrets::certificate_name;
use super::{DereferenceError, SecretFact};
use crate::failure;
use crate::kind::Kind;
use crate::render::{labels, names};

/// What routes requests to the pods. Each is none until it was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Routing {
    /// Nothing of ours: a Service inside the cluster.
    #[default]
    Elsewhere,
    /// An Ingress.
    Ingress {
        /// As it is.
        ingress: Option<Box<Ingress>>,
        /// The name of the Secret with its certificate, where that is known not to exist.
        missing_certificate: Option<String>,
    },
    /// The routes at a gateway; none: the cluster does not know the kind.
    Routes(Option<Vec<DynamicObject>>),
    /// The Service of a load balancer.
    LoadBalancer(Option<Box<Service>>),
}

impl Routing {
    /// Whether the cluster has the Gateway API, as far as somebody has asked.
    #[must_use]
    pub fn knows_routes(&self) -> bool {
        matches!(self, Self::Routes(Some(_)))
    }
}

/// Gets what the add-on is exposed by.
pub(super) async fn get(
    client: &Client,
    addon: &MarketplaceAddon,
    secrets: &BTreeMap<String, SecretFact>,
) -> Result<Routing, DereferenceError> {
    let name = names::front(&addon.name_any());
    let namespace = addon.namespace().unwrap_or_default();
    match &addon.spec.exposure {
        Exposure { ingress: Some(_), .. } => {
            let ingresses: Api<Ingress> = Api::namespaced(client.clone(), &namespace);
            let ingress = ingresses.get_opt(&name).await;
            let missing = certificate_name(addon).filter(|name| secrets.get(*name) == Some(&SecretFact::Absent));
            Ok(Routing::Ingress {
                ingress: ingress
                    .map_err(|error| DereferenceError::GetRouting(Kind::Ingress, name, error))?
                    .map(Box::new),
                missing_certificate: missing.map(ToOwned::to_owned),
            })
        }
        Exposure { gateway: Some(_), .. } => routes(client, &namespace, addon).await.map(Routing::Routes),
        Exposure {
            load_balancer: Some(_), ..
        } => {
            let services: Api<Service> = Api::namespaced(client.clone(), &namespace);
            let service = services.get_opt(&name).await;
            let service = service.map_err(|error| DereferenceError::GetRouting(Kind::Service, name, error))?;
            Ok(Routing::LoadBalancer(service.map(Box::new)))
        }
        Exposure {
            cluster_ip: _,
            ingress: None,
            gateway: None,
            load_balancer: None,
        } => Ok(Routing::Elsewhere),
    }
}

/// None: the cluster does not know the kind.
async fn routes(
    client: &Client,
    namespace: &str,
    addon: &MarketplaceAddon,
) -> Result<Option<Vec<DynamicObject>>, DereferenceError> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &Kind::HttpRoute.resource());
    let name = addon.name_any();
    let ours = ListParams::default().labels(&labels::selector_of(&name));
    let routes = failure::where_known(api.list(&ours).await)
        .map_err(|error| DereferenceError::GetRouting(Kind::HttpRoute, names::front(&name), error))?;
    Ok(routes.map(|routes| routes.items))
}
