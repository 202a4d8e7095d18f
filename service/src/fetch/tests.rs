//! What is fetched, from where, and what is told on the way.

use std::error::Error;
use std::sync::Mutex;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::domain::AudioUrl;
use crate::egress::tests::provide_tls;
use crate::egress::{FetchPolicy, SystemResolver, UrlRefused};
use crate::spool::Limits;

type Tested = Result<(), Box<dyn Error>>;
type Seen = Arc<Mutex<Vec<Option<String>>>>;

const MAX_BYTES: u64 = 1 << 20;

/// A host of audio, and who fetches from it.
struct Bench {
    fetcher: Fetcher,
    spool: Spool,
    base: String,
    /// The `Authorization` of each request.
    seen: Seen,
    _folder: TempDir,
}

impl Bench {
    async fn start(credentials: FetchCredentials) -> Result<Self, Box<dyn Error>> {
        provide_tls();
        let seen = Seen::default();
        let router = Router::new()
            .route("/status/{status}", get(status))
            .route("/hops/{hops}", get(hop))
            .route("/to/{target}", get(redirect))
            .route("/wav", get(wav))
            .with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let policy = FetchPolicy {
            allowed_hosts: Some(vec![
                "127.0.0.1".parse()?,
                "localhost".parse()?,
                "169.254.169.254".parse()?,
            ]),
            allow_insecure: true,
            credentials,
            timeout_seconds: 300.0,
        };
        let account = Credentials {
            account_sid: "AC1".to_owned(),
            tokens: vec![SecretString::from("first"), SecretString::from("second")],
            has_previous: false,
        };
        let (_, account) = watch::channel(Arc::new(account));
        let folder = TempDir::new()?;
        let limits = Limits {
            max_file_bytes: MAX_BYTES,
            quarantine_bytes: 1 << 30,
            quarantine_files: 10,
            spool_bytes: 1 << 40,
        };
        Ok(Self {
            fetcher: Fetcher::new(AudioClient::new(policy, Arc::new(SystemResolver))?, account, MAX_BYTES),
            spool: Spool::open(folder.path(), limits)?,
            base,
            seen,
            _folder: folder,
        })
    }

    async fn fetch(&self, url: &str, bytes: Option<u64>) -> Result<AudioFormat, Box<dyn Error>> {
        let remote = RemoteAudio {
            url: AudioUrl::parse(url)?,
            bytes,
            raw: None,
        };
        Ok(self
            .fetcher
            .fetch(&self.spool, &remote, 1)
            .await
            .map(|(_, format)| format)?)
    }

    async fn meaning(&self, url: &str, bytes: Option<u64>) -> Result<Meaning, Box<dyn Error>> {
        match self.fetch(url, bytes).await {
            Ok(format) => Err(format!("fetched {format:?}").into()),
            Err(error) => Ok(error.downcast::<FetchAudio>()?.meaning()),
        }
    }
}

fn note(seen: &Seen, headers: &HeaderMap) {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let mut seen = seen.lock().expect("no test panics here");
    seen.push(authorization.map(str::to_owned));
}

async fn status(Path(status): Path<u16>) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT)
}

async fn hop(State(seen): State<Seen>, Path(hops): Path<usize>, headers: HeaderMap) -> Response {
    note(&seen, &headers);
    let target = match hops {
        0 => "/wav".to_owned(),
        hops => format!("/hops/{}", hops - 1),
    };
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)]).into_response()
}

async fn redirect(State(seen): State<Seen>, Path(target): Path<String>, headers: HeaderMap) -> Response {
    note(&seen, &headers);
    (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
}

async fn wav(State(seen): State<Seen>, headers: HeaderMap) -> Vec<u8> {
    note(&seen, &headers);
    let mut wav = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let written = hound::WavWriter::new(&mut wav, spec).and_then(|mut writer| {
        for sample in 0..8000_i16 {
            writer.write_sample(sample)?;
        }
        writer.finalize()
    });
    written.expect("memory takes every byte");
    wav.into_inner()
}

fn encoded(url: &str) -> String {
    form_urlencoded::byte_serialize(url.as_bytes()).collect()
}

#[tokio::test]
async fn brings_audio_through_five_redirects_and_no_more() -> Tested {
    let bench = Bench::start(FetchCredentials::None).await?;
    // `/hops/0` redirects once.
    let format = bench.fetch(&format!("{}/hops/4", bench.base), Some(16_044)).await?;
    assert!((format.seconds - 1.0).abs() < 1e-9, "{format:?}");
    assert_eq!(
        bench.meaning(&format!("{}/hops/5", bench.base), None).await?,
        Meaning::Final("redirect", JobErrorCode::AudioUnreachable)
    );
    let seen = bench.seen.lock().expect("no test panics here").clone();
    assert_eq!(seen, [const { None }; 12], "nothing is told by default");
    Ok(())
}

#[tokio::test]
async fn every_url_on_the_way_is_checked() -> Tested {
    let bench = Bench::start(FetchCredentials::None).await?;
    for target in [
        "http://169.254.169.254/latest/meta-data",
        "http://elsewhere.example.com/",
        "http://user:word@127.0.0.1/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
    ] {
        let failed = bench
            .fetch(&format!("{}/to/{}", bench.base, encoded(target)), None)
            .await;
        let error = failed.err().ok_or(target)?.downcast::<FetchAudio>()?;
        assert!(
            matches!(*error, FetchAudio::Get(GetAudio::Refuse(_))),
            "{target}: {error:?}"
        );
        assert_eq!(
            error.meaning(),
            Meaning::Final("refused", JobErrorCode::AudioUnreachable)
        );
    }
    let first = bench.fetch("http://169.254.169.254/latest/meta-data", None).await;
    let error = first.err().ok_or("fetched")?.downcast::<FetchAudio>()?;
    let refused = matches!(
        *error,
        FetchAudio::Get(GetAudio::Refuse(UrlRefused::ReachForbiddenAddress { .. }))
    );
    assert!(refused, "{error:?}");
    Ok(())
}

#[tokio::test]
async fn the_account_is_told_to_the_host_of_the_request_alone() -> Tested {
    let bench = Bench::start(FetchCredentials::Account).await?;
    let elsewhere = bench.base.replace("127.0.0.1", "localhost");
    let target = encoded(&format!("{elsewhere}/wav"));
    bench.fetch(&format!("{}/to/{target}", bench.base), None).await?;
    bench.fetch(&format!("{}/hops/0", bench.base), None).await?;
    let basic = Some("Basic QUMxOmZpcnN0".to_owned());
    let seen = bench.seen.lock().expect("no test panics here").clone();
    assert_eq!(seen, [basic.clone(), None, basic.clone(), basic]);
    Ok(())
}

#[tokio::test]
async fn every_answer_has_a_meaning() -> Tested {
    use JobErrorCode::{AudioIncomplete, AudioUnreachable};
    let bench = Bench::start(FetchCredentials::None).await?;
    let mut cases = Vec::new();
    cases.extend([408, 425, 429].map(|status| (status, Meaning::Passing("busy"))));
    cases.extend([500, 502, 503, 599].map(|status| (status, Meaning::Passing("server_error"))));
    cases.extend(
        [400, 401, 403, 404, 410, 416].map(|status| (status, Meaning::Final("client_error", AudioUnreachable))),
    );
    cases.extend([300, 301, 304].map(|status| (status, Meaning::Final("redirect", AudioUnreachable))));
    cases.extend([204, 206].map(|status| (status, Meaning::Final("client_error", AudioUnreachable))));
    for (status, meaning) in cases {
        let url = format!("{}/status/{status}", bench.base);
        assert_eq!(bench.meaning(&url, None).await?, meaning, "{status}");
    }
    assert_eq!(
        bench.meaning(&format!("{}/wav", bench.base), Some(16_045)).await?,
        Meaning::Doubtful("size_mismatch", AudioIncomplete)
    );
    assert_eq!(
        bench.meaning(&format!("{}/status/200", bench.base), None).await?,
        Meaning::Final("unreadable", JobErrorCode::UnreadableAudio)
    );
    assert_eq!(
        bench.meaning("http://127.0.0.1:1/wav", None).await?,
        Meaning::Passing("unconnected")
    );
    Ok(())
}
