//! A partner on the loopback address, good and bad.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::post;
use marketplace_crds::manifest;
use prometheus::{Registry, TextEncoder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::admission::Lookup;
use crate::config::Endpoint;
use crate::domain::{AddonKey, SpoolKey};
use crate::domain::{
    AudioFormat, CallbackUrl, Deadlines, Job, JobId, NewJob, RequestDetails, RequestSid, StoredAudio, TwilioSids,
};
use crate::egress::Reach;
use crate::egress::tests::provide_tls;

type Tested = Result<(), Box<dyn Error>>;

const AMPLE: Duration = Duration::from_mins(1);

/// What came, and what is answered to all that comes.
#[derive(Clone)]
struct Bench {
    seen: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answer: Arc<Mutex<(u16, String)>>,
    address: SocketAddr,
    registry: Registry,
}

async fn handle(State(bench): State<Bench>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    bench.seen.lock().expect("no test panics here").push((headers, body));
    let (status, text) = bench.answer.lock().expect("no test panics here").clone();
    if status == 0 {
        // Silent for longer than anybody waits.
        tokio::time::sleep(AMPLE).await;
    }
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    let elsewhere = header::HeaderValue::from_static("/elsewhere");
    response.headers_mut().insert(header::LOCATION, elsewhere);
    response
}

impl Bench {
    async fn start() -> Result<Self, Box<dyn Error>> {
        provide_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let bench = Self {
            seen: Arc::default(),
            answer: Arc::new(Mutex::new((200, "{}".to_owned()))),
            address: listener.local_addr()?,
            registry: Registry::new(),
        };
        let router = Router::new().route("/ask", post(handle)).with_state(bench.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(bench)
    }

    fn answers(&self, status: u16, text: &str) {
        *self.answer.lock().expect("no test panics here") = (status, text.to_owned());
    }

    fn seen(&self) -> Vec<(HeaderMap, Bytes)> {
        self.seen.lock().expect("no test panics here").clone()
    }

    fn partner(&self, plan: impl FnOnce(&mut HttpPlan)) -> Result<Partner, Box<dyn Error>> {
        let mut own = HttpPlan {
            url: format!("http://{}/ask", self.address).parse()?,
            reach: Reach::Private,
            secret_name: None,
            timeout: None,
            breaker: BreakerPlan {
                failures: 3,
                open: AMPLE,
            },
        };
        plan(&mut own);
        Ok(Partner {
            client: PartnerClient::new(own.url.clone(), own.reach, Arc::new(SystemResolver))?,
            secret: None,
            breaker: Breaker::new(own.breaker),
            metrics: PartnerMetrics::register(&self.registry, &AddonKey::new("addons", "call-insights"))?,
            endpoint: EndpointName::new("sms"),
            plan: own,
        })
    }
}

fn endpoint() -> Result<Endpoint, Box<dyn Error>> {
    let config = Config::from_addon(&manifest::read(include_str!(
        "../../../../crds/fixtures/call-insights.yaml"
    ))?)?;
    Ok(config.endpoint("sms").ok_or("the fixture has it")?.clone())
}

fn lookup() -> Lookup {
    Lookup {
        phone_number: "+14155551212".to_owned(),
        sent_phone_number: "(415) 555-1212".to_owned(),
        body: Some("hi".to_owned()),
        configuration: [("tier".to_owned(), "gold".to_owned())].into(),
        sids: Arc::new(TwilioSids {
            request: Some("MR1".to_owned()),
            ..TwilioSids::default()
        }),
        ..Lookup::default()
    }
}

async fn ask(partner: &Partner) -> Result<Option<Results>, AskPartner> {
    let request = RequestKey::from_sid(&RequestSid::parse("MR1").expect("it is short"));
    let call = Call {
        request: &request,
        within: AMPLE,
        limit_bytes: 1000,
    };
    let (endpoint, lookup) = (endpoint().expect("the fixture is good"), lookup());
    partner.ask(&AboutNumber::new(&endpoint, &lookup), call).await
}

#[tokio::test]
async fn asks_with_everything_that_is_mapped_and_says_what_it_was_told() -> Tested {
    let bench = Bench::start().await?;
    bench.answers(200, r#"{"customer_name": "Ada"}"#);
    let mut partner = bench.partner(|_| ())?;
    let (sender, secret) = watch::channel(None);
    partner.secret = Some(secret);
    assert!(matches!(ask(&partner).await, Err(AskPartner::FindSecret)));
    sender.send(Some(SecretString::from("Bearer 0123")))?;
    let said = ask(&partner).await?;
    assert_eq!(json!(said), json!({"customer_name": "Ada"}));
    let seen = bench.seen();
    let [(headers, body)] = seen.as_slice() else {
        return Err("asked more or less than once".into());
    };
    let expected = json!({
        "endpoint": "sms", "integration": "IncomingSms", "phone_number": "+14155551212", "secondary_phone_number": null,
        "body": "hi", "configuration": {"tier": "gold"}, "sids": {"request": "MR1"},
    });
    assert_eq!(serde_json::from_slice::<Value>(body)?, expected);
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("idempotency-key"), "MR1");
    assert_eq!(header("authorization"), "Bearer 0123");
    assert_eq!(header("x-marketplace-deadline-ms"), "60000");
    assert_eq!(header("content-length"), body.len().to_string());
    bench.answers(204, "");
    assert_eq!(ask(&partner).await?, None);
    Ok(())
}

#[tokio::test]
async fn what_is_no_answer_is_none() -> Tested {
    let bench = Bench::start().await?;
    let partner = bench.partner(|plan| plan.timeout = Some(Duration::from_secs(20)))?;
    let large = format!("{{\"text\": \"{}\"}}", "x".repeat(1000));
    for (status, text, expected) in [
        (200, "[]", "partner_answer_invalid"),
        (200, "garbage", "partner_answer_invalid"),
        (200, "", "partner_answer_invalid"),
        (200, large.as_str(), "partner_answer_too_large"),
        (302, "{}", "partner_failed"),
        (404, "{}", "partner_failed"),
        (500, "{}", "partner_failed"),
        (201, "{}", "partner_failed"),
    ] {
        bench.answers(status, text);
        let said = ask(&partner).await;
        assert_eq!(said.map_err(|error| error.category()), Err(expected), "{status} {text}");
    }
    assert_eq!(
        bench.seen().len(),
        8,
        "no redirect is followed, and nothing is asked twice"
    );
    Ok(())
}

#[tokio::test]
async fn a_partner_that_fails_in_a_row_is_left_alone() -> Tested {
    let bench = Bench::start().await?;
    let partner = bench.partner(|plan| plan.breaker.failures = 2)?;
    bench.answers(503, "");
    for expected in [
        "partner_failed",
        "partner_failed",
        "partner_left_alone",
        "partner_left_alone",
    ] {
        assert_eq!(ask(&partner).await.map_err(|error| error.category()), Err(expected));
    }
    assert_eq!(bench.seen().len(), 2);
    let told = TextEncoder::new().encode_to_string(&bench.registry.gather())?;
    for series in [
        r#"outcome="partner_left_alone"} 2"#,
        r#"marketplace_partner_left_alone{addon="addons/call-insights",endpoint="sms"} 1"#,
    ] {
        assert!(told.contains(series), "{series} is not in\n{told}");
    }
    Ok(())
}

#[tokio::test]
async fn waits_no_longer_than_it_may() -> Tested {
    let bench = Bench::start().await?;
    let short = Duration::from_millis(50);
    let partner = bench.partner(|plan| plan.timeout = Some(short))?;
    bench.answers(0, "");
    assert!(matches!(ask(&partner).await, Err(AskPartner::AnswerInTime(limit)) if limit == short));
    Ok(())
}

#[tokio::test]
async fn calls_a_private_address_only_where_it_may() -> Tested {
    let bench = Bench::start().await?;
    for (url, reach) in [
        (format!("http://{}/ask", bench.address), Reach::Public),
        (format!("https://{}/ask", bench.address), Reach::Public),
        (format!("https://localhost:{}/ask", bench.address.port()), Reach::Public),
        ("http://169.254.169.254/latest".to_owned(), Reach::Private),
    ] {
        let url: url::Url = url.parse()?;
        let registry = Registry::new();
        let own = Bench {
            registry,
            ..bench.clone()
        };
        let partner = own.partner(|plan| {
            plan.url = url.clone();
            plan.reach = reach;
        })?;
        assert!(matches!(ask(&partner).await, Err(AskPartner::CallUrl(_))), "{url}");
    }
    assert!(bench.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_recording_comes_as_two_parts_with_its_length() -> Tested {
    let bench = Bench::start().await?;
    bench.answers(200, r#"{"words": 3}"#);
    let partner = bench.partner(|_| ())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("audio");
    std::fs::write(&path, b"RIFF and more")?;
    let job = job()?;
    let call = Call {
        request: &job.work.request,
        within: AMPLE,
        limit_bytes: 1000,
    };
    let said = partner.analyze(&AboutRecording::new(&job), &path, call).await?;
    assert_eq!(json!(said), json!({"words": 3}));
    let seen = bench.seen();
    let (headers, body) = seen.first().ok_or("it was asked")?;
    let text = String::from_utf8(body.to_vec())?;
    assert_eq!(headers[header::CONTENT_LENGTH], text.len().to_string().as_str());
    assert!(!headers.contains_key(header::TRANSFER_ENCODING));
    assert_eq!(headers["idempotency-key"], "MR7");
    let expected = r#"{"endpoint":"recordings","integration":"RecordingAnalysis","sids":{"request":"MR7"},"configuration":{},"integration_key":null,"attempt":2,"audio":{"bytes":13,"sha256":"abc","seconds":1.5,"channels":2,"sample_rate_hertz":8000,"bits_per_sample":16}}"#;
    for piece in [
        "name=\"request\"\r\nContent-Type: application/json\r\n\r\n",
        expected,
        "name=\"audio\"; filename=\"recording\"\r\nContent-Type: audio/wav\r\n\r\nRIFF and more\r\n",
    ] {
        assert!(text.contains(piece), "{piece} is not in\n{text}");
    }
    let missing = partner
        .analyze(&AboutRecording::new(&job), Path::new("/nowhere"), call)
        .await;
    assert!(matches!(missing, Err(AskPartner::ReadAudio(_))));
    Ok(())
}

fn job() -> Result<Job, Box<dyn Error>> {
    Ok(Job {
        id: JobId::random(),
        attempt: 2,
        work: NewJob {
            endpoint: EndpointName::new("recordings"),
            request: RequestKey::from_sid(&RequestSid::parse("MR7")?),
            sids: TwilioSids {
                request: Some("MR7".to_owned()),
                ..TwilioSids::default()
            },
            details: RequestDetails::default(),
            callback: CallbackUrl::parse("https://api.twilio.com/callback")?,
            audio: StoredAudio {
                key: SpoolKey::random(),
                bytes: 13,
                sha256_hex: "abc".to_owned(),
            },
            format: AudioFormat {
                channels: 2,
                sample_rate_hertz: 8000,
                bits_per_sample: 16,
                seconds: 1.5,
            },
            remote: None,
            fields_digest: "digest".to_owned(),
            deadlines: Deadlines {
                median_seconds: 60.0,
                p99_seconds: 60.0,
                cutoff_seconds: 60.0,
            },
        },
    })
}

#[test]
fn every_way_to_fail_has_its_word() {
    let words: std::collections::BTreeSet<_> = AskPartner::CATEGORIES.into();
    assert_eq!(words.len(), AskPartner::CATEGORIES.len());
}
