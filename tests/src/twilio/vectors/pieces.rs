//! The random pieces of a request: a small generator of our own, so that a seed gives the same requests with every version
//! of every library, and URLs and parameters by class.

use serde_json::{Map, Value, json};

/// Splitmix64.
pub struct Dice(u64);

impl Dice {
    /// The same throws for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next throw.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.throw() % bound).unwrap_or(0)
    }

    /// Once in so many throws.
    pub fn one_in(&mut self, throws: usize) -> bool {
        self.below(throws) == 0
    }

    /// One of these.
    pub fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const PLAIN: [&str; 6] = ["foo=1", "bar=2", "phone=%2B14155551212", "a.b=c-d_e~f", "X=Y", "n=10"];
const HOSTS: [&str; 4] = ["a.example.com", "addons.example.org", "localhost", "127.0.0.1"];
const PATHS: [&str; 5] = ["/", "/sms", "/insights/sms", "/myapp.php", "/a/b/"];
const PORTS: [&str; 8] = ["", "", "", "", ":443", ":80", ":8443", ":8080"];

const ODD: [&str; 11] = [
    "",
    "a",
    "/sms?a=1",
    "a.example.com/sms",
    "//a.example.com/sms",
    "https:/a",
    "https://",
    "mailto:a@b",
    "a b",
    "https://a b/",
    "https://[::1/",
];

const ODD_PATHS: [&str; 13] = [
    "/a%20b", "/a b", "/é", "/a'b", "/a;b=c", "/%7Euser", "/a:b@c", "/a\"<>", "/a//b", "/a\\b", "/a|b", "/a[b]", "/%e9",
];

/// A URL with one thing out of the ordinary, or with several.
pub fn url(class: &str, dice: &mut Dice) -> String {
    if class == "no URL" {
        return dice.of(&ODD).to_owned();
    }
    let several = class == "several at once";
    let has = |name: &str, dice: &mut Dice| class == name || (several && dice.one_in(4));
    let scheme = if has("scheme in capitals", dice) {
        dice.of(&["HTTPS", "Https", "HTTP"])
    } else if has("another scheme", dice) {
        dice.of(&["wss", "ws", "ftp", "foo+bar.baz-1"])
    } else {
        dice.of(&["https", "https", "http"])
    };
    let user = if has("user and password", dice) {
        dice.of(&["user:word@", "user@", "us%20er:w%40rd@", "user:@", ":@"])
    } else {
        ""
    };
    let host = if has("IPv6 address", dice) {
        dice.of(&["[2001:db8::1]", "[::1]"])
    } else if has("host in capitals", dice) {
        dice.of(&["A.Example.COM", "LOCALHOST"])
    } else if has("host beyond ASCII", dice) {
        dice.of(&["bücher.example", "例え.example"])
    } else {
        dice.of(&HOSTS)
    };
    let port = if has("odd port", dice) {
        dice.of(&[":", ":0443", ":65536", ":x", ":0", ":00"])
    } else {
        dice.of(&PORTS)
    };
    let tail = tail(class, several, dice);
    format!("{scheme}://{user}{host}{port}{tail}")
}

fn tail(class: &str, several: bool, dice: &mut Dice) -> String {
    let has = |name: &str, dice: &mut Dice| class == name || (several && dice.one_in(4));
    let path = if has("no path", dice) {
        ""
    } else if has("marks in the path", dice) {
        dice.of(&ODD_PATHS)
    } else if has("dot segments", dice) {
        dice.of(&["/a/../b", "/./a", "/a/..", "/..", "/a/."])
    } else {
        dice.of(&PATHS)
    };
    let query = query(class, several, dice);
    let fragment = if has("fragment", dice) {
        dice.of(&["#top", "#rc=2&rp=all", "#", "#a?b", "#é"])
    } else {
        ""
    };
    format!("{path}{query}{fragment}")
}

fn query(class: &str, several: bool, dice: &mut Dice) -> String {
    let special = special_pairs(class);
    if class == "empty query" || (several && dice.one_in(6)) {
        return "?".to_owned();
    }
    if special.is_empty() && dice.one_in(4) {
        return String::new();
    }
    let mut pairs = Vec::new();
    for _ in 0..=dice.below(3) {
        let pool = if several {
            &["q=it's", "a[]=1", "a=b+c", "a=%2b", "b=1&b=2", "c", "q=é", "a=%27"]
        } else if special.is_empty() || dice.one_in(3) {
            &PLAIN[..]
        } else {
            special
        };
        pairs.push(dice.of(pool));
    }
    format!("?{}", pairs.join("&"))
}

fn special_pairs(class: &str) -> &'static [&'static str] {
    match class {
        "quotes, blanks or letters beyond ASCII in the query" => {
            &["q=it's", "q=\"a\"", "q=<a>", "q=a b", "q=é", "q=漢字", "'=1", "q='%27'"]
        }
        "other marks in the query" => &[
            "a[]=1",
            "a=b|c",
            "a=b\\c",
            "a=b^c",
            "a=`b`",
            "a={b}",
            "a=b;c",
            "a;b=c",
            "a=b:c@d/e?f",
            "a=!$()*,",
        ],
        "escapes in the query" => &[
            "a=%2b",
            "a=%2B+%2b",
            "a=b+c",
            "a=b%20c",
            "a=%zz",
            "a=%",
            "a=%4",
            "a=%C3%A9",
            "a=%c3%a9",
            "a=%ff",
            "a=%27",
            "a=%22%3C",
            "a%5B%5D=1",
            "a=%41",
            "a=%00",
            "a=%7E~",
        ],
        "repeated or empty pairs in the query" => &[
            "a=1&b=2&a=3",
            "a",
            "a=",
            "=b",
            "&",
            "a=1&",
            "&a=1",
            "a=1&&b=2",
            "a=b=c",
            "10=a&9=b",
            "z=1&2=x",
            "=",
            "a&a",
        ],
        _ => &[],
    }
}

/// Parameters with one thing out of the ordinary.
pub fn parameters(class: &str, dice: &mut Dice) -> Value {
    const NAMES: [&str; 8] = ["From", "To", "Body", "CallSid", "from", "Digits", "a.b", "Z"];
    const VALUES: [&str; 7] = [
        "+14155551212",
        "1234",
        "CA1234567890ABCDE",
        "hello",
        "a=b&c=d",
        "what's \"this\"",
        "100 %",
    ];
    let names: &[&str] = match class {
        "empty names and values" => &["", "a", "b"],
        "parameters beyond ASCII" => &["é", "ß", "漢", "a", "Ω", "z"],
        "names beyond the BMP" => &["😀", "\u{ffee}", "\u{e000}", "a", "𝒳"],
        _ => &NAMES,
    };
    let values: &[&str] = match class {
        "empty names and values" => &["", "", "x"],
        "parameters beyond ASCII" | "names beyond the BMP" => &["é", "e\u{301}", "漢字", "😀", "ﬁ"],
        "blanks in parameters" => &[" a", "a ", "\ta\n", "a\r\nb", "  ", "a\u{a0}", "a\u{0}b"],
        _ => &VALUES,
    };
    let mut parameters = Map::new();
    for _ in 0..=dice.below(5) {
        let name = dice.of(names).to_owned();
        let value = if class == "lists of values" && !dice.one_in(3) {
            let many: Vec<_> = (0..dice.below(4)).map(|_| dice.of(values)).collect();
            json!(many)
        } else {
            json!(dice.of(values))
        };
        parameters.insert(name, value);
    }
    Value::Object(parameters)
}
