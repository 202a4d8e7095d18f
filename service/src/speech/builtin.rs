//! The engine that is always there: the small English model Moonshine, run in this process. Its files come with the image
//! and are loaded once; as many pieces are heard at one time as there are processors for it, each on one thread, because a
//! recording that waits for another is no slower than two that share.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rten::ThreadPool;
use tokio::sync::Semaphore;

use crate::analysis::Halt;

mod guard;
mod network;
mod tokens;

pub use network::{LoadNetwork, RunNetwork};
pub use tokens::ReadVocabulary;

use network::{Network, Token};
use tokens::Vocabulary;

/// The language that the model understands.
pub const LANGUAGE: &str = "en";
/// Changes when the same audio may give other words: what was kept of an earlier version is not mixed with a later one's.
pub const VERSION: &str = "moonshine-tiny-1";

/// Why the model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadModel {
    /// The networks.
    #[error(transparent)]
    LoadNetwork(LoadNetwork),
    /// The vocabulary.
    #[error(transparent)]
    ReadVocabulary(ReadVocabulary),
}

/// What was heard in a piece.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The words; empty where there were none.
    pub text: String,
    /// The mean likelihood of its tokens; none of no words.
    pub confidence: Option<f64>,
}

/// The loaded model.
pub struct Builtin {
    network: Network,
    vocabulary: Vocabulary,
    permits: Arc<Semaphore>,
    /// One for each permit, of one thread.
    pools: Mutex<Vec<Arc<ThreadPool>>>,
}

impl Builtin {
    /// Loads the model of the folder, to hear so many pieces at one time.
    pub fn load(folder: &Path, at_once: NonZeroUsize) -> Result<Self, LoadModel> {
        let pools = (0..at_once.get()).map(|_| Arc::new(ThreadPool::with_num_threads(1)));
        Ok(Self {
            vocabulary: Vocabulary::read(folder).map_err(LoadModel::ReadVocabulary)?,
            network: Network::load(folder).map_err(LoadModel::LoadNetwork)?,
            permits: Arc::new(Semaphore::new(at_once.get())),
            pools: Mutex::new(pools.collect()),
        })
    }

    /// What is said in these samples.
    pub async fn hear(self: &Arc<Self>, samples: Vec<f32>, halt: Halt) -> Result<Heard, RunNetwork> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.expect("nobody closes the permits");
        let model = Arc::clone(self);
        let heard = tokio::task::spawn_blocking(move || {
            // Held until the thread is done, even when nobody waits for it any more.
            let _permit = permit;
            model.hear_now(&samples, &halt)
        });
        heard.await.unwrap_or(Err(RunNetwork::ReadAnswer))
    }

    fn hear_now(&self, samples: &[f32], halt: &Halt) -> Result<Heard, RunNetwork> {
        let pool = self.pools().pop().expect("there are as many pools as permits");
        let written = self.network.write(samples, &pool, halt);
        self.pools().push(pool);
        let written = written?;
        Ok(Heard {
            text: self.vocabulary.text(written.iter().map(|token| token.id)),
            confidence: confidence(&written),
        })
    }

    fn pools(&self) -> std::sync::MutexGuard<'_, Vec<Arc<ThreadPool>>> {
        self.pools.lock().expect("no one panics while taking a pool")
    }
}

#[expect(clippy::cast_precision_loss, reason = "a piece has few hundred tokens")]
fn confidence(written: &[Token]) -> Option<f64> {
    if written.is_empty() {
        return None;
    }
    let sum: f64 = written.iter().map(|token| f64::from(token.probability)).sum();
    Some((sum / written.len() as f64 * 1000.0).round() / 1000.0)
}
