//! Every way to read the digits that begin at a word: `forty two` is 42, and 40 and a 2 that begins the next group.

use super::tokens::Token;
use super::words::Class;

/// Digits that begin at a token, and the token behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) end: usize,
    pub(super) digits: Vec<u8>,
}

fn reading(end: usize, digits: impl Into<Vec<u8>>) -> Reading {
    Reading {
        end,
        digits: digits.into(),
    }
}

/// Every reading of the number that begins at this token; none: it is no number.
pub(super) fn readings(tokens: &[Token], start: usize) -> Vec<Reading> {
    let mut found = plain(tokens, start);
    found.extend(repeated(tokens, start));
    found.extend(of_plurals(tokens, start));
    found.extend(large(tokens, start));
    found
}

fn class(tokens: &[Token], place: usize) -> Option<Class> {
    let token = tokens.get(place)?;
    Some(token.class)
}

/// One token, or tens with their unit.
fn plain(tokens: &[Token], start: usize) -> Vec<Reading> {
    let Some(token) = tokens.get(start) else {
        return Vec::new();
    };
    let one = |digits: &[u8]| vec![reading(start + 1, digits)];
    match token.class {
        Class::Written => one(&written(token)),
        Class::Unit(digit) | Class::Homophone(digit) => one(&[digit]),
        Class::Teen(unit) => one(&[1, unit]),
        Class::Tens(tens) => {
            let Some(Class::Unit(unit @ 1..)) = class(tokens, start + 1) else {
                return one(&[tens, 0]);
            };
            let both = reading(start + 2, [tens, unit]);
            if tokens.get(start + 1).is_some_and(|unit| unit.is_joined) {
                vec![both]
            } else {
                vec![reading(start + 1, [tens, 0]), both]
            }
        }
        Class::Hundred
        | Class::Thousand
        | Class::Repeat(_)
        | Class::Plural(_)
        | Class::Filler
        | Class::Break
        | Class::Other => Vec::new(),
    }
}

fn written(token: &Token) -> Vec<u8> {
    token.text.bytes().map(|digit| digit - b'0').collect()
}

/// `double four`, `triple 0`, and of several digits the first.
fn repeated(tokens: &[Token], start: usize) -> Vec<Reading> {
    let Some(Class::Repeat(times)) = class(tokens, start) else {
        return Vec::new();
    };
    let again = |Reading { end, digits }| {
        let first = digits.first().copied().into_iter();
        let mut all: Vec<u8> = first.flat_map(|digit| vec![digit; usize::from(times) - 1]).collect();
        all.extend(digits);
        reading(end, all)
    };
    plain(tokens, start + 1).into_iter().map(again).collect()
}

/// `four zeros`.
fn of_plurals(tokens: &[Token], start: usize) -> Option<Reading> {
    let times = match (class(tokens, start)?, tokens.get(start)) {
        (Class::Unit(times), _) => times,
        (Class::Written, Some(token)) if token.text.len() == 1 => written(token)[0],
        _ => return None,
    };
    match class(tokens, start + 1)? {
        Class::Plural(digit) if times > 0 => Some(reading(start + 2, vec![digit; times.into()])),
        _ => None,
    }
}

/// A number below a hundred in every reading, as a value.
fn below_hundred(tokens: &[Token], start: usize) -> Vec<(usize, u16)> {
    let value = |Reading { end, digits }: Reading| match digits.as_slice() {
        [unit] => Some((end, u16::from(*unit))),
        [tens, unit] => Some((end, 10 * u16::from(*tens) + u16::from(*unit))),
        _ => None,
    };
    plain(tokens, start).into_iter().filter_map(value).collect()
}

/// `forty one hundred`, `one hundred and eleven`, `four thousand one hundred eleven`.
fn large(tokens: &[Token], start: usize) -> Vec<Reading> {
    let mut found = Vec::new();
    for (end, value) in below_hundred(tokens, start) {
        match class(tokens, end) {
            Some(Class::Hundred) => found.extend(with_rest(tokens, end + 1, &digits_of(value), 2)),
            Some(Class::Thousand) => {
                let thousands = digits_of(value);
                found.extend(with_rest(tokens, end + 1, &thousands, 3));
                for (end, value) in below_hundred(tokens, end + 1) {
                    if value < 10 && class(tokens, end) == Some(Class::Hundred) {
                        let hundreds = [thousands.clone(), digits_of(value)].concat();
                        found.extend(with_rest(tokens, end + 1, &hundreds, 2));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The number by itself, its last places zero; and with what fills them.
fn with_rest(tokens: &[Token], end: usize, front: &[u8], places: usize) -> Vec<Reading> {
    let filled = |rest: &[u8]| {
        let mut digits = front.to_vec();
        digits.resize((front.len() + places).saturating_sub(rest.len()), 0);
        digits.extend_from_slice(rest);
        digits
    };
    let mut found = vec![reading(end, filled(&[]))];
    let behind_and = tokens.get(end).is_some_and(|token| token.text == "and");
    for (end, value) in below_hundred(tokens, end + usize::from(behind_and)) {
        found.push(reading(end, filled(&digits_of(value))));
    }
    found
}

fn digits_of(value: u16) -> Vec<u8> {
    value.to_string().bytes().map(|digit| digit - b'0').collect()
}

/// Whether a word that may be a digit may be none: `the next four are`, `oh sorry`, `for`.
pub(super) fn is_passed_over(tokens: &[Token], place: usize) -> bool {
    let Some(token) = tokens.get(place) else {
        return false;
    };
    match token.class {
        Class::Homophone(_) | Class::Filler | Class::Other => true,
        Class::Unit(0) if matches!(token.text.as_str(), "oh" | "o") => true,
        Class::Unit(_) | Class::Written => counts_digits(tokens, place),
        Class::Teen(_)
        | Class::Tens(_)
        | Class::Hundred
        | Class::Thousand
        | Class::Repeat(_)
        | Class::Plural(_)
        | Class::Break => false,
    }
}

/// Whether a digit says how many or which are meant: `the next four`, `three digits`.
pub(super) fn counts_digits(tokens: &[Token], place: usize) -> bool {
    const BEFORE: [&str; 11] = [
        "first",
        "last",
        "next",
        "other",
        "second",
        "third",
        "final",
        "that",
        "this",
        "which",
        "remaining",
    ];
    const BEHIND: [&str; 4] = ["digits", "digit", "numbers", "more"];
    let is_short = tokens.get(place).is_some_and(|token| match token.class {
        Class::Unit(_) => true,
        Class::Written => token.text.len() == 1,
        _ => false,
    });
    let says = |place: Option<usize>, words: &[&str]| {
        let token = place.and_then(|place| tokens.get(place));
        token.is_some_and(|token| words.contains(&token.text.as_str()))
    };
    is_short && (says(place.checked_sub(1), &BEFORE) || says(Some(place + 1), &BEHIND))
}
