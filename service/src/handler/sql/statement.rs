//! Decides what a configured query means: its named parameters as numbered ones, and that it is one statement. Pure: called
//! by `config`, so that a query that cannot work is refused before anything starts.

use std::fmt;

use crate::admission::Lookup;

/// What begins the name of a parameter that holds a customer's choice.
const CONFIGURATION: &str = "config_";

/// What of a request fills a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryParameter {
    /// `:phone_number`
    PhoneNumber,
    /// `:secondary_phone_number`
    SecondaryPhoneNumber,
    /// `:body`
    Body,
    /// `:request_sid`
    RequestSid,
    /// `:addon_sid`
    AddonSid,
    /// `:addon_version_sid`
    AddonVersionSid,
    /// `:addon_install_sid`
    AddonInstallSid,
    /// `:account_sid`
    AccountSid,
    /// `:vendor_account_sid`
    VendorAccountSid,
    /// `:configuration_sid`
    ConfigurationSid,
}

impl QueryParameter {
    /// Every parameter, at its number less one. The customer's choices have the numbers after them.
    pub const ALL: [Self; 10] = [
        Self::PhoneNumber,
        Self::SecondaryPhoneNumber,
        Self::Body,
        Self::RequestSid,
        Self::AddonSid,
        Self::AddonVersionSid,
        Self::AddonInstallSid,
        Self::AccountSid,
        Self::VendorAccountSid,
        Self::ConfigurationSid,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::PhoneNumber => "phone_number",
            Self::SecondaryPhoneNumber => "secondary_phone_number",
            Self::Body => "body",
            Self::RequestSid => "request_sid",
            Self::AddonSid => "addon_sid",
            Self::AddonVersionSid => "addon_version_sid",
            Self::AddonInstallSid => "addon_install_sid",
            Self::AccountSid => "account_sid",
            Self::VendorAccountSid => "vendor_account_sid",
            Self::ConfigurationSid => "configuration_sid",
        }
    }

    /// What fills it.
    #[must_use]
    pub fn value(self, lookup: &Lookup) -> Option<&str> {
        let Lookup {
            phone_number,
            sent_phone_number: _,
            secondary_phone_number,
            body,
            configuration: _,
            sids,
        } = lookup;
        match self {
            Self::PhoneNumber => Some(phone_number),
            Self::SecondaryPhoneNumber => secondary_phone_number.as_deref(),
            Self::Body => body.as_deref(),
            Self::RequestSid => sids.request.as_deref(),
            Self::AddonSid => sids.addon.as_deref(),
            Self::AddonVersionSid => sids.addon_version.as_deref(),
            Self::AddonInstallSid => sids.addon_install.as_deref(),
            Self::AccountSid => sids.account.as_deref(),
            Self::VendorAccountSid => sids.vendor_account.as_deref(),
            Self::ConfigurationSid => sids.configuration.as_deref(),
        }
    }
}

/// Why a query is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadStatement {
    /// A name that nothing of the request fills.
    #[error(
        "failed to read the query: :{0} is none of :phone_number, :secondary_phone_number, :body, the SIDs such as :addon_install_sid, and :config_NAME for a NAME of request.configuration"
    )]
    KnowParameter(String),
    /// `?`, `@name` or `$1`: parameters are named with a colon.
    #[error("failed to read the query: write parameters as :phone_number, not with {0:?}")]
    NameParameter(char),
    /// Something follows a semicolon.
    #[error("failed to read the query: it is more than one statement")]
    ReadOneStatement,
    /// A quote or comment has no end.
    #[error("failed to read the query: a quote or comment is not closed")]
    CloseQuote,
    /// There is nothing but blanks and comments.
    #[error("failed to read the query: it is empty")]
    FindStatement,
}

/// One statement with numbered parameters: `?1` is the phone number, and so on in the order of `QueryParameter::ALL`, and
/// then of the customer's choices.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    text: String,
    dollars: String,
    configuration: Vec<String>,
}

impl Statement {
    /// Rewrites every named parameter that stands outside of quotes and comments. `configuration` has the names of the
    /// customer's choices.
    pub fn parse(query: &str, configuration: Vec<String>) -> Result<Self, ReadStatement> {
        let mut rewritten = Rewritten::default();
        let mut rest = query;
        let mut ended = false;
        let mut empty = true;
        while let Some(next) = rest.chars().next() {
            let length = skipped_length(rest, next)?;
            if let Some(length) = length {
                let is_comment = rest.starts_with("--") || rest.starts_with("/*");
                if ended && !is_comment {
                    return Err(ReadStatement::ReadOneStatement);
                }
                empty &= is_comment;
                rewritten.push_str(&rest[..length]);
                rest = &rest[length..];
                continue;
            }
            if ended && !next.is_whitespace() {
                return Err(ReadStatement::ReadOneStatement);
            }
            match next {
                '?' | '@' | '$' => return Err(ReadStatement::NameParameter(next)),
                ';' => ended = true,
                ':' if rest[1..].starts_with(|character: char| character.is_alphabetic() || character == '_') => {
                    let name = word(&rest[1..]);
                    rewritten.push_parameter(number(name, &configuration)?);
                    rest = &rest[1 + name.len()..];
                    continue;
                }
                // The cast of PostgreSQL is no parameter.
                ':' if rest.starts_with("::") => {
                    rewritten.push_str("::");
                    rest = &rest[2..];
                    continue;
                }
                _ => {
                    empty &= next.is_whitespace();
                    rewritten.push_str(&rest[..next.len_utf8()]);
                }
            }
            rest = &rest[next.len_utf8()..];
        }
        if empty {
            Err(ReadStatement::FindStatement)
        } else {
            let Rewritten { text, dollars } = rewritten;
            Ok(Self {
                text,
                dollars,
                configuration,
            })
        }
    }

    /// The text for SQLite.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text for Postgres: `$1` is what elsewhere is `?1`.
    #[must_use]
    pub fn with_dollars(&self) -> &str {
        &self.dollars
    }

    /// What fills the parameters, in the order of their numbers.
    pub fn values<'a>(&'a self, lookup: &'a Lookup) -> impl Iterator<Item = Option<&'a str>> {
        let chosen = |name| lookup.configuration.get(name).map(String::as_str);
        QueryParameter::ALL
            .into_iter()
            .map(|parameter| parameter.value(lookup))
            .chain(self.configuration.iter().map(chosen))
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The query in both ways to write a parameter.
#[derive(Default)]
struct Rewritten {
    text: String,
    dollars: String,
}

impl Rewritten {
    fn push_str(&mut self, piece: &str) {
        self.push_each(piece, piece);
    }

    fn push_each(&mut self, text: &str, dollars: &str) {
        self.text.push_str(text);
        self.dollars.push_str(dollars);
    }

    fn push_parameter(&mut self, number: usize) {
        self.push_each("?", "$");
        self.push_str(&number.to_string());
    }
}

/// The length of the quote or comment that begins here, if one does. A doubled quote reopens it at once, so that it need not
/// be told from two quotes side by side.
fn skipped_length(rest: &str, first: char) -> Result<Option<usize>, ReadStatement> {
    let (opening, closing) = match first {
        '\'' | '"' | '`' => (1, first.to_string()),
        '[' => (1, "]".to_owned()),
        '-' if rest.starts_with("--") => {
            return Ok(Some(rest.find('\n').map_or(rest.len(), |end| end + 1)));
        }
        '/' if rest.starts_with("/*") => (2, "*/".to_owned()),
        _ => return Ok(None),
    };
    let end = rest[opening..].find(&closing).ok_or(ReadStatement::CloseQuote)?;
    Ok(Some(opening + end + closing.len()))
}

fn word(text: &str) -> &str {
    let end = text
        .find(|character: char| !character.is_alphanumeric() && character != '_')
        .unwrap_or(text.len());
    &text[..end]
}

fn number(name: &str, configuration: &[String]) -> Result<usize, ReadStatement> {
    let fixed = QueryParameter::ALL
        .iter()
        .position(|parameter| parameter.name() == name);
    let chosen = || {
        let name = name.strip_prefix(CONFIGURATION)?;
        let place = configuration.iter().position(|own| own == name)?;
        Some(QueryParameter::ALL.len() + place)
    };
    fixed
        .or_else(chosen)
        .map(|place| place + 1)
        .ok_or_else(|| ReadStatement::KnowParameter(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{ReadStatement, Statement};

    #[test]
    fn numbers_the_parameters_outside_of_quotes_and_comments() {
        let cases = [
            ("select 1 where p = :phone_number", "select 1 where p = ?1"),
            ("select :body, :body,:secondary_phone_number", "select ?3, ?3,?2"),
            (
                "select ':phone_number' where p=:phone_number",
                "select ':phone_number' where p=?1",
            ),
            ("select 'it''s :body' where b=:body", "select 'it''s :body' where b=?3"),
            (
                "select \":body\", `:body`, [:body], :body",
                "select \":body\", `:body`, [:body], ?3",
            ),
            (
                "select 1 -- :unknown 'open\n, :body",
                "select 1 -- :unknown 'open\n, ?3",
            ),
            ("select /* :unknown; ' */ :body", "select /* :unknown; ' */ ?3"),
            ("select x::text, :body", "select x::text, ?3"),
            ("select 1 - 2 / 3", "select 1 - 2 / 3"),
            ("select :request_sid, :addon_install_sid", "select ?4, ?7"),
            ("select :config_tier, :config_language", "select ?12, ?11"),
            ("select 'é', :body", "select 'é', ?3"),
            ("select 1; -- done", "select 1 -- done"),
        ];
        for (query, expected) in cases {
            let read = Statement::parse(query, vec!["language".to_owned(), "tier".to_owned()]);
            assert_eq!(read.as_ref().map(Statement::as_str), Ok(expected), "{query}");
            let dollars = expected.replace('?', "$");
            assert_eq!(
                read.as_ref().map(Statement::with_dollars),
                Ok(dollars.as_str()),
                "{query}"
            );
        }
    }

    #[test]
    fn refuses_what_is_not_one_statement_with_known_parameters() {
        let cases = [
            ("select :phone", ReadStatement::KnowParameter("phone".to_owned())),
            (
                "select :phone_number_",
                ReadStatement::KnowParameter("phone_number_".to_owned()),
            ),
            (
                "select :config_region",
                ReadStatement::KnowParameter("config_region".to_owned()),
            ),
            ("select ?", ReadStatement::NameParameter('?')),
            ("select ?1", ReadStatement::NameParameter('?')),
            ("select @body", ReadStatement::NameParameter('@')),
            ("select $1", ReadStatement::NameParameter('$')),
            ("select 1; drop table customers", ReadStatement::ReadOneStatement),
            ("select 1; 'x'", ReadStatement::ReadOneStatement),
            ("select 1;;", ReadStatement::ReadOneStatement),
            ("select 'open", ReadStatement::CloseQuote),
            ("select 1 /* open", ReadStatement::CloseQuote),
            (" -- nothing", ReadStatement::FindStatement),
            ("", ReadStatement::FindStatement),
        ];
        for (query, expected) in cases {
            assert_eq!(
                Statement::parse(query, vec!["language".to_owned(), "tier".to_owned()]),
                Err(expected),
                "{query}"
            );
        }
    }
}
