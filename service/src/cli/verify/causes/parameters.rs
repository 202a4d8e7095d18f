//! The ways in which parameters come to differ from those that were signed. Pure; called by `causes`.

use super::{Suspicion, query};
use crate::signature::{Parameter, covering::parameters_text};

/// Of a request with more parameters than this, none is left out or changed on trial.
const SINGLE_TRIALS_LIMIT: usize = 64;

/// Undoes each known mistake.
pub fn suspicions(parameters: &[Parameter], url: &str) -> Vec<Suspicion> {
    let mut suspicions: Vec<_> = rewritten(parameters)
        .into_iter()
        .map(|(cause, parameters)| suspicion(cause, url, parameters_text(&parameters)))
        .collect();
    let url_alone = "the signature covers the URL alone: the parameters were added on the way, or Twilio does not sign them in this encoding (then set signature.mode to UrlOnly)";
    suspicions.push(suspicion(url_alone, url, Vec::new()));
    let as_sent = joined(parameters.iter());
    suspicions.push(suspicion(
        "the parameters were signed in the order in which they were sent",
        url,
        as_sent,
    ));
    let mut sorted = parameters.to_vec();
    sorted.sort();
    let repeated = joined(sorted.iter());
    suspicions.push(suspicion(
        "parameters that occur twice with the same value were signed twice",
        url,
        repeated,
    ));
    if let Some(query) = query(url) {
        let mut all: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        all.extend_from_slice(parameters);
        let in_url = "the parameters of the query were signed once more, behind the URL";
        suspicions.push(suspicion(in_url, url, parameters_text(&all)));
        let base = url.split('?').next().unwrap_or_default();
        let apart = "the parameters of the query were signed behind the URL and not in it: sign the whole URL";
        suspicions.push(suspicion(apart, base, parameters_text(&all)));
    }
    if parameters.len() <= SINGLE_TRIALS_LIMIT {
        suspicions.extend(singly(parameters, url));
    }
    suspicions
}

/// Every value changed in the same way.
fn rewritten(parameters: &[Parameter]) -> Vec<(&'static str, Vec<Parameter>)> {
    let with = |change: &dyn Fn(&str) -> String| -> Vec<Parameter> {
        let changed = parameters.iter().map(|(name, value)| (name.clone(), change(value)));
        changed.collect()
    };
    let decoded = |value: &str| {
        let pair = format!("={value}");
        let mut read = form_urlencoded::parse(pair.as_bytes());
        read.next().map_or_else(String::new, |(_, value)| value.into_owned())
    };
    let mut first = Vec::new();
    for (name, value) in parameters {
        if first.iter().all(|(known, _)| known != name) {
            first.push((name.clone(), value.clone()));
        }
    }
    vec![
        (
            "blanks were added around values, or the signer trimmed them",
            with(&|value| value.trim().to_owned()),
        ),
        (
            "values were signed with a blank where + stands now: the body was not decoded as a form",
            with(&|value| value.replace('+', " ")),
        ),
        (
            "values were signed with + where a blank stands now: the body was decoded once too often",
            with(&|value| value.replace(' ', "+")),
        ),
        (
            "values are still encoded: decode the body as a form first",
            with(&decoded),
        ),
        (
            "values were signed with one line feed where a carriage return and a line feed stand now",
            with(&|value| value.replace("\r\n", "\n")),
        ),
        (
            "values were signed with a carriage return and a line feed where one line feed stands now",
            with(&|value| value.replace('\n', "\r\n")),
        ),
        ("of a repeated parameter only the first value was signed", first),
    ]
}

/// One parameter left out, or its value changed.
fn singly(parameters: &[Parameter], url: &str) -> Vec<Suspicion> {
    let mut suspicions = Vec::new();
    for (place, (name, value)) in parameters.iter().enumerate() {
        let mut fewer = parameters.to_vec();
        fewer.remove(place);
        let added = format!("the parameter {name} was added after the request was signed");
        suspicions.push(suspicion(&added, url, parameters_text(&fewer)));
        for whole in [
            format!("{value} "),
            format!(" {value}"),
            format!("{value}\n"),
            format!("{value}\r\n"),
        ] {
            let mut changed = parameters.to_vec();
            changed[place].1 = whole;
            let trimmed =
                format!("blanks around the value of {name} were trimmed after it was signed: Twilio signs them");
            suspicions.push(suspicion(&trimmed, url, parameters_text(&changed)));
        }
    }
    suspicions
}

fn joined<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> Vec<u8> {
    let texts = parameters.map(|(name, value)| format!("{name}{value}"));
    texts.collect::<String>().into_bytes()
}

fn suspicion(cause: &str, url: &str, text: Vec<u8>) -> Suspicion {
    Suspicion {
        cause: cause.to_owned(),
        url: url.to_owned(),
        text,
    }
}
