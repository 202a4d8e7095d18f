//! TLS by the service itself, and HTTP/2 with and without it: the same answers, the same limits, and a certificate that is
//! replaced while connections go on.

use anyhow::{Result, ensure};
use marketplace_tests::addon::{KNOWN, home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::{Answer, get};
use marketplace_tests::http2::Http2;
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service, refused_at_start};
use marketplace_tests::tls::Certificate;
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::recording::upload;

fn lookup() -> Result<SignedRequest> {
    twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))
}

/// A folder with a certificate, and the service told to use it.
pub fn home_with(certificate: &Certificate) -> Result<Home> {
    let home = home()?;
    let folder = home.path().join("tls");
    certificate.write(&folder)?;
    let folder = folder.to_string_lossy().into_owned();
    Ok(home.with_arguments(&["--tls", &folder]))
}

/// What is the same in every protocol: not the headers of the connection, nor the date.
fn comparable(answer: Answer) -> Answer {
    let mut answer = answer;
    answer
        .headers
        .retain(|(name, _)| name != "date" && name != "connection");
    answer.headers.sort();
    answer
}

#[tokio::test]
async fn answers_alike_in_both_protocols() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let http2 = Http2::open(service.address()).await?;
    let form = Payload::Form(pairs(&[("phone", KNOWN)]));
    let many = (0..70).fold(lookup()?, |request, number| {
        request.with_header(&format!("x-many-{number}"), "1")
    });
    for (what, status, request) in [
        ("a lookup", 200, lookup()?),
        (
            "a form",
            200,
            twilio(Sdk::Python).request("/form", &request_sid(), form)?,
        ),
        (
            "an unknown path",
            200,
            twilio(Sdk::Node).request("/none", "MR1", Payload::Query(Vec::new()))?,
        ),
        ("no signature", 403, lookup()?.without_header("X-Twilio-Signature")),
        ("a forged one", 403, lookup()?.to("/insights/query?phone=1")),
        (
            "a large body that is unsigned",
            403,
            upload(&receiver, "MR2", wav_of_bytes(300_000, 1))?.without_header("X-Twilio-Signature"),
        ),
        ("too many headers", 403, many),
        ("a recording", 202, upload(&receiver, "MR3", wav_of_bytes(300_000, 1))?),
    ] {
        let old = request.send(service.address()).await?;
        let new = http2.send(&request)?.await?;
        assert!(new.header("connection").is_none(), "{what}");
        assert_eq!(old.status, status, "{what}");
        assert_eq!(comparable(old), comparable(new), "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn a_head_of_http2_that_is_too_large_is_431_and_the_connection_goes_on() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let http2 = Http2::open(service.address()).await?;
    let large = lookup()?.with_header("x-large", &"x".repeat(40_000));
    assert_eq!(http2.send(&large)?.await?.status, 431);
    assert_eq!(http2.send(&lookup()?)?.await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn answers_many_requests_of_one_connection_at_once() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let http2 = Http2::open(service.address()).await?;
    // A client learns with the first answer how many may be under way at once.
    assert_eq!(http2.send(&lookup()?)?.await?.status, 200);
    let requests: Vec<_> = (0..200).map(|_| lookup()).collect::<Result<_>>()?;
    let answers = requests
        .iter()
        .map(|request| http2.send(request))
        .collect::<Result<Vec<_>>>()?;
    for answer in futures::future::try_join_all(answers).await? {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn finishes_what_a_connection_of_http2_has_and_closes_it_when_told_to_stop() -> Result<()> {
    let home = home()?;
    let mut service = Service::start(&home).await?;
    let idle = Http2::open(service.address()).await?;
    assert_eq!(idle.send(&lookup()?)?.await?.status, 200);
    let busy = Http2::open(service.address()).await?;
    let form = twilio(Sdk::Node).request("/form", &request_sid(), Payload::Form(pairs(&[("phone", KNOWN)])))?;
    let (rest, answer) = busy.begin(&form)?;
    let answer = tokio::spawn(answer);
    until("the head has arrived", async || {
        let in_flight = "marketplace_requests_in_flight{addon=\"acme/caller-insights\"} 1";
        Ok(service.metrics().await?.contains(in_flight).then_some(()))
    })
    .await?;
    service.terminate()?;
    // Who has nothing under way is sent off at once; who has is waited for.
    idle.closed().await?;
    for piece in form.body {
        rest.send(piece)?;
    }
    drop(rest);
    assert_eq!(answer.await??.status, 200);
    busy.closed().await?;
    ensure!(service.wait().await?.success());
    Ok(())
}

#[tokio::test]
async fn ends_a_connection_that_opens_requests_and_takes_them_back() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let mut stream = TcpStream::connect(service.address()).await?;
    // The preface, empty settings, and then heads (indexed: GET, https, /) each followed by a reset, as fast as they go.
    let mut attack = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for number in 0..20_000_u32 {
        let stream_id = (2 * number + 1).to_be_bytes();
        attack.extend_from_slice(b"\0\0\x03\x01\x05");
        attack.extend_from_slice(&stream_id);
        attack.extend_from_slice(b"\x82\x87\x84");
        attack.extend_from_slice(b"\0\0\x04\x03\0");
        attack.extend_from_slice(&stream_id);
        attack.extend_from_slice(b"\0\0\0\x08");
    }
    // Writing fails once the other side has had enough.
    let (mut reader, mut writer) = stream.split();
    let mut told = Vec::new();
    let (_, _) = tokio::join!(writer.write_all(&attack), reader.read_to_end(&mut told));
    let goaway_enhance_your_calm = told
        .windows(9 + 8)
        .any(|frame| frame[3] == 7 && frame[9 + 4..] == [0, 0, 0, 11]);
    ensure!(goaway_enhance_your_calm, "the connection was not ended for it");
    assert_eq!(lookup()?.send(service.address()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn speaks_tls_1_2_and_1_3_and_both_protocols_within() -> Result<()> {
    let certificate = Certificate::generate()?;
    let home = home_with(&certificate)?;
    let service = Service::start(&home).await?;
    for version in [&TLS12, &TLS13] {
        let stream = certificate
            .connect(service.address(), &[version], &["h2", "http/1.1"])
            .await?;
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
        let http2 = Http2::over(stream).await?;
        assert_eq!(http2.send(&lookup()?)?.await?.status, 200);

        for protocols in [&["http/1.1"][..], &[]] {
            let mut stream = certificate.connect(service.address(), &[version], protocols).await?;
            let close = lookup()?.with_header("Connection", "close");
            stream.write_all(close.head().as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            ensure!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        }
    }
    Ok(())
}

const FATAL: u8 = 2;
const PROTOCOL_VERSION: u8 = 70;

/// The first message of a client that speaks this version at the most, and one suite.
fn hello(version: [u8; 2]) -> Vec<u8> {
    let (suites, compression) = ([0, 2, 0xc0, 0x2b], [1, 0]);
    let extensions = [
        &[0, 0x0a, 0, 4, 0, 2, 0, 0x17][..], // the group secp256r1
        &[0, 0x0b, 0, 2, 1, 0],              // its points uncompressed
        &[0, 0x0d, 0, 4, 0, 2, 4, 3],        // signatures of ECDSA with SHA-256
    ]
    .concat();
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let no_session = [0];
    let body = [
        &version[..],
        &[7; 32],
        &no_session,
        &suites,
        &compression,
        &length(extensions.len()),
        &extensions,
    ]
    .concat();
    let message = [&[1, 0][..], &length(body.len()), &body].concat();
    [&[22, 3, 1][..], &length(message.len()), &message].concat()
}

#[tokio::test]
async fn refuses_tls_1_1_and_what_is_no_tls() -> Result<()> {
    let certificate = Certificate::generate()?;
    let home = home_with(&certificate)?;
    let service = Service::start(&home).await?;
    // The same but for the version: what is refused is the version.
    for (what, sent, told_first) in [
        ("TLS 1.2", hello([3, 3]), &[22, 3, 3][..]),
        ("TLS 1.1", hello([3, 2]), &[21, 3, 3, 0, 2, FATAL, PROTOCOL_VERSION]),
        ("plain HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), &[21, 3, 3]),
    ] {
        let mut stream = TcpStream::connect(service.address()).await?;
        stream.write_all(&sent).await?;
        let mut told = vec![0; told_first.len()];
        stream.read_exact(&mut told).await?;
        assert_eq!(told, told_first, "{what}");
    }
    until(
        "each is counted, and the one that was left unfinished too",
        async || {
            let counted =
                "marketplace_tls_handshakes_failed_total{addon=\"acme/caller-insights\",reason=\"refused\"} 3";
            Ok(service.metrics().await?.contains(counted).then_some(()))
        },
    )
    .await
}

#[tokio::test]
async fn shows_a_new_certificate_to_new_connections_and_keeps_the_old_ones() -> Result<()> {
    let (first, second) = (Certificate::generate()?, Certificate::generate()?);
    let home = home_with(&first)?;
    let service = Service::start(&home).await?;
    let folder = home.path().join("tls");
    let old = Http2::over(first.connect(service.address(), &[&TLS13], &["h2"]).await?).await?;
    assert_eq!(old.send(&lookup()?)?.await?.status, 200);

    Certificate::write_pair(&folder, "no certificate", "no key")?;
    until("the broken pair is counted", async || {
        let metrics = service.metrics().await?;
        let line = metrics
            .lines()
            .find(|line| line.starts_with("marketplace_certificate_reads_failed_total"));
        Ok(line.filter(|line| !line.ends_with(" 0")).map(|_| ()))
    })
    .await?;
    ensure!(home.log().contains("the certificate cannot be used"));
    first.connect(service.address(), &[&TLS12], &[]).await?;

    second.write(&folder)?;
    let new = until("the new certificate is shown", async || {
        Ok(second.connect(service.address(), &[&TLS13], &["h2"]).await.ok())
    })
    .await?;
    ensure!(first.connect(service.address(), &[&TLS13], &["h2"]).await.is_err());
    assert_eq!(Http2::over(new).await?.send(&lookup()?)?.await?.status, 200);
    assert_eq!(old.send(&lookup()?)?.await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn does_not_start_without_a_usable_certificate() -> Result<()> {
    let home = home_with(&Certificate::generate()?)?;
    Certificate::write_pair(&home.path().join("tls"), "", "")?;
    let (code, told) = refused_at_start(&home, &[]).await?;
    assert_eq!(code, Some(2), "{told}");
    ensure!(told.contains("failed to find a certificate in tls.crt"), "{told}");
    ensure!(get(home.admin(), "/healthz").await.is_err());
    Ok(())
}
