//! `verify`: explains the signature of one request, or judges many from a file of JSON lines. Reads no manifest: the URL is
//! given whole, and is judged as Twilio's own libraries judge it. Only reading and printing; what is tried is decided in
//! `signature`, what may be wrong in `causes`.
//!
//! Exit codes: 0 valid, 1 not valid, 2 the input cannot be used. `--batch` ends with 0 when it could read every line.

mod batch;
mod causes;
mod question;
mod show;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use secrecy::SecretString;

use super::{CommandError, WRONG_INPUT};
use crate::signature::{ClaimedSignature, Parameter};

use self::causes::Inquiry;
use self::show::Shown;

/// A body beyond this is no request of an endpoint's.
const BODY_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// Flags of `verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyOptions {
    /// The whole URL with its query, as it is registered and as the request came.
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    url: Option<String>,

    /// The value of X-Twilio-Signature.
    #[arg(
        long,
        value_name = "TEXT",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    signature: Option<String>,

    /// A file with an auth token; more than one to try several.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    token_file: Vec<PathBuf>,

    /// A parameter of the form or a text part, decoded; once for each, in the order in which they were sent.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "batch")]
    param: Vec<String>,

    /// A file with a body that is no form, byte for byte; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["param", "batch"])]
    body: Option<PathBuf>,

    /// Another URL that may have been signed instead: as a proxy has it, or as another page of the Console has it.
    #[arg(long, value_name = "URL", conflicts_with = "batch")]
    also_url: Vec<String>,

    /// Show the values of parameters; they are phone numbers and messages. Tokens are never shown.
    #[arg(long, conflicts_with = "batch")]
    show_values: bool,

    /// Judge each line of a file, `-` for standard input: {"url", "token", "params" or "body", "signature"}, where params
    /// has a value or a list of values for each name. Prints {"valid", "form", "reason"} for each, in order.
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
}

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub enum UseInput {
    /// A file.
    #[error("failed to read {file}")]
    ReadFile {
        /// Its path.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of a token that has none, or more than one line.
    #[error("failed to read a token from {file}: want one line of text")]
    ReadToken {
        /// Its path.
        file: String,
    },
    /// `--param` without a name.
    #[error("failed to read --param number {place}: want NAME=VALUE")]
    ReadParameter {
        /// Its place, from 1.
        place: usize,
    },
    /// Standard output has gone.
    #[error("failed to print")]
    Print(#[source] io::Error),
}

/// Does what was asked.
pub fn verify(options: VerifyOptions) -> Result<ExitCode, CommandError> {
    match &options.batch {
        Some(file) => judge_batch(file).map_err(CommandError::input),
        None => explain(options).map_err(CommandError::input),
    }
}

fn judge_batch(file: &Path) -> Result<ExitCode, UseInput> {
    let output = BufWriter::new(io::stdout().lock());
    let unreadable = if is_standard_input(file) {
        batch::judge_lines(BufReader::new(io::stdin().lock()), output)
    } else {
        let opened = File::open(file).map_err(|source| read_file(file, source))?;
        batch::judge_lines(BufReader::new(opened), output)
    };
    match unreadable.map_err(|error| batch_error(file, error))? {
        0 => Ok(ExitCode::SUCCESS),
        _ => Ok(ExitCode::from(WRONG_INPUT)),
    }
}

fn batch_error(file: &Path, error: batch::JudgeLines) -> UseInput {
    match error {
        batch::JudgeLines::Read(source) => read_file(file, source),
        batch::JudgeLines::Print(source) => UseInput::Print(source),
    }
}

fn explain(options: VerifyOptions) -> Result<ExitCode, UseInput> {
    let tokens = options.token_file.iter().map(|file| read_token(file));
    let tokens: Vec<_> = tokens.collect::<Result<_, _>>()?;
    let body = options.body.as_deref().map(read_body).transpose()?;
    let inquiry = Inquiry {
        tokens,
        url: options.url.unwrap_or_default(),
        also_urls: options.also_url,
        parameters: read_parameters(&options.param)?,
        body,
        claimed: ClaimedSignature::read(options.signature.iter().map(String::as_bytes)),
    };
    let found = inquiry.explain();
    let shown = Shown {
        with_values: options.show_values,
    };
    let mut output = io::stdout().lock();
    shown.print(&mut output, &inquiry, &found).map_err(UseInput::Print)?;
    output.flush().map_err(UseInput::Print)?;
    Ok(if found.verified.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read_token(file: &Path) -> Result<SecretString, UseInput> {
    let text = fs::read_to_string(file).map_err(|source| read_file(file, source))?;
    let token = text.strip_suffix('\n').unwrap_or(&text);
    let token = token.strip_suffix('\r').unwrap_or(token);
    if token.is_empty() || token.contains(char::is_control) {
        return Err(UseInput::ReadToken {
            file: file.display().to_string(),
        });
    }
    Ok(token.into())
}

fn read_body(file: &Path) -> Result<Vec<u8>, UseInput> {
    let mut body = Vec::new();
    let read = if is_standard_input(file) {
        io::stdin().lock().take(BODY_LIMIT_BYTES).read_to_end(&mut body)
    } else {
        File::open(file).and_then(|opened| opened.take(BODY_LIMIT_BYTES).read_to_end(&mut body))
    };
    read.map_err(|source| read_file(file, source))?;
    Ok(body)
}

fn read_parameters(given: &[String]) -> Result<Vec<Parameter>, UseInput> {
    let read = given.iter().enumerate().map(|(place, text)| {
        let pair = text.split_once('=');
        pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .ok_or(UseInput::ReadParameter { place: place + 1 })
    });
    read.collect()
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn read_file(file: &Path, source: io::Error) -> UseInput {
    UseInput::ReadFile {
        file: file.display().to_string(),
        source,
    }
}
