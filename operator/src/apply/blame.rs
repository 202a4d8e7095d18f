//! Whose fault it is that the API server refuses a Deployment into which overrides were merged: it is asked about the same
//! without them, so that the person who wrote them is told, and nobody is told of what is not theirs.

use kube::api::Patch;

use super::{Applier, ApplyError, Desired, forced};

/// What server-side apply says of a field that does not exist, as an internal error.
const UNTYPED: &str = "failed to create typed patch object";

impl Applier<'_> {
    /// The failure of an apply, as the person is to be told.
    pub(super) async fn blame(&self, desired: &Desired, error: kube::Error) -> ApplyError {
        let Desired { kind, name, plain, .. } = desired;
        match plain {
            Some(plain) if is_judgement(&error) => {
                let tried = forced().dry_run();
                let without = self.api(*kind).patch(name, &tried, &Patch::Apply(plain)).await;
                match without {
                    Ok(_) => ApplyError::MergeOverrides(name.clone(), error),
                    Err(_) => ApplyError::ApplyChild(*kind, name.clone(), error),
                }
            }
            _ => ApplyError::ApplyChild(*kind, name.clone(), error),
        }
    }
}

/// Whether the API server has looked at the object and does not want it.
fn is_judgement(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            matches!(status.code, 400 | 403 | 422) || (status.code == 500 && status.message.contains(UNTYPED))
        }
        _ => false,
    }
}
