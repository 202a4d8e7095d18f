//! One pod: the service's container with its files, under the restricted Pod Security Standard.
//!
//! Secrets are mounted as whole folders and never by subPath, which would not be updated in a running pod.

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, HTTPGetAction,
    LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
    SeccompProfile, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::ObjectMeta;

use super::{config_map, environment, labels, names, partners, placement, quantity, resources};
use crate::role::Role;
use crate::validate::{Data, ValidatedAddon};

/// The container of the service.
pub(super) const CONTAINER: &str = "service";
/// The name of the port that takes requests.
pub(super) const HTTP: &str = "http";
pub(super) const HTTP_PORT: i32 = 8080;
pub(super) const ADMIN: &str = "admin";
pub(crate) const ADMIN_PORT: i32 = 8081;

const CONFIG_FOLDER: &str = "/etc/marketplace/addon";
const SECRETS_FOLDER: &str = "/etc/marketplace/secrets";
const DATA_FOLDER: &str = "/var/lib/marketplace";
/// Not among the secrets: it is named by what it is for.
const TLS_FOLDER: &str = "/etc/marketplace/tls";

/// The user that the image runs as; root has no place in it.
const USER: i64 = 65532;

/// How long the service goes on with what it began, once it is told to stop: a worker finishes it or gives it back.
const GRACE_WITH_JOBS_SECONDS: i64 = 300;
/// The same where nothing outlasts a request.
const GRACE_SECONDS: i64 = 30;
/// What the service needs beside it: to let its readiness be noticed, and to close.
const STOP_SECONDS: i64 = 15;

pub(super) fn render(addon: &ValidatedAddon, role: Role) -> PodTemplateSpec {
    let (volumes, mounts) = files(addon).into_iter().unzip();
    let mut labels = addon.pods.pod_labels.clone();
    labels.extend(labels::of(&addon.name, role.component()));
    let pull_secrets = addon.pods.image_pull_secrets.iter();
    let pull_secrets: Vec<_> = pull_secrets
        .map(|secret| LocalObjectReference {
            name: secret.name.clone(),
        })
        .collect();
    let mut spec = PodSpec {
        service_account_name: Some(names::front(&addon.name)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(grace_seconds(addon, role) + STOP_SECONDS),
        security_context: Some(pod_security()),
        init_containers: partners::render(addon, role),
        containers: vec![container(addon, role, mounts)],
        volumes: Some(volumes),
        image_pull_secrets: (!pull_secrets.is_empty()).then_some(pull_secrets),
        ..PodSpec::default()
    };
    placement::place(addon, role, &mut spec);
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: super::annotations(addon.pods.pod_annotations.clone()),
            ..ObjectMeta::default()
        }),
        spec: Some(spec),
    }
}

fn container(addon: &ValidatedAddon, role: Role, mounts: Vec<VolumeMount>) -> Container {
    Container {
        name: CONTAINER.to_owned(),
        image: Some(addon.image.clone()),
        args: Some(arguments(addon, role)),
        ports: Some(ports(role)),
        startup_probe: Some(probe("/healthz", 1, 60)),
        liveness_probe: Some(probe("/healthz", 10, 3)),
        readiness_probe: Some(probe("/readyz", 2, 2)),
        resources: Some(resources::render(addon, role)),
        env: environment::render(addon),
        security_context: Some(container_security()),
        // The last lines of the log become the termination message, which the conditions quote.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

/// A front beside workers has no job in work.
fn grace_seconds(addon: &ValidatedAddon, role: Role) -> i64 {
    match role {
        Role::Front if addon.workers.is_some() || !addon.has_jobs => GRACE_SECONDS,
        Role::Front | Role::Workers => GRACE_WITH_JOBS_SECONDS,
    }
}

fn ports(role: Role) -> Vec<ContainerPort> {
    let admin = port(ADMIN, ADMIN_PORT);
    match role {
        Role::Front => vec![port(HTTP, HTTP_PORT), admin],
        Role::Workers => vec![admin],
    }
}

/// What each role does and how much of it. The front is told of the concurrency too, because it tells how many workers are needed.
fn part(addon: &ValidatedAddon, role: Role) -> Vec<String> {
    let (listen, concurrency) = (
        format!("0.0.0.0:{HTTP_PORT}"),
        addon.concurrency.map(|jobs| jobs.to_string()),
    );
    let part: &[&str] = match (role, &addon.workers) {
        (Role::Front, None) => &["--listen", &listen],
        (Role::Front, Some(_)) => &["--listen", &listen, "--role", "front"],
        (Role::Workers, _) => &["--role", "worker"],
    };
    let analyses = concurrency.iter().flat_map(|jobs| ["--analyses", jobs]);
    part.iter().copied().chain(analyses).map(ToOwned::to_owned).collect()
}

fn arguments(addon: &ValidatedAddon, role: Role) -> Vec<String> {
    let manifest = format!("{CONFIG_FOLDER}/{}", config_map::FILE);
    let grace = grace_seconds(addon, role).to_string();
    let admin = format!("0.0.0.0:{ADMIN_PORT}");
    let always = [
        "run",
        "-f",
        &manifest,
        "--secrets",
        SECRETS_FOLDER,
        "--admin",
        &admin,
        "--grace-seconds",
        &grace,
    ];
    let data: &[&str] = if addon.data.is_some() {
        &["--data", DATA_FOLDER]
    } else {
        &[]
    };
    let tls: &[&str] = if addon.exposure.certificate().is_some() {
        &["--tls", TLS_FOLDER]
    } else {
        &[]
    };
    always
        .iter()
        .chain(data)
        .chain(tls)
        .map(|argument| (*argument).to_owned())
        .chain(part(addon, role))
        .collect()
}

fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn probe(path: &str, period_seconds: i32, failure_threshold: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(ADMIN.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(2),
        failure_threshold: Some(failure_threshold),
        ..Probe::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        // Changing the owner of every recording on each start would take longer with each recording.
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

pub(super) fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}

/// Every volume with its mount.
fn files(addon: &ValidatedAddon) -> Vec<(Volume, VolumeMount)> {
    let config = Volume {
        name: "config".to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: names::config(&addon.name, &addon.manifest),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    };
    // The pod knows the Secret by the name that the resource gives it; what is mounted there is the derived copy.
    let credentials = secret(
        "credentials".to_owned(),
        names::credentials(&addon.name),
        folder_of(&addon.credentials_name),
    );
    let mounted = addon
        .mounted_secrets
        .iter()
        .map(|name| secret(names::secret_volume(name), name.clone(), folder_of(name)));
    let certificate = addon
        .exposure
        .certificate()
        .map(|name| secret("tls".to_owned(), name.to_owned(), TLS_FOLDER.to_owned()));
    let data = addon
        .data
        .iter()
        .map(|data| (data_volume(addon, data), mount("data", DATA_FOLDER.to_owned(), false)));
    [(config, mount("config", CONFIG_FOLDER.to_owned(), true)), credentials]
        .into_iter()
        .chain(mounted)
        .chain(certificate)
        .chain(data)
        .collect()
}

fn data_volume(addon: &ValidatedAddon, data: &Data) -> Volume {
    let volume = Volume {
        name: "data".to_owned(),
        ..Volume::default()
    };
    match data {
        Data::Claimed(_) => Volume {
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: names::data(&addon.name),
                read_only: None,
            }),
            ..volume
        },
        Data::Passing { bytes } => Volume {
            empty_dir: Some(EmptyDirVolumeSource {
                size_limit: Some(quantity::of_bytes(*bytes)),
                ..EmptyDirVolumeSource::default()
            }),
            ..volume
        },
    }
}

fn folder_of(secret: &str) -> String {
    format!("{SECRETS_FOLDER}/{secret}")
}

fn secret(volume: String, source: String, folder: String) -> (Volume, VolumeMount) {
    let mount = mount(&volume, folder, true);
    let source = SecretVolumeSource {
        secret_name: Some(source),
        default_mode: Some(0o440),
        optional: Some(false),
        ..SecretVolumeSource::default()
    };
    (
        Volume {
            name: volume,
            secret: Some(source),
            ..Volume::default()
        },
        mount,
    )
}

fn mount(volume: &str, path: String, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path,
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}
