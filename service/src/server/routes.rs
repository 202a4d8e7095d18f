//! Decides which endpoint a path means, and over which URL a request to that path was signed. Pure: called by `server`.

use std::collections::HashMap;

use crate::config::{Config, Endpoint};
use crate::signature::EndpointUrl;

/// The paths of an add-on, each in both forms: as Twilio knows it, and without publicUrl's path, because some proxies take
/// that off. Where one endpoint's whole path is another's stripped one, the whole path wins.
pub struct Routes {
    places: HashMap<String, usize>,
}

/// What a path means.
pub struct Route<'a> {
    /// The endpoint, if any has this path.
    pub endpoint: Option<&'a Endpoint>,
    /// The URL that was signed. For a path that no endpoint has, publicUrl and the path: so a genuine request to it can be
    /// told from a stranger's, and be answered that the add-on is registered with the wrong URL.
    pub url: EndpointUrl,
}

impl Routes {
    /// The routes of all endpoints.
    pub fn new(config: &Config) -> Self {
        let mut places = HashMap::new();
        for (place, endpoint) in config.endpoints.iter().enumerate() {
            places.insert(endpoint.url.stripped_path().to_owned(), place);
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
                url: endpoint.url.clone(),
            };
        }
        let base = EndpointUrl::new(&config.public_url, "/").expect("it was read when the configuration was");
        let below = path.strip_prefix(base.path().trim_end_matches('/')).unwrap_or(path);
        let url = EndpointUrl::new(&config.public_url, below).expect("it was read when the configuration was");
        Route { endpoint: None, url }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use marketplace_crds::manifest;

    use super::Routes;
    use crate::config::Config;

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
