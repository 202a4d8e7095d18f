//! Prints what was found of one request. Values of parameters, in the query too, are phone numbers and messages: only their
//! length is shown unless more is asked for. Called by `verify`.

use std::io::{self, Write};

use super::causes::{Explanation, Inquiry};
use crate::signature::Unverified;

/// What may be shown.
pub struct Shown {
    /// Whether values are.
    pub with_values: bool,
}

impl Shown {
    /// The verdict, what was tried, and the causes.
    pub fn print(&self, output: &mut impl Write, inquiry: &Inquiry, found: &Explanation) -> io::Result<()> {
        let tokens = inquiry.tokens.len();
        match found.verified {
            Ok(verified) => {
                writeln!(output, "valid: yes")?;
                writeln!(output, "form: {}", verified.form.as_str())?;
                writeln!(output, "covers: {}", verified.covers.as_str())?;
                writeln!(output, "token: {} of {tokens}", verified.token_index + 1)?;
            }
            Err(error) => {
                writeln!(output, "valid: no")?;
                writeln!(output, "reason: {}: {error}", error.category())?;
            }
        }
        writeln!(
            output,
            "tried, with {tokens} {}:",
            if tokens == 1 { "token" } else { "tokens" }
        )?;
        for (form, url) in found.candidates.iter() {
            writeln!(
                output,
                "  {:<20} {}{}",
                form.as_str(),
                self.url(url),
                self.parameters(inquiry)
            )?;
        }
        if found.causes.is_empty() {
            if let Err(error) = found.verified {
                writeln!(output, "likely cause: {}", without_match(error))?;
            }
            return Ok(());
        }
        writeln!(output, "likely cause, for the signature would match:")?;
        for cause in &found.causes {
            writeln!(output, "  {cause}")?;
        }
        Ok(())
    }

    fn url(&self, url: &str) -> String {
        let Some((base, query)) = url.split_once('?') else {
            return url.to_owned();
        };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) => format!("{name}={}", self.value(value)),
            None => self.value(pair),
        });
        format!("{base}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    /// In the order in which they are signed, with a blank between them that is not signed.
    fn parameters(&self, inquiry: &Inquiry) -> String {
        if inquiry.body.is_some() {
            return String::new();
        }
        let mut sorted = inquiry.parameters.clone();
        sorted.sort();
        sorted.dedup();
        let shown = sorted
            .iter()
            .map(|(name, value)| format!(" {name}{}", self.value(value)));
        shown.collect()
    }

    fn value(&self, value: &str) -> String {
        if self.with_values {
            return value.to_owned();
        }
        format!("<length {}>", value.chars().count())
    }
}

/// Nothing that is known to go wrong explains it.
fn without_match(error: Unverified) -> &'static str {
    match error {
        Unverified::FindSignature => "there is no signature: the request is not Twilio's, or a proxy drops the header",
        Unverified::DecodeSignature => {
            "the signature is not base64 of 20 bytes: copy the header whole. 32 bytes are an HMAC-SHA256, which none of Twilio's documents describes for add-ons"
        }
        Unverified::FindBodyHash | Unverified::MatchBodyHash | Unverified::MatchSignature => {
            "nothing that was tried matches: another account's token, or one that was promoted in Twilio's console and is not in the Secret yet (only the primary one signs), another registered URL (try --also-url), or a forged request"
        }
    }
}
