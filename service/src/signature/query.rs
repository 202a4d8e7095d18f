//! The other ways in which signers spell a query than it is sent. Pure, text to text; called by `candidates`. Nothing is
//! written anew that is spelt in that way already, as most queries are: this is done for every request.

use std::borrow::Cow;
use std::collections::HashMap;

/// How many pairs Node's `querystring` reads; what follows them is not part of its form.
const LEGACY_PAIRS_LIMIT: usize = 1000;

/// So many pairs are looked through for a name that stands twice: more than any add-on's query has.
const FEW_PAIRS: usize = 16;

/// Whether every spelling of this query is surely the same: one look at most queries, in place of one for each spelling.
#[must_use]
pub fn has_one_spelling(query: &str) -> bool {
    !query.contains('\'') && is_legacy(query)
}

/// As `new URL()` writes the query of an http(s) URL: only what may not stand in one is escaped.
#[must_use]
pub fn escaped(query: &str) -> Cow<'_, str> {
    if query.bytes().all(may_stand_in_query) {
        return Cow::Borrowed(query);
    }
    let mut text = String::with_capacity(query.len());
    for byte in query.bytes() {
        if may_stand_in_query(byte) {
            text.push(char::from(byte));
        } else {
            push_escape(&mut text, byte);
        }
    }
    Cow::Owned(text)
}

const fn may_stand_in_query(byte: u8) -> bool {
    matches!(byte, b'!' | b'$'..=b'&' | b'('..=b';' | b'=' | b'?'..=b'~')
}

/// With the plain apostrophe in place of its escape.
#[must_use]
pub fn with_plain_quotes(query: &str) -> Cow<'_, str> {
    if query.contains("%27") {
        Cow::Owned(query.replace("%27", "'"))
    } else {
        Cow::Borrowed(query)
    }
}

/// Decoded and encoded again in the way of Node's `querystring`, which Twilio's library for Node has long tried as well.
/// A blank that was sent as `+` becomes `%20`, a name without `=` gets one, a repeated name moves to its first place, and
/// names that are array indices to JavaScript come first, in order of number.
#[must_use]
pub fn legacy(query: &str) -> Cow<'_, str> {
    if is_legacy(query) {
        return Cow::Borrowed(query);
    }
    Cow::Owned(legacy_pairs(query))
}

/// Whether these are few pairs with different names, as most queries are, and surely spelt in the way of `querystring`.
/// Escapes of what is not ASCII are never sure: they may be no text; nor are names that may be an array's indices.
fn is_legacy(query: &str) -> bool {
    let mut names = [""; FEW_PAIRS];
    for (place, pair) in query.split('&').enumerate() {
        let Some((name, value)) = pair.split_once('=').filter(|_| place < FEW_PAIRS) else {
            return false;
        };
        let is_sure = !names[..place].contains(&name) && !name.starts_with(|first: char| first.is_ascii_digit());
        if !is_sure || !is_legacy_text(name) || !is_legacy_text(value) {
            return false;
        }
        names[place] = name;
    }
    true
}

fn is_legacy_text(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_legacy = match byte {
            b'%' => {
                let escape = [bytes.next(), bytes.next()].map(|digit| digit.and_then(upper_hex));
                matches!(escape, [Some(high @ ..8), Some(low)] if !is_legacy_plain(high << 4 | low))
            }
            plain => is_legacy_plain(plain),
        };
        if !is_legacy {
            return false;
        }
    }
    true
}

const fn upper_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The bytes that Node's `querystring` leaves as they are.
const fn is_legacy_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'\''..=b'*' | b'-' | b'.' | b'_' | b'~')
}

fn legacy_pairs(query: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut values_by_name: HashMap<String, Vec<String>> = HashMap::new();
    let pairs = query.split('&').take(LEGACY_PAIRS_LIMIT);
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, value) = decoded(pair);
        let values = values_by_name.entry(name.clone()).or_insert_with(|| {
            names.push(name);
            Vec::new()
        });
        values.push(value);
    }
    // Stable, so that the other names stay in the order in which they came.
    names.sort_by_key(|name| array_index(name).map_or((1, 0), |index| (0, index)));
    let mut text = String::with_capacity(query.len());
    for name in names {
        for value in values_by_name.remove(&name).unwrap_or_default() {
            if !text.is_empty() {
                text.push('&');
            }
            push_pair(&mut text, &name, &value);
        }
    }
    text
}

fn push_pair(text: &mut String, name: &str, value: &str) {
    legacy_encode(text, name);
    text.push('=');
    legacy_encode(text, value);
}

/// The received pairs, their bytes unchanged, in the order in which the names stand in the URL as it is registered;
/// further pairs follow as they came. Twilio has been seen to send a query sorted and to sign it unsorted.
#[must_use]
pub fn in_order_of(names: &[String], query: &str) -> String {
    let mut received: Vec<Option<&str>> = query.split('&').map(Some).collect();
    let mut pairs = Vec::with_capacity(received.len());
    for name in names {
        let place = received
            .iter()
            .position(|pair| pair.is_some_and(|pair| name_of(pair) == *name));
        pairs.extend(place.and_then(|place| received[place].take()));
    }
    pairs.extend(received.into_iter().flatten());
    pairs.join("&")
}

/// The names of a query in their order, decoded, so that either spelling of a name finds its pair.
#[must_use]
pub fn names(query: &str) -> Vec<String> {
    query.split('&').map(name_of).collect()
}

fn name_of(pair: &str) -> String {
    decoded(pair).0
}

fn decoded(pair: &str) -> (String, String) {
    form_urlencoded::parse(pair.as_bytes()).next().map_or_else(
        || (String::new(), String::new()),
        |(name, value)| (name.into_owned(), value.into_owned()),
    )
}

fn legacy_encode(text: &mut String, decoded: &str) {
    for byte in decoded.bytes() {
        if is_legacy_plain(byte) {
            text.push(char::from(byte));
        } else {
            push_escape(text, byte);
        }
    }
}

fn push_escape(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    text.push('%');
    text.push(char::from(DIGITS[usize::from(byte >> 4)]));
    text.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// What JavaScript takes for the index of an element, and therefore lists before every other name.
fn array_index(name: &str) -> Option<u32> {
    let index: u32 = name.parse().ok().filter(|index| *index < u32::MAX)?;
    (index.to_string() == name).then_some(index)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::{escaped, has_one_spelling, in_order_of, is_legacy, legacy, legacy_pairs, names, with_plain_quotes};

    #[test]
    fn escapes_what_may_not_stand_in_a_query_and_nothing_else() {
        let plain = "a=1&b=%27%2b+!$()*,-./:;?@[]^_`{|}~\\";
        assert_eq!(escaped(plain), plain);
        assert_eq!(escaped("q='\"<> é#"), "q=%27%22%3C%3E%20%C3%A9%23");
        assert_eq!(with_plain_quotes("a=%27b'%2527"), "a='b'%2527");
    }

    // Each row was printed by `querystring.stringify(querystring.parse(query))` of Node 20.
    #[test]
    fn spells_a_query_as_nodes_querystring_does() {
        for (query, expected) in [
            ("foo=1&bar=2", "foo=1&bar=2"),
            ("a=it%27s+new&b=x%20y", "a=it's%20new&b=x%20y"),
            ("a=1&b=2&a=3", "a=1&a=3&b=2"),
            ("b=2&10=x&9=y&a=1&010=z", "9=y&10=x&b=2&a=1&010=z"),
            ("4294967294=a&x=1&4294967295=b", "4294967294=a&x=1&4294967295=b"),
            ("x=1&4294967294=a", "4294967294=a&x=1"),
            ("a&&b=&=c&", "a=&b=&=c"),
            ("a=b=c", "a=b%3Dc"),
            ("a=%zz%41", "a=%25zzA"),
            ("a=%ff%C3%A9", "a=%EF%BF%BD%C3%A9"),
            ("a=%E9", "a=%EF%BF%BD"),
            ("a=100%", "a=100%25"),
            ("a=!'()*-._~/:@", "a=!'()*-._~%2F%3A%40"),
            ("__proto__=1&a=2", "__proto__=1&a=2"),
            ("=", "="),
        ] {
            assert_eq!(legacy(query), expected, "{query}");
        }
        let many = vec!["a=1"; 1001].join("&");
        assert_eq!(legacy(&many).matches('=').count(), 1000);
    }

    #[test]
    fn writes_nothing_anew_of_what_most_queries_are() {
        let query = "phone=%2B14155551212&body=a%20b";
        assert!(has_one_spelling(query));
        for spelt in [escaped(query), with_plain_quotes(query), legacy(query)] {
            assert!(matches!(spelt, Cow::Borrowed(same) if same == query), "{spelt}");
        }
        let many: Vec<_> = (0..100).map(|number| format!("a{number}=1")).collect();
        assert!(
            !has_one_spelling(&many.join("&")),
            "who sends this many waits for the long way"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_is_taken_for_legacy_is_written_as_it_was(query in "([a1=&+'!/%~é]|%[02467][017ABEFabef]|&?[ab1]=a?){0,6}") {
            if is_legacy(&query) {
                prop_assert_eq!(&legacy_pairs(&query), &query);
            }
            if has_one_spelling(&query) {
                prop_assert_eq!(escaped(&query), query.as_str());
                prop_assert_eq!(with_plain_quotes(&query), query.as_str());
                prop_assert_eq!(legacy_pairs(&query), query);
            }
        }
    }

    #[test]
    fn puts_the_pairs_in_the_order_of_the_registered_url() {
        let registered = names("phone={{primary_address}}&api%5Fkey=K&to={{secondary_address}}");
        for (query, expected) in [
            ("api_key=K&phone=%2b1&to=2", "phone=%2b1&api_key=K&to=2"),
            ("api_key=K&extra=1&phone=1&to=2", "phone=1&api_key=K&to=2&extra=1"),
            ("phone=1&phone=2", "phone=1&phone=2"),
            ("z&y", "z&y"),
            ("", ""),
        ] {
            assert_eq!(in_order_of(&registered, query), expected, "{query}");
        }
    }
}
