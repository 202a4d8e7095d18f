//! Starts the engines of transcription that the endpoints want, each once; called by `run`. What is not there is told before
//! the first recording, not at it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::{CommandError, ModelOptions};
use crate::config::Config;
use crate::egress::SystemResolver;
use crate::files::Secrets;
use crate::speech::builtin::{Builtin, LoadModel};
use crate::speech::openai::OpenAi;
use crate::speech::{EnginePlan, Engines};

/// Why the model is not there.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to start: transcription.engine.builtin needs the model of speech in {}: use the image marketplace-service-speech, give --model DIR, or choose transcription.engine.openai",
    folder.display()
)]
pub(in crate::cli) struct FindModel {
    folder: PathBuf,
    #[source]
    source: LoadModel,
}

pub(super) fn start(
    config: &Config,
    model: &ModelOptions,
    secrets: &Secrets,
    analyses: usize,
) -> Result<Engines, CommandError> {
    let mut engines = Engines {
        builtin: None,
        openai: BTreeMap::new(),
    };
    let analyses_wanted = config
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint.handler.analysis());
    for plan in analyses_wanted.filter_map(|plan| plan.transcription.as_ref()) {
        match &plan.engine {
            EnginePlan::Builtin if engines.builtin.is_none() => engines.builtin = Some(load(model, analyses)?),
            EnginePlan::OpenAi(plan) if !engines.openai.contains_key(plan) => {
                let name = plan.secret_name.as_ref();
                let key = name.and_then(|name| secrets.api_keys.get(name)).cloned();
                let server = OpenAi::new(plan.clone(), key, Arc::new(SystemResolver)).map_err(CommandError::work)?;
                engines.openai.insert(plan.clone(), Arc::new(server));
            }
            EnginePlan::Builtin | EnginePlan::OpenAi(_) | EnginePlan::None => {}
        }
    }
    Ok(engines)
}

/// More in one process is more memory than such a pod has: whoever has more processors runs more workers.
const MOST_AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).expect("it is not zero");

/// No more pieces are heard at one time than there are processors for, however many recordings are worked on.
pub(in crate::cli) fn load(model: &ModelOptions, analyses: usize) -> Result<Arc<Builtin>, CommandError> {
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let at_once = NonZeroUsize::new(analyses)
        .unwrap_or(NonZeroUsize::MIN)
        .min(processors)
        .min(MOST_AT_ONCE);
    let loaded = Builtin::load(&model.folder, at_once).map_err(|source| FindModel {
        folder: model.folder.clone(),
        source,
    });
    loaded.map(Arc::new).map_err(CommandError::input)
}
