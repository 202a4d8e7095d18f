//! What the API server's failures say, in its own words and without the debug output that kube adds.

use std::error::Error;
use std::iter::successors;

use marketplace_daemon::cause::chain_until;

use crate::leader::fence::FenceError;

/// The message of the API server, or of whatever kept it from answering.
#[must_use]
pub fn message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => chain(other),
    }
}

/// Whether the operator's role lacks a right.
#[must_use]
pub fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}

/// Whether the API server will never take the object as it is.
#[must_use]
pub fn is_invalid(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 422)
}

/// Whether the object is not there.
#[must_use]
pub fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether the call was not made, or not answered: that says nothing of what was asked.
#[must_use]
pub fn is_unheard(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |&cause| cause.source()).any(<dyn Error>::is::<FenceError>)
}

/// What a list answers, or none where the cluster does not know the kind: only then is a list answered 404, where a get is
/// also for an object that is not there.
pub fn where_known<T>(listed: kube::Result<T>) -> kube::Result<Option<T>> {
    match listed {
        Ok(listed) => Ok(Some(listed)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// An error and its causes in one line, the API server's in its own words.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    chain_until(error, |cause| match cause.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => Some(status.message.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::is_unheard;
    use crate::leader::fence::FenceError;
    use crate::reconcile::ReconcileError;
    use crate::report::ReportError;

    #[test]
    fn silence_is_told_from_an_answer() {
        let failed = |error| ReconcileError::Report(ReportError::PatchStatus("florist".to_owned(), error));
        for unheard in [FenceError::HoldLease, FenceError::Answer] {
            assert!(is_unheard(&failed(kube::Error::Service(unheard.into()))));
        }
        assert!(!is_unheard(&failed(kube::Error::Service("another".into()))));
    }
}
