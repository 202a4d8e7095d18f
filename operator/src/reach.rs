//! Whether the pods reach what recordings are kept in, where that is not their own disk: every Ready pod is asked. Called by
//! a pass once everything is applied, each time: a store can go at any moment, and nothing in the cluster changes then.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use kube::Client;
use marketplace_crds::reach::{PATH, Reach};

use crate::failure;
use crate::memory::Addon;
use crate::tokens::{Pods, ready_pods};

const ASKED_AT_ONCE: usize = 16;

/// What the pods of an add-on say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// All of them reach it.
    Whole,
    /// Some do not.
    Broken {
        /// The Ready pods.
        pods: usize,
        /// What is not reached and why, and by how many.
        lacks: BTreeMap<(&'static str, String), usize>,
    },
    /// Some do not tell.
    Silent {
        /// The Ready pods.
        pods: usize,
        /// Those that do not tell.
        silent: usize,
        /// Why the first does not.
        why: String,
    },
    /// There is none to be asked.
    NoneReady,
    /// They could not be found.
    Unlisted(String),
}

/// Asks them.
pub async fn ask(pods: &Pods, client: &Client, addon: &Addon) -> Reached {
    match ready_pods(client, addon).await {
        Ok(ready) => {
            let answers = futures::stream::iter(ready).map(|pod| async move {
                let page = pods.page(&pod, PATH).await?;
                match serde_json::from_slice::<Reach>(&page) {
                    Ok(reach) if reach.looked => Ok(reach),
                    Ok(_) => Err("it has not looked yet".to_owned()),
                    Err(_) => Err("failed to understand the answer".to_owned()),
                }
            });
            summed(&answers.buffered(ASKED_AT_ONCE).collect::<Vec<_>>().await)
        }
        Err(error) => Reached::Unlisted(failure::message(&error)),
    }
}

/// What one pod cannot reach counts more than what another does not tell.
fn summed(answers: &[Result<Reach, String>]) -> Reached {
    let mut lacks = BTreeMap::new();
    for reach in answers.iter().flatten() {
        for (what, why) in [("the database", &reach.database), ("the bucket", &reach.audio)] {
            if let Some(why) = why {
                *lacks.entry((what, why.clone())).or_default() += 1;
            }
        }
    }
    let pods = answers.len();
    let mut silent = answers.iter().filter_map(|answer| answer.as_ref().err());
    match silent.next() {
        _ if pods == 0 => Reached::NoneReady,
        _ if !lacks.is_empty() => Reached::Broken { pods, lacks },
        Some(why) => Reached::Silent {
            pods,
            silent: 1 + silent.count(),
            why: why.clone(),
        },
        None => Reached::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reached_is_said_before_what_is_not_told() {
        let whole = || {
            Ok(Reach {
                looked: true,
                ..Reach::default()
            })
        };
        let broken = || {
            Ok(Reach {
                looked: true,
                database: None,
                audio: Some("there is no such bucket".to_owned()),
            })
        };
        let silent = || Err("failed to connect".to_owned());
        assert_eq!(summed(&[]), Reached::NoneReady);
        assert_eq!(summed(&[whole(), whole()]), Reached::Whole);
        assert_eq!(
            summed(&[whole(), silent(), silent()]),
            Reached::Silent {
                pods: 3,
                silent: 2,
                why: "failed to connect".to_owned()
            }
        );
        let lacks = BTreeMap::from([(("the bucket", "there is no such bucket".to_owned()), 2)]);
        assert_eq!(
            summed(&[broken(), silent(), broken()]),
            Reached::Broken { pods: 3, lacks }
        );
    }
}
