//! A token is rotated on a cluster whose kubelet takes its usual time: in the order of the book, in the wrong one, and with
//! a Secret that is not as it should be on the way.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_crds::fingerprint::Fingerprint;
use marketplace_tests::cluster::scene::{ACCOUNT_SID, AUTH_TOKEN, KNOWN, PUBLIC_URL, sms_addon};
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::http::exchange;
use marketplace_tests::patience::within;
use marketplace_tests::report::figure;
use marketplace_tests::service::program;
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, Twilio};
use serde_json::{Value, json};
use tokio::sync::watch as channel;
use tokio::time::MissedTickBehavior;

const NEXT: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0f";

/// The kubelet looks at the Secrets of its pods once a minute and a half at the latest, the service every ten seconds.
const KUBELET: Duration = Duration::from_mins(4);

const REQUESTS_PER_SECOND: u32 = 5;

fn lookup(scene: &Scene, token: &str) -> Result<SignedRequest> {
    let twilio = Twilio {
        token: token.to_owned(),
        ..scene.twilio(Sdk::Python)
    };
    let phone = Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())]);
    twilio.request("/incoming-sms", "XR1", phone)
}

async fn write(scene: &Scene, data: Value) -> Result<()> {
    let secret = json!({"stringData": data});
    let secrets: Api<Secret> = scene.all();
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(secret));
    let written = secrets.patch("twilio", &parameters, &patch).await;
    written.context("failed to write the Secret")?;
    Ok(())
}

/// Takes a key out.
async fn take_out(scene: &Scene, key: &str) -> Result<()> {
    let secrets: Api<Secret> = scene.all();
    let without = json!({"data": {key: null}});
    secrets
        .patch("twilio", &PatchParams::default(), &Patch::Merge(without))
        .await?;
    Ok(())
}

/// Waits until a condition has a status and says all of this.
async fn says(scene: &Scene, kind: &str, status: &str, words: &[&str]) -> Result<()> {
    let mut last = None;
    let what = format!("{kind}={status} with {words:?}");
    let said = within(KUBELET, &what, async || {
        let addon = scene.all::<MarketplaceAddon>().get("florist").await?;
        last = watch::condition(&addon, kind).cloned();
        let holds = last.as_ref().is_some_and(|now| {
            now.status == status
                && words
                    .iter()
                    .all(|word| now.message.contains(word) || now.reason == *word)
        });
        Ok(holds.then_some(()))
    });
    said.await.with_context(|| format!("it said {last:?}"))
}

fn loaded(role: &str, token: &str) -> String {
    format!("{role} {}", Fingerprint::of(token))
}

/// What came of the requests.
#[derive(Default)]
struct Count {
    answered: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
}

async fn load(address: SocketAddr, request: channel::Receiver<SignedRequest>, count: Arc<Count>) -> Result<()> {
    let mut due = tokio::time::interval(Duration::from_secs(1) / REQUESTS_PER_SECOND);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !count.stop.load(Ordering::Relaxed) {
        due.tick().await;
        let head = request.borrow().head();
        let counted = match exchange(address, &head, &[]).await?.status {
            200 => &count.answered,
            _ => &count.refused,
        };
        counted.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn two_pods() -> Value {
    let mut addon = sms_addon("florist");
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 2}}});
    addon
}

#[tokio::test]
async fn a_rotation_in_the_order_of_the_book_refuses_nothing_genuine() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("rotation").await?;
    scene.run(&two_pods()).await?;
    says(&scene, "TokensPropagated", "True", &[&loaded("primary", AUTH_TOKEN)]).await?;
    let address = scene.address("florist").await?;
    let (signed, request) = channel::channel(lookup(&scene, AUTH_TOKEN)?);
    let count = Arc::new(Count::default());
    let sender = tokio::spawn(load(address, request, Arc::clone(&count)));

    let began = Instant::now();
    write(&scene, json!({"AUTH_TOKEN_SECONDARY": NEXT})).await?;
    says(
        &scene,
        "TokensPropagated",
        "False",
        &["Propagating", "secondary", "do not promote"],
    )
    .await?;
    says(&scene, "TokensPropagated", "True", &[&loaded("secondary", NEXT)]).await?;
    let propagated = began.elapsed();
    signed.send_replace(lookup(&scene, NEXT)?); // promoted in Twilio's console
    write(&scene, json!({"AUTH_TOKEN": NEXT})).await?;
    take_out(&scene, "AUTH_TOKEN_SECONDARY").await?;
    says(&scene, "TokensPropagated", "True", &[&loaded("primary", NEXT)]).await?;
    let swapped = began.elapsed();
    // what was signed before the promotion, and comes again
    assert_eq!(lookup(&scene, AUTH_TOKEN)?.send(address).await?.status, 200);
    count.stop.store(true, Ordering::Relaxed);
    sender.await??;
    let (answered, refused) = (
        count.answered.load(Ordering::Relaxed),
        count.refused.load(Ordering::Relaxed),
    );
    assert!(answered > 0 && refused == 0, "{answered} answered, {refused} refused");
    figure(&format!(
        "a rotation took {} s to reach 2 pods and {} s in all: {answered} requests answered, 0 refused",
        propagated.as_secs(),
        swapped.as_secs()
    ));
    told(&scene, "TokensPropagated").await?;

    let mut revoking = two_pods();
    revoking["spec"]["credentials"]["overlapSeconds"] = json!(0);
    scene.apply::<MarketplaceAddon>(&revoking).await?;
    let old = lookup(&scene, AUTH_TOKEN)?;
    within(KUBELET, "the old token is refused by every pod", async || {
        for _ in 0..8 {
            if old.send(address).await?.status != 403 {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await?;
    assert_eq!(lookup(&scene, NEXT)?.send(address).await?.status, 200);
    scene.end().await
}

async fn told(scene: &Scene, reason: &str) -> Result<()> {
    within(KUBELET, reason, async || {
        let events: Api<Event> = scene.all();
        let fields = format!("involvedObject.kind=MarketplaceAddon,reason={reason}");
        let events = events.list(&ListParams::default().fields(&fields)).await?;
        Ok((!events.items.is_empty()).then_some(()))
    })
    .await
}

/// What `verify` says of the request, with the token that the Secret has.
async fn verified(request: &SignedRequest, token: &str) -> Result<String> {
    let signature = request.header("X-Twilio-Signature").context("it is signed")?;
    let host = PUBLIC_URL.trim_end_matches("/insights");
    let url = format!("{host}{}", request.target);
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), token)?;
    let verify = tokio::process::Command::new(program()?)
        .args(["verify", "--url", &url, "--signature", signature, "--token-file"])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .await?;
    Ok(String::from_utf8_lossy(&[verify.stdout, verify.stderr].concat()).into_owned())
}

#[tokio::test]
async fn a_token_that_is_promoted_before_the_pods_have_it_is_refused_and_explained() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("promoted-early").await?;
    scene.run(&sms_addon("florist")).await?;
    let address = scene.address("florist").await?;
    let promoted = lookup(&scene, NEXT)?;
    assert_eq!(promoted.send(address).await?.status, 403);
    let explained = verified(&promoted, AUTH_TOKEN).await?;
    assert!(
        explained.contains("valid: no") && explained.contains("promoted in Twilio's console"),
        "{explained}"
    );

    write(&scene, json!({"AUTH_TOKEN": NEXT})).await?;
    let refused = ["primary", "a request that Twilio signs with it may be refused there"];
    says(&scene, "TokensPropagated", "False", &refused).await?;
    says(&scene, "TokensPropagated", "True", &[&loaded("primary", NEXT)]).await?;
    assert_eq!(promoted.send(address).await?.status, 200);
    let explained = verified(&promoted, NEXT).await?;
    assert!(explained.contains("valid: yes"), "{explained}");
    scene.end().await
}

#[tokio::test]
async fn whatever_happens_to_the_secret_the_pods_keep_what_was_good() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("secret-states").await?;
    scene.run(&sms_addon("florist")).await?;
    let address = scene.address("florist").await?;
    let genuine = lookup(&scene, AUTH_TOKEN)?;
    let kept = async |status: &str, words: &[&str]| {
        says(&scene, "CredentialsValid", status, words).await?;
        let answer = genuine.send(address).await?;
        anyhow::ensure!(answer.status == 200, "{words:?}: {}", answer.status);
        Ok(())
    };
    let secrets: Api<Secret> = scene.all();
    secrets.delete("twilio", &DeleteParams::default()).await?;
    kept("False", &["SecretMissing", "create it"]).await?;

    // as External Secrets does: made anew and empty, then filled
    let empty = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "twilio"}});
    scene.apply::<Secret>(&empty).await?;
    kept("False", &["SecretKeyMissing", "AUTH_TOKEN", "add it"]).await?;
    write(&scene, json!({"ACCOUNT_SID": ACCOUNT_SID, "token": AUTH_TOKEN})).await?;
    kept("False", &["SecretKeyMissing", "AUTH_TOKEN"]).await?;
    write(&scene, json!({"AUTH_TOKEN": "  "})).await?;
    kept("False", &["SecretValueInvalid", "surrounded by blanks"]).await?;
    write(&scene, json!({"AUTH_TOKEN": "\n"})).await?;
    kept("False", &["SecretValueInvalid", "empty"]).await?;
    write(&scene, json!({"AUTH_TOKEN": format!("{AUTH_TOKEN}\n")})).await?;
    kept("True", &["Found"]).await?;
    says(&scene, "TokensPropagated", "True", &[&loaded("primary", AUTH_TOKEN)]).await?;
    says(&scene, "Ready", "True", &[]).await?;
    scene.end().await
}

#[tokio::test]
async fn a_secret_that_the_operator_may_not_read_is_said_with_what_to_allow() -> Result<()> {
    let alone = operator::alone_with("rbac.secretNames={elsewhere}").await?;
    let scene = Scene::new("secret-forbidden").await?;
    scene.apply::<MarketplaceAddon>(&sms_addon("florist")).await?;
    let words = ["SecretForbidden", "may not read Secret twilio", "rbac.secretNames"];
    says(&scene, "CredentialsValid", "False", &words).await?;
    operator::reinstall(&alone, "rbac.secretNames={twilio,florist-credentials}").await?;
    says(&scene, "Ready", "True", &[]).await?;
    scene.end().await
}
