//! Requests in an open loop: each is sent when its time has come, whether those before it were answered or not, on a connection
//! of its own and with Twilio's patience. What became of each is kept.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::twilio::SignedRequest;

/// How long Twilio waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What became of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// How many got each status.
    pub statuses: BTreeMap<u16, u32>,
    /// Those that got none, by what kept them from it.
    pub errors: BTreeMap<String, u32>,
    /// The request SIDs of those that were accepted.
    pub accepted: Vec<String>,
    /// The longest time to an answer.
    pub slowest: Duration,
}

impl Ledger {
    /// How many there were.
    pub fn sent(&self) -> u32 {
        self.statuses.values().chain(self.errors.values()).sum()
    }

    /// How many got another answer than those that are expected, or none.
    pub fn unexpected(&self) -> u32 {
        let expected: u32 = [200, 202].iter().filter_map(|status| self.statuses.get(status)).sum();
        self.sent() - expected
    }
}

/// What the loop sends: every one of them in turn.
type Requests = Arc<Mutex<Vec<SignedRequest>>>;

/// A loop that runs. Dropped, it ends.
pub struct Load {
    ledger: Arc<Mutex<Ledger>>,
    requests: Requests,
    is_over: Arc<AtomicBool>,
    sender: JoinHandle<JoinSet<()>>,
}

impl Load {
    /// Starts one that sends so many requests a second.
    pub fn start(address: SocketAddr, per_second: u32, requests: Vec<SignedRequest>) -> Self {
        let (ledger, requests) = (Arc::new(Mutex::new(Ledger::default())), Arc::new(Mutex::new(requests)));
        let (written, sent) = (Arc::clone(&ledger), Arc::clone(&requests));
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let sender = tokio::spawn(async move {
            let mut under_way = JoinSet::new();
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for number in 0_usize.. {
                ticks.tick().await;
                if told.load(Ordering::Relaxed) {
                    break;
                }
                while under_way.try_join_next().is_some() {}
                let request = {
                    let requests = lock(&sent);
                    requests[number % requests.len()].clone()
                };
                let sid = format!("XR{number:032x}");
                let request = request.with_header("X-Twilio-RequestSid", &sid);
                let ledger = Arc::clone(&written);
                under_way.spawn(async move { note(&ledger, sid, one(address, request).await) });
            }
            under_way
        });
        Self {
            ledger,
            requests,
            is_over,
            sender,
        }
    }

    /// From now on these are sent.
    pub fn send(&self, requests: Vec<SignedRequest>) {
        *lock(&self.requests) = requests;
    }

    /// What became of those that are done.
    pub fn so_far(&self) -> Ledger {
        lock(&self.ledger).clone()
    }

    /// Sends no more, and waits for those that are under way.
    pub async fn end(mut self) -> Result<Ledger> {
        self.is_over.store(true, Ordering::Relaxed);
        let under_way = (&mut self.sender).await?;
        under_way.join_all().await;
        Ok(self.so_far())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

async fn one(address: SocketAddr, request: SignedRequest) -> (Duration, Result<u16, String>) {
    let began = Instant::now();
    let answer = tokio::time::timeout(PATIENCE, request.send(address)).await;
    let outcome = match answer {
        Ok(Ok(answer)) => Ok(answer.status),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    (began.elapsed(), outcome)
}

fn note(ledger: &Mutex<Ledger>, sid: String, (took, outcome): (Duration, Result<u16, String>)) {
    let mut ledger = lock(ledger);
    ledger.slowest = ledger.slowest.max(took);
    match outcome {
        Ok(status) => {
            *ledger.statuses.entry(status).or_default() += 1;
            if status == 202 {
                ledger.accepted.push(sid);
            }
        }
        Err(error) => *ledger.errors.entry(error).or_default() += 1,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
