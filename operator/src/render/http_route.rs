//! The routes at a gateway, one for each host: in one route every path would hold for every host, and so for paths of other
//! add-ons.

use kube::api::DynamicObject;
use marketplace_crds::exposure::ParentRef;
use marketplace_crds::routes::Host;
use serde_json::{Value, json};

use super::{labels, metadata, names, service};
use crate::kind::Kind;
use crate::validate::{Exposed, ValidatedAddon};

/// None, unless the add-on is exposed that way and the cluster has the kind.
pub(super) fn render(addon: &ValidatedAddon) -> Vec<DynamicObject> {
    let Exposed::Gateway {
        declared,
        hosts,
        is_served: true,
    } = &addon.exposure
    else {
        return Vec::new();
    };
    // Named twice is named once; a rule of the resource that compared them all would cost the API server too much.
    let mut parents: Vec<Value> = Vec::new();
    for parent in declared.parent_refs.iter().map(parent) {
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    let hosts = hosts.iter().enumerate();
    hosts
        .map(|(position, host)| {
            let name = names::route(&addon.name, &host.name, position == 0);
            let mut route = DynamicObject::new(&name, &Kind::HttpRoute.resource());
            route.metadata = metadata(addon, name, labels::FRONT);
            route.data = json!({ "spec": spec(addon, &parents, host) });
            route
        })
        .collect()
}

fn spec(addon: &ValidatedAddon, parents: &[Value], host: &Host) -> Value {
    let matches = host
        .paths
        .iter()
        .map(|path| json!({"path": {"type": "PathPrefix", "value": path}}));
    let backend = json!({
        "group": "", "kind": "Service", "name": names::front(&addon.name), "port": service::INNER_PORT, "weight": 1,
    });
    json!({
        "parentRefs": parents,
        "hostnames": [host.name],
        "rules": [{"matches": matches.collect::<Vec<_>>(), "backendRefs": [backend]}],
    })
}

/// What is not declared is left out: a null would be another declaration.
fn parent(declared: &ParentRef) -> Value {
    let ParentRef {
        name,
        namespace,
        section_name,
        port,
    } = declared;
    let mut parent = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name});
    let optional = [
        ("namespace", namespace.as_ref().map(|name| json!(name))),
        ("sectionName", section_name.as_ref().map(|name| json!(name))),
        ("port", port.map(|port| json!(port))),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            parent[key] = value;
        }
    }
    parent
}
