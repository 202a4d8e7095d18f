//! The address of the pods inside the cluster.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{labels, metadata, names, pod};
use crate::validate::ValidatedAddon;

pub(super) fn render(addon: &ValidatedAddon) -> Service {
    Service {
        metadata: metadata(addon, names::front(&addon.name), labels::FRONT),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(&addon.name, labels::FRONT)),
            ports: Some(vec![ServicePort {
                name: Some(pod::HTTP.to_owned()),
                port: addon.service_port,
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(pod::HTTP.to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
