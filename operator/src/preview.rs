//! `marketplace-operator render`: what the operator would apply, as YAML and without a cluster, so that a change can be
//! reviewed before it is made. The same validation and the same rendering as in a pass. Called by `main`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use kube::ResourceExt;
use marketplace_crds::credentials::{ACCOUNT_SID, AUTH_TOKEN};
use marketplace_crds::handler::http::AUTHORIZATION;
use marketplace_crds::handler::table::TABLE;
use marketplace_crds::handler::transcription::API_KEY;
use marketplace_crds::manifest::{self, ReadManifest};
use marketplace_crds::signature::{PASSWORD, USERNAME};
use marketplace_crds::storage::bucket::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use marketplace_crds::{MarketplaceAddon, constant};
use serde_json::{Value, json};

use crate::apply::in_order;
use crate::config::Render;
use crate::dereference::monitoring::Served;
use crate::dereference::scalers::{Listed, Scalers};
use crate::dereference::{Facts, Routing, SecretContent, SecretFact, Workload, secrets};
use crate::handover;
use crate::kind::Kind;
use crate::render::render;
use crate::validate::secrets::{CERTIFICATE, DATABASE_URL};
use crate::validate::{Refusal, validate};

/// The uid of an add-on that no API server has seen.
const NO_UID: &str = "00000000-0000-0000-0000-000000000000";

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The file.
    #[error("failed to read {0}")]
    ReadFile(String, #[source] std::io::Error),
    /// What is in it.
    #[error("failed to use {0}: {1}")]
    UseManifest(String, ReadManifest),
    /// A Secret's folder.
    #[error("failed to read the Secrets in {0}")]
    ReadSecrets(PathBuf, #[source] std::io::Error),
    /// The reasons for which a pass would refuse it, a line each.
    #[error("{}", .0.iter().map(|refusal| format!("{}: {refusal}", refusal.category())).collect::<Vec<_>>().join("\n"))]
    Refuse(Vec<Refusal>),
    /// A child.
    #[error("failed to write a child as YAML")]
    WriteYaml(#[source] serde_yaml::Error),
}

/// The children of the add-on of a file, in the order in which they would be applied.
pub fn preview(command: &Render) -> Result<String, PreviewError> {
    let defaults = command.defaults.with_image(&command.service_image);
    let addon = defaults.complete(read(&command.file, command.namespace.as_deref())?);
    let facts = Facts {
        secrets: match &command.secrets {
            Some(folder) => read_secrets(folder, &addon)?,
            None => assumed_secrets(&addon),
        },
        workload: nothing_made(),
        ..Facts::default()
    };
    let valid = validate(&addon, &facts, &defaults).map_err(PreviewError::Refuse)?;
    let steps = handover::steps(&valid, &facts.workload);
    let children = handover::admit(render(&valid), &valid.name, &steps, &facts.workload);
    let mut printed = String::new();
    for child in in_order(children) {
        let body = if child.kind == Kind::Secret {
            hidden(child.body)
        } else {
            child.body
        };
        printed.push_str("---\n");
        printed.push_str(&serde_yaml::to_string(&body).map_err(PreviewError::WriteYaml)?);
    }
    Ok(printed)
}

/// A cluster that has every optional API, and nothing of the add-on yet.
fn nothing_made() -> Workload {
    Workload {
        routing: Routing::Routes(Some(Vec::new())),
        monitoring: Served::ALL,
        scalers: Scalers {
            scaled_objects: Listed::Found(Vec::new()),
            ..Scalers::default()
        },
        ..Workload::default()
    }
}

/// The add-on of a file, or of the standard input, as the API server would complete it.
pub fn read(file: &Path, namespace: Option<&str>) -> Result<MarketplaceAddon, PreviewError> {
    let name = file.display().to_string();
    let text = if name == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| PreviewError::ReadFile(name.clone(), error))?;
    let mut addon = manifest::read(&text).map_err(|error| PreviewError::UseManifest(name, error))?;
    let written = addon.namespace();
    addon.metadata.namespace = Some(
        namespace
            .map(str::to_owned)
            .or(written)
            .unwrap_or_else(|| "default".to_owned()),
    );
    addon.metadata.uid = Some(NO_UID.to_owned());
    Ok(addon)
}

/// A folder for each Secret with a file for each key, as Kubernetes mounts them.
fn read_secrets(folder: &Path, addon: &MarketplaceAddon) -> Result<BTreeMap<String, SecretFact>, PreviewError> {
    let read = |name: &str| {
        let keys = match std::fs::read_dir(folder.join(name)) {
            Ok(keys) => keys,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(SecretFact::Absent),
            Err(error) => return Err(error),
        };
        let mut content = BTreeMap::new();
        for key in keys {
            let key = key?;
            if key.path().is_file() {
                content.insert(
                    key.file_name().to_string_lossy().into_owned(),
                    ByteString(std::fs::read(key.path())?),
                );
            }
        }
        Ok(SecretFact::Found(SecretContent(content)))
    };
    let named = secrets::named_by(addon).into_iter();
    named
        .map(|name| read(&name).map(|fact| (name, fact)))
        .collect::<Result<_, std::io::Error>>()
        .map_err(|error| PreviewError::ReadSecrets(folder.to_owned(), error))
}

/// Where no folder is given, every Secret is taken to be there with every key that may be needed of it.
fn assumed_secrets(addon: &MarketplaceAddon) -> BTreeMap<String, SecretFact> {
    let [certificate, key] = CERTIFICATE;
    let usual = [
        ACCOUNT_SID,
        AUTH_TOKEN,
        DATABASE_URL,
        API_KEY,
        USERNAME,
        PASSWORD,
        AUTHORIZATION,
        TABLE,
        ACCESS_KEY_ID,
        SECRET_ACCESS_KEY,
        certificate,
        key,
    ]
    .map(str::to_owned);
    let mut constants = constant::secrets(addon);
    let named = secrets::named_by(addon).into_iter();
    named
        .map(|name| {
            let keys = usual
                .iter()
                .cloned()
                .chain(constants.remove(&name).into_iter().flatten());
            let content = keys.map(|key| (key, ByteString(b"assumed".to_vec()))).collect();
            (name, SecretFact::Found(SecretContent(content)))
        })
        .collect()
}

/// A Secret's keys without their values: what is reviewed is also pasted and kept.
fn hidden(mut secret: Value) -> Value {
    for value in secret["data"]
        .as_object_mut()
        .into_iter()
        .flat_map(serde_json::Map::values_mut)
    {
        *value = json!("(hidden)");
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(file: &str, secrets: Option<PathBuf>) -> Render {
        Render {
            file: Path::new(env!("CARGO_MANIFEST_DIR")).join(file),
            secrets,
            namespace: None,
            service_image: "registry.example/answering:9".to_owned(),
            defaults: crate::config::DefaultOptions::default(),
        }
    }

    fn kinds(printed: &str) -> Vec<&str> {
        printed.lines().filter_map(|line| line.strip_prefix("kind: ")).collect()
    }

    #[test]
    fn every_example_and_fixture_is_printed_in_the_order_of_apply() -> Result<(), PreviewError> {
        for file in [
            "../examples/incoming-sms.yaml",
            "../examples/recording-analysis.yaml",
            "fixtures/ferry.yaml",
            "fixtures/florist.yaml",
            "fixtures/harbour.yaml",
        ] {
            let printed = preview(&command(file, None))?;
            let kinds = kinds(&printed);
            assert_eq!(kinds.first(), Some(&"ServiceAccount"), "{file}");
            assert!(kinds.contains(&"Deployment"), "{file}: {kinds:?}");
        }
        Ok(())
    }

    #[test]
    fn what_needs_an_api_that_a_cluster_may_lack_is_printed_too() -> Result<(), PreviewError> {
        for (file, kind) in [
            ("../examples/ingress.yaml", "Ingress"),
            ("../examples/gateway.yaml", "HTTPRoute"),
            ("../examples/load-balancer.yaml", "Service"),
            ("../examples/scaled.yaml", "ScaledObject"),
            ("fixtures/tram.yaml", "HorizontalPodAutoscaler"),
        ] {
            let mut command = command(file, None);
            command.defaults.prometheus_address = Some("http://gauges.example:9090".to_owned());
            let printed = preview(&command)?;
            assert!(kinds(&printed).contains(&kind), "{file}: {:?}", kinds(&printed));
        }
        Ok(())
    }

    #[test]
    fn the_peers_of_the_operator_and_the_number_of_pods_are_printed() -> Result<(), PreviewError> {
        let mut command = command("fixtures/florist.yaml", None);
        command.defaults.monitoring_from = serde_json::from_str(r#"[{"ipBlock": {"cidr": "198.51.100.0/24"}}]"#).ok();
        let printed = preview(&command)?;
        assert!(printed.contains("cidr: 198.51.100.0/24"), "{printed}");
        assert!(printed.contains("replicas: "), "{printed}");
        Ok(())
    }

    #[test]
    fn a_secret_is_named_when_it_is_missing_and_its_values_are_never_printed() -> Result<(), Box<dyn std::error::Error>>
    {
        let folder = std::env::temp_dir().join(format!("preview-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("switchboard"))?;
        std::fs::write(folder.join("switchboard/ACCOUNT_SID"), "AC1")?;
        let said = preview(&command("fixtures/harbour.yaml", Some(folder.clone())));
        let said = said.map_err(|error| error.to_string());
        let missing = "SecretKeyMissing: Secret switchboard has no value under the key AUTH_TOKEN: add it";
        assert_eq!(said.as_ref().map_err(String::as_str), Err(missing));

        std::fs::write(folder.join("switchboard/AUTH_TOKEN"), "hunter2")?;
        let printed = preview(&command("fixtures/harbour.yaml", Some(folder.clone())))?;
        std::fs::remove_dir_all(folder)?;
        assert!(printed.contains("AUTH_TOKEN: (hidden)"), "{printed}");
        assert!(!printed.contains("hunter2") && !printed.contains("aHVudGVyMg"));
        Ok(())
    }
}
