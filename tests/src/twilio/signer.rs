//! The two processes that sign: the npm package `twilio` under Node, and the PyPI package `twilio` under Python. Each is
//! started once for all suites, lives on a pipe, and ends when the pipe does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};

/// One of Twilio's own libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    /// The npm package.
    Node,
    /// The PyPI package.
    Python,
}

impl Sdk {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Node, Self::Python];

    /// The value of `X-Twilio-Signature` for a URL with its query, and the parameters of a form.
    pub fn signature(self, token: &str, url: &str, parameters: &[(String, String)]) -> Result<String> {
        let mut object = Map::new();
        for (name, value) in parameters {
            let before = object.insert(name.clone(), Value::from(value.as_str()));
            ensure!(before.is_none(), "the signers take a name once");
        }
        self.ask(
            &json!({ "token": token, "url": url, "parameters": object }),
            "signature",
        )
    }

    /// The value of `bodySHA256` for a body that is no form.
    pub fn body_hash(self, body: &str) -> Result<String> {
        self.ask(&json!({ "body": body }), "hash")
    }

    fn ask(self, question: &Value, member: &str) -> Result<String> {
        static NODE: OnceLock<Result<Mutex<Signer>, String>> = OnceLock::new();
        static PYTHON: OnceLock<Result<Mutex<Signer>, String>> = OnceLock::new();
        let signer = match self {
            Self::Node => &NODE,
            Self::Python => &PYTHON,
        };
        let signer = signer.get_or_init(|| {
            Signer::start(self)
                .map(Mutex::new)
                .map_err(|error| format!("{error:#}"))
        });
        let Ok(signer) = signer else {
            bail!(
                "failed to start the signer: {}",
                signer.as_ref().err().map_or("", String::as_str)
            );
        };
        let answer = signer.lock().unwrap_or_else(PoisonError::into_inner).ask(question)?;
        let text = answer[member].as_str();
        Ok(text
            .with_context(|| format!("no {member} in the signer's answer"))?
            .to_owned())
    }
}

struct Signer {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Signer {
    fn start(sdk: Sdk) -> Result<Self> {
        let mut command = sdk.command()?;
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let questions = process.stdin.take().context("it was piped")?;
        let answers = BufReader::new(process.stdout.take().context("it was piped")?);
        Ok(Self {
            _process: process,
            questions,
            answers,
        })
    }

    fn ask(&mut self, question: &Value) -> Result<Value> {
        writeln!(self.questions, "{question}").context("the signer has ended")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the signer has failed; its reason is on stderr")
    }
}

/// Runs once for all: the second finds everything there. Prints the folder last.
pub(super) fn install(sources: &Path, wanted: &str) -> Result<PathBuf> {
    let output = Command::new(sources.join("install"))
        .arg(wanted)
        .stderr(Stdio::inherit())
        .output()
        .context("failed to run tests/signers/install")?;
    ensure!(output.status.success(), "tests/signers/install failed");
    let printed = String::from_utf8(output.stdout)?;
    Ok(PathBuf::from(
        printed
            .lines()
            .last()
            .context("tests/signers/install printed nothing")?,
    ))
}

/// Where the programs are that call the libraries.
pub(super) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("signers")
}

impl Sdk {
    /// The program that signs and judges with this library.
    pub(super) fn command(self) -> Result<Command> {
        let sources = sources();
        let installed = install(&sources, "signers")?;
        Ok(match self {
            Self::Node => {
                let mut command = Command::new("node");
                command
                    .env("NODE_PATH", installed.join("node/node_modules"))
                    .arg(sources.join("node/sign.js"));
                command
            }
            Self::Python => {
                let mut command = Command::new(installed.join("python/bin/python"));
                command.arg(sources.join("python/sign.py"));
                command
            }
        })
    }
}
