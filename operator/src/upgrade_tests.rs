//! Passes of an operator that is another than the one before: whose pods it replaces, and when.

use super::*;

/// Two add-ons of two pods each ran under an operator before; this one has another image of the service.
async fn upgraded() -> Result<Vec<World>, ReconcileError> {
    let first = World::new(&Scenario::Fresh, addon());
    let mut second = World::new(&Scenario::Fresh, addon());
    second.api = first.api.clone();
    second.addon.metadata.name = Some("grocer".to_owned());
    second.addon.metadata.uid = Some("the-uid-of-another".to_owned());
    let mut worlds = vec![first, second];
    for (world, front) in worlds.iter_mut().zip(["florist-front", "grocer-front"]) {
        world.context = context(&world.api);
        world.pass().await?;
        world.roll_out(front, 2);
        world.pass().await?;
    }
    let next = context_of_next_release(&worlds[0].api);
    for world in &mut worlds {
        world.context = Arc::clone(&next);
    }
    worlds[0].api.take_writes();
    Ok(worlds)
}

fn context_of_next_release(api: &FakeApi) -> Arc<Context> {
    let mut next = context(api);
    if let Some(next) = Arc::get_mut(&mut next) {
        next.defaults.image = "registry.example/answering:10".to_owned();
    }
    next
}

#[tokio::test]
async fn after_an_upgrade_one_rolls_and_the_next_waits_for_its_turn() -> Result<(), ReconcileError> {
    let mut worlds = Box::pin(upgraded()).await?;
    let deployments = |api: &FakeApi| {
        let writes = api.take_writes();
        writes
            .into_iter()
            .filter(|call| call.starts_with("PATCH deployments/"))
            .collect::<Vec<_>>()
    };
    let api = worlds[0].api.clone();
    worlds[0].pass().await?;
    assert_eq!(deployments(&api), ["PATCH deployments/florist-front"]);
    assert_eq!(worlds[0].condition("Upgrading").1, "Rolling");
    worlds[1].pass().await?;
    assert_eq!(deployments(&api), [""; 0]);
    assert_eq!(worlds[1].condition("Upgrading").1, "WaitingForTurn");
    assert_eq!(worlds[1].condition("Ready").0, "True", "what ran before runs on");

    worlds[0].roll_out("florist-front", 2);
    worlds[0].pass().await?;
    let conditions = worlds[0].addon.status.iter().flat_map(|status| &status.conditions);
    assert!(conditions.into_iter().all(|condition| condition.type_ != "Upgrading"));
    deployments(&api);
    worlds[1].pass().await?;
    assert_eq!(deployments(&api), ["PATCH deployments/grocer-front"]);
    Ok(())
}

#[tokio::test]
async fn what_a_person_changes_does_not_wait_and_a_pinned_image_does_not_roll() -> Result<(), ReconcileError> {
    let mut worlds = Box::pin(upgraded()).await?;
    worlds[0].pass().await?;
    worlds[1].pass().await?;
    worlds[1].api.take_writes();
    worlds[1].addon.metadata.generation = Some(4);
    worlds[1].addon.spec.endpoints[0].path = "/roses".to_owned();
    worlds[1].pass().await?;
    let writes = worlds[1].api.take_writes();
    assert!(
        writes.contains(&"PATCH deployments/grocer-front".to_owned()),
        "{writes:?}"
    );

    let mut pinned = World::new(&Scenario::Fresh, addon());
    pinned.addon.spec.workload.image = Some("registry.example/pinned:1".to_owned());
    pinned.pass().await?;
    pinned.roll_out("florist-front", 2);
    pinned.pass().await?;
    let before = pinned.api.kept().objects.clone();
    pinned.context = context_of_next_release(&pinned.api);
    pinned.pass().await?;
    assert_eq!(pinned.api.kept().objects, before);
    Ok(())
}
