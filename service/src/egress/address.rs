//! Decides what kind of address an address is. Pure. Only `Public` is somewhere on the internet; the classes follow the
//! special-purpose registries of IANA (RFC 6890) and what embeds an IPv4 address in an IPv6 one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// Anywhere on the internet.
    Public,
    /// A private network, IPv4 or unique local IPv6.
    Private,
    /// This machine.
    Loopback,
    /// This link; also where clouds keep the metadata of a machine.
    LinkLocal,
    /// Behind a carrier's translation, and metadata of some clouds (100.64.0.0/10).
    SharedAddressSpace,
    /// Many receivers at once, or all.
    Multicast,
    /// Never in use: for texts and measurements.
    Documentation,
    /// No address at all.
    Unspecified,
    /// Set aside for something else.
    Reserved,
}

impl fmt::Display for AddressClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::SharedAddressSpace => "carrier-internal",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::Unspecified => "unspecified",
            Self::Reserved => "reserved",
        })
    }
}

/// What kind of address this is; an address inside another counts as what it leads to.
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => classify_v4(inner),
            None => classify_v6(address),
        },
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        [0, 0, 0, 0] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [169, 254, ..] => AddressClass::LinkLocal,
        [100, 64..=127, ..] => AddressClass::SharedAddressSpace,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, ..] => AddressClass::Documentation,
        [224..=239, ..] | [255, 255, 255, 255] => AddressClass::Multicast,
        // "This network", protocol assignments, the former 6to4 relays, and what is set aside for a future use.
        [0 | 240..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

/// The IPv4 address that a mapped, compatible, NAT64 or 6to4 address leads to.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // ::ffff:a.b.c.d, the translated form ::ffff:0:a.b.c.d, 64:ff9b::a.b.c.d, and 2002:a.b.c.d::
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        // ::a.b.c.d, but not :: and ::1
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) != (0, 0) && (high, low) != (0, 1) => Some(of(high, low)),
        _ => None,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // Unique local, the locally chosen NAT64 prefix, and the former site-local addresses.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressClass::Documentation,
        // Teredo, benchmarking, ORCHID and the rest of 2001::/23.
        [0x2001, 0..=0x01ff, ..] => AddressClass::Reserved,
        // All that is handed out to anyone lies in 2000::/3.
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use std::net::AddrParseError;

    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() -> Result<(), AddrParseError> {
        use AddressClass::{
            Documentation, LinkLocal, Loopback, Multicast, Private, Public, Reserved, SharedAddressSpace, Unspecified,
        };
        for (address, class) in [
            ("54.172.60.0", Public),
            ("172.15.255.255", Public),
            ("172.32.0.1", Public),
            ("100.63.255.255", Public),
            ("100.128.0.1", Public),
            ("2600:1f18::1", Public),
            ("2a00:1450:4001:81b::200e", Public),
            ("0.0.0.0", Unspecified),
            ("::", Unspecified),
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("::1", Loopback),
            ("10.1.2.3", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.1.1", Private),
            ("fc00::1", Private),
            ("fd12:3456::1", Private),
            ("fec0::1", Private),
            ("169.254.169.254", LinkLocal),
            ("fe80::1", LinkLocal),
            ("100.64.0.1", SharedAddressSpace),
            ("100.100.100.200", SharedAddressSpace),
            ("224.0.0.1", Multicast),
            ("255.255.255.255", Multicast),
            ("ff02::1", Multicast),
            ("192.0.2.1", Documentation),
            ("198.51.100.1", Documentation),
            ("203.0.113.1", Documentation),
            ("198.18.0.1", Documentation),
            ("2001:db8::1", Documentation),
            ("3fff::1", Documentation),
            ("0.1.2.3", Reserved),
            ("192.0.0.170", Reserved),
            ("192.88.99.1", Reserved),
            ("240.0.0.1", Reserved),
            ("2001::1", Reserved),
            ("100::1", Reserved),
            ("4000::1", Reserved),
            // An address inside another is what it leads to.
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:169.254.169.254", LinkLocal),
            ("::ffff:54.172.60.0", Public),
            ("::ffff:0:10.0.0.1", Private),
            ("::10.0.0.1", Private),
            ("64:ff9b::10.0.0.1", Private),
            ("64:ff9b::a9fe:a9fe", LinkLocal),
            ("64:ff9b:1::1", Private),
            ("2002:7f00:1::1", Loopback),
        ] {
            assert_eq!(classify(address.parse()?), class, "{address}");
        }
        Ok(())
    }
}
