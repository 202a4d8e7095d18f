//! The Ingress: what publicUrl says is routed, and nothing is done to a request on its way.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};
use kube::core::ObjectMeta;
use marketplace_crds::exposure::Ingress as Declared;
use marketplace_crds::routes::Host;

use super::{annotations, labels, metadata, names, service};
use crate::validate::{Exposed, ValidatedAddon};

/// Controllers read the annotations of their own prefix and no other, so each Ingress has those of both controllers that
/// we know: the name of a class does not say which controller is behind it.
///
/// ingress-nginx: by default a body over 1 MB is answered 413, an upload is written to disk before it is passed on, and
/// plain HTTP is answered by a redirect, which Twilio does not follow. How much is taken is for the service to decide, which
/// answers in Twilio's terms. The times are its defaults, against shorter ones of its ConfigMap.
const NGINX: [(&str, &str); 6] = [
    ("nginx.ingress.kubernetes.io/proxy-body-size", "0"),
    ("nginx.ingress.kubernetes.io/proxy-request-buffering", "off"),
    ("nginx.ingress.kubernetes.io/proxy-read-timeout", "60"),
    ("nginx.ingress.kubernetes.io/proxy-send-timeout", "60"),
    ("nginx.ingress.kubernetes.io/ssl-redirect", "false"),
    ("nginx.ingress.kubernetes.io/force-ssl-redirect", "false"),
];

/// Traefik neither limits nor buffers, and its times are of its entry points; but it takes an Ingress for plain HTTP unless
/// it is told, whatever `spec.tls` says.
const TRAEFIK_TLS: &str = "traefik.ingress.kubernetes.io/router.tls";

/// None, unless the add-on is exposed that way.
pub(super) fn render(addon: &ValidatedAddon) -> Option<Ingress> {
    let Exposed::Ingress { declared, hosts } = &addon.exposure else {
        return None;
    };
    Some(Ingress {
        metadata: ObjectMeta {
            annotations: annotations(annotated(declared)),
            ..metadata(addon, names::front(&addon.name), labels::FRONT)
        },
        spec: Some(IngressSpec {
            ingress_class_name: declared.class_name.clone(),
            rules: Some(hosts.iter().map(|host| rule(addon, host)).collect()),
            tls: tls(declared, hosts),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    })
}

fn annotated(declared: &Declared) -> BTreeMap<String, String> {
    let takes_tls = (TRAEFIK_TLS, if declared.allow_insecure { "false" } else { "true" });
    let own = NGINX.into_iter().chain([takes_tls]);
    let mut all: BTreeMap<_, _> = own.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    all.extend(declared.annotations.clone());
    all
}

fn tls(declared: &Declared, hosts: &[Host]) -> Option<Vec<IngressTLS>> {
    let tls = || IngressTLS {
        hosts: Some(hosts.iter().map(|host| host.name.clone()).collect()),
        secret_name: declared.tls_secret_name.clone(),
    };
    (!declared.allow_insecure).then(|| vec![tls()])
}

fn rule(addon: &ValidatedAddon, host: &Host) -> IngressRule {
    let path = |path: &String| HTTPIngressPath {
        path: Some(path.clone()),
        path_type: "Prefix".to_owned(),
        backend: backend(addon),
    };
    IngressRule {
        host: Some(host.name.clone()),
        http: Some(HTTPIngressRuleValue {
            paths: host.paths.iter().map(path).collect(),
        }),
    }
}

fn backend(addon: &ValidatedAddon) -> IngressBackend {
    IngressBackend {
        service: Some(IngressServiceBackend {
            name: names::front(&addon.name),
            port: Some(ServiceBackendPort {
                number: Some(service::INNER_PORT),
                name: None,
            }),
        }),
        resource: None,
    }
}
