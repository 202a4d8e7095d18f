//! What of the resource the service reads. The operator mounts this into the pods, under the name of its content's hash:
//! a change of what is left out here (scaling, exposure, sources) must not roll the pods.

use kube::core::ObjectMeta;

use crate::addon::{MarketplaceAddon, MarketplaceAddonSpec};
use crate::endpoint::Endpoint;
use crate::exposure::{AllowList, Exposure, Source};
use crate::scaling::Scaling;
use crate::signature::SignatureMode;
use crate::storage::{Postgres, Storage, Volume};
use crate::workload::Workload;

/// The resource with every part that the service does not read set to its default. The result satisfies the resource's
/// own rules whenever `addon` does.
pub fn reduce(addon: &MarketplaceAddon) -> MarketplaceAddon {
    // No `..`: whoever adds a field decides here whether the service reads it.
    let MarketplaceAddonSpec {
        public_url,
        addon_sid,
        credentials,
        endpoints,
        callbacks,
        storage,
        exposure: _,
        allow_list,
        scaling: _,
        sla,
        suspend: _,
        workload: _,
    } = addon.spec.clone();
    MarketplaceAddon {
        metadata: ObjectMeta {
            name: addon.metadata.name.clone(),
            namespace: addon.metadata.namespace.clone(),
            ..ObjectMeta::default()
        },
        spec: MarketplaceAddonSpec {
            public_url,
            addon_sid,
            credentials,
            callbacks,
            storage: storage.map(|Storage { volume, postgres }| Storage {
                volume: volume.map(|_| Volume::default()),
                postgres: postgres.map(|Postgres { secret_name, volume: _ }| Postgres {
                    secret_name,
                    volume: Volume::default(),
                }),
            }),
            exposure: Exposure::default(),
            allow_list: allow_list.filter(|_| needs_sources(&endpoints)).map(|_| any_source()),
            endpoints,
            scaling: Scaling::default(),
            sla,
            suspend: false,
            workload: Workload::default(),
        },
        status: None,
    }
}

/// Whether a rule asks for a list of sources; who is on it concerns the network alone.
fn needs_sources(endpoints: &[Endpoint]) -> bool {
    endpoints
        .iter()
        .any(|endpoint| endpoint.signature.mode == SignatureMode::UrlOnly && endpoint.basic_auth.is_none())
}

fn any_source() -> AllowList {
    AllowList {
        sources: vec![Source {
            name: "any".to_owned(),
            cidr: "0.0.0.0/0".to_owned(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::{any_source, reduce};
    use crate::exposure::{AllowList, ClusterIp, Exposure, Source};
    use crate::manifest;
    use crate::scaling::{Fixed, Front, Scaling};
    use crate::signature::SignatureMode;

    #[test]
    fn leaves_out_what_the_service_does_not_read() {
        let addon = manifest::read(include_str!("../fixtures/call-insights.yaml")).expect("the fixture is good");
        let mut changed = addon.clone();
        changed.spec.scaling = Scaling {
            front: Front {
                fixed: Some(Fixed { replicas: 0 }),
            },
        };
        changed.spec.exposure = Exposure {
            cluster_ip: Some(ClusterIp { port: 81 }),
        };
        let sources = vec![Source {
            name: "all".to_owned(),
            cidr: "0.0.0.0/0".to_owned(),
        }];
        changed.spec.allow_list = Some(AllowList { sources });
        changed.spec.suspend = true;
        changed.spec.workload.image = Some("another".to_owned());
        changed.metadata.generation = Some(7);
        assert_eq!(reduce(&changed), reduce(&addon));
    }

    #[test]
    fn keeps_the_rules_of_the_resource() {
        let addon = manifest::read(include_str!("../fixtures/call-insights.yaml")).expect("the fixture is good");
        assert_eq!(manifest::violations(&reduce(&addon)), []);
    }

    #[test]
    fn keeps_that_there_are_sources_where_a_rule_asks_for_them() {
        let mut addon = manifest::read(include_str!("../fixtures/call-insights.yaml")).expect("the fixture is good");
        addon.spec.endpoints[0].signature.mode = SignatureMode::UrlOnly;
        assert_eq!(manifest::violations(&addon), []);
        assert_eq!(manifest::violations(&reduce(&addon)), []);
        let mut changed = addon.clone();
        changed.spec.allow_list = Some(any_source());
        assert_eq!(reduce(&changed), reduce(&addon));
        changed.spec.allow_list = None;
        assert_eq!(manifest::violations(&changed).len(), 1);
    }

    #[test]
    fn reads_back_as_it_was_written() {
        let addon = manifest::read(include_str!("../fixtures/call-insights.yaml")).expect("the fixture is good");
        let written = serde_yaml::to_string(&reduce(&addon)).expect("a resource is YAML");
        assert_eq!(manifest::read(&written).expect("the service reads it"), reduce(&addon));
    }
}
