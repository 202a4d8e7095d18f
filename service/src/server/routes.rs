//! Decides which endpoint a path means, and over which URL a request to that path was signed. Pure: called by `server`.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::config::{Config, Endpoint};
use crate::signature::EndpointUrl;

/// The paths of an add-on, each in both forms: as Twilio knows it, and without publicUrl's path, because some proxies take
/// that off. Where one endpoint's whole path is another's stripped one, the whole path wins. What two endpoints of different
/// publicUrls have left when it is taken off means neither: only the host could tell, and anyone may write that.
pub struct Routes {
    places: HashMap<String, usize>,
}

/// What a path means.
pub struct Route<'a> {
    /// The endpoint, if any has this path.
    pub endpoint: Option<&'a Endpoint>,
    /// The URL that was signed. For a path that no endpoint has, publicUrl and the path: so a genuine request to it can be
    /// told from a stranger's, and be answered that the add-on is registered with the wrong URL.
    pub url: Cow<'a, EndpointUrl>,
}

impl Routes {
    /// The routes of all endpoints.
    pub fn new(config: &Config) -> Self {
        let mut places = HashMap::new();
        let stripped = |endpoint: &Endpoint| endpoint.url.stripped_path().to_owned();
        for (place, endpoint) in config.endpoints.iter().enumerate() {
            let path = stripped(endpoint);
            let shared = config.endpoints.iter().filter(|other| stripped(other) == path).count();
            if shared == 1 {
                places.insert(path, place);
            }
        }
        for (place, endpoint) in config.endpoints.iter().enumerate() {
            places.insert(endpoint.url.path().to_owned(), place);
        }
        Self { places }
    }

    /// What this path, as it was sent, means.
    pub fn find<'a>(&self, config: &'a Config, path: &str) -> Route<'a> {
        if let Some(&place) = self.places.get(path) {
            let endpoint = &config.endpoints[place];
            return Route {
                endpoint: Some(endpoint),
                url: Cow::Borrowed(&endpoint.url),
            };
        }
        let base = EndpointUrl::new(&config.public_url, "/").expect("it was read when the configuration was");
        let below = path.strip_prefix(base.path().trim_end_matches('/')).unwrap_or(path);
        let url = EndpointUrl::new(&config.public_url, below).expect("it was read when the configuration was");
        Route {
            endpoint: None,
            url: Cow::Owned(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use marketplace_crds::manifest;

    use super::Routes;
    use crate::config::Config;

    #[test]
    fn tells_versions_of_an_addon_apart_by_their_whole_paths() -> Result<(), Box<dyn Error>> {
        let text = include_str!("../../../crds/fixtures/call-insights.yaml").replace(
            "    path: /lookup\n",
            "    path: /incoming-sms\n    publicUrl: https://old.example.com/v1\n",
        );
        let config = Config::from_addon(&manifest::read(&text)?)?;
        let routes = Routes::new(&config);
        for (path, endpoint, signed) in [
            (
                "/insights/incoming-sms",
                Some("sms"),
                "https://addons.example.com/insights/incoming-sms",
            ),
            (
                "/v1/incoming-sms",
                Some("lookup"),
                "https://old.example.com/v1/incoming-sms",
            ),
            (
                "/incoming-sms",
                None,
                "https://addons.example.com/insights/incoming-sms",
            ),
            (
                "/transcription",
                Some("recordings"),
                "https://addons.example.com/insights/transcription",
            ),
        ] {
            let route = routes.find(&config, path);
            assert_eq!(
                route.endpoint.map(|endpoint| endpoint.name.as_str()),
                endpoint,
                "{path}"
            );
            assert_eq!(route.url.text(route.url.written_form(), None), signed, "{path}");
        }
        Ok(())
    }

    #[test]
    fn knows_every_path_with_and_without_the_prefix() -> Result<(), Box<dyn Error>> {
        let config = Config::from_addon(&manifest::read(include_str!(
            "../../../crds/fixtures/call-insights.yaml"
        ))?)?;
        let routes = Routes::new(&config);
        let cases = [
            ("/insights/incoming-sms", Some("sms"), "/insights/incoming-sms"),
            ("/incoming-sms", Some("sms"), "/insights/incoming-sms"),
            ("/insights/transcription", Some("recordings"), "/insights/transcription"),
            ("/insights/nothing", None, "/insights/nothing"),
            ("/nothing", None, "/insights/nothing"),
            ("/incoming-sms/", None, "/insights/incoming-sms/"),
            ("/Incoming-sms", None, "/insights/Incoming-sms"),
            ("/insights", None, "/insights/"),
            ("/", None, "/insights/"),
            ("*", None, "/insights/*"),
        ];
        for (path, endpoint, signed_path) in cases {
            let route = routes.find(&config, path);
            assert_eq!(
                route.endpoint.map(|endpoint| endpoint.name.as_str()),
                endpoint,
                "{path}"
            );
            assert_eq!(route.url.path(), signed_path, "{path}");
        }
        Ok(())
    }
}
