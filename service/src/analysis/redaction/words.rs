//! What an English word may be where a number is spoken.

/// The part of a word in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Digits as such.
    Written,
    /// `four`.
    Unit(u8),
    /// A word that sounds like a digit, and mostly is something else: `for`.
    Homophone(u8),
    /// `fourteen`.
    Teen(u8),
    /// `forty`.
    Tens(u8),
    /// `hundred`.
    Hundred,
    /// `thousand`.
    Thousand,
    /// `double`.
    Repeat(u8),
    /// `fours`.
    Plural(u8),
    /// What speakers say between the digits of one number.
    Filler,
    /// What begins another number.
    Break,
    /// Any other word.
    Other,
}

/// What a token is; it is in lower case.
pub(super) fn class(word: &str) -> Class {
    if word.starts_with(|char: char| char.is_ascii_digit()) {
        return Class::Written;
    }
    match word {
        "zero" | "oh" | "o" | "nought" | "naught" | "ought" | "nil" => Class::Unit(0),
        "one" => Class::Unit(1),
        "two" => Class::Unit(2),
        "three" => Class::Unit(3),
        "four" => Class::Unit(4),
        "five" => Class::Unit(5),
        "six" => Class::Unit(6),
        "seven" => Class::Unit(7),
        "eight" => Class::Unit(8),
        "nine" | "niner" => Class::Unit(9),
        "won" => Class::Homophone(1),
        "to" | "too" => Class::Homophone(2),
        "tree" => Class::Homophone(3),
        "for" | "fore" | "forth" => Class::Homophone(4),
        "sex" | "sicks" => Class::Homophone(6),
        "ate" => Class::Homophone(8),
        "zeros" | "zeroes" | "ohs" | "noughts" => Class::Plural(0),
        "ones" => Class::Plural(1),
        "twos" => Class::Plural(2),
        "threes" => Class::Plural(3),
        "fours" => Class::Plural(4),
        "fives" => Class::Plural(5),
        "sixes" => Class::Plural(6),
        "sevens" => Class::Plural(7),
        "eights" => Class::Plural(8),
        "nines" => Class::Plural(9),
        "double" => Class::Repeat(2),
        "triple" | "treble" => Class::Repeat(3),
        "quadruple" => Class::Repeat(4),
        "hundred" => Class::Hundred,
        "thousand" => Class::Thousand,
        _ => teens_and_tens(word),
    }
}

fn teens_and_tens(word: &str) -> Class {
    const TEENS: [&str; 10] = [
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let place = |list: &[&str], offset: usize| {
        let place = list.iter().position(|known| *known == word)?;
        u8::try_from(place + offset).ok()
    };
    if let Some(unit) = place(&TEENS, 0) {
        Class::Teen(unit)
    } else if let Some(tens) = place(&TENS, 2) {
        Class::Tens(tens)
    } else if word == "fourty" {
        Class::Tens(4)
    } else if FILLERS.contains(&word) {
        Class::Filler
    } else if BREAKS.contains(&word) {
        Class::Break
    } else {
        Class::Other
    }
}

/// Hesitation, agreement, signs by their names, and what holds a number together.
const FILLERS: [&str; 56] = [
    "a", "ah", "alright", "and", "are", "comma", "correct", "dash", "digit", "digits", "dot", "er", "erm", "exactly",
    "followed", "by", "got", "hmm", "hyphen", "i", "is", "it", "it's", "last", "like", "me", "mhm", "mm", "next",
    "number", "numbers", "ok", "okay", "please", "right", "see", "so", "sorry", "space", "sure", "that", "that's",
    "the", "then", "this", "uh", "uhm", "um", "umm", "wait", "well", "yeah", "yep", "yes", "you", "sir",
];

/// Words of other numbers: what comes after them is not the rest of what came before.
const BREAKS: [&str; 58] = [
    "$",
    "€",
    "£",
    "%",
    "address",
    "age",
    "amount",
    "apartment",
    "balance",
    "birth",
    "birthday",
    "born",
    "cents",
    "code",
    "cvc",
    "cvv",
    "date",
    "days",
    "dollar",
    "dollars",
    "euro",
    "euros",
    "exp",
    "expiration",
    "expires",
    "expiry",
    "extension",
    "hours",
    "invoice",
    "minutes",
    "months",
    "o'clock",
    "order",
    "percent",
    "phone",
    "postal",
    "postcode",
    "pounds",
    "quantity",
    "reference",
    "room",
    "routing",
    "security",
    "seconds",
    "social",
    "ssn",
    "street",
    "suite",
    "telephone",
    "ticket",
    "times",
    "tracking",
    "units",
    "weeks",
    "years",
    "zip",
    "zipcode",
    "avenue",
];
