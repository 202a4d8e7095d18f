//! Pure: what the pods tell of their tokens, held against what the Secret gives. Called by `tokens`.

use std::collections::BTreeMap;

use marketplace_crds::credentials::{AUTH_TOKEN, AUTH_TOKEN_PREVIOUS, AUTH_TOKEN_SECONDARY};
use marketplace_crds::fingerprint::{Fingerprint, Report, TokenRole};
use marketplace_crds::secret_value::accept;

use crate::dereference::SecretContent;

/// How far the tokens of a Secret have come.
#[derive(Clone, Debug, PartialEq)]
pub enum Propagation {
    /// Every Ready pod has exactly these.
    Complete {
        /// What they have.
        wanted: Report,
    },
    /// Some Ready pods do not have what they should.
    Lacking {
        /// How many pods are Ready.
        pods: usize,
        /// How many of them lack the token of this role.
        lacking: BTreeMap<TokenRole, usize>,
        /// How many of them have one that they should not have any more.
        surplus: usize,
    },
    /// Some Ready pods tell nothing, and the others have everything.
    Silent {
        /// How many pods are Ready.
        pods: usize,
        /// How many of them tell nothing.
        silent: usize,
        /// Why the first of them does not.
        why: String,
    },
    /// No pod is Ready.
    NoneReady,
    /// The pods could not be listed, in words.
    Unlisted(String),
}

/// What the pods are to tell of the tokens in the copy of the Secret.
#[must_use]
pub fn wanted(copy: &SecretContent) -> Report {
    let keys = [AUTH_TOKEN, AUTH_TOKEN_SECONDARY, AUTH_TOKEN_PREVIOUS];
    let tokens = TokenRole::ALL.into_iter().zip(keys).filter_map(|(role, key)| {
        let token = accept(&copy.0.get(key)?.0).ok()?;
        Some((role, Fingerprint::of(token)))
    });
    Report::of(tokens)
}

/// Holds what each Ready pod told against what is wanted.
#[must_use]
pub fn compare(wanted: &Report, answers: &[Result<Report, String>]) -> Propagation {
    let reports: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    let lacking: BTreeMap<_, _> = [TokenRole::Primary, TokenRole::Secondary]
        .into_iter()
        .map(|role| {
            (
                role,
                reports.iter().filter(|report| lacks(report, wanted, role)).count(),
            )
        })
        .filter(|(_, pods)| *pods > 0)
        .collect();
    let surplus = reports.iter().filter(|report| has_surplus(report, wanted)).count();
    let mut silent = answers.iter().filter_map(|answer| answer.as_ref().err());
    let pods = answers.len();
    match silent.next() {
        _ if pods == 0 => Propagation::NoneReady,
        _ if !lacking.is_empty() || surplus > 0 => Propagation::Lacking { pods, lacking, surplus },
        Some(why) => Propagation::Silent {
            pods,
            silent: 1 + silent.count(),
            why: why.clone(),
        },
        None => Propagation::Complete { wanted: wanted.clone() },
    }
}

fn lacks(report: &Report, wanted: &Report, role: TokenRole) -> bool {
    wanted.get(role).is_some_and(|token| report.get(role) != Some(token))
}

/// A previous token ends in the pod by itself, so that one which has none any more lacks nothing.
fn has_surplus(report: &Report, wanted: &Report) -> bool {
    let is_wanted = |fingerprint| wanted.tokens.iter().any(|token| token.fingerprint == fingerprint);
    report.tokens.iter().any(|token| !is_wanted(&*token.fingerprint))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn report(tokens: [Option<&str>; 3]) -> Report {
        let tokens = TokenRole::ALL.into_iter().zip(tokens);
        Report::of(tokens.filter_map(|(role, token)| Some((role, Fingerprint::of(token?)))))
    }

    #[test]
    fn what_is_wanted_is_what_the_service_will_load() {
        let content = [("ACCOUNT_SID", "AC1"), (AUTH_TOKEN, "b\n"), (AUTH_TOKEN_PREVIOUS, "a")];
        let content = content.map(|(key, value)| (key.to_owned(), ByteString(value.as_bytes().to_vec())));
        assert_eq!(
            wanted(&SecretContent(content.into())),
            report([Some("b"), None, Some("a")])
        );
    }

    #[test]
    fn every_ready_pod_must_have_exactly_the_tokens_of_the_secret() {
        let (a, b) = (Some("a"), Some("b"));
        let lacking = |pods, roles: &[(TokenRole, usize)], surplus| Propagation::Lacking {
            pods,
            lacking: roles.iter().copied().collect(),
            surplus,
        };
        let complete = |tokens| Propagation::Complete { wanted: report(tokens) };
        let primary = (TokenRole::Primary, 1);
        let secondary = (TokenRole::Secondary, 1);
        for (what, wanted, pods, expected) in [
            (
                "at rest",
                [a, None, None],
                vec![[a, None, None]],
                complete([a, None, None]),
            ),
            (
                "on the way",
                [a, b, None],
                vec![[a, b, None], [a, None, None]],
                lacking(2, &[secondary], 0),
            ),
            ("arrived", [a, b, None], vec![[a, b, None]], complete([a, b, None])),
            (
                "swapped, on the way",
                [b, None, a],
                vec![[a, b, None]],
                lacking(1, &[primary], 0),
            ),
            ("swapped", [b, None, a], vec![[b, None, a]], complete([b, None, a])),
            (
                "the overlap has ended in the pod",
                [b, None, a],
                vec![[b, None, None]],
                complete([b, None, a]),
            ),
            (
                "the overlap has ended in the Secret",
                [b, None, None],
                vec![[b, None, a]],
                lacking(1, &[], 1),
            ),
            (
                "replaced at once",
                [b, None, None],
                vec![[a, None, None]],
                lacking(1, &[primary], 1),
            ),
            (
                "not loaded",
                [a, None, None],
                vec![[None, None, None]],
                lacking(1, &[primary], 0),
            ),
            ("none runs", [a, None, None], vec![], Propagation::NoneReady),
        ] {
            let answers: Vec<_> = pods.into_iter().map(|tokens| Ok(report(tokens))).collect();
            assert_eq!(compare(&report(wanted), &answers), expected, "{what}");
        }
    }

    #[test]
    fn a_pod_that_lacks_a_token_is_nearer_than_one_that_tells_nothing() {
        let wanted = report([Some("a"), None, None]);
        let silent = || Err("failed to connect".to_owned());
        let (has, lacks) = (Ok(wanted.clone()), Ok(Report::default()));
        assert!(matches!(
            compare(&wanted, &[silent(), lacks]),
            Propagation::Lacking { pods: 2, .. }
        ));
        let expected = Propagation::Silent {
            pods: 3,
            silent: 2,
            why: "failed to connect".to_owned(),
        };
        assert_eq!(compare(&wanted, &[silent(), has, silent()]), expected);
    }
}
