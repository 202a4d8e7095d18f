//! What has to be routed to an add-on: the hosts, ports and paths of the URLs that are registered with Twilio. They are read
//! from publicUrl alone, so that what is signed and what is routed cannot drift apart. Called by the operator; the rules here
//! keep what it reads well-formed.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::Rule;

use crate::MarketplaceAddon;
use crate::rules::rule;

/// The port of a URL that names none: every publicUrl is https.
const HTTPS_PORT: u16 = 443;

/// A port, 1 to 65535.
const PORT: &str = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

/// One host, and the paths under which endpoints lie there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The paths of its bases, each without a slash at its end unless it is the root.
    pub paths: BTreeSet<String>,
}

/// The base of a URL, in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Base<'a> {
    host: &'a str,
    port: u16,
    path: &'a str,
}

/// The hosts of the add-on, in the order of their names.
#[must_use]
pub fn hosts(addon: &MarketplaceAddon) -> Vec<Host> {
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for base in bases(addon) {
        let path = match base.path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        hosts.entry(base.host.to_owned()).or_default().insert(path.to_owned());
    }
    let host = |(name, paths)| Host { name, paths };
    hosts.into_iter().map(host).collect()
}

/// The ports of the add-on, in their order.
#[must_use]
pub fn ports(addon: &MarketplaceAddon) -> BTreeSet<u16> {
    bases(addon).map(|base| base.port).collect()
}

/// Only the URLs under which an endpoint lies: with a publicUrl on each endpoint nothing is called under the add-on's own.
fn bases(addon: &MarketplaceAddon) -> impl Iterator<Item = Base<'_>> {
    let whole = addon.spec.public_url.as_str();
    let endpoints = addon.spec.endpoints.iter();
    endpoints.map(move |endpoint| base(endpoint.public_url.as_deref().unwrap_or(whole)))
}

/// A port that is none is read as none: the rules keep it out of what is routed by port.
fn base(url: &str) -> Base<'_> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let with_port = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let (host, port) = with_port.map_or((authority, None), |(host, port)| (host, port.parse().ok()));
    Base {
        host,
        port: port.unwrap_or(HTTPS_PORT),
        path,
    }
}

/// Holds `condition` over every publicUrl, as `url`.
fn every_url(when: &str, condition: impl Fn(&str) -> String) -> String {
    let own = condition("self.publicUrl");
    let endpoints = condition("e.publicUrl");
    format!("!({when}) || (({own}) && self.endpoints.all(e, !has(e.publicUrl) || ({endpoints})))")
}

/// What an Ingress and an HTTPRoute can say: no address in place of a name, and no path with two spellings.
pub fn routed() -> Rule {
    const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    let shape = format!("^https://{LABEL}([.]{LABEL})*(:{PORT})?(/[-A-Za-z0-9._~]+)*/?$");
    let condition = |url: &str| {
        format!(
            "{url}.matches('{shape}') && !{url}.matches('^https://[0-9.]+(:|/|$)') && !{url}.matches('/[.][.]?(/|$)')"
        )
    };
    rule(
        &every_url("has(self.exposure.ingress) || has(self.exposure.gateway)", condition),
        "exposure.ingress and exposure.gateway route by publicUrl: its host must be a DNS name in lower case, and its path have only letters, digits, '-', '.', '_', '~' and '/', without empty, '.' or '..' segments",
    )
}

/// What a Service can say.
pub fn balanced() -> Rule {
    let shape = format!("^https://([^/:]+|[^/]*\\\\])(:{PORT})?(/|$)");
    rule(
        &every_url("has(self.exposure.loadBalancer)", |url| {
            format!("{url}.matches('{shape}')")
        }),
        "exposure.loadBalancer listens where publicUrl says: its port must be between 1 and 65535",
    )
}

/// Behind a proxy the source of every connection is the proxy.
pub fn proxied() -> Rule {
    rule(
        "!(has(self.exposure.ingress) || has(self.exposure.gateway)) || !has(self.allowList) || has(self.allowList.trustedProxies)",
        "allowList behind exposure.ingress or exposure.gateway sees the proxy as the source of every request: set allowList.trustedProxies to the address ranges of its Pods",
    )
}

#[cfg(test)]
mod tests {
    use super::{Base, base, hosts, ports};
    use crate::MarketplaceAddon;
    use crate::manifest::{ReadManifest, read};

    #[test]
    fn reads_the_parts_of_a_url() {
        for (url, host, port, path) in [
            ("https://addons.example.com", "addons.example.com", 443, ""),
            ("https://addons.example.com/", "addons.example.com", 443, "/"),
            (
                "https://addons.example.com:8443/a/b",
                "addons.example.com",
                8443,
                "/a/b",
            ),
            ("https://192.0.2.1:444", "192.0.2.1", 444, ""),
            ("https://[2001:db8::1]/a", "[2001:db8::1]", 443, "/a"),
            ("https://[2001:db8::1]:8443/a", "[2001:db8::1]", 8443, "/a"),
        ] {
            assert_eq!(base(url), Base { host, port, path }, "{url}");
        }
    }

    #[test]
    fn routes_the_urls_of_endpoints_and_no_other() -> Result<(), ReadManifest> {
        let mut addon = read(include_str!("../fixtures/call-insights.yaml"))?;
        addon.spec.public_url = "https://addons.example.com/insights/".to_owned();
        let shown = |addon: &MarketplaceAddon| {
            let hosts = hosts(addon).into_iter();
            hosts
                .flat_map(|host| host.paths.into_iter().map(move |path| format!("{}{path}", host.name)))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&addon), ["addons.example.com/insights"]);
        assert_eq!(ports(&addon), [443].into());

        addon.spec.endpoints[1].public_url = Some("https://addons.example.com:8443/old".to_owned());
        addon.spec.endpoints[2].public_url = Some("https://another.example.com".to_owned());
        let all = [
            "addons.example.com/insights",
            "addons.example.com/old",
            "another.example.com/",
        ];
        assert_eq!(shown(&addon), all);
        assert_eq!(ports(&addon), [443, 8443].into());

        addon.spec.endpoints.remove(0);
        assert_eq!(shown(&addon), all[1..]);
        Ok(())
    }
}
