//! Decides whether a request comes from a listed address. Pure: called by `server` with the other side of the connection
//! and the request's `X-Forwarded-For`.
//!
//! Anybody may write anything into that header; each proxy appends the address that it saw. So it is read from the right,
//! and only as far as trusted proxies wrote it: the first address that is none of theirs is the source. A signature proves
//! who signed and not from where it was sent, hence a listed source is one more condition and never one less.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The header in which proxies say whom they speak for.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// What follows for a request whose source is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is counted.
    Audit,
    /// It is not served.
    Enforce,
}

/// The addresses from which requests may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePolicy {
    /// What follows.
    pub mode: Mode,
    /// The listed ranges.
    pub sources: Vec<IpNet>,
    /// The proxies whose word is taken for whom they speak.
    pub trusted_proxies: Vec<IpNet>,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From a listed range.
    Listed,
    /// From elsewhere.
    Unlisted,
    /// A trusted proxy did not say, or said something that is no address.
    Unknown,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Listed, Self::Unlisted, Self::Unknown];

    /// The label of the metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Unlisted => "unlisted",
            Self::Unknown => "unknown",
        }
    }
}

impl SourcePolicy {
    /// Where the request comes from; `forwarded` are the values of the header in the order in which they came.
    pub fn origin<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a [u8]>) -> Origin {
        let peer = peer.to_canonical();
        let source = if is_in(&self.trusted_proxies, peer) {
            self.nearest_untrusted(forwarded)
        } else {
            Some(peer)
        };
        match source {
            Some(source) if is_in(&self.sources, source) => Origin::Listed,
            Some(_) => Origin::Unlisted,
            None => Origin::Unknown,
        }
    }

    /// The word for why a genuine request from there is not served; none if it is.
    #[must_use]
    pub fn obstacle(&self, origin: Origin) -> Option<&'static str> {
        match (self.mode, origin) {
            (Mode::Audit, _) | (Mode::Enforce, Origin::Listed) => None,
            (Mode::Enforce, Origin::Unlisted) => Some("source_unlisted"),
            (Mode::Enforce, Origin::Unknown) => Some("source_unknown"),
        }
    }

    /// What stands left of a word that is no address was written by nobody whom we trust, so that nothing is known.
    fn nearest_untrusted<'a>(&self, forwarded: impl DoubleEndedIterator<Item = &'a [u8]>) -> Option<IpAddr> {
        for value in forwarded.rev() {
            for hop in value.rsplit(|byte| *byte == b',') {
                let hop = address(hop)?;
                if !is_in(&self.trusted_proxies, hop) {
                    return Some(hop);
                }
            }
        }
        None
    }
}

/// An address as proxies write it: alone, or with the port of the connection.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let alone = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let with_port = || hop.parse().ok().map(|address: SocketAddr| address.ip());
    let address = alone.parse().ok().or_else(with_port)?;
    Some(address.to_canonical())
}

fn is_in(ranges: &[IpNet], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::{Mode, Origin, SourcePolicy};

    fn policy(mode: Mode) -> Result<SourcePolicy, Box<dyn Error>> {
        let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        Ok(SourcePolicy {
            mode,
            sources: ranges(&["198.51.100.0/24", "2001:db8:1::/48"])?,
            trusted_proxies: ranges(&["10.0.0.0/8", "2001:db8:2::/48"])?,
        })
    }

    #[test]
    fn reads_the_header_from_the_right_as_far_as_trusted_proxies_wrote_it() -> Result<(), Box<dyn Error>> {
        let policy = policy(Mode::Enforce)?;
        for (what, peer, forwarded, expected) in [
            ("a listed peer", "198.51.100.7", &[][..], Origin::Listed),
            ("a listed peer of IPv6", "2001:db8:1::7", &[], Origin::Listed),
            (
                "a listed peer, as IPv6 writes it",
                "::ffff:198.51.100.7",
                &[],
                Origin::Listed,
            ),
            ("another peer", "203.0.113.9", &[], Origin::Unlisted),
            (
                "another peer that claims",
                "203.0.113.9",
                &["198.51.100.7"],
                Origin::Unlisted,
            ),
            (
                "a listed peer that claims",
                "198.51.100.7",
                &["203.0.113.9"],
                Origin::Listed,
            ),
            (
                "a proxy for a listed one",
                "10.0.0.1",
                &["198.51.100.7"],
                Origin::Listed,
            ),
            ("a proxy for another", "10.0.0.1", &["203.0.113.9"], Origin::Unlisted),
            (
                "another that claims before the proxy",
                "10.0.0.1",
                &["198.51.100.7, 203.0.113.9"],
                Origin::Unlisted,
            ),
            (
                "two proxies",
                "10.0.0.1",
                &["203.0.113.9, 198.51.100.7,10.1.1.1"],
                Origin::Listed,
            ),
            (
                "two headers",
                "10.0.0.1",
                &["203.0.113.9", "198.51.100.7"],
                Origin::Listed,
            ),
            (
                "two headers, the other way",
                "10.0.0.1",
                &["198.51.100.7", "203.0.113.9"],
                Origin::Unlisted,
            ),
            (
                "a proxy of IPv6, and ports",
                "2001:db8:2::1",
                &["[2001:db8:1::7]:443, 10.2.2.2:80"],
                Origin::Listed,
            ),
            (
                "brackets without a port",
                "10.0.0.1",
                &["[2001:db8:1::7]"],
                Origin::Listed,
            ),
            ("a proxy that says nothing", "10.0.0.1", &[], Origin::Unknown),
            ("proxies alone", "10.0.0.1", &["10.0.0.2, 10.0.0.3"], Origin::Unknown),
            ("a name", "10.0.0.1", &["198.51.100.7, office"], Origin::Unknown),
            ("`unknown`", "10.0.0.1", &["unknown"], Origin::Unknown),
            (
                "nothing between commas",
                "10.0.0.1",
                &["198.51.100.7,, 10.0.0.2"],
                Origin::Unknown,
            ),
            ("an empty header", "10.0.0.1", &[""], Origin::Unknown),
            ("bytes", "10.0.0.1", &["198.51.100.7\u{e9}"], Origin::Unknown),
        ] {
            let forwarded = forwarded.iter().map(|value| value.as_bytes());
            assert_eq!(policy.origin(peer.parse()?, forwarded), expected, "{what}");
        }
        Ok(())
    }

    #[test]
    fn only_enforcing_stands_in_the_way_and_only_of_what_is_not_listed() -> Result<(), Box<dyn Error>> {
        for (mode, obstacles) in [
            (Mode::Audit, [None, None, None]),
            (Mode::Enforce, [None, Some("source_unlisted"), Some("source_unknown")]),
        ] {
            let policy = policy(mode)?;
            assert_eq!(Origin::ALL.map(|origin| policy.obstacle(origin)), obstacles, "{mode:?}");
        }
        Ok(())
    }
}
