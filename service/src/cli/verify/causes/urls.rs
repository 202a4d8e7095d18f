//! The ways in which a URL comes to differ from the one that was signed. Pure; called by `causes`.

use crate::signature::whole;

/// Ports on which services listen behind a proxy, and those of the schemes.
const PORTS: [&str; 8] = ["443", "80", "8443", "8080", "8000", "8081", "3000", "5000"];

/// More orders than those of this many pairs are not tried.
const REORDERED_PAIRS_LIMIT: usize = 6;

/// Undoes each known mistake: the sentence, and the URL as it would be without it. `as_given` still has user, password and
/// fragment.
pub fn variants(url: &str, as_given: &str) -> Vec<(String, String)> {
    let mut variants = Vec::new();
    if as_given != url {
        let cause = "the user, password or fragment of the URL was signed as well: Twilio does not do that, so something else signed";
        variants.push((cause.to_owned(), as_given.to_owned()));
    }
    variants.extend(schemes(url));
    variants.extend(hosts(url));
    variants.extend(ports(url));
    variants.extend(paths(url));
    variants.extend(queries(url));
    variants
}

/// The URLs that were given besides, each with where it differs.
pub fn given(url: &str, others: &[String]) -> Vec<(String, String)> {
    let told = |other: &String| {
        let differing: Vec<_> = pieces(url)
            .into_iter()
            .zip(pieces(other))
            .filter(|((_, one), (_, two))| one != two)
            .map(|((name, _), _)| name)
            .collect();
        let cause = format!(
            "--also-url was signed: its {} {} another",
            differing.join(" and "),
            if differing.len() == 1 { "is" } else { "are" }
        );
        (cause, other.clone())
    };
    others.iter().map(told).collect()
}

fn schemes(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let other = if scheme.eq_ignore_ascii_case("https") {
        "http"
    } else {
        "https"
    };
    let cause =
        format!("the scheme that was signed is {other}: TLS ends in a proxy, or the URL is registered with {other}");
    Some((cause, format!("{other}://{rest}")))
}

fn hosts(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let (what, host) = match rest.strip_prefix("www.") {
        Some(bare) => ("without", bare.to_owned()),
        None => ("with", format!("www.{rest}")),
    };
    let cause = format!("the host that was signed is the one {what} www.: a proxy or a redirect changes it");
    Some((cause, format!("{scheme}://{host}")))
}

fn ports(url: &str) -> Vec<(String, String)> {
    let portless = whole::without_port(url);
    let Some(authority_end) = authority_end(&portless) else {
        return Vec::new();
    };
    let (base, rest) = portless.split_at(authority_end);
    PORTS
        .iter()
        .map(|port| {
            let cause =
                format!("the port that was signed is {port}: the URL is registered with it, or a proxy changes it");
            (cause, format!("{base}:{port}{rest}"))
        })
        .collect()
}

/// A slash more or less at the end, and the path below each of its prefixes.
fn paths(url: &str) -> Vec<(String, String)> {
    let (before_query, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let Some(authority_end) = authority_end(url) else {
        return Vec::new();
    };
    let (base, path) = before_query.split_at(authority_end.min(before_query.len()));
    let mut variants = vec![match path.strip_suffix('/') {
        Some(shorter) => (
            "the path that was signed has no slash at its end: register and configure the same one".to_owned(),
            format!("{base}{shorter}{query}"),
        ),
        None => (
            "the path that was signed has a slash at its end: register and configure the same one".to_owned(),
            format!("{base}{path}/{query}"),
        ),
    }];
    for (place, _) in path.match_indices('/').skip(1) {
        let cause = format!(
            "the path that was signed lacks {}: a proxy adds this prefix, or it is missing where the URL is registered",
            &path[..place]
        );
        variants.push((cause, format!("{base}{}{query}", &path[place..])));
    }
    variants
}

fn queries(url: &str) -> Vec<(String, String)> {
    let Some((base, query)) = url.split_once('?') else {
        return Vec::new();
    };
    let told = |cause: &str, query: &str| (cause.to_owned(), format!("{base}?{query}"));
    let decoded = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&");
    let mut variants = vec![
        (
            "the query was added after the URL was signed".to_owned(),
            base.to_owned(),
        ),
        told(
            "the query was signed with %20 where + stands now: a proxy or framework spells blanks anew",
            &query.replace('+', "%20"),
        ),
        told(
            "the query was signed with + where %20 stands now: a proxy or framework spells blanks anew",
            &query.replace("%20", "+"),
        ),
        told(
            "the query was decoded after it was signed, with + for a blank",
            &encoded(query, "+"),
        ),
        told("the query was decoded after it was signed", &encoded(query, "%20")),
        told("the query was encoded after it was signed", &decoded),
        told(
            "the query was signed with escapes in lower case",
            &with_escapes(query, u8::to_ascii_lowercase),
        ),
        told(
            "the query was signed with escapes in upper case",
            &with_escapes(query, u8::to_ascii_uppercase),
        ),
    ];
    let pairs: Vec<_> = query.split('&').collect();
    for place in 0..pairs.len() {
        let mut fewer = pairs.clone();
        let added = fewer.remove(place);
        let name = added.split('=').next().unwrap_or_default();
        variants.push(told(
            &format!("the parameter {name} of the query was added after the URL was signed"),
            &fewer.join("&"),
        ));
    }
    if pairs.len() <= REORDERED_PAIRS_LIMIT {
        let cause = "the query was signed in another order: set signature.urlTemplate to the registered URL";
        variants.extend(orders(&pairs).iter().map(|order| told(cause, order)));
    }
    variants
}

/// What stands decoded in a query, encoded again.
fn encoded(query: &str, blank: &str) -> String {
    let pairs = query.split('&').map(|pair| {
        let halves = pair.splitn(2, '=').map(|half| {
            let half = half.replace('+', "%2B");
            let encoded: String = form_urlencoded::byte_serialize(half.as_bytes()).collect();
            encoded.replace("%25", "%").replace('+', blank)
        });
        halves.collect::<Vec<_>>().join("=")
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn with_escapes(query: &str, change: fn(&u8) -> u8) -> String {
    let mut bytes = query.as_bytes().to_vec();
    for (place, _) in query.match_indices('%') {
        for byte in bytes.iter_mut().skip(place + 1).take(2) {
            *byte = change(byte);
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| query.to_owned())
}

fn orders(pairs: &[&str]) -> Vec<String> {
    if pairs.len() <= 1 {
        return vec![pairs.concat()];
    }
    let mut all = Vec::new();
    for (place, first) in pairs.iter().enumerate() {
        let mut rest = pairs.to_vec();
        rest.remove(place);
        all.extend(orders(&rest).iter().map(|rest| format!("{first}&{rest}")));
    }
    all
}

fn authority_end(url: &str) -> Option<usize> {
    let start = url.find("://")? + "://".len();
    Some(url[start..].find(['/', '?', '#']).map_or(url.len(), |end| start + end))
}

fn pieces(url: &str) -> [(&'static str, &str); 4] {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = before_query.split_at(before_query.find('/').unwrap_or(before_query.len()));
    [
        ("scheme", scheme),
        ("host or port", host),
        ("path", path),
        ("query", query),
    ]
}
