//! How much of each limit is taken, read when the metrics are: nobody has to count along. Called by whoever holds others to
//! a limit that is shared by all requests.

use marketplace_daemon::definition::Definition;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Opts, Registry};

use crate::domain::AddonKey;
use crate::metrics::catalog;

/// One limit and how to ask what is taken of it.
struct Usage {
    limit: IntGauge,
    used: IntGauge,
    read: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// Shows a limit under its name in the resource, and what is taken of it whenever somebody asks.
pub fn watch(
    registry: &Registry,
    addon: &AddonKey,
    (name, limit): (&'static str, u64),
    read: impl Fn() -> u64 + Send + Sync + 'static,
) -> Result<(), prometheus::Error> {
    let gauge = |definition: &Definition| {
        let options = Opts::new(definition.name, definition.help).const_label("addon", addon.as_str());
        IntGauge::with_opts(options.const_label("limit", name))
    };
    let usage = Usage {
        limit: gauge(&catalog::LIMIT)?,
        used: gauge(&catalog::LIMIT_USED)?,
        read: Box::new(read),
    };
    usage.limit.set(figure(limit));
    registry.register(Box::new(usage))
}

impl Collector for Usage {
    fn desc(&self) -> Vec<&Desc> {
        [self.limit.desc(), self.used.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.used.set(figure((self.read)()));
        [self.limit.collect(), self.used.collect()].concat()
    }
}

fn figure(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use prometheus::{Registry, TextEncoder};

    use super::watch;
    use crate::domain::AddonKey;

    #[test]
    fn shows_what_is_taken_now() -> Result<(), prometheus::Error> {
        let (registry, addon) = (Registry::new(), AddonKey::new("addons", "a"));
        let taken = Arc::new(AtomicU64::new(1));
        let read = Arc::clone(&taken);
        watch(&registry, &addon, ("requests", 7), move || read.load(Ordering::Relaxed))?;
        watch(&registry, &addon, ("connections", 9), || 3)?;
        taken.store(5, Ordering::Relaxed);
        let told = TextEncoder::new().encode_to_string(&registry.gather())?;
        for series in [
            r#"marketplace_limit{addon="addons/a",limit="requests"} 7"#,
            r#"marketplace_limit_used{addon="addons/a",limit="requests"} 5"#,
            r#"marketplace_limit_used{addon="addons/a",limit="connections"} 3"#,
        ] {
            assert!(told.contains(series), "{series} is not in\n{told}");
        }
        Ok(())
    }
}
