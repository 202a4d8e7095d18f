//! The address of the pods: inside the cluster, or a load balancer of their own.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::ObjectMeta;
use marketplace_crds::exposure::LoadBalancer;

use super::{annotations, labels, metadata, names, pod};
use crate::validate::{Exposed, ValidatedAddon};

/// The port of a Service that only an ingress or a gateway speaks to.
pub(super) const INNER_PORT: i32 = 80;

pub(super) fn render(addon: &ValidatedAddon) -> Service {
    let metadata = metadata(addon, names::front(&addon.name), labels::FRONT);
    let inside = |number| spec(addon, "ClusterIP", vec![port(pod::HTTP.to_owned(), number)]);
    match &addon.exposure {
        Exposed::ClusterIp { port } => service(metadata, inside(*port)),
        Exposed::Ingress { .. } | Exposed::Gateway { .. } => service(metadata, inside(INNER_PORT)),
        Exposed::LoadBalancer {
            declared,
            ports,
            source_ranges,
        } => {
            let ports = ports
                .iter()
                .map(|number| port(format!("https-{number}"), i32::from(*number)));
            let spec = spec(addon, "LoadBalancer", ports.collect());
            let metadata = ObjectMeta {
                annotations: annotations(declared.annotations.clone()),
                ..metadata
            };
            service(metadata, balanced(spec, declared, source_ranges.clone()))
        }
    }
}

fn service(metadata: ObjectMeta, spec: ServiceSpec) -> Service {
    Service {
        metadata,
        spec: Some(spec),
        ..Service::default()
    }
}

fn spec(addon: &ValidatedAddon, kind: &str, ports: Vec<ServicePort>) -> ServiceSpec {
    ServiceSpec {
        type_: Some(kind.to_owned()),
        selector: Some(labels::selector(&addon.name, labels::FRONT)),
        ports: Some(ports),
        ..ServiceSpec::default()
    }
}

/// Only under the policy `Local` a packet keeps the address of its client, which the ranges here, the NetworkPolicy and the
/// service itself go by.
fn balanced(spec: ServiceSpec, declared: &LoadBalancer, source_ranges: Option<Vec<String>>) -> ServiceSpec {
    ServiceSpec {
        external_traffic_policy: Some("Local".to_owned()),
        allocate_load_balancer_node_ports: Some(declared.allocate_node_ports),
        load_balancer_class: declared.load_balancer_class.clone(),
        load_balancer_source_ranges: source_ranges,
        ..spec
    }
}

fn port(name: String, number: i32) -> ServicePort {
    ServicePort {
        name: Some(name),
        port: number,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(pod::HTTP.to_owned())),
        ..ServicePort::default()
    }
}
