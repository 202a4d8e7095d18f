//! Pure: whether the pods have the tokens that the Secret gives, which is what a rotation waits for. Called by `status`.

use marketplace_crds::fingerprint::{Report, TokenRole};

use super::{FALSE, Outcome, TRUE, UNKNOWN, Verdict, suspended, verdict};
use crate::dereference::Workload;
use crate::dereference::rollout::Rollout;
use crate::tokens::compare::Propagation;

/// The reason when every Ready pod has the tokens.
pub(crate) const PROPAGATED: &str = "Propagated";

pub(super) fn of(outcome: &Outcome) -> Option<Verdict> {
    match outcome {
        Outcome::Applied(workload) => Some(told(workload, &workload.tokens.as_ref()?.propagation)),
        Outcome::Suspended(_) => Some(suspended()),
        Outcome::Refused(..) | Outcome::Unapplied(..) => Some(verdict(
            UNKNOWN,
            "NotApplied",
            "the tokens of the Secret are not given to the pods; see the condition Ready",
        )),
        Outcome::Unread(_) => None,
    }
}

fn told(workload: &Workload, propagation: &Propagation) -> Verdict {
    match propagation {
        Propagation::Complete { wanted } => verdict(
            TRUE,
            PROPAGATED,
            format!("every Ready pod has loaded {}", shown(wanted)),
        ),
        Propagation::Lacking { pods, lacking, surplus } => {
            let lacking = lacking.iter().map(|(role, number)| lack(*role, *number, *pods));
            let surplus = (*surplus > 0).then(|| {
                format!("{surplus} of {pods} Ready pods still accept a token that was taken out of the Secret")
            });
            let words: Vec<_> = lacking.chain(surplus).collect();
            verdict(FALSE, "Propagating", words.join("; "))
        }
        Propagation::Silent { pods, silent, why } => verdict(
            UNKNOWN,
            "PodsUnreachable",
            format!(
                "{silent} of {pods} Ready pods do not tell which tokens they have loaded, port 8081, path /credentials: {why}"
            ),
        ),
        Propagation::NoneReady if workload.rollout() == Rollout::Complete(0) => verdict(
            TRUE,
            "NoPods",
            "0 pods are declared; a pod that starts loads the tokens as they are then",
        ),
        Propagation::NoneReady => verdict(UNKNOWN, "NoPods", "no pod is Ready"),
        Propagation::Unlisted(words) => verdict(
            UNKNOWN,
            "PodsUnreachable",
            format!("the pods could not be listed: {words}"),
        ),
    }
}

/// The fingerprints are for whoever waits for one: what was said before the Secret was read again speaks of another token.
fn shown(wanted: &Report) -> String {
    let tokens = wanted.tokens.iter().filter(|token| token.role != TokenRole::Previous);
    let tokens: Vec<_> = tokens
        .map(|token| format!("{} {}", token.role.as_str(), token.fingerprint))
        .collect();
    tokens.join(" and ")
}

fn lack(role: TokenRole, number: usize, pods: usize) -> String {
    let advice = match role {
        TokenRole::Primary => "a request that Twilio signs with it may be refused there",
        TokenRole::Secondary => "do not promote it in Twilio's console before this is True",
        TokenRole::Previous => "it is no longer needed",
    };
    let role = role.as_str();
    format!("{number} of {pods} Ready pods have not loaded the {role} token as the Secret has it: {advice}")
}

#[cfg(test)]
mod tests {
    use marketplace_crds::fingerprint::Fingerprint;

    use super::*;

    fn line(propagation: &Propagation) -> String {
        let told = told(&Workload::default(), propagation);
        format!("{} {}: {}", told.status, told.reason, told.message)
    }

    #[test]
    fn each_state_says_what_to_do_and_no_token() {
        let wanted = Report::of([
            (TokenRole::Primary, Fingerprint::of("a")),
            (TokenRole::Previous, Fingerprint::of("b")),
        ]);
        let fingerprint = Fingerprint::of("a").to_string();
        for (propagation, expected) in [
            (
                Propagation::Complete { wanted },
                format!("True Propagated: every Ready pod has loaded primary {fingerprint}"),
            ),
            (
                Propagation::Lacking {
                    pods: 3,
                    lacking: [(TokenRole::Secondary, 2)].into(),
                    surplus: 0,
                },
                "False Propagating: 2 of 3 Ready pods have not loaded the secondary token as the Secret has it: do not promote it in Twilio's console before this is True".to_owned(),
            ),
            (
                Propagation::Lacking {
                    pods: 1,
                    lacking: [(TokenRole::Primary, 1)].into(),
                    surplus: 1,
                },
                "False Propagating: 1 of 1 Ready pods have not loaded the primary token as the Secret has it: a request that Twilio signs with it may be refused there; 1 of 1 Ready pods still accept a token that was taken out of the Secret".to_owned(),
            ),
            (
                Propagation::Silent {
                    pods: 2,
                    silent: 1,
                    why: "failed to connect".to_owned(),
                },
                "Unknown PodsUnreachable: 1 of 2 Ready pods do not tell which tokens they have loaded, port 8081, path /credentials: failed to connect".to_owned(),
            ),
            (Propagation::NoneReady, "Unknown NoPods: no pod is Ready".to_owned()),
            (
                Propagation::Unlisted("no right".to_owned()),
                "Unknown PodsUnreachable: the pods could not be listed: no right".to_owned(),
            ),
        ] {
            assert_eq!(line(&propagation), expected);
        }
    }
}
