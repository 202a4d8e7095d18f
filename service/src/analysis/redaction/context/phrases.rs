//! The words that give a number its meaning, wherever they are said.

use crate::analysis::redaction::tokens::{Speech, Token};
use crate::analysis::redaction::words::Class;

/// What a number near by is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Card,
    CardCode,
    CardExpiry,
    SocialSecurity,
    Account,
    /// The same, where the number follows at once.
    AccountAtOnce,
    /// None of these.
    Otherwise,
}

/// Where a meaning is mentioned, by the order of tokens.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) meaning: Meaning,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) segment: usize,
}

/// The longer first: where one begins, a shorter one that begins there is not meant.
const PHRASES: [(&str, Meaning); 66] = [
    ("back of the card", Meaning::CardCode),
    ("back of your card", Meaning::CardCode),
    ("back of my card", Meaning::CardCode),
    ("front of the card", Meaning::CardCode),
    ("front of your card", Meaning::CardCode),
    ("card verification value", Meaning::CardCode),
    ("card security code", Meaning::CardCode),
    ("on the back", Meaning::CardCode),
    ("four digit code", Meaning::CardCode),
    ("4 digit code", Meaning::CardCode),
    ("card code", Meaning::CardCode),
    ("security code", Meaning::CardCode),
    ("verification code", Meaning::CardCode),
    ("verification number", Meaning::CardCode),
    ("verification value", Meaning::CardCode),
    ("three digits", Meaning::CardCode),
    ("three digit", Meaning::CardCode),
    ("3 digits", Meaning::CardCode),
    ("3 digit", Meaning::CardCode),
    ("c v v", Meaning::CardCode),
    ("c v c", Meaning::CardCode),
    ("cvv", Meaning::CardCode),
    ("cvc", Meaning::CardCode),
    ("csc", Meaning::CardCode),
    ("valid thru", Meaning::CardExpiry),
    ("valid through", Meaning::CardExpiry),
    ("valid until", Meaning::CardExpiry),
    ("good thru", Meaning::CardExpiry),
    ("good through", Meaning::CardExpiry),
    ("good until", Meaning::CardExpiry),
    ("expiration date", Meaning::CardExpiry),
    ("expiry date", Meaning::CardExpiry),
    ("exp date", Meaning::CardExpiry),
    ("expires", Meaning::CardExpiry),
    ("expiring", Meaning::CardExpiry),
    ("expire", Meaning::CardExpiry),
    ("expiry", Meaning::CardExpiry),
    ("expiration", Meaning::CardExpiry),
    ("exp", Meaning::CardExpiry),
    ("social", Meaning::SocialSecurity),
    ("ssn", Meaning::SocialSecurity),
    ("s s n", Meaning::SocialSecurity),
    ("account number", Meaning::Account),
    ("account no", Meaning::Account),
    ("account is", Meaning::Account),
    ("bank account", Meaning::Account),
    ("checking account", Meaning::Account),
    ("savings account", Meaning::Account),
    ("sort code", Meaning::Account),
    ("routing", Meaning::Account),
    ("acct", Meaning::Account),
    ("iban", Meaning::Account),
    ("aba", Meaning::Account),
    ("account", Meaning::AccountAtOnce),
    ("card", Meaning::Card),
    ("visa", Meaning::Card),
    ("mastercard", Meaning::Card),
    ("amex", Meaning::Card),
    ("american express", Meaning::Card),
    ("discover", Meaning::Card),
    ("diners", Meaning::Card),
    ("maestro", Meaning::Card),
    ("debit", Meaning::Card),
    ("credit", Meaning::Card),
    // what engines of transcription make of `card number`
    ("car number", Meaning::Card),
    ("cart number", Meaning::Card),
];

/// Words that end a card's number, and make no number one of another kind.
const NO_KIND: [&str; 6] = ["code", "date", "security", "month", "months", "seconds"];

/// Every mention, in order.
pub(super) fn find(speech: &Speech) -> Vec<Mention> {
    let phrases: Vec<(Vec<&str>, Meaning)> = PHRASES
        .iter()
        .map(|(phrase, meaning)| (phrase.split(' ').collect(), *meaning))
        .collect();
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(token) = speech.at(start) {
        let said = phrases.iter().find(|(words, _)| is_said(speech, start, token, words));
        let mention = match said {
            Some((words, meaning)) => Some((words.len(), *meaning)),
            None => is_of_another_kind(token).then_some((1, Meaning::Otherwise)),
        };
        let length = mention.map_or(1, |(length, _)| length);
        found.extend(mention.map(|(length, meaning)| Mention {
            meaning,
            start,
            end: start + length,
            segment: token.segment,
        }));
        start += length;
    }
    found
}

fn is_of_another_kind(token: &Token) -> bool {
    token.class == Class::Break && !NO_KIND.contains(&token.text.as_str())
}

fn is_said(speech: &Speech, start: usize, first: &Token, words: &[&str]) -> bool {
    words.iter().zip(start..).all(|(word, order)| {
        let token = speech.at(order);
        token.is_some_and(|token| token.text == *word && token.segment == first.segment)
    })
}
