//! Twilio's own libraries as judges, and the product beside them: each gets all questions in one process, as JSON lines.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::signer::{Sdk, install, sources};
use crate::service::program;

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// The npm package.
    Node,
    /// The PyPI package.
    Python,
    /// The Go module.
    Go,
    /// The Maven artifact.
    Java,
    /// `marketplace-service verify --batch`.
    Ours,
}

impl Judge {
    /// The libraries.
    pub const LIBRARIES: [Self; 4] = [Self::Node, Self::Python, Self::Go, Self::Java];

    /// The verdict on each request; none where the library cannot be asked such a thing.
    pub fn verdicts(self, requests: &[Value]) -> Result<Vec<Option<bool>>> {
        let answers = match self {
            Self::Ours => ask_all(self.command()?, requests)?,
            Self::Node | Self::Python | Self::Go | Self::Java => {
                let questions: Vec<_> = requests.iter().map(|request| json!({ "judge": request })).collect();
                ask_all(self.command()?, &questions)?
            }
        };
        Ok(answers.iter().map(|answer| answer["valid"].as_bool()).collect())
    }

    fn command(self) -> Result<Command> {
        match self {
            Self::Node => Sdk::Node.command(),
            Self::Python => Sdk::Python.command(),
            Self::Go => Ok(Command::new(install(&sources(), "judges")?.join("go/judge"))),
            Self::Java => {
                let folder = install(&sources(), "judges")?.join("java");
                let mut command = Command::new("java");
                let classes = format!("{0}/*:{0}", folder.display());
                command.args(["-cp", &classes, "Judge"]);
                Ok(command)
            }
            Self::Ours => {
                let mut command = Command::new(program()?);
                command.args(["verify", "--batch", "-"]);
                Ok(command)
            }
        }
    }
}

/// Signs each (token, URL, parameters) with one of the libraries.
pub fn sign_all(sdk: Sdk, unsigned: &[Value]) -> Result<Vec<String>> {
    let answers = ask_all(sdk.command()?, unsigned)?;
    let signatures = answers
        .iter()
        .map(|answer| answer["signature"].as_str().map(str::to_owned));
    signatures
        .collect::<Option<_>>()
        .context("no signature in a signer's answer")
}

fn ask_all(mut command: Command, questions: &[Value]) -> Result<Vec<Value>> {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let input = process.stdin.take().context("it was piped")?;
    let output = process.stdout.take().context("it was piped")?;
    let answers = thread::scope(|scope| -> Result<Vec<Value>> {
        // In a thread of its own: a judge may answer before it has read everything.
        scope.spawn(move || {
            let mut input = BufWriter::new(input);
            questions
                .iter()
                .try_for_each(|question| writeln!(input, "{question}"))
                .and_then(|()| input.flush())
        });
        let lines = BufReader::new(output).lines();
        lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    })?;
    let status = process.wait()?;
    ensure!(
        status.success() && answers.len() == questions.len(),
        "{} of {} questions were answered, and it ended with {status}",
        answers.len(),
        questions.len()
    );
    Ok(answers)
}
