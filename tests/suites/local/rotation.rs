//! Tokens are rotated twenty times in the documented order while a thousand requests a second come in: no genuine one is
//! refused, no forged one is accepted, and every result reaches a receiver that takes Twilio's current token alone.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use marketplace_tests::addon::{ACCOUNT_SID, AUTH_TOKEN, KNOWN, home, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::{Connection, get};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, Twilio, pairs};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

const ROTATIONS: u64 = 20;
const REQUESTS_PER_SECOND: u32 = 1000;
const CONNECTIONS: u32 = 16;

/// Of the requests, one in so many is forged.
const FORGED_EVERY: usize = 4;

/// A token of its own for each rotation.
fn token(number: u64) -> String {
    hex::encode(&Sha256::digest(number.to_be_bytes())[..16])
}

/// As the book says that it is computed.
fn fingerprint(token: &str) -> String {
    let hash = Sha256::new()
        .chain_update(b"marketplace-service/auth-token-fingerprint/v1\0")
        .chain_update(token)
        .finalize();
    hex::encode(&hash[..4])
}

fn signer(sdk: Sdk, token: &str) -> Twilio {
    Twilio {
        token: token.to_owned(),
        ..twilio(sdk)
    }
}

/// A lookup as it is sent, once with each library.
fn lookups(token: &str) -> Result<Vec<Vec<u8>>> {
    let lookup = |sdk| {
        let payload = Payload::Query(pairs(&[("phone", KNOWN)]));
        let request = signer(sdk, token).request("/query", &request_sid(), payload)?;
        Ok(request.head().into_bytes())
    };
    Sdk::ALL.into_iter().map(lookup).collect()
}

/// What is sent for the time being.
struct Mix {
    genuine: Vec<Vec<u8>>,
    forged: Vec<Vec<u8>>,
}

/// What came of it.
#[derive(Default)]
struct Count {
    genuine: AtomicU64,
    forged: AtomicU64,
    stop: AtomicBool,
}

/// One connection's share of the load. Requests are due by the clock, whether or not the one before was answered in time.
async fn load(address: SocketAddr, mix: watch::Receiver<Arc<Mix>>, count: Arc<Count>) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let mut due = tokio::time::interval(Duration::from_secs(1) * CONNECTIONS / REQUESTS_PER_SECOND);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0_usize.. {
        due.tick().await;
        if count.stop.load(Ordering::Relaxed) {
            break;
        }
        // Held until the answer is there: whoever changes the mix can wait for the last request of the one before.
        let mix = Arc::clone(&mix.borrow());
        let is_forged = number.is_multiple_of(FORGED_EVERY);
        let (requests, status, counted) = if is_forged {
            (&mix.forged, 403, &count.forged)
        } else {
            (&mix.genuine, 200, &count.genuine)
        };
        connection
            .send(&requests[number / FORGED_EVERY % requests.len()])
            .await?;
        let answer = connection.answer().await?;
        ensure!(answer.status == status, "{} instead of {status}", answer.status);
        counted.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Waits until the service says that it has loaded these tokens: a cause, and never a time.
async fn until_loaded(service: &Service<'_>, tokens: &[&str]) -> Result<()> {
    let expected: Vec<_> = ["primary", "secondary"]
        .iter()
        .zip(tokens)
        .map(|(role, token)| serde_json::json!({ "role": role, "fingerprint": fingerprint(token) }))
        .collect();
    until("the tokens are loaded", async || {
        let told = get(service.admin(), "/credentials").await?.json()?;
        Ok((told["tokens"] == serde_json::Value::from(expected.clone())).then_some(()))
    })
    .await
}

async fn until_answered(mix: Weak<Mix>) -> Result<()> {
    until("the last request of the retired token is answered", async || {
        Ok(mix.upgrade().is_none().then_some(()))
    })
    .await
}

async fn upload(service: &Service<'_>, receiver: &CallbackReceiver, token: &str) -> Result<()> {
    let sid = request_sid();
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.2).wav();
    let payload = Payload::recording(&receiver.url(&sid), wav, FileOrder::Last);
    let request = signer(Sdk::Node, token).request("/transcription", &sid, payload)?;
    assert_eq!(request.send(service.address()).await?.status, 202);
    Ok(())
}

/// One rotation: the new token as the secondary, until it is loaded; promoted at Twilio; swapped; the old one retired.
async fn rotate(
    (home, service): (&Home, &Service<'_>),
    receiver: &CallbackReceiver,
    mixes: &watch::Sender<Arc<Mix>>,
    (current, next): (&str, &str),
) -> Result<()> {
    home.write_secret("twilio", "AUTH_TOKEN_SECONDARY", next)?;
    until_loaded(service, &[current, next]).await?;
    upload(service, receiver, current).await?;

    receiver.admit_only(&format!("{ACCOUNT_SID}:{next}"));
    let forged = mixes.borrow().forged.clone();
    let genuine = lookups(next)?;
    let promoted = Mix {
        genuine: genuine.clone(),
        forged: forged.clone(),
    };
    let before = Arc::downgrade(&mixes.send_replace(Arc::new(promoted)));
    until_answered(before).await?;
    upload(service, receiver, next).await?;

    home.write_secret("twilio", "AUTH_TOKEN", next)?;
    home.write_secret("twilio", "AUTH_TOKEN_SECONDARY", "")?;
    until_loaded(service, &[next]).await?;
    let forged = [forged, lookups(current)?].concat();
    mixes.send_replace(Arc::new(Mix { genuine, forged }));
    Ok(())
}

/// Callbacks by what came of them.
async fn callbacks(service: &Service<'_>, outcome: &str) -> Result<u64> {
    let metrics = service.metrics().await?;
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("marketplace_callbacks_total{") && line.contains(outcome));
    let counts = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    Ok(counts.sum())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_nothing_genuine_and_accepts_nothing_forged_while_tokens_rotate() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    receiver.admit_only(&format!("{ACCOUNT_SID}:{AUTH_TOKEN}"));
    let (mixes, mix) = watch::channel(Arc::new(Mix {
        genuine: lookups(AUTH_TOKEN)?,
        forged: lookups("nobody's")?,
    }));
    let count = Arc::new(Count::default());
    let began = Instant::now();
    let senders = (0..CONNECTIONS).map(|_| tokio::spawn(load(service.address(), mix.clone(), Arc::clone(&count))));
    let senders = try_join_all(senders);
    let mut current = AUTH_TOKEN.to_owned();
    for number in 0..ROTATIONS {
        let next = token(number);
        rotate((&home, &service), &receiver, &mixes, (&current, &next)).await?;
        current = next;
    }
    count.stop.store(true, Ordering::Relaxed);
    for sender in senders.await? {
        sender?;
    }
    let took = began.elapsed();

    until("every callback is confirmed", async || {
        Ok((callbacks(&service, "confirmed").await? == 2 * ROTATIONS).then_some(()))
    })
    .await?;
    assert_eq!(callbacks(&service, "rejected").await?, 0);
    assert_eq!(callbacks(&service, "expired").await?, 0);
    let (genuine, forged) = (
        count.genuine.load(Ordering::Relaxed),
        count.forged.load(Ordering::Relaxed),
    );
    assert!(genuine > 0 && forged > 0);
    figure(&format!(
        "{ROTATIONS} rotations under {} requests a second: {genuine} genuine answered, {forged} forged refused, {} callbacks confirmed",
        u128::from(genuine + forged) * 1000 / took.as_millis(),
        2 * ROTATIONS,
    ));
    Ok(())
}
