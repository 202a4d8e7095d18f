//! What a pass says of the SLA: what Prometheus has led to, whatever else is wrong, and nothing at rest.

use super::*;
use crate::fake_page::Pages;
use crate::leader::Standing;

/// Asks until what was said changed, as the task does in the operator.
async fn asked(world: &World, prometheus: &Pages, deadline: &str) -> Result<(), Box<dyn std::error::Error>> {
    let labels = format!(r#"{{"addon":"docks/harbour","endpoint":"foghorn","deadline":"{deadline}"}}"#);
    let result = format!(r#"{{"metric":{labels},"value":[1.5,"40"]}}"#);
    let answer = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#);
    prometheus.put("/api/v1/query", answer);
    let mut news = world.context.sla.news();
    let (standing, stop) = (
        tokio::sync::watch::Sender::new(Standing::Leading),
        tokio_util::sync::CancellationToken::new(),
    );
    let sla = Arc::clone(&world.context.sla);
    let task = tokio::spawn(sla.run(standing.subscribe(), Duration::from_millis(5), stop.clone()));
    news.recv().await?;
    stop.cancel();
    task.await??;
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_is_too_slow_is_named_and_told_once() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new(&Scenario::Fresh, recording_addon());
    let prometheus = Pages::start().await?;
    let context = Arc::get_mut(&mut world.context).expect("nobody else has it yet");
    context.sla = Arc::new(Sla::new(Some(format!("http://{}", prometheus.address()))));
    world.pass().await?;
    assert_eq!(world.condition("SlaMet").1, "Evaluating");

    asked(&world, &prometheus, "median").await?;
    world.pass().await?;
    assert_eq!(world.condition("SlaMet").0, "True");
    world.roll_out("harbour-front", 1);
    world.pass().await?;
    world.api.kept().events.clear();

    asked(&world, &prometheus, "late").await?;
    world.pass().await?;
    let (status, reason, message) = world.condition("SlaMet");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Missed"));
    assert!(message.contains("endpoint foghorn"), "{message}");
    assert_eq!(world.condition("Ready").0, "True", "a slow add-on answers");
    world.api.take_writes();
    for _ in 0..3 {
        world.pass().await?;
    }
    assert_eq!(world.api.take_writes(), [""; 0]);

    asked(&world, &prometheus, "median").await?;
    world.pass().await?;
    assert_eq!(world.condition("SlaMet").0, "True");
    assert_eq!(world.api.kept().events, ["SlaMissed", "SlaMet"]);
    Ok(())
}

#[tokio::test]
async fn without_a_prometheus_it_is_said_what_to_set() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, recording_addon());
    world.pass().await?;
    let (status, reason, message) = world.condition("SlaMet");
    assert_eq!((status.as_str(), reason.as_str()), ("Unknown", "PrometheusUnset"));
    assert!(message.contains("prometheus.serverAddress"), "{message}");
    Ok(())
}
