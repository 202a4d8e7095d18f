//! The partners' containers of a pod, beside the service's.
//!
//! Each is a sidecar in Kubernetes' sense: an init container that is always restarted. It is up, as its probe has it, before
//! the service starts, so that no request ever finds it missing; and it is told to stop when the service has ended, so that
//! what is in work is finished. A second container of the usual kind would start and stop with the service.
//!
//! It gets nothing of ours: no Secret, no volume, no token (the pod mounts none), no port that the network lets through.

use k8s_openapi::api::core::v1::{Container, ContainerPort, HTTPGetAction, Probe, SecurityContext, TCPSocketAction};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use marketplace_crds::handler::container::Container as Declared;

use super::{environment, pod};
use crate::role::Role;
use crate::validate::ValidatedAddon;
use crate::validate::partners::PartnerContainer;

/// What the name of each begins with; the name of its endpoint follows.
const PREFIX: &str = "partner-";
/// For so long it may start: pulling its image is not part of it, loading a model is.
const STARTUP_SECONDS: i32 = 600;

/// None where there are none: an empty list would be another declaration than no list.
pub(super) fn render(addon: &ValidatedAddon, role: Role) -> Option<Vec<Container>> {
    let partners = addon.partners.iter().filter(|partner| partner.role == role);
    let containers: Vec<_> = partners.map(container).collect();
    (!containers.is_empty()).then_some(containers)
}

fn container(partner: &PartnerContainer) -> Container {
    // What is not here is how the service calls it.
    let Declared {
        image,
        port,
        path: _,
        probe_path,
        resources,
        env,
        timeout_seconds: _,
        breaker: _,
    } = &partner.container;
    let probed = |period_seconds, failure_threshold| Probe {
        period_seconds: Some(period_seconds),
        failure_threshold: Some(failure_threshold),
        ..probe(*port, probe_path.as_deref())
    };
    Container {
        name: format!("{PREFIX}{}", partner.endpoint),
        image: Some(image.clone()),
        restart_policy: Some("Always".to_owned()),
        ports: Some(vec![ContainerPort {
            container_port: *port,
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        startup_probe: Some(probed(1, STARTUP_SECONDS)),
        readiness_probe: Some(probed(5, 3)),
        resources: resources.clone(),
        env: environment::variables(env),
        security_context: Some(SecurityContext {
            // It is not ours to say that it writes nothing.
            read_only_root_filesystem: None,
            ..pod::container_security()
        }),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

/// Asked by the node at the pod's address, unlike the service, which calls 127.0.0.1.
fn probe(port: i32, path: Option<&str>) -> Probe {
    let port = IntOrString::Int(port);
    let (http_get, tcp_socket) = match path {
        Some(path) => {
            let get = HTTPGetAction {
                path: Some(path.to_owned()),
                port,
                ..HTTPGetAction::default()
            };
            (Some(get), None)
        }
        None => (None, Some(TCPSocketAction { port, host: None })),
    };
    Probe {
        http_get,
        tcp_socket,
        timeout_seconds: Some(2),
        ..Probe::default()
    }
}
