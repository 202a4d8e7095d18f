//! Pure: whether the pods reach what recordings are kept in. Called by `status`. Nothing of `Ready`: what is answered at once
//! needs neither, and a recording that is refused meanwhile is sent again.

use super::{FALSE, Outcome, TRUE, UNKNOWN, Verdict, verdict};
use crate::reach::Reached;

/// What it means while it lasts.
const MEANWHILE: &str =
    "recordings get 503 until it is back, and Twilio sends them again; what was accepted before waits";

pub(super) fn of(outcome: &Outcome) -> Option<Verdict> {
    let workload = match outcome {
        Outcome::Applied(workload) => workload,
        Outcome::Suspended(_) | Outcome::Refused(..) | Outcome::Unapplied(..) | Outcome::Unread(_) => return None,
    };
    Some(told(workload.reached.as_ref()?))
}

fn told(reached: &Reached) -> Verdict {
    match reached {
        Reached::Whole => verdict(TRUE, "Reached", "every Ready pod reaches what recordings are kept in"),
        Reached::Broken { pods, lacks } => {
            let lacks: Vec<_> = lacks
                .iter()
                .map(|((what, why), number)| format!("{number} of {pods} Ready pods do not reach {what}: {why}"))
                .collect();
            verdict(FALSE, "OutOfReach", format!("{}; {MEANWHILE}", lacks.join("; ")))
        }
        Reached::Silent { pods, silent, why } => verdict(
            UNKNOWN,
            "PodsUnreachable",
            format!("{silent} of {pods} Ready pods do not tell, port 8081, path /storage: {why}"),
        ),
        Reached::NoneReady => verdict(UNKNOWN, "NoPods", "no pod is Ready"),
        Reached::Unlisted(words) => verdict(
            UNKNOWN,
            "PodsUnreachable",
            format!("the pods could not be listed: {words}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_store_that_is_gone_is_named_with_what_it_means() {
        let lacks = BTreeMap::from([(("the bucket", "the store does not answer".to_owned()), 2)]);
        let told = told(&Reached::Broken { pods: 2, lacks });
        assert_eq!((told.status, told.reason.as_str()), ("False", "OutOfReach"));
        assert_eq!(
            told.message,
            "2 of 2 Ready pods do not reach the bucket: the store does not answer; recordings get 503 until it is back, and Twilio sends them again; what was accepted before waits"
        );
    }
}
