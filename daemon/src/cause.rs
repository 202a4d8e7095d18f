//! Says an error with its causes, for a log line, a condition or the last words of a program. A log that records an error
//! by its `Display` alone loses why.

use std::error::Error;

/// An error and its causes as one sentence. A cause that the error before it quotes already is not said twice.
pub fn chain(error: &dyn Error) -> String {
    chain_until(error, |_| None)
}

/// The same, up to the first cause for which `last` has words of its own.
pub fn chain_until(error: &dyn Error, last: impl Fn(&(dyn Error + 'static)) -> Option<String>) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(words) = last(cause) {
            return format!("{told}: {words}");
        }
        let words = cause.to_string();
        if !told.ends_with(&words) {
            told = format!("{told}: {words}");
        }
        next = cause.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::{chain, chain_until};

    #[derive(Debug, thiserror::Error)]
    #[error("failed to open {name}{quoted}")]
    struct Open {
        name: &'static str,
        quoted: &'static str,
        #[source]
        source: Error,
    }

    fn open(quoted: &'static str) -> Open {
        let source = Error::new(ErrorKind::NotFound, "no such file");
        Open {
            name: "a",
            quoted,
            source,
        }
    }

    #[test]
    fn names_every_cause_once() {
        assert_eq!(chain(&open("")), "failed to open a: no such file");
        assert_eq!(chain(&open(": no such file")), "failed to open a: no such file");
    }

    #[test]
    fn ends_with_the_words_for_a_known_cause() {
        let told = chain_until(&open(""), |cause| cause.is::<Error>().then(|| "gone".to_owned()));
        assert_eq!(told, "failed to open a: gone");
    }
}
