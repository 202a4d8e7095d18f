//! Decides which two endpoints would be behind one path: requests are routed by the path alone, for the host of a request
//! is whatever its sender wrote. The rules cannot say it, because an endpoint may have a `publicUrl` of its own. Asked by
//! the operator before it renders and by the service before it serves.

use std::collections::BTreeMap;

use crate::MarketplaceAddon;
use crate::endpoint::Endpoint;

/// Two endpoints with equal paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to tell endpoint {first} from {second}: the paths of their whole URLs are equal, so give one another path"
)]
pub struct TellApart {
    /// One of them.
    pub first: String,
    /// The other.
    pub second: String,
}

/// Finds the first pair, if there is one.
pub fn tell_apart(addon: &MarketplaceAddon) -> Result<(), TellApart> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for endpoint in &addon.spec.endpoints {
        if let Some(first) = seen.insert(whole_path(addon, endpoint), &endpoint.name) {
            return Err(TellApart {
                first: first.to_owned(),
                second: endpoint.name.clone(),
            });
        }
    }
    Ok(())
}

/// The path of an endpoint's whole URL: that of its `publicUrl`, and its own, joined with one slash.
#[must_use]
pub fn whole_path(addon: &MarketplaceAddon, endpoint: &Endpoint) -> String {
    let base = endpoint.public_url.as_deref().unwrap_or(&addon.spec.public_url);
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    let prefix = rest.find('/').map_or("", |start| &rest[start..]);
    format!(
        "{}/{}",
        prefix.trim_end_matches('/'),
        endpoint.path.trim_start_matches('/')
    )
}

#[cfg(test)]
mod tests {
    use super::{TellApart, tell_apart};
    use crate::manifest::{ReadManifest, read};

    #[test]
    fn finds_two_endpoints_that_only_their_hosts_tell_apart() -> Result<(), ReadManifest> {
        let mut addon = read(include_str!("../fixtures/call-insights.yaml"))?;
        assert_eq!(tell_apart(&addon), Ok(()));
        let second = &mut addon.spec.endpoints[2];
        second.public_url = Some("https://old.example.com".to_owned());
        second.path = "/insights/incoming-sms".to_owned();
        let expected = TellApart {
            first: "sms".to_owned(),
            second: "lookup".to_owned(),
        };
        assert_eq!(tell_apart(&addon), Err(expected));
        addon.spec.endpoints[2].path = "/incoming-sms".to_owned();
        assert_eq!(tell_apart(&addon), Ok(()));
        Ok(())
    }
}
