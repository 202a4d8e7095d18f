//! The rows about how requests reach the pods, and through whom.

use serde_json::{Value, json};

use super::{Row, replace};

const ROUTED: &str = "exposure.ingress and exposure.gateway route by publicUrl: its host must be a DNS name";
const BALANCED: &str = "exposure.loadBalancer listens where publicUrl says: its port must be between 1 and 65535";
const MEMBERS: &str = "exposure must have exactly one member";
const CERTIFICATE: &str = "exposure.loadBalancer needs a certificate";
const PEER: &str = "a peer is either an ipBlock, or Pods";
const CIDR: &str = "ipBlock.cidr must be an address range such as 10.0.0.0/8";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = ingresses();
    rows.extend(gateways());
    rows.extend(load_balancers());
    rows.extend(urls());
    rows.extend(peers());
    rows
}

fn exposure(name: &'static str, value: Value, message: &'static str) -> Row {
    replace(name, "/spec/exposure", value, message)
}

fn ingresses() -> Vec<Row> {
    vec![
        exposure("two exposures", json!({"clusterIp": {}, "ingress": {}}), MEMBERS),
        exposure(
            "an ingress with a certificate that is not used",
            json!({"ingress": {"allowInsecure": true, "tlsSecretName": "tls"}}),
            "exposure.ingress.allowInsecure says that TLS ends before the ingress",
        ),
        exposure(
            "an ingress class in capitals",
            json!({"ingress": {"className": "Nginx"}}),
            "exposure.ingress.className must be the name of an object",
        ),
        exposure(
            "an ingress with a certificate in capitals",
            json!({"ingress": {"tlsSecretName": "Tls"}}),
            "exposure.ingress.tlsSecretName must be the name of an object",
        ),
        exposure(
            "an allow list behind an ingress that nobody trusts",
            json!({"ingress": {}}),
            "set allowList.trustedProxies to the address ranges of its Pods",
        ),
        exposure(
            "an allow list behind a gateway that nobody trusts",
            json!({"gateway": {"parentRefs": [{"name": "shared"}]}}),
            "set allowList.trustedProxies to the address ranges of its Pods",
        ),
    ]
}

fn gateways() -> Vec<Row> {
    let gateway = |name, parents: Value, message| exposure(name, json!({"gateway": {"parentRefs": parents}}), message);
    vec![
        gateway(
            "a route without a gateway",
            json!([]),
            "exposure.gateway.parentRefs must name at least one Gateway",
        ),
        gateway(
            "a gateway in capitals",
            json!([{"name": "Shared"}]),
            "exposure.gateway.parentRefs.name must be the name of an object",
        ),
        gateway(
            "a gateway's namespace with a dot",
            json!([{"name": "a", "namespace": "b.c"}]),
            "exposure.gateway.parentRefs.namespace must be the name of a namespace",
        ),
        gateway(
            "a listener in capitals",
            json!([{"name": "a", "sectionName": "HTTPS"}]),
            "exposure.gateway.parentRefs.sectionName must be the name of an object",
        ),
        gateway(
            "a listener's port beyond 65535",
            json!([{"name": "a", "port": 65536}]),
            "exposure.gateway.parentRefs.port must be between 1 and 65535",
        ),
    ]
}

fn load_balancers() -> Vec<Row> {
    let balancer = |name, value: Value, message| exposure(name, json!({ "loadBalancer": value }), message);
    vec![
        balancer("a load balancer without a certificate", json!({}), CERTIFICATE),
        balancer(
            "a load balancer with and without TLS",
            json!({"tlsSecretName": "tls", "allowInsecure": true}),
            CERTIFICATE,
        ),
        balancer(
            "a load balancer with a certificate in capitals",
            json!({"tlsSecretName": "Tls"}),
            "exposure.loadBalancer.tlsSecretName must be the name of an object",
        ),
        balancer(
            "a class of load balancers with a space",
            json!({"tlsSecretName": "tls", "loadBalancerClass": "my class"}),
            "exposure.loadBalancer.loadBalancerClass must be a name such as",
        ),
    ]
}

/// Rows that change publicUrl and the exposure together.
fn urls() -> Vec<Row> {
    let row = |name, path: &str, url: &str, exposure: Value, message| Row {
        name,
        change: json!([
            {"op": "remove", "path": "/spec/allowList"},
            {"op": "add", "path": path, "value": url},
            {"op": "add", "path": "/spec/exposure", "value": exposure},
        ]),
        message,
    };
    let ingress = || json!({"ingress": {"tlsSecretName": "tls"}});
    let gateway = || json!({"gateway": {"parentRefs": [{"name": "shared"}]}});
    let balancer = || json!({"loadBalancer": {"tlsSecretName": "tls"}});
    let (whole, one) = ("/spec/publicUrl", "/spec/endpoints/1/publicUrl");
    vec![
        row(
            "an address behind an ingress",
            whole,
            "https://192.0.2.1/insights",
            ingress(),
            ROUTED,
        ),
        row(
            "an address of IPv6 behind a gateway",
            whole,
            "https://[2001:db8::1]",
            gateway(),
            ROUTED,
        ),
        row(
            "a host in capitals behind an ingress",
            whole,
            "https://Addons.example.com",
            ingress(),
            ROUTED,
        ),
        row(
            "an endpoint's host in capitals behind an ingress",
            one,
            "https://Old.example.com",
            ingress(),
            ROUTED,
        ),
        row(
            "a percent sign behind an ingress",
            whole,
            "https://addons.example.com/a%2Fb",
            ingress(),
            ROUTED,
        ),
        row(
            "an empty segment behind an ingress",
            whole,
            "https://addons.example.com/a//b",
            ingress(),
            ROUTED,
        ),
        row(
            "a way up behind a gateway",
            whole,
            "https://addons.example.com/a/../b",
            gateway(),
            ROUTED,
        ),
        row(
            "a port of an ingress beyond 65535",
            whole,
            "https://addons.example.com:65536",
            ingress(),
            ROUTED,
        ),
        row(
            "a port of a load balancer beyond 65535",
            whole,
            "https://addons.example.com:99999/a",
            balancer(),
            BALANCED,
        ),
        row(
            "an endpoint's port 0 at a load balancer",
            one,
            "https://old.example.com:0",
            balancer(),
            BALANCED,
        ),
    ]
}

fn peers() -> Vec<Row> {
    let network = |name, value: Value, message| replace(name, "/spec/network", value, message);
    vec![
        network(
            "no ingress at all",
            json!({"ingressFrom": []}),
            "network.ingressFrom must name at least one peer",
        ),
        network(
            "no monitoring at all",
            json!({"monitoringFrom": []}),
            "network.monitoringFrom must name at least one peer",
        ),
        network(
            "no way out at all",
            json!({"egress": []}),
            "network.egress must name at least one peer",
        ),
        network("a peer that is nobody", json!({"ingressFrom": [{}]}), PEER),
        network(
            "a peer of two kinds",
            json!({"egress": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}),
            PEER,
        ),
        network(
            "a peer that is one address",
            json!({"egress": [{"ipBlock": {"cidr": "10.0.0.7"}}]}),
            CIDR,
        ),
        network(
            "a peer with bits beyond the prefix",
            json!({"monitoringFrom": [{"ipBlock": {"cidr": "10.0.0.7/8"}}]}),
            CIDR,
        ),
        network(
            "an exception with bits beyond the prefix",
            json!({"egress": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.1/16"]}}]}),
            "ipBlock.except takes address ranges such as 10.0.0.0/8",
        ),
        network(
            "an exception from elsewhere",
            json!({"egress": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}}]}),
            "ipBlock.except must lie within ipBlock.cidr",
        ),
        network(
            "an exception of everything",
            json!({"egress": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}),
            "ipBlock.except must lie within ipBlock.cidr",
        ),
    ]
}
