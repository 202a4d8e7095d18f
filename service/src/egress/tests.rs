//! Who is called, and who is not.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;

type Tested = Result<(), Box<dyn Error>>;

/// TLS is provided once per process; in the service `main` does it.
pub(crate) fn provide_tls() {
    static PROVIDED: Once = Once::new();
    PROVIDED.call_once(|| {
        // Another test of this process may have been first; it installs the same.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}

/// Answers with these addresses and counts how often it was asked.
#[derive(Default)]
struct Fixed {
    addresses: Vec<IpAddr>,
    asked: AtomicUsize,
}

impl Fixed {
    fn of(addresses: &[&str]) -> Result<Arc<Self>, std::net::AddrParseError> {
        let addresses = addresses
            .iter()
            .map(|address| address.parse())
            .collect::<Result<_, _>>()?;
        Ok(Arc::new(Self {
            addresses,
            asked: AtomicUsize::new(0),
        }))
    }
}

#[async_trait]
impl Resolve for Fixed {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.addresses.clone())
    }
}

fn policy(hosts: &[&str], allow_insecure: bool) -> Result<CallbackPolicy, PatternError> {
    let allowed_hosts = hosts.iter().map(|host| host.parse()).collect::<Result<_, _>>()?;
    Ok(CallbackPolicy {
        allowed_hosts,
        allow_insecure,
        proxy: None,
    })
}

async fn serve(router: Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

#[test]
fn only_https_to_an_allowed_host_without_credentials_is_admitted() -> Tested {
    use UrlRefused::{CarryCredentials, NameForeignHost, ReachForbiddenAddress, UseInsecureScheme};
    let strict = policy(&["*.twilio.com", "54.172.60.1", "10.0.0.1", "[::ffff:10.0.0.1]"], false)?;
    let foreign = |host: &str| Err(NameForeignHost { host: host.to_owned() });
    let private = |host: &str| {
        Err(ReachForbiddenAddress {
            host: host.to_owned(),
            class: AddressClass::Private,
        })
    };
    for (url, verdict) in [
        ("https://api.twilio.com/callback", Ok(())),
        ("https://api.twilio.com:8443/callback", Ok(())),
        ("https://54.172.60.1/callback", Ok(())),
        ("http://api.twilio.com/callback", Err(UseInsecureScheme)),
        ("ftp://api.twilio.com/callback", Err(UseInsecureScheme)),
        ("https://user@api.twilio.com/", Err(CarryCredentials)),
        ("https://:word@api.twilio.com/", Err(CarryCredentials)),
        ("https://twilio.com/", foreign("twilio.com")),
        (
            "https://api.twilio.com.evil.example/",
            foreign("api.twilio.com.evil.example"),
        ),
        ("https://api.twilio.com@evil.example/", Err(CarryCredentials)),
        ("https://evil.example/api.twilio.com", foreign("evil.example")),
        ("https://169.254.169.254/latest", foreign("169.254.169.254")),
        ("https://10.0.0.1/", private("10.0.0.1")),
        // The same address in the spellings that URLs admit.
        ("https://0x0a.0.0.1/", private("10.0.0.1")),
        ("https://167772161/", private("10.0.0.1")),
    ] {
        assert_eq!(admits(&strict, &Url::parse(url)?), verdict, "{url}");
    }
    Ok(())
}

#[test]
fn a_local_try_admits_http_and_private_addresses_but_no_other_host() -> Tested {
    let local = policy(
        &["127.0.0.1", "192.0.2.1", "169.254.169.254", "receiver.addons.svc"],
        true,
    )?;
    for (url, admitted) in [
        ("http://127.0.0.1:9000/callback", true),
        ("https://127.0.0.1:9000/callback", true),
        ("http://192.0.2.1:9000/callback", true),
        ("http://receiver.addons.svc/callback", true),
        ("http://169.254.169.254/latest", false),
        ("http://evil.example/", false),
        ("file://receiver.addons.svc/etc/passwd", false),
    ] {
        assert_eq!(admits(&local, &Url::parse(url)?).is_ok(), admitted, "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn every_address_that_is_not_public_is_refused_after_resolution() -> Tested {
    provide_tls();
    for (addresses, class) in [
        (["127.0.0.1"].as_slice(), AddressClass::Loopback),
        (&["::1"], AddressClass::Loopback),
        (&["10.0.0.1"], AddressClass::Private),
        (&["fd00::1"], AddressClass::Private),
        (&["169.254.169.254"], AddressClass::LinkLocal),
        (&["fe80::1"], AddressClass::LinkLocal),
        (&["100.100.100.200"], AddressClass::SharedAddressSpace),
        (&["224.0.0.1"], AddressClass::Multicast),
        (&["0.0.0.0"], AddressClass::Unspecified),
        (&["192.0.2.1"], AddressClass::Documentation),
        (&["240.0.0.1"], AddressClass::Reserved),
        (&["::ffff:127.0.0.1"], AddressClass::Loopback),
        (&["64:ff9b::a00:1"], AddressClass::Private),
        // One bad address among good ones spoils them all.
        (&["54.172.60.1", "10.0.0.1"], AddressClass::Private),
    ] {
        let egress = Egress::new(policy(&["*.twilio.com"], false)?, Fixed::of(addresses)?)?;
        let sent = egress
            .post(&Url::parse("https://api.twilio.com/callback")?, 0, |request| request)
            .await;
        let host = "api.twilio.com".to_owned();
        assert_eq!(
            sent,
            Sent::Refused(UrlRefused::ReachForbiddenAddress { host, class }),
            "{addresses:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_not_even_resolved() -> Tested {
    provide_tls();
    let resolver = Fixed::of(&["54.172.60.1"])?;
    let egress = Egress::new(
        policy(&["*.twilio.com"], false)?,
        Arc::clone(&resolver) as Arc<dyn Resolve>,
    )?;
    let sent = egress
        .post(&Url::parse("https://evil.example/")?, 0, |request| request)
        .await;
    assert!(
        matches!(sent, Sent::Refused(UrlRefused::NameForeignHost { .. })),
        "{sent:?}"
    );
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() -> Tested {
    provide_tls();
    let address = serve(Router::new().route("/callback", post(|| async { StatusCode::NO_CONTENT }))).await?;
    // A name that no other resolver knows: only the checked answer can have led there.
    let resolver = Fixed::of(&["127.0.0.1"])?;
    let egress = Egress::new(
        policy(&["receiver.invalid"], true)?,
        Arc::clone(&resolver) as Arc<dyn Resolve>,
    )?;
    let url = Url::parse(&format!("http://receiver.invalid:{}/callback", address.port()))?;
    assert_eq!(egress.post(&url, 0, |request| request).await, Sent::Answered(204));
    assert_eq!(
        resolver.asked.load(Ordering::Relaxed),
        1,
        "resolved once, for check and connection together"
    );
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() -> Tested {
    provide_tls();
    let followed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&followed);
    let router = Router::new()
        .route(
            "/callback",
            post(|| async { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]) }),
        )
        .route(
            "/elsewhere",
            post(move || async move { counter.fetch_add(1, Ordering::Relaxed).to_string() }),
        );
    let address = serve(router).await?;
    let egress = Egress::new(policy(&["127.0.0.1"], true)?, Arc::new(SystemResolver))?;
    let url = Url::parse(&format!("http://{address}/callback"))?;
    assert_eq!(egress.post(&url, 0, |request| request).await, Sent::Answered(307));
    assert_eq!(followed.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test]
async fn a_receiver_knows_us_by_name_and_version() -> Tested {
    provide_tls();
    let answer = |headers: HeaderMap| async move {
        let agent = headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default();
        if agent == concat!("marketplace-service/", env!("CARGO_PKG_VERSION")) {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        }
    };
    let address = serve(Router::new().route("/callback", post(answer))).await?;
    let egress = Egress::new(policy(&["127.0.0.1"], true)?, Arc::new(SystemResolver))?;
    let url = Url::parse(&format!("http://{address}/callback"))?;
    assert_eq!(egress.post(&url, 0, |request| request).await, Sent::Answered(200));
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_unconnected() -> Tested {
    provide_tls();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    drop(listener);
    let egress = Egress::new(policy(&["127.0.0.1", "nowhere.invalid"], true)?, Fixed::of(&[])?)?;
    for url in [
        format!("http://{address}/callback"),
        "http://nowhere.invalid/".to_owned(),
    ] {
        assert_eq!(
            egress.post(&Url::parse(&url)?, 0, |request| request).await,
            Sent::Unconnected,
            "{url}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_hangs_up_after_the_request_is_ambiguous() -> Tested {
    provide_tls();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut some = [0; 16];
            drop(connection.read(&mut some).await);
        }
    });
    let egress = Egress::new(policy(&["127.0.0.1"], true)?, Arc::new(SystemResolver))?;
    let sent = egress
        .post(&Url::parse(&format!("http://{address}/"))?, 2, |request| {
            request.body("{}")
        })
        .await;
    assert_eq!(sent, Sent::Unanswered);
    Ok(())
}
