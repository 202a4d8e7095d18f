//! One spelling for every phone number that is asked about: E.164, a plus sign and digits. Pure. Nothing is refused here:
//! what is no phone number (a short code, the name of a sender, a SIP address) stays as it was sent.
//!
//! The rules, in this order: blanks, dashes, dots, slashes and parentheses are dropped; a leading `00` is a plus sign; with
//! a plus sign `(0)` is dropped, and the number is complete. Without one it is national, and needs the add-on's default
//! country code:
//!
//! - code 1: ten digits, or eleven that begin with 1; `011` is read as a plus sign;
//! - any other code: one leading 0 is dropped, but not with code 39, whose numbers keep it.

/// A shorter one is a short code, or no number at all.
const SHORTEST_NATIONAL_DIGITS: usize = 7;
/// By E.164, the country code included.
const LONGEST_DIGITS: usize = 15;

/// What is written between the digits of a number.
const SEPARATORS: [char; 7] = [' ', '\u{a0}', '-', '.', '/', '(', ')'];

/// The number in E.164, or as it was sent.
#[must_use]
pub fn normalised(sent: &str, default_country_code: Option<&str>) -> String {
    if is_e164(sent) {
        return sent.to_owned();
    }
    e164(sent.trim(), default_country_code).unwrap_or_else(|| sent.to_owned())
}

/// As Twilio sends nearly every one.
fn is_e164(sent: &str) -> bool {
    let is_number = |digits: &str| {
        (SHORTEST_NATIONAL_DIGITS..=LONGEST_DIGITS).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    sent.strip_prefix('+').is_some_and(is_number)
}

fn e164(sent: &str, default_country_code: Option<&str>) -> Option<String> {
    if let Some(written) = sent.strip_prefix('+') {
        return complete(&digits(&written.replace("(0)", ""))?);
    }
    let digits = digits(sent)?;
    if let Some(abroad) = digits.strip_prefix("00") {
        return complete(abroad);
    }
    let code = default_country_code?;
    if code == "1" {
        if let Some(abroad) = digits.strip_prefix("011") {
            return complete(abroad);
        }
        let national = digits.strip_prefix('1').unwrap_or(&digits);
        return (national.len() == 10).then(|| format!("+1{national}"));
    }
    let national = match digits.strip_prefix('0') {
        Some(national) if code != "39" => national,
        Some(_) | None => &digits,
    };
    let is_number = national.len() >= SHORTEST_NATIONAL_DIGITS && code.len() + national.len() <= LONGEST_DIGITS;
    is_number.then(|| format!("+{code}{national}"))
}

/// The digits, where there is nothing but digits and what is written between them.
fn digits(written: &str) -> Option<String> {
    let digits: String = written
        .chars()
        .filter(|written| !SEPARATORS.contains(written))
        .collect();
    digits.bytes().all(|digit| digit.is_ascii_digit()).then_some(digits)
}

fn complete(digits: &str) -> Option<String> {
    let number = format!("+{digits}");
    is_e164(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        for (sent, code, expected) in [
            ("+14155551212", None, "+14155551212"),
            ("+1 (415) 555-1212", None, "+14155551212"),
            (" +1.415.555.1212 ", None, "+14155551212"),
            ("+44 (0)20 7946 0018", None, "+442079460018"),
            ("0049 30 901820", None, "+4930901820"),
            ("(415) 555-1212", Some("1"), "+14155551212"),
            ("1-415-555-1212", Some("1"), "+14155551212"),
            ("011 44 20 7946 0018", Some("1"), "+442079460018"),
            ("030/901820", Some("49"), "+4930901820"),
            ("06 698 12345", Some("39"), "+390669812345"),
            ("+14155551212", Some("49"), "+14155551212"),
            ("415\u{a0}555\u{a0}1212", Some("1"), "+14155551212"),
        ] {
            assert_eq!(normalised(sent, code), expected, "{sent} {code:?}");
            assert_eq!(normalised(expected, code), expected, "twice is once");
        }
    }

    #[test]
    fn what_is_no_number_stays_as_it_was_sent() {
        for (sent, code) in [
            ("(415) 555-1212", None),
            ("12345", Some("49")),
            ("72727", Some("1")),
            ("TWILIO", Some("1")),
            ("sip:ada@example.com", Some("1")),
            ("client:ada", None),
            ("+1415555121a", None),
            ("+0123456789", None),
            ("+1234567890123456", None),
            ("' or 1=1 --", Some("1")),
            ("+", None),
            ("", Some("1")),
            (" ", None),
        ] {
            assert_eq!(normalised(sent, code), sent, "{sent} {code:?}");
        }
    }
}
