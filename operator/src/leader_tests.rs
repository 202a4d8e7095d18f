//! The election against a mock API server, with a clock of the test's own.

use serde_json::json;

use super::*;
use crate::fake_api::FakeApi;

const PATH: &str = "leases/operator";

fn replica(api: &FakeApi, identity: &str) -> Leader {
    let lease = LeaseName {
        namespace: "system".to_owned(),
        name: "operator".to_owned(),
    };
    Leader::new(api.client(), &lease, identity.to_owned(), Fence::closed())
}

fn with_lease() -> FakeApi {
    let api = FakeApi::default();
    api.put(PATH, json!({"metadata": {"name": "operator"}}));
    api
}

fn holder(api: &FakeApi) -> String {
    let lease = api.kept().objects.get(PATH).cloned().unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

fn seconds(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

#[tokio::test]
async fn the_first_takes_it_and_the_second_waits() -> Result<(), LeaderError> {
    let (api, start) = (with_lease(), Instant::now());
    let (mut first, mut second) = (replica(&api, "first"), replica(&api, "second"));
    assert_eq!(first.turn(start).await?, Standing::Leading);
    assert_eq!(second.turn(start).await?, Standing::Waiting);
    assert_eq!(holder(&api), "first");
    assert!(first.fence.is_open(start) && !second.fence.is_open(start));
    Ok(())
}

#[tokio::test]
async fn it_is_taken_only_after_it_was_seen_unchanged_for_its_whole_time() -> Result<(), LeaderError> {
    let (api, start) = (with_lease(), Instant::now());
    let (mut first, mut second) = (replica(&api, "first"), replica(&api, "second"));
    first.turn(start).await?;
    // what stands in the lease about time is of another clock: an hour ago and in an hour mean nothing
    for renewed in ["2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"] {
        let mut lease = api.kept().objects.get(PATH).cloned().unwrap_or_default();
        lease["spec"]["renewTime"] = json!(renewed);
        api.put(PATH, lease);
        assert_eq!(second.turn(seconds(start, 100)).await?, Standing::Waiting, "{renewed}");
    }
    assert_eq!(second.turn(seconds(start, 114)).await?, Standing::Waiting);
    assert_eq!(second.turn(seconds(start, 115)).await?, Standing::Leading);
    assert_eq!(holder(&api), "second");
    Ok(())
}

#[tokio::test]
async fn the_holder_stops_writing_before_anybody_else_may_begin() -> Result<(), LeaderError> {
    let (api, start) = (with_lease(), Instant::now());
    let (mut first, mut second) = (replica(&api, "first"), replica(&api, "second"));
    first.turn(start).await?;
    second.turn(start).await?;
    api.kept().refused = Some(("GET leases/operator", 500, "etcd is away"));
    assert!(first.turn(seconds(start, 8)).await.is_err());
    assert!(first.fence.is_open(seconds(start, 9)));
    assert!(!first.fence.is_open(seconds(start, 10)));
    assert_eq!(*first.standing().borrow(), Standing::Leading, "nobody else leads yet");
    api.kept().refused = None;
    assert_eq!(first.turn(seconds(start, 30)).await?, Standing::Leading);
    assert!(first.fence.is_open(seconds(start, 39)), "it was still ours");
    Ok(())
}

#[tokio::test]
async fn who_finds_it_taken_gives_up_and_writes_nothing_more() -> Result<(), LeaderError> {
    let (api, start) = (with_lease(), Instant::now());
    let (mut first, mut second) = (replica(&api, "first"), replica(&api, "second"));
    first.turn(start).await?;
    second.turn(start).await?;
    assert_eq!(second.turn(seconds(start, 15)).await?, Standing::Leading);
    assert_eq!(first.turn(seconds(start, 15)).await?, Standing::Lost);
    assert!(!first.fence.is_open(start));
    // even when the other has given it back since, and it is free
    second.release().await?;
    assert_eq!(holder(&api), "");
    assert_eq!(first.turn(seconds(start, 16)).await?, Standing::Lost);
    assert!(first.release().await.is_ok());
    let stop = CancellationToken::new();
    let lease = "system/operator".parse().expect("a namespace and a name");
    let ended = keep(first.standing(), stop, lease).await;
    assert!(matches!(ended, Err(LeaderError::KeepLease(_))), "{ended:?}");
    Ok(())
}

#[tokio::test]
async fn of_two_who_try_at_once_one_succeeds() -> Result<(), LeaderError> {
    let (api, start) = (with_lease(), Instant::now());
    let (mut first, mut second) = (replica(&api, "first"), replica(&api, "second"));
    let stale = second.read().await?;
    first.turn(start).await?;
    let taken = second.take(stale, start).await;
    assert!(matches!(taken, Err(LeaderError::WriteLease(..))), "{taken:?}");
    assert!(!second.fence.is_open(start));
    assert_eq!(holder(&api), "first");
    Ok(())
}

#[tokio::test]
async fn one_given_back_is_taken_at_once() -> Result<(), LeaderError> {
    let (api, start) = (with_lease(), Instant::now());
    let (mut first, mut second) = (replica(&api, "first"), replica(&api, "second"));
    first.turn(start).await?;
    second.turn(start).await?;
    first.release().await?;
    assert!(!first.fence.is_open(start));
    assert_eq!(second.turn(start).await?, Standing::Leading);
    Ok(())
}

#[tokio::test]
async fn a_container_that_starts_again_takes_up_the_lease_of_its_pod() -> Result<(), LeaderError> {
    let (api, start) = (with_lease(), Instant::now());
    replica(&api, "pod").turn(start).await?;
    assert_eq!(replica(&api, "pod").turn(start).await?, Standing::Leading);
    Ok(())
}

#[tokio::test]
async fn an_absent_lease_makes_nobody_the_leader() {
    let api = FakeApi::default();
    let mut first = replica(&api, "first");
    let turn = first.turn(Instant::now()).await;
    assert!(matches!(turn, Err(LeaderError::FindLease(_))), "{turn:?}");
    assert!(!first.fence.is_open(Instant::now()));
}

#[test]
fn the_lease_is_named_with_its_namespace() {
    let named = "system/operator"
        .parse::<LeaseName>()
        .map(|lease| (lease.namespace, lease.name));
    assert_eq!(named, Ok(("system".to_owned(), "operator".to_owned())));
    for wrong in ["operator", "/operator", "system/"] {
        assert!(wrong.parse::<LeaseName>().is_err(), "{wrong}");
    }
}
