//! `invoke`: acts as Twilio against an endpoint. Signs with the account's own token, sends, receives the callback of a
//! recording, and judges what came: exit code 0 only if all of it is as it should be.

mod callback;
mod filled;
mod judge;
mod layout;
mod outgoing;

use std::fmt;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use self::callback::{Callback, CallbackListener, judge_callback};
use self::filled::{AudioFile, Call, Field, fill};
use self::judge::{Answer, hint, judge_answer, pretty};
use self::outgoing::{Caller, Content, Outgoing, compose};
use super::{AddonOptions, CommandError, read_config};
use crate::clock;
use crate::config::{Config, Endpoint};
use crate::domain::Credentials;
use crate::files;
use crate::request::{ConstantSecrets, Source, named_keys};
use crate::signature::Parameter;

/// Flags of `invoke`.
#[derive(Debug, clap::Args)]
pub struct InvokeOptions {
    #[command(flatten)]
    addon: AddonOptions,

    /// The endpoint to call, by its name in the manifest.
    #[arg(long, value_name = "NAME")]
    endpoint: String,

    /// The recording to send, for an endpoint that takes one.
    #[arg(long, value_name = "FILE")]
    audio: Option<PathBuf>,

    /// The URL of a recording, for an endpoint that maps request.fields.audioUrl: the service fetches it.
    #[arg(long, value_name = "URL", conflicts_with = "audio")]
    audio_url: Option<Url>,

    /// A field to send, written as the manifest maps it: a name, `/contact/number`, `query:NAME` or `header:NAME`; may be
    /// repeated. Fields that the manifest maps and that are left out are filled in as Twilio would.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = name_and_value)]
    fields: Vec<Field>,

    /// Raise the test flag that the manifest maps: the recording is read, and no callback comes.
    #[arg(long)]
    test: bool,

    /// Where to send the request in publicUrl's place. The signature is over publicUrl all the same.
    #[arg(long, value_name = "URL")]
    to: Option<Url>,

    /// Where to listen for the callback of a recording.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    callback_listen: SocketAddr,

    /// The URL of that address as the service can reach it, if it is another one.
    #[arg(long, value_name = "URL")]
    callback_url: Option<Url>,

    /// Sign with a wrong token, and expect to be refused.
    #[arg(long)]
    forge: bool,

    /// How long to wait for the answer, and again for the callback.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// Why nothing could be sent, or nothing came.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// A name that the manifest does not have.
    #[error("failed to find endpoint {name} in the manifest; it has {known}")]
    FindEndpoint {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A recording belongs to this endpoint.
    #[error(
        "failed to make the request: endpoint {0} takes a recording, so name one with --audio FILE, or with --audio-url URL where it maps audioUrl"
    )]
    FindAudio(String),
    /// No recording belongs to this endpoint.
    #[error("failed to make the request: endpoint {0} takes no recording, so leave --audio out")]
    PlaceAudio(String),
    /// No field says where a recording is.
    #[error("failed to make the request: endpoint {0} maps no request.fields.audioUrl, so leave --audio-url out")]
    PlaceAudioUrl(String),
    /// No field says that a request is a test.
    #[error("failed to make a test request: endpoint {0} maps no request.fields.testFlag")]
    PlaceTest(String),
    /// The file.
    #[error("failed to read the recording {file}")]
    ReadAudio {
        /// Its path.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The place to send to is no base of a URL.
    #[error("failed to use --to")]
    UseTarget(#[source] crate::signature::ReadPublicUrl),
    /// The callback's address.
    #[error("failed to listen for the callback on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The client.
    #[error("failed to send the request")]
    Send(#[source] reqwest::Error),
}

/// Does it, tells it, judges it.
pub async fn invoke(options: InvokeOptions) -> Result<ExitCode, CommandError> {
    let config = read_config(&options.addon.file).map_err(CommandError::input)?;
    let endpoint = find_endpoint(&config, &options.endpoint).map_err(CommandError::input)?;
    check_audio(endpoint, &options).map_err(CommandError::input)?;
    check_test(endpoint, options.test).map_err(CommandError::input)?;
    let credentials =
        files::read_once(&options.addon.places(), &config.secrets.credentials).map_err(CommandError::input)?;
    let problem = converse(&config, endpoint, &options, &credentials).await?;
    Ok(match problem {
        None => {
            say(format_args!("all was well"));
            ExitCode::SUCCESS
        }
        Some(problem) => {
            say(format_args!("not well: {problem}"));
            ExitCode::FAILURE
        }
    })
}

/// Sends and receives; the answer is what was wrong with what came.
async fn converse(
    config: &Config,
    endpoint: &Endpoint,
    options: &InvokeOptions,
    credentials: &Credentials,
) -> Result<Option<String>, CommandError> {
    let audio = options.audio.as_deref().map(|file| AudioFile::open(file, endpoint));
    let audio = audio.transpose().map_err(CommandError::input)?;
    let named = named_keys(endpoint.mapping.constants.iter());
    let constants = files::read_constants_once(&options.addon.places(), &named).map_err(CommandError::input)?;
    let listener = listen(endpoint, options).await?;
    let request_sid = format!("MR{}", Uuid::new_v4().as_simple());
    let call = Call {
        request_sid: &request_sid,
        callback: listener.as_ref().map(CallbackListener::url),
        audio: audio.as_ref(),
        audio_url: options.audio_url.as_ref().map(Url::as_str),
        constants: &constants,
        is_test: options.test,
        now: clock::now(),
    };
    let fields = fill(endpoint, options.fields.clone(), &call);
    let token = if options.forge {
        wrong_token()
    } else {
        credentials.tokens[0].clone()
    };
    let caller = Caller {
        account_sid: &credentials.account_sid,
        token: &token,
        request_sid: &request_sid,
    };
    let mut outgoing = compose(config, endpoint, &fields, &caller);
    if let Some(secret) = &endpoint.basic_auth_secret {
        let password = files::read_password_once(&options.addon.places(), secret).map_err(CommandError::input)?;
        outgoing.headers.insert(AUTHORIZATION, password.header());
    }
    let answer = send(endpoint, &outgoing, options, &constants).await?;
    say(format_args!("{} in {} ms", answer.status, answer.took.as_millis()));
    if !answer.body.is_empty() {
        say(format_args!("{}", answer.pretty()));
    }
    if let Some(problem) = judge_answer(endpoint, options.forge, &answer) {
        return Ok(Some(hint(problem, &answer)));
    }
    match listener {
        Some(listener) if !options.forge && !options.test => {
            say(format_args!("waiting for the callback at {}", listener.url()));
            let callback = listener.receive(Duration::from_secs(options.timeout)).await;
            Ok(tell_callback(callback.as_ref(), credentials, answer.began))
        }
        _ => Ok(None),
    }
}

/// Where the callback of a recording is awaited, unless it was given and so goes elsewhere.
async fn listen(endpoint: &Endpoint, options: &InvokeOptions) -> Result<Option<CallbackListener>, CommandError> {
    let Some(source) = &endpoint.mapping.fields.callback else {
        return Ok(None);
    };
    if options.fields.iter().any(|(given, _)| given == source) {
        return Ok(None);
    }
    let listener = CallbackListener::open(options.callback_listen, options.callback_url.as_ref()).await;
    listener.map(Some).map_err(CommandError::work)
}

fn tell_callback(callback: Option<&Callback>, credentials: &Credentials, began: Instant) -> Option<String> {
    let Some(callback) = callback else {
        return Some("no callback came in time".to_owned());
    };
    say(format_args!(
        "callback {} ms after the request began",
        callback.received.duration_since(began).as_millis()
    ));
    say(format_args!("{}", pretty(&callback.body)));
    let problem = judge_callback(callback, credentials);
    if problem.is_none() {
        say(format_args!("its credentials are those of {}", credentials.account_sid));
    }
    problem
}

fn find_endpoint<'a>(config: &'a Config, name: &str) -> Result<&'a Endpoint, InvokeError> {
    config.endpoint(name).ok_or_else(|| {
        let known: Vec<_> = config.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        InvokeError::FindEndpoint {
            name: name.to_owned(),
            known: known.join(", "),
        }
    })
}

fn check_audio(endpoint: &Endpoint, options: &InvokeOptions) -> Result<(), InvokeError> {
    let fields = &endpoint.mapping.fields;
    let name = || endpoint.name.to_string();
    if options.audio.is_some() && fields.audio.is_none() {
        return Err(InvokeError::PlaceAudio(name()));
    }
    if options.audio_url.is_some() && fields.audio_url.is_none() {
        return Err(InvokeError::PlaceAudioUrl(name()));
    }
    let wanted = fields.audio.is_some() || fields.audio_url.is_some();
    if wanted && options.audio.is_none() && options.audio_url.is_none() {
        return Err(InvokeError::FindAudio(name()));
    }
    Ok(())
}

fn check_test(endpoint: &Endpoint, wanted: bool) -> Result<(), InvokeError> {
    if wanted && endpoint.mapping.fields.test_flag.is_none() {
        return Err(InvokeError::PlaceTest(endpoint.name.to_string()));
    }
    Ok(())
}

async fn send(
    endpoint: &Endpoint,
    outgoing: &Outgoing,
    options: &InvokeOptions,
    constants: &ConstantSecrets,
) -> Result<Answer, CommandError> {
    let url = outgoing
        .target(options.to.as_ref())
        .map_err(|error| CommandError::input(InvokeError::UseTarget(error)))?;
    say(format_args!(
        "{} {}\nsigned over {}",
        outgoing.method,
        constants.hidden_in(&url),
        constants.hidden_in(&outgoing.signed_url)
    ));
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(options.timeout))
        .user_agent("TwilioProxy/1.1")
        .build()
        .map_err(|error| CommandError::work(InvokeError::Send(error.without_url())))?;
    let mut request = client
        .request(outgoing.method.clone(), url)
        .headers(outgoing.headers.clone());
    request = match &outgoing.content {
        Content::Nothing => request,
        Content::Whole { content_type, body } => request.header(CONTENT_TYPE, *content_type).body(body.clone()),
        Content::Parts(fields) => request.multipart(parts(endpoint, fields, options).await?),
    };
    let failed = |error: reqwest::Error| CommandError::work(InvokeError::Send(error.without_url()));
    let began = Instant::now();
    let response = request.send().await.map_err(failed)?;
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(failed)?.to_vec();
    Ok(Answer {
        began,
        took: began.elapsed(),
        status,
        content_type,
        body,
    })
}

/// The text parts and then the file, which is streamed from the disk.
async fn parts(
    endpoint: &Endpoint,
    fields: &[Parameter],
    options: &InvokeOptions,
) -> Result<reqwest::multipart::Form, CommandError> {
    let mut form = reqwest::multipart::Form::new();
    for (name, value) in fields {
        form = form.text(name.clone(), value.clone());
    }
    let (Some(name), Some(file)) = (&endpoint.mapping.file_part, &options.audio) else {
        return Ok(form);
    };
    let read = |source| {
        CommandError::input(InvokeError::ReadAudio {
            file: file.display().to_string(),
            source,
        })
    };
    let opened = tokio::fs::File::open(file).await.map_err(read)?;
    let length = opened.metadata().await.map_err(read)?.len();
    let stream = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(opened));
    let part = reqwest::multipart::Part::stream_with_length(stream, length).file_name("recording.wav");
    let part = part
        .mime_str("audio/x-wav")
        .map_err(|error| CommandError::work(InvokeError::Send(error.without_url())))?;
    Ok(form.part(name.clone(), part))
}

/// A reader that has gone, as `head` does, changes nothing of the verdict.
fn say(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stdout(), "{line}"));
}

/// A token that nobody has.
fn wrong_token() -> SecretString {
    SecretString::from(Uuid::new_v4().as_simple().to_string())
}

fn name_and_value(text: &str) -> Result<Field, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((Source::parse(name), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests;
