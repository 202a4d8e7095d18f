//! What the API server's failures say, in its own words and without the debug output that kube adds.

use std::error::Error;

use marketplace_daemon::cause::chain_until;

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
