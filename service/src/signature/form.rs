//! The names of the texts that a signature may have been made over. A closed set: they are labels of the metrics.

/// The way a URL was written when its signature matched; a label of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// How its characters were spelt.
    pub spelling: Spelling,
    /// Whether a port stood in its authority.
    pub port: Port,
}

/// Whether a port stands in the authority. Twilio leaves it out for some products and keeps it for others, so both are
/// tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// None.
    Absent,
    /// The written one, or the default of the scheme.
    Present,
}

/// How a URL was spelt. Everything but the first is for signers that spell the query in another way than it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// The registered base and the bytes of the query as they came.
    AsReceived,
    /// The same for a host that is registered without any path: no slash between host and query.
    WithoutSlash,
    /// The query's pairs in the order of the URL as it is registered.
    Template,
    /// As a browser would write it: `'`, quotes, angle brackets, blanks and letters beyond ASCII as escapes.
    Escaped,
    /// With `'` where `%27` was sent.
    PlainQuotes,
    /// The query decoded, and encoded again in the way of Node's `querystring`.
    Legacy,
}

impl Port {
    /// Both, in the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::Absent, Self::Present];
}

impl Spelling {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::AsReceived,
        Self::WithoutSlash,
        Self::Template,
        Self::Escaped,
        Self::PlainQuotes,
        Self::Legacy,
    ];
}

impl Form {
    /// Every form, for tables and documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        let spelt = |spelling| Port::ALL.into_iter().map(move |port| Self { spelling, port });
        Spelling::ALL.into_iter().flat_map(spelt)
    }

    /// A URL as it was received.
    #[must_use]
    pub const fn as_received(port: Port) -> Self {
        Self {
            spelling: Spelling::AsReceived,
            port,
        }
    }

    /// The label of the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.spelling, self.port) {
            (Spelling::AsReceived, Port::Absent) => "port_absent",
            (Spelling::AsReceived, Port::Present) => "port_present",
            (Spelling::WithoutSlash, Port::Absent) => "without_slash_port_absent",
            (Spelling::WithoutSlash, Port::Present) => "without_slash_port_present",
            (Spelling::Template, Port::Absent) => "template_port_absent",
            (Spelling::Template, Port::Present) => "template_port_present",
            (Spelling::Escaped, Port::Absent) => "escaped_port_absent",
            (Spelling::Escaped, Port::Present) => "escaped_port_present",
            (Spelling::PlainQuotes, Port::Absent) => "plain_quotes_port_absent",
            (Spelling::PlainQuotes, Port::Present) => "plain_quotes_port_present",
            (Spelling::Legacy, Port::Absent) => "legacy_port_absent",
            (Spelling::Legacy, Port::Present) => "legacy_port_present",
        }
    }
}
