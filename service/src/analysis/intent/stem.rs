//! Takes the endings off English words, lightly: what a caller says and what a publisher writes should meet. Two different
//! words may meet as well; both sides are treated alike, so that no word is missed.

/// No shorter stem is left.
const MIN_LETTERS: usize = 3;
/// The longer first.
const ENDINGS: [&str; 19] = [
    "ations", "ation", "ments", "ment", "ings", "ing", "ions", "ion", "ies", "ied", "ers", "er", "ed", "es", "ly", "s",
    "e", "y", "i",
];
/// Words that say little by themselves.
const FUNCTION_WORDS: [&str; 70] = [
    "want", "wants", "wanted", "need", "needs", "like", "get", "got", "a", "about", "am", "an", "and", "are", "as",
    "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he",
    "her", "his", "i", "id", "if", "im", "in", "is", "it", "its", "just", "me", "my", "of", "on", "or", "our",
    "please", "she", "so", "that", "the", "their", "them", "there", "they", "this", "to", "us", "was", "we", "were",
    "will", "with", "would", "you", "your", "ive", "ill",
];

/// A word in lower case without its ending.
pub(super) fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word).replace(['\'', '\u{2019}'], "");
    let mut stem = word.as_str();
    while let Some(shorter) = cut(stem) {
        stem = shorter;
    }
    let mut letters: Vec<char> = stem.chars().collect();
    // The consonant that an ending doubles: cancelled.
    if let [.., one, last] = letters.as_slice()
        && one == last
        && letters.len() > MIN_LETTERS
    {
        letters.pop();
    }
    letters.into_iter().collect()
}

fn cut(word: &str) -> Option<&str> {
    ENDINGS.iter().find_map(|ending| {
        let stem = word.strip_suffix(ending)?;
        let is_part_of_it = *ending == "s" && stem.ends_with('s');
        (stem.chars().count() >= MIN_LETTERS && !is_part_of_it).then_some(stem)
    })
}

/// Whether a word, as it is written, is one that says little.
pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(&word.replace(['\'', '\u{2019}'], "").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            &[
                "cancel",
                "cancels",
                "cancelling",
                "canceling",
                "cancelled",
                "cancellation",
                "cancellations",
            ][..],
            &["bill", "bills", "billing", "billed"],
            &["pay", "pays", "paying", "payment", "payments"],
            &["charge", "charges", "charged", "charging"],
            &["refund", "refunds", "refunded"],
            &["delivery", "deliveries", "delivered", "deliver"],
            &["customer", "customer's", "customers"],
            &["reservation", "reserve", "reserved"],
        ] {
            let stems: Vec<_> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{forms:?} are {stems:?}");
        }
    }

    #[test]
    fn different_words_stay_apart_and_short_ones_whole() {
        let words = [
            "cancel", "account", "order", "return", "open", "close", "new", "bus", "address", "yes",
        ];
        for (place, word) in words.iter().enumerate() {
            assert!(
                words[place + 1..].iter().all(|other| stem(other) != stem(word)),
                "{word}"
            );
        }
        assert_eq!(
            (stem("bus"), stem("is"), stem("ring")),
            ("bus".to_owned(), "is".to_owned(), "ring".to_owned())
        );
    }
}
