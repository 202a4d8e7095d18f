//! Many who send slowly and one who does not: the one is answered.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, ensure};
use marketplace_tests::addon::{home, request_sid};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::memory::resident_memory;
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::service::Service;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::bounds::{home_with, question, until_counted};
use super::recording::{assert_accepted, upload};

const SLOW: usize = 10_000;
/// As many from one address as a proxy might have.
const SLOW_OF_AN_ADDRESS: usize = 1000;

async fn connect_from(last_octet: u8, to: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, last_octet), 0)))?;
    Ok(socket.connect(to).await?)
}

#[tokio::test]
async fn a_request_that_is_sent_at_once_takes_the_place_of_one_that_trickles() -> Result<()> {
    let home = home_with(json!({"requests": 3, "connections": 100}))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let request = upload(&receiver, &request_sid(), wav_of_bytes(50_000, 1))?;
        slow.push(request.begin(service.address(), 100).await?);
    }
    until("all places are taken", async || {
        let metrics = service.metrics().await?;
        Ok(metrics
            .contains(r#"marketplace_limit_used{addon="acme/caller-insights",limit="requests"} 3"#)
            .then_some(()))
    })
    .await?;
    // Nobody is slow in the first second; after it there is a place for whoever is not.
    until("a question is answered", async || {
        let answer = question()?.send(service.address()).await?;
        ensure!([200, 503].contains(&answer.status), "{}", answer.text());
        Ok((answer.status == 200).then_some(()))
    })
    .await?;
    until_counted(&service, "displaced").await?;
    Ok(())
}

#[tokio::test]
async fn idle_connections_give_way_to_new_ones() -> Result<()> {
    let home = home_with(json!({"requests": 4, "connections": 8}))?;
    let service = Service::start(&home).await?;
    let mut idle = Vec::new();
    for number in 0..50 {
        let mut stream = TcpStream::connect(service.address()).await?;
        let begun = if number % 2 == 0 { "GET /query HT" } else { "" };
        stream.write_all(begun.as_bytes()).await?;
        idle.push(stream);
        if number % 10 == 9 {
            assert_eq!(
                question()?.send(service.address()).await?.status,
                200,
                "{number} are idle"
            );
        }
    }
    let metrics = service.metrics().await?;
    assert!(metrics.contains(r#"limit="connections"} 8"#), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn ten_thousand_slow_connections_do_not_keep_a_healthy_one_from_its_answer() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let before = resident_memory(service.pid())?;
    let trickled = upload(&receiver, &request_sid(), wav_of_bytes(500_000, 1))?.head();
    let mut slow = Vec::with_capacity(SLOW);
    for number in 0..SLOW {
        let octet = u8::try_from(1 + number / SLOW_OF_AN_ADDRESS)?;
        let mut stream = connect_from(octet, service.address())
            .await
            .with_context(|| format!("slow connection {number}: are there files enough (ulimit -n)?"))?;
        // Every fourth has a head, with a signature that looks like one, and trickles its body; the others trickle their head.
        let begun = if number % 4 == 0 {
            trickled.as_str()
        } else {
            &trickled[..40]
        };
        // The service may have closed what trickles by now; that is what it is for.
        let _ = stream.write_all(begun.as_bytes()).await;
        slow.push(stream);
    }
    for round in 0..20 {
        for stream in &mut slow {
            let _ = stream.try_write(b"X");
        }
        let answer = question()?.send(service.address()).await?;
        let accepted = upload(&receiver, &request_sid(), wav_of_bytes(20_000, 1))?;
        let accepted = accepted.send(service.address()).await?;
        // In the first second nobody is slow yet, and a place may be wanting.
        if round > 0 || answer.status == 200 {
            assert_eq!(answer.status, 200, "round {round}");
            assert_accepted(&accepted);
        } else {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
    let memory = resident_memory(service.pid())?;
    figure(&format!(
        "{SLOW} slow connections: peak resident memory {} MB more than at start",
        memory.peak_bytes.saturating_sub(before.now_bytes) / 1_000_000
    ));
    Ok(())
}
