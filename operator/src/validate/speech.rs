//! What the transcription of recordings asks of the pods: the image with the model, and the Secrets of servers. Called by
//! `validate`.

use marketplace_crds::MarketplaceAddon;
use marketplace_crds::handler::transcription::Transcription;

use super::Defaults;

/// Whether an endpoint hears with the model of the image.
pub(super) fn wants_model(addon: &MarketplaceAddon) -> bool {
    transcriptions(addon).any(Transcription::wants_model)
}

/// The one that the add-on names; else one that has the model exactly where it is needed, because it is large.
pub(super) fn image(addon: &MarketplaceAddon, defaults: &Defaults) -> String {
    let usual = if wants_model(addon) {
        &defaults.speech_image
    } else {
        &defaults.image
    };
    addon.spec.workload.image.as_ref().unwrap_or(usual).clone()
}

fn transcriptions(addon: &MarketplaceAddon) -> impl Iterator<Item = &Transcription> {
    let endpoints = addon.spec.endpoints.iter();
    endpoints.filter_map(|endpoint| endpoint.handler.analysis.as_ref()?.transcription.as_ref())
}

#[cfg(test)]
mod tests {
    use marketplace_crds::handler::analysis::Analysis;
    use marketplace_crds::handler::transcription::{Builtin, Engine, NoEngine, Transcription};

    use super::{image, wants_model};
    use crate::fixtures;

    #[test]
    fn the_image_with_the_model_is_taken_where_it_is_needed_and_none_is_named() {
        let mut addon = fixtures::addon();
        let defaults = fixtures::defaults();
        let mut engine = |engine: Engine, own: Option<&str>| {
            addon.spec.endpoints[0].handler.analysis = Some(Analysis {
                transcription: Some(Transcription { engine }),
                ..Analysis::default()
            });
            addon.spec.workload.image = own.map(ToOwned::to_owned);
            (wants_model(&addon), image(&addon, &defaults))
        };
        let builtin = || Engine {
            builtin: Some(Builtin {}),
            ..Engine::default()
        };
        let none = Engine {
            none: Some(NoEngine {}),
            ..Engine::default()
        };
        assert_eq!(engine(builtin(), None), (true, defaults.speech_image.clone()));
        assert_eq!(engine(builtin(), Some("own:1")), (true, "own:1".to_owned()));
        assert_eq!(engine(none, None), (false, defaults.image.clone()));
    }
}
