//! `marketplace-operator doctor`: what a cluster lacks for add-ons, or for one of them, with what to do about each. It reads
//! and never writes. Called by `main`. A check is a line in [`CHECKS`] and a function in `doctor/`.

mod addon;
mod apis;
mod class;
mod cluster;
mod exposure;

use futures::future::BoxFuture;
use kube::Client;
use marketplace_crds::MarketplaceAddon;
use marketplace_crds::exposure::Exposure;

use crate::config::Doctor;
use crate::preview::{self, PreviewError};
use crate::validate::Defaults;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The file with the add-on.
    #[error(transparent)]
    ReadAddon(PreviewError),
    /// The kubeconfig.
    #[error("failed to find the way to the cluster")]
    FindCluster(#[source] Box<kube::config::InferConfigError>),
    /// The client.
    #[error("failed to build the client of the API server")]
    BuildClient(#[source] Box<kube::Error>),
}

/// Whether something is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Fine,
    /// It is not.
    Lacking,
    /// It could not be looked at, or nobody can tell.
    Unknown,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it must be.
    pub verdict: Verdict,
    /// What was looked at.
    pub what: String,
    /// What to do; empty where all is well.
    pub fix: String,
}

impl Finding {
    fn fine(what: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fine,
            what: what.into(),
            fix: String::new(),
        }
    }

    fn lacking(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Lacking,
            what: what.into(),
            fix: fix.into(),
        }
    }

    fn unknown(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            what: what.into(),
            fix: fix.into(),
        }
    }
}

/// What a check works with.
pub struct Patient {
    /// As whoever runs the doctor.
    pub client: Client,
    /// As the operator, where `--as` names it; else the same.
    pub operator: Client,
    /// The namespace that is looked at.
    pub namespace: String,
    /// The add-on, if one is given.
    pub addon: Option<MarketplaceAddon>,
    /// What holds where the add-on is silent.
    pub defaults: Defaults,
}

impl Patient {
    fn exposure(&self) -> Option<&Exposure> {
        self.addon.as_ref().map(|addon| &addon.spec.exposure)
    }
}

type Check = for<'a> fn(&'a Patient) -> BoxFuture<'a, Vec<Finding>>;

/// Every check, in the order in which a person would mend what it finds.
const CHECKS: &[Check] = &[
    |patient| Box::pin(cluster::version(patient)),
    |patient| Box::pin(cluster::definition(patient)),
    |patient| Box::pin(cluster::operator(patient)),
    |patient| Box::pin(cluster::rights(patient)),
    |patient| Box::pin(addon::namespace(patient)),
    |patient| Box::pin(addon::refusals(patient)),
    |patient| Box::pin(addon::storage_class(patient)),
    |patient| Box::pin(apis::needed(patient)),
    |patient| Box::pin(exposure::ingress(patient)),
    |patient| Box::pin(exposure::gateways(patient)),
    |patient| Box::pin(std::future::ready(addon::sources(patient))),
    |patient| Box::pin(addon::taken(patient)),
];

/// Looks at the cluster.
pub async fn examine(command: &Doctor) -> Result<Vec<Finding>, DoctorError> {
    let defaults = command.defaults.with_image(&command.service_image);
    let addon = match &command.file {
        Some(file) => Some(preview::read(file, command.namespace.as_deref()).map_err(DoctorError::ReadAddon)?),
        None => None,
    };
    let addon = addon.map(|addon| defaults.complete(addon));
    let config = kube::Config::infer()
        .await
        .map_err(|error| DoctorError::FindCluster(Box::new(error)))?;
    let named = addon.as_ref().and_then(|addon| addon.metadata.namespace.clone());
    let namespace = command.namespace.clone().or(named);
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let mut as_operator = config.clone();
    as_operator.auth_info.impersonate = command.operator.clone().or(as_operator.auth_info.impersonate);
    let client = |config| Client::try_from(config).map_err(|error| DoctorError::BuildClient(Box::new(error)));
    let patient = Patient {
        client: client(config)?,
        operator: client(as_operator)?,
        namespace,
        addon,
        defaults,
    };
    Ok(all(&patient).await)
}

async fn all(patient: &Patient) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in CHECKS {
        findings.extend(check(patient).await);
    }
    findings
}

/// The findings as a table, the columns as wide as they must be.
#[must_use]
pub fn table(findings: &[Finding]) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.what.chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = String::new();
    for Finding { verdict, what, fix } in findings {
        let word = match verdict {
            Verdict::Fine => "ok",
            Verdict::Lacking => "LACKS",
            Verdict::Unknown => "?",
        };
        let line = format!("{word:<5}  {what:<width$}  {fix}");
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// Whether nothing is lacking. What could not be looked at is not held against the cluster.
#[must_use]
pub fn is_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.verdict != Verdict::Lacking)
}

/// What cannot be looked at.
fn unreadable(what: impl Into<String>, error: &kube::Error) -> Finding {
    Finding::unknown(
        what,
        format!("could not be looked at: {}", crate::failure::message(error)),
    )
}

#[cfg(test)]
#[path = "doctor_tests.rs"]
mod tests;
