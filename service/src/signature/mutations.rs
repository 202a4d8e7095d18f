//! A million requests that were changed after they were signed, and those changes that no verifier of this algorithm can
//! see.

use std::num::NonZero;
use std::thread;

use secrecy::SecretString;

use super::{
    Candidates, ClaimedSignature, Coverage, Covered, EndpointUrl, Parameter, Spellings, Verified, covering, sign,
    verify,
};

const MUTATIONS: usize = 1_000_000;
const MUTATIONS_PER_REQUEST: usize = 500;
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Xorshift: the same requests in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or(0)
    }

    fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"abcXYZ019._~-%+'\" =&:/@";
        (0..length)
            .map(|_| char::from(LETTERS[self.below(LETTERS.len())]))
            .collect()
    }
}

/// What arrives, with the signature of what was sent.
#[derive(Clone)]
struct Request {
    url: EndpointUrl,
    query: String,
    parameters: Vec<Parameter>,
    signature: String,
    token: &'static str,
}

impl Request {
    fn new(dice: &mut Dice) -> Self {
        let mut request = Self {
            url: url(&format!("/sms/{}", dice.below(10))),
            query: encoded(&pairs(dice)),
            parameters: pairs(dice),
            signature: String::new(),
            token: TOKEN,
        };
        let signed = request.url.text(request.url.written_form(), Some(&request.query));
        request.signature = sign(&SecretString::from(TOKEN), &signed, &request.parameters);
        request
    }

    fn verify(&self) -> Option<Verified> {
        let urls = Candidates::of_endpoint(&self.url, Some(&self.query), &Spellings::default());
        let coverings = covering::accepted(
            Coverage::Strict,
            Some(&self.query),
            Covered::Parameters(&self.parameters),
        );
        let claimed = ClaimedSignature::read(std::iter::once(self.signature.as_bytes())).ok()?;
        verify(&[SecretString::from(self.token)], &urls, &coverings.ok()?, claimed).ok()
    }

    /// Changes one thing, never by a move across the border of a name, a value or the URL.
    fn mutated(&self, dice: &mut Dice) -> Self {
        let mut changed = self.clone();
        let place = dice.below(self.parameters.len());
        match dice.below(9) {
            0 => changed.signature = flipped(&self.signature, dice),
            1 => changed.token = "1123456789abcdef0123456789abcdef",
            2 => changed.url = url(&format!("{}/x", self.url.path())),
            3 => changed.query = encoded(&with_other_value(&decoded(&self.query), dice)),
            4 => changed.query.push_str("&added=1"),
            5 => changed.query = encoded(&decoded(&self.query)[1..]),
            6 => changed.parameters = with_other_value(&self.parameters, dice),
            7 => changed.parameters.push(("added".to_owned(), dice.text(3))),
            _ => drop(changed.parameters.remove(place)),
        }
        changed
    }
}

fn url(path: &str) -> EndpointUrl {
    EndpointUrl::new("https://a.example", path).expect("it is a URL")
}

/// Names of their own, so that leaving one out is always a change.
fn pairs(dice: &mut Dice) -> Vec<Parameter> {
    (0..=dice.below(3))
        .map(|place| {
            let length = 1 + dice.below(12);
            (format!("name{place}"), dice.text(length))
        })
        .collect()
}

fn encoded(pairs: &[Parameter]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn decoded(query: &str) -> Vec<Parameter> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn with_other_value(pairs: &[Parameter], dice: &mut Dice) -> Vec<Parameter> {
    let mut changed = pairs.to_vec();
    let place = dice.below(changed.len());
    changed[place]
        .1
        .push(char::from(b'A' + u8::try_from(dice.below(26)).unwrap_or(0)));
    changed
}

fn flipped(signature: &str, dice: &mut Dice) -> String {
    let mut bytes = signature.as_bytes().to_vec();
    // The last letter carries unused bits, and `=` is none.
    let place = dice.below(26);
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap_or_default()
}

fn accepted(seed: u64, requests: usize) -> usize {
    let mut dice = Dice(seed);
    let mut accepted = 0;
    for _ in 0..requests {
        let request = Request::new(&mut dice);
        assert!(request.verify().is_some(), "what is not changed is accepted");
        for _ in 0..MUTATIONS_PER_REQUEST {
            accepted += usize::from(request.mutated(&mut dice).verify().is_some());
        }
    }
    accepted
}

#[test]
fn accepts_none_of_a_million_requests_that_were_changed_after_they_were_signed() {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(8);
    let requests = MUTATIONS.div_ceil(MUTATIONS_PER_REQUEST * threads);
    let accepted: usize = thread::scope(|scope| {
        let running: Vec<_> = (1..=threads as u64)
            .map(|seed| scope.spawn(move || accepted(seed * 7919, requests)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or(usize::MAX / 16))
            .sum()
    });
    assert_eq!(accepted, 0);
}

fn request(query: &str, parameters: &[(&str, &str)], signature: &str) -> Request {
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request {
        url: url("/sms"),
        query: query.to_owned(),
        parameters: parameters.collect(),
        signature: signature.to_owned(),
        token: TOKEN,
    }
}

/// The limit of the algorithm: nothing delimits names, values and URL. That an endpoint accepts one encoding, and reads the
/// fields that it knows, is what stands against it.
#[test]
fn cannot_tell_apart_what_signs_alike() {
    let token = SecretString::from(TOKEN);
    let signature = sign(&token, "https://a.example/sms?a=1phone+1415", &[]);
    for (what, query, parameters) in [
        ("as it was sent", "a=1", &[("phone", "+1415")][..]),
        ("a border moved to the left", "a=1", &[("pho", "ne+1415")]),
        ("a border moved to the right", "a=1", &[("phone+1", "415")]),
        ("one parameter made two", "a=", &[("1", "ph"), ("one", "+1415")]),
        ("the end of the URL made a parameter", "a=", &[("1phone", "+1415")]),
        ("a parameter made the end of the URL", "a=1phone+1415", &[]),
    ] {
        assert!(request(query, parameters, &signature).verify().is_some(), "{what}");
    }
    let twice = sign(&token, "https://a.example/sms?a=1", &[("b".to_owned(), "1".to_owned())]);
    assert!(
        request("a=1", &[("b", "1"), ("b", "1")], &twice).verify().is_some(),
        "a repeated pair is signed once"
    );
}
