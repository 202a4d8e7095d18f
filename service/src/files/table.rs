//! A table that a Secret holds: YAML or JSON, an object with a member for each phone number. Called by `files` alone.

use std::path::Path;
use std::sync::Arc;

use marketplace_crds::handler::table::TABLE;

use super::secret::{ReadSecret, SecretFolder};
use crate::config::TableEntries;

/// The largest that a Secret can be.
const LIMIT_BYTES: u64 = 1024 * 1024;
/// More than this is a database's work.
const LIMIT_ENTRIES: usize = 20_000;

/// Reads the table whole, or says what is wrong with it without a word of what is in it.
pub(super) fn read(folder: &Path, secret: &str) -> Result<Arc<TableEntries>, ReadSecret> {
    let bytes = SecretFolder::open(folder, secret)?.document(TABLE, LIMIT_BYTES)?;
    parse(&bytes).map(Arc::new).map_err(|what| ReadSecret::AcceptValue {
        secret: secret.to_owned(),
        key: TABLE.to_owned(),
        what,
    })
}

fn parse(bytes: &[u8]) -> Result<TableEntries, &'static str> {
    if bytes.len() as u64 > LIMIT_BYTES {
        return Err("larger than 1 MiB");
    }
    // Nothing at all is a file that was not written, and no table without entries: that is `{}`.
    let entries: Option<TableEntries> = serde_yaml::from_slice(bytes)
        .map_err(|_| "no object with a member for each phone number, whose value is an object")?;
    let entries = entries.ok_or("empty")?;
    if entries.len() > LIMIT_ENTRIES {
        return Err("of more than 20000 numbers");
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn takes_yaml_and_json_and_nothing_half() {
        for (text, expected) in [
            ("\"+14155551212\": {name: Ada}", Some(1)),
            ("{\"+14155551212\": {\"name\": \"Ada\"}, \"+14155551213\": {}}", Some(2)),
            ("{}", Some(0)),
            ("+14155551212: {name: Ada}", Some(1)),
            ("\"+14155551212\": Ada", None),
            ("- \"+14155551212\"", None),
            ("", None),
            ("{", None),
        ] {
            assert_eq!(
                parse(text.as_bytes()).ok().map(|entries| entries.len()),
                expected,
                "{text}"
            );
        }
        let unquoted = parse(b"+14155551212: {name: Ada}").expect("it is YAML");
        assert!(
            unquoted.contains_key("+14155551212"),
            "a key keeps its plus sign: {unquoted:?}"
        );
        assert!(parse(&vec![b' '; 1024 * 1024 + 1]).is_err());
        let many: Vec<_> = (0..20_001).map(|number| format!("\"+{number}\": {{}}")).collect();
        assert_eq!(parse(many.join("\n").as_bytes()), Err("of more than 20000 numbers"));
    }
}
