//! The account and its tokens from a file of `NAME=value` lines, as the example add-ons keep them in `.env`. For a try on
//! a laptop: in a cluster the Secret is mounted as a folder. Called by `files` alone.

use std::io;
use std::path::Path;

use marketplace_crds::credentials::{ACCOUNT_SID, AUTH_TOKEN, AUTH_TOKEN_SECONDARY};
use marketplace_crds::secret_value::{VALUE_LIMIT_BYTES, accept};
use secrecy::{ExposeSecret as _, SecretString};

use super::secret::read_bounded;
use crate::domain::Credentials;

/// Why a file of variables is not used. Never says anything of a value, nor of a line, which may be one.
#[derive(Debug, thiserror::Error)]
pub enum ReadEnvFile {
    /// It is not there, or not ours to read.
    #[error("failed to read {file}: {kind}")]
    ReadFile {
        /// The file.
        file: String,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// Larger than any such file, or no text.
    #[error("failed to read {file}: it is {what}")]
    AcceptFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Neither empty, nor a comment, nor a name and a value.
    #[error("failed to read line {line} of {file}: want NAME=value, with quotes around a value that holds blanks")]
    ReadLine {
        /// The file.
        file: String,
        /// The number of the line, from 1.
        line: usize,
    },
    /// A name that must be there is not.
    #[error("failed to find {name} in {file}: write a line {name}=value")]
    FindName {
        /// The file.
        file: String,
        /// The name.
        name: &'static str,
    },
    /// Empty, too long, not one line, or given twice: one reader would take the first and another the last.
    #[error("failed to accept {name} of {file}: it is {what}")]
    AcceptValue {
        /// The file.
        file: String,
        /// The name.
        name: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Reads the file whole. Other names are the business of others.
pub fn read(path: &Path) -> Result<Credentials, ReadEnvFile> {
    let file = path.display().to_string();
    let bytes = read_bounded(path).map_err(|error| ReadEnvFile::ReadFile {
        file: file.clone(),
        kind: error.kind(),
    })?;
    parse(&file, &bytes)
}

fn parse(file: &str, bytes: &[u8]) -> Result<Credentials, ReadEnvFile> {
    let variables = variables(file, bytes)?;
    let value = |name| one_value(file, name, &variables);
    let required = |name| {
        value(name)?.ok_or_else(|| ReadEnvFile::FindName {
            file: file.to_owned(),
            name,
        })
    };
    let account_sid = required(ACCOUNT_SID)?.expose_secret().to_owned();
    let primary = required(AUTH_TOKEN)?;
    let secondary = value(AUTH_TOKEN_SECONDARY)?;
    Ok(Credentials::new(account_sid, primary, secondary))
}

fn variables(file: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, ReadEnvFile> {
    let refuse = |what| ReadEnvFile::AcceptFile {
        file: file.to_owned(),
        what,
    };
    if bytes.len() as u64 > VALUE_LIMIT_BYTES {
        return Err(refuse("too long"));
    }
    let text = str::from_utf8(bytes).map_err(|_| refuse("not text"))?;
    let text = text.trim_start_matches('\u{feff}');
    let parsed: Result<Vec<_>, _> = dotenvy::from_read_iter(text.as_bytes()).collect();
    parsed.map_err(|error| ReadEnvFile::ReadLine {
        file: file.to_owned(),
        line: line_of(text, &error),
    })
}

/// The parser tells the line itself, which must not be shown, and not its number.
fn line_of(text: &str, error: &dotenvy::Error) -> usize {
    let before = match error {
        dotenvy::Error::LineParse(line, _) => text.find(line.as_str()).map(|place| &text[..place]),
        _ => None,
    };
    before.unwrap_or(text).matches('\n').count() + 1
}

/// The value of a name that is there at most once; an empty one counts as left out, as with the keys of a Secret.
fn one_value(
    file: &str,
    name: &'static str,
    variables: &[(String, String)],
) -> Result<Option<SecretString>, ReadEnvFile> {
    let refuse = |what| ReadEnvFile::AcceptValue {
        file: file.to_owned(),
        name,
        what,
    };
    let mut values = variables.iter().filter(|(given, _)| given == name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(refuse("given twice")),
        (Some((_, value)), None) if !value.is_empty() => accept(value.as_bytes())
            .map(|value| Some(SecretString::from(value)))
            .map_err(refuse),
        (Some(_) | None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::parse;

    fn told(text: &str) -> Result<(String, Vec<String>), String> {
        let credentials = parse(".env", text.as_bytes()).map_err(|error| error.to_string())?;
        let tokens = credentials.tokens.iter().map(|token| token.expose_secret().to_owned());
        Ok((credentials.account_sid.clone(), tokens.collect()))
    }

    #[test]
    fn reads_the_names_of_the_example_addons() {
        for (text, tokens) in [
            ("ACCOUNT_SID=AC1\nAUTH_TOKEN=t1\n", &["t1"][..]),
            (
                "\u{feff}# mine\r\nPORT=3000\r\nexport ACCOUNT_SID='AC1'\r\nAUTH_TOKEN=\"t1\" # now\r\n",
                &["t1"],
            ),
            ("AUTH_TOKEN_SECONDARY=t2\nAUTH_TOKEN=t1\nACCOUNT_SID=AC1", &["t1", "t2"]),
            ("AUTH_TOKEN_SECONDARY=\nAUTH_TOKEN=t1\nACCOUNT_SID=AC1", &["t1"]),
            ("AUTH_TOKEN_SECONDARY=t1\nAUTH_TOKEN=t1\nACCOUNT_SID=AC1", &["t1"]),
        ] {
            let tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
            assert_eq!(told(text), Ok(("AC1".to_owned(), tokens)), "{text:?}");
        }
    }

    #[test]
    fn names_the_line_or_the_name_and_never_a_value() {
        for (text, words) in [
            ("ACCOUNT_SID=AC1\n\nAUTH_TOKEN hidden\n", "line 3 of .env"),
            ("AUTH_TOKEN='hidden\nACCOUNT_SID=AC1\n", "line 1 of .env"),
            ("AUTH_TOKEN=hidden\n", "find ACCOUNT_SID in .env"),
            ("ACCOUNT_SID=AC1\nAUTH_TOKEN=\n", "find AUTH_TOKEN in .env"),
            (
                "ACCOUNT_SID=AC1\nAUTH_TOKEN=hidden\nAUTH_TOKEN=hidden2\n",
                "AUTH_TOKEN of .env: it is given twice",
            ),
            (
                "ACCOUNT_SID=AC1\nAUTH_TOKEN=' hidden'\n",
                "AUTH_TOKEN of .env: it is surrounded by blanks",
            ),
        ] {
            let error = told(text).err().unwrap_or_default();
            assert!(error.contains(words) && !error.contains("hidden"), "{text:?}: {error}");
        }
    }
}
