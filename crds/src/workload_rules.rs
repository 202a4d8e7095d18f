//! Rules between the pods and what scales them. Called by the derive of the root.

use kube::core::Rule;

use crate::rules::rule;

/// Whether CPU is requested by a section of resources, which may be unset. A limit alone counts as a request of as much.
fn requests_cpu(resources: &str) -> String {
    let of = |part: &str| format!("(has({resources}.{part}) && 'cpu' in {resources}.{part})");
    format!("{} || {}", of("requests"), of("limits"))
}

/// The front's autoscaler.
pub fn requested_of_front() -> Rule {
    rule(
        &format!(
            "!has(self.workload.resources) || {} || \
             !(has(self.scaling.front.hpa) || (has(self.scaling.front.keda) && self.scaling.front.keda.cpuUtilization > 0))",
            requests_cpu("self.workload.resources")
        ),
        "an autoscaler on CPU goes by a share of what is requested: set workload.resources.requests.cpu, or with keda cpuUtilization: 0",
    )
}

/// The workers' autoscaler, whose pods may have resources of their own.
pub fn requested_of_workers() -> Rule {
    rule(
        &format!(
            "!has(self.scaling.workers) || !has(self.scaling.workers.hpa) || \
             (has(self.workload.workers) && has(self.workload.workers.resources) ? {} : !has(self.workload.resources) || {})",
            requests_cpu("self.workload.workers.resources"),
            requests_cpu("self.workload.resources")
        ),
        "an autoscaler on CPU goes by a share of what is requested: set workload.resources.requests.cpu, or workload.workers.resources.requests.cpu",
    )
}
