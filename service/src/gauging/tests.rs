use std::error::Error;
use std::time::Duration;

use prometheus::TextEncoder;
use tokio::sync::watch;

use super::*;
use crate::queue::{PostgresQueue, SqliteQueue};

fn told(registry: &Registry) -> Result<String, prometheus::Error> {
    TextEncoder::new().encode_to_string(&registry.gather())
}

#[tokio::test]
async fn what_is_needed_is_shown_until_it_is_not_known_any_more() -> Result<(), Box<dyn Error>> {
    let addon = AddonKey::new("addons", "call-insights");
    let registry = Registry::new();
    // Without an address there is no database.
    let (_, nowhere) = watch::channel(None);
    let queue = PostgresQueue::new_lazy(nowhere, addon.clone(), Duration::from_secs(30));
    let gauging = Gauging::register(&registry, &addon, Arc::new(queue), 4)?;
    gauging.show(&Demand {
        workers: 3.0,
        work_seconds: 120.5,
        factors: Vec::new(),
    });
    for series in [
        r#"marketplace_worker_demand{addon="addons/call-insights"} 3"#,
        r#"marketplace_worker_permits{addon="addons/call-insights"} 4"#,
        r#"marketplace_queue_work_seconds{addon="addons/call-insights"} 120.5"#,
    ] {
        assert!(told(&registry)?.contains(series), "{series}");
    }
    gauging.look().await;
    let told = told(&registry)?;
    assert!(!told.contains("marketplace_worker_demand{"), "{told}");
    assert!(!told.contains("marketplace_queue_work_seconds{"), "{told}");
    assert!(told.contains("marketplace_worker_permits{"), "{told}");
    Ok(())
}

#[tokio::test]
async fn an_empty_queue_needs_nobody() -> Result<(), Box<dyn Error>> {
    let addon = AddonKey::new("addons", "call-insights");
    let (registry, folder) = (Registry::new(), tempfile::tempdir()?);
    let queue = SqliteQueue::open(&folder.path().join("queue.db"), addon.clone(), Duration::from_secs(30)).await?;
    let gauging = Gauging::register(&registry, &addon, Arc::new(queue), 4)?;
    gauging.look().await;
    let series = r#"marketplace_worker_demand{addon="addons/call-insights"} 0"#;
    assert!(told(&registry)?.contains(series));
    Ok(())
}
