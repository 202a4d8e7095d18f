//! Step 3, pure and without failure: a validated add-on becomes its children. One file, one child.

mod autoscaler;
mod budget;
mod config_map;
mod credentials_secret;
mod deployment;
mod environment;
mod http_route;
mod ingress;
pub mod labels;
mod monitoring;
pub mod names;
mod network_policy;
pub(crate) mod overrides;
mod partners;
mod placement;
mod pod;
mod quantity;
mod resources;
mod scaled_object;
mod service;
mod service_account;
pub mod volume_claim;
pub mod workers;

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::DynamicObject;
use marketplace_crds::workload::PodOverrides;

use crate::kind::Kind;
use crate::role::Role;
use crate::validate::scaling::Scaler;
use crate::validate::{Data, ValidatedAddon};
pub(crate) use pod::ADMIN_PORT;
use workers::Workers;

/// Everything that an add-on is made of in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Children {
    /// The identity of the pods, without a token.
    pub service_account: ServiceAccount,
    /// The named keys of the credentials.
    pub credentials_secret: Secret,
    /// The reduced resource.
    pub config_map: ConfigMap,
    /// Who may connect.
    pub network_policy: NetworkPolicy,
    /// Where accepted recordings lie.
    pub volume_claim: Option<PersistentVolumeClaim>,
    /// The address of the pods.
    pub service: Service,
    /// How many pods a drain may take away.
    pub budget: PodDisruptionBudget,
    /// The pods.
    pub deployment: Deployment,
    /// The pods that work on recordings, where they are not the same.
    pub workers: Option<Workers>,
    /// What is merged into the pods of every Deployment when it is sent.
    pub pod_overrides: Option<PodOverrides>,
    /// What decides on the number of pods by their CPU.
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    /// What has KEDA decide on it.
    pub scaled_objects: Vec<DynamicObject>,
    /// What tells the Prometheus Operator of them.
    pub monitoring: Vec<(Kind, DynamicObject)>,
    /// What an ingress controller routes to them.
    pub ingress: Option<Ingress>,
    /// What a gateway routes to them, host by host.
    pub http_routes: Vec<DynamicObject>,
}

/// Makes the children.
#[must_use]
pub fn render(addon: &ValidatedAddon) -> Children {
    let (mut autoscalers, mut scaled_objects) = (Vec::new(), Vec::new());
    let front = [(Role::Front, &addon.front)];
    for (role, scaler) in front
        .into_iter()
        .chain(addon.workers.iter().map(|scaler| (Role::Workers, scaler)))
    {
        match scaler {
            Scaler::Fixed(_) => {}
            Scaler::Hpa(hpa) => autoscalers.push(autoscaler::render(addon, role, hpa)),
            Scaler::Keda(keda) => scaled_objects.push(scaled_object::render(addon, role, keda)),
        }
    }
    Children {
        service_account: service_account::render(addon),
        credentials_secret: credentials_secret::render(addon),
        config_map: config_map::render(addon),
        network_policy: network_policy::render(addon),
        volume_claim: addon
            .data
            .as_ref()
            .and_then(Data::claimed)
            .map(|volume| volume_claim::render(addon, volume)),
        service: service::render(addon),
        budget: budget::render(addon, Role::Front),
        deployment: deployment::render(addon, Role::Front),
        workers: addon.workers.is_some().then(|| workers::render(addon)),
        pod_overrides: addon.pods.pod_overrides.clone(),
        autoscalers,
        scaled_objects,
        monitoring: monitoring::render(addon),
        ingress: ingress::render(addon),
        http_routes: http_route::render(addon),
    }
}

/// None where there are none: an empty map would be another declaration than no map.
fn annotations(all: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!all.is_empty()).then_some(all)
}

/// What the metadata of every child has in common.
fn metadata(addon: &ValidatedAddon, name: String, component: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(addon.namespace.clone()),
        labels: Some(labels::of(&addon.name, component)),
        owner_references: Some(vec![addon.owner.clone()]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use marketplace_crds::storage::OnDelete;

    use crate::dereference::Routing;
    use crate::fixtures::{
        addon, balanced_addon, bucket_addon, children, defaults, facts, gateway_addon, particular_addon, partner_addon,
        recording_addon, routed_addon, scaled_addon, shared_addon, valid,
    };
    use crate::validate::{Data, validate};

    /// Every child of the add-on, in the order of `Children`.
    macro_rules! assert_children {
        ($children:expr) => {
            let children = $children;
            insta::assert_yaml_snapshot!("service_account", children.service_account);
            insta::assert_yaml_snapshot!("credentials_secret", children.credentials_secret);
            insta::assert_yaml_snapshot!("config_map", children.config_map);
            insta::assert_yaml_snapshot!("network_policy", children.network_policy);
            insta::assert_yaml_snapshot!("volume_claim", children.volume_claim);
            insta::assert_yaml_snapshot!("service", children.service);
            insta::assert_yaml_snapshot!("budget", children.budget);
            insta::assert_yaml_snapshot!("deployment", children.deployment);
            if let Some(workers) = children.workers {
                insta::assert_yaml_snapshot!("workers_network_policy", workers.network_policy);
                insta::assert_yaml_snapshot!("workers_budget", workers.budget);
                insta::assert_yaml_snapshot!("workers_deployment", workers.deployment);
            }
            insta::assert_yaml_snapshot!("autoscalers", children.autoscalers);
            insta::assert_yaml_snapshot!("scaled_objects", children.scaled_objects);
            assert_eq!((children.ingress, children.http_routes), (None, Vec::new()));
        };
    }

    fn under(folder: &str, run: impl FnOnce()) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(format!("../snapshots/{folder}"));
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(run);
    }

    #[test]
    fn a_synchronous_addon() {
        under("florist", || {
            assert_children!(children(&addon()));
        });
    }

    #[test]
    fn a_recording_addon_with_a_volume_and_an_allow_list() {
        under("harbour", || {
            assert_children!(children(&recording_addon()));
        });
    }

    #[test]
    fn a_recording_addon_on_postgres() {
        under("ferry", || {
            assert_children!(children(&shared_addon()));
        });
    }

    #[test]
    fn a_recording_addon_on_postgres_and_a_bucket() {
        under("barge", || {
            let children = children(&bucket_addon());
            insta::assert_yaml_snapshot!("config_map", children.config_map);
            insta::assert_yaml_snapshot!("deployment", children.deployment);
            insta::assert_yaml_snapshot!("workers_deployment", children.workers.map(|workers| workers.deployment));
            assert_eq!(children.volume_claim, None);
        });
    }

    #[test]
    fn an_addon_that_is_scaled_by_cpu_and_by_demand() {
        under("tram", || {
            assert_children!(children(&scaled_addon()));
        });
    }

    #[test]
    fn an_addon_behind_an_ingress_under_two_hosts() {
        under("bakery", || {
            let children = children(&routed_addon());
            insta::assert_yaml_snapshot!("ingress", children.ingress);
            insta::assert_yaml_snapshot!("service", children.service);
            insta::assert_yaml_snapshot!("network_policy", children.network_policy);
        });
    }

    #[test]
    fn an_addon_behind_a_gateway_elsewhere_with_a_fence_on_both_sides() {
        under("orchard", || {
            let children = children(&gateway_addon());
            insta::assert_yaml_snapshot!("http_routes", children.http_routes);
            insta::assert_yaml_snapshot!("service", children.service);
            insta::assert_yaml_snapshot!("network_policy", children.network_policy);
        });
    }

    #[test]
    fn an_addon_with_a_load_balancer_of_its_own() {
        under("quarry", || {
            let children = children(&balanced_addon());
            insta::assert_yaml_snapshot!("service", children.service);
            insta::assert_yaml_snapshot!("network_policy", children.network_policy);
            insta::assert_yaml_snapshot!("deployment", children.deployment);
        });
    }

    #[test]
    fn an_addon_that_decides_on_its_pods() {
        under("kiosk", || {
            let bodies = crate::apply::in_order(children(&particular_addon())).into_iter();
            let pods = bodies.filter(|child| child.kind == crate::kind::Kind::Deployment);
            let templates: Vec<_> = pods.map(|child| child.body["spec"]["template"].clone()).collect();
            insta::assert_yaml_snapshot!("pods", templates);
        });
    }

    #[test]
    fn an_addon_with_partners_of_every_kind() {
        under("depot", || {
            let children = children(&partner_addon());
            insta::assert_yaml_snapshot!("config_map", children.config_map);
            insta::assert_yaml_snapshot!("deployment", children.deployment);
            let workers = children.workers.map(|workers| workers.deployment);
            insta::assert_yaml_snapshot!("workers_deployment", workers);
        });
    }

    #[test]
    fn where_one_pod_does_all_it_has_all_containers() {
        let mut addon = partner_addon();
        addon.spec.storage = recording_addon().spec.storage;
        addon.spec.scaling = recording_addon().spec.scaling;
        let pod = children(&addon).deployment.spec.template.spec.unwrap_or_default();
        let names: Vec<_> = pod.init_containers.into_iter().flatten().map(|one| one.name).collect();
        assert_eq!(names, ["partner-recordings", "partner-calls"]);
    }

    #[test]
    fn an_addon_of_which_the_prometheus_operator_is_told() {
        let mut addon = scaled_addon();
        addon.spec.monitoring.enabled = Some(true);
        addon.spec.monitoring.interval_seconds = Some(15);
        addon
            .spec
            .monitoring
            .labels
            .insert("release".to_owned(), "gauges".to_owned());
        under("tram", || {
            let told: Vec<_> = children(&addon)
                .monitoring
                .into_iter()
                .map(|(_, object)| object)
                .collect();
            insta::assert_yaml_snapshot!("monitoring", told);
        });
        let mut balanced = balanced_addon();
        balanced.spec.monitoring.enabled = Some(true);
        under("quarry", || {
            let told = children(&balanced).monitoring.pop().map(|(_, object)| object);
            insta::assert_yaml_snapshot!("prometheus_rule", told);
        });
    }

    #[test]
    fn the_prometheus_operator_is_told_where_it_is_wanted_and_known() {
        let told = |declared, by_default, known| {
            let (mut addon, mut facts, mut defaults) = (addon(), facts(), defaults());
            addon.spec.monitoring.enabled = declared;
            defaults.monitoring.enabled = by_default;
            facts.workload.monitoring.prometheus_rules = known;
            let valid = validate(&addon, &facts, &defaults).expect("the fixture is valid");
            super::render(&valid).monitoring.len()
        };
        assert_eq!(told(None, false, true), 0);
        assert_eq!((told(None, true, true), told(Some(true), false, true)), (2, 2));
        assert_eq!(told(Some(false), true, true), 0);
        assert_eq!(told(Some(true), false, false), 1);
    }

    #[test]
    fn an_ingress_behind_which_tls_has_ended_takes_plain_http() {
        let mut addon = routed_addon();
        if let Some(ingress) = &mut addon.spec.exposure.ingress {
            ingress.allow_insecure = true;
            ingress.tls_secret_name = None;
        }
        let ingress = children(&addon).ingress.expect("an ingress is declared");
        assert_eq!(ingress.spec.and_then(|spec| spec.tls), None);
        let annotations = ingress.metadata.annotations.unwrap_or_default();
        assert_eq!(annotations["traefik.ingress.kubernetes.io/router.tls"], "false");
    }

    #[test]
    fn nothing_is_routed_by_a_kind_that_the_cluster_does_not_know() {
        let mut facts = facts();
        facts.workload.routing = Routing::Routes(None);
        let valid = validate(&gateway_addon(), &facts, &defaults()).expect("the fixture is valid");
        assert_eq!(super::render(&valid).http_routes, []);
    }

    #[test]
    fn a_volume_that_is_to_be_deleted_belongs_to_the_addon() {
        let mut valid = valid(&recording_addon());
        if let Some(Data::Claimed(data)) = &mut valid.data {
            data.volume.on_delete = OnDelete::Delete;
        }
        let claim = super::render(&valid).volume_claim.expect("a volume is declared");
        assert_eq!(claim.metadata.owner_references, Some(vec![valid.owner]));
    }

    #[test]
    fn only_what_the_service_reads_rolls_the_pods() {
        let before = children(&addon());
        let mut changed = addon();
        changed.spec.scaling = marketplace_crds::scaling::Scaling::default();
        changed.metadata.generation = Some(4);
        let after = children(&changed);
        assert_eq!(before.config_map, after.config_map);
        let template = |deployment: k8s_openapi::api::apps::v1::Deployment| deployment.spec.template;
        assert_eq!(template(before.deployment), template(after.deployment));

        changed.spec.endpoints[0].path = "/roses".to_owned();
        assert_ne!(
            before.config_map.metadata.name,
            children(&changed).config_map.metadata.name
        );
    }
}
