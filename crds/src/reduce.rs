//! What of the resource the service reads. The operator mounts this into the pods, under the name of its content's hash:
//! a change of what is left out here (scaling, exposure) must not roll the pods.

use kube::core::ObjectMeta;

use crate::addon::{MarketplaceAddon, MarketplaceAddonSpec};
use crate::endpoint::Endpoint;
use crate::exposure::Exposure;
use crate::monitoring::Monitoring;
use crate::network::Network;
use crate::scaling::Scaling;
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
        audio_fetch,
        storage,
        exposure: _,
        allow_list,
        network: _,
        scaling: _,
        sla,
        monitoring: _,
        limits,
        retention,
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
            credentials: credentials.reduced(),
            callbacks,
            audio_fetch,
            storage: storage.map(|Storage { volume, postgres }| Storage {
                volume: volume.map(|_| Volume::default()),
                postgres: postgres.map(|postgres| {
                    let Postgres {
                        secret_name,
                        volume: _,
                        audio,
                    } = postgres;
                    Postgres {
                        secret_name,
                        volume: audio.is_none().then(Volume::default),
                        audio,
                    }
                }),
            }),
            exposure: Exposure::default(),
            allow_list,
            network: Network::default(),
            endpoints: endpoints.into_iter().map(Endpoint::reduced).collect(),
            scaling: Scaling::default(),
            sla,
            monitoring: Monitoring::default(),
            limits,
            retention,
            suspend: false,
            workload: Workload::default(),
        },
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::reduce;
    use crate::exposure::{ClusterIp, Exposure};
    use crate::manifest;
    use crate::network::Peer;
    use crate::scaling::{Fixed, Front, Scaling};

    #[test]
    fn leaves_out_what_the_service_does_not_read() {
        let addon = manifest::read(include_str!("../fixtures/call-insights.yaml")).expect("the fixture is good");
        let mut changed = addon.clone();
        changed.spec.scaling = Scaling {
            front: Front {
                fixed: Some(Fixed { replicas: 0 }),
                ..Front::default()
            },
            workers: None,
        };
        changed.spec.exposure = Exposure {
            cluster_ip: Some(ClusterIp { port: 81 }),
            ..Exposure::default()
        };
        changed.spec.network.ingress_from = Some(vec![Peer::default()]);
        changed.spec.monitoring.enabled = Some(true);
        changed.spec.suspend = true;
        changed.spec.credentials.overlap_seconds = 0;
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
    fn reads_back_as_it_was_written() {
        let addon = manifest::read(include_str!("../fixtures/call-insights.yaml")).expect("the fixture is good");
        let written = serde_yaml::to_string(&reduce(&addon)).expect("a resource is YAML");
        assert_eq!(manifest::read(&written).expect("the service reads it"), reduce(&addon));
    }
}
