//! What a reading publishes, and what it keeps.

use std::fs;
use std::io;
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::{SecretFiles, SecretNames, SecretPlaces, Secrets};
use crate::request::{Expected, SecretKey};

fn write(root: &Path, key: &str, text: &str) -> io::Result<()> {
    let path = root.join(key);
    fs::create_dir_all(path.parent().unwrap_or(root))?;
    fs::write(path, text)
}

fn open(root: &Path) -> (SecretFiles, Secrets) {
    let names = SecretNames {
        credentials: "twilio".to_owned(),
        databases: ["crm".to_owned()].into(),
        object_stores: ["store".to_owned()].into(),
        basic_auth: ["door".to_owned()].into(),
        api_keys: ["speech".to_owned()].into(),
        constants: [("keys".to_owned(), ["crm".to_owned(), "erp".to_owned()].into())].into(),
        authorizations: ["partner".to_owned()].into(),
        tables: ["numbers".to_owned()].into(),
    };
    let places = SecretPlaces {
        folder: root.to_owned(),
        env_file: None,
    };
    SecretFiles::open(places, names)
}

#[test]
fn a_table_that_cannot_be_read_leaves_the_last_good_one_and_shows() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    let (mut files, secrets) = open(root.path());
    let numbers = || secrets.tables["numbers"].borrow().as_ref().map(|table| table.len());
    assert_eq!(numbers(), None);
    let unreadable_at_first = *secrets.unreadable.borrow();
    write(
        root.path(),
        "numbers/table.yaml",
        "{\"+14155551212\": {\"name\": \"Ada\"}}",
    )?;
    files.reread();
    assert_eq!(numbers(), Some(1));
    assert_eq!(*secrets.unreadable.borrow(), unreadable_at_first - 1);
    write(root.path(), "numbers/table.yaml", "+14155551212: Ada")?;
    files.reread();
    assert_eq!(numbers(), Some(1));
    assert_eq!(*secrets.unreadable.borrow(), unreadable_at_first);
    write(root.path(), "numbers/table.yaml", "{}")?;
    files.reread();
    assert_eq!(numbers(), Some(0));
    Ok(())
}

fn tokens(secrets: &Secrets) -> Vec<String> {
    secrets
        .credentials
        .borrow()
        .tokens
        .iter()
        .map(|token| token.expose_secret().to_owned())
        .collect()
}

#[test]
fn has_no_token_before_the_first_good_reading() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    let (mut files, secrets) = open(root.path());
    assert!(tokens(&secrets).is_empty());
    write(root.path(), "twilio/AUTH_TOKEN", "t1")?;
    files.reread();
    assert!(tokens(&secrets).is_empty(), "a token without its account");
    write(root.path(), "twilio/ACCOUNT_SID", "AC1")?;
    files.reread();
    assert_eq!(tokens(&secrets), ["t1"]);
    Ok(())
}

#[test]
fn trims_one_line_end_and_nothing_else() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    write(root.path(), "twilio/ACCOUNT_SID", "AC1\r\n")?;
    write(root.path(), "twilio/AUTH_TOKEN", "t1\n")?;
    write(root.path(), "crm/DATABASE_URL", "sqlite:crm file.db\n")?;
    let (_, secrets) = open(root.path());
    assert_eq!(secrets.credentials.borrow().account_sid, "AC1");
    assert_eq!(tokens(&secrets), ["t1"]);
    let url = secrets.database_urls["crm"]
        .borrow()
        .as_ref()
        .map(|url| url.expose_secret().to_owned());
    assert_eq!(url.as_deref(), Some("sqlite:crm file.db"));
    Ok(())
}

#[test]
fn publishes_a_rotation_and_keeps_the_last_good_tokens_while_it_is_half_written() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    write(root.path(), "twilio/ACCOUNT_SID", "AC1")?;
    write(root.path(), "twilio/AUTH_TOKEN", "old")?;
    let (mut files, secrets) = open(root.path());
    for (key, text, expected) in [
        ("twilio/AUTH_TOKEN_SECONDARY", "new", &["old", "new"][..]),
        ("twilio/AUTH_TOKEN", "", &["old", "new"]),
        ("twilio/AUTH_TOKEN", "new\nnew", &["old", "new"]),
        ("twilio/AUTH_TOKEN", "new", &["new"]),
        ("twilio/AUTH_TOKEN_SECONDARY", "old", &["new", "old"]),
    ] {
        write(root.path(), key, text)?;
        files.reread();
        assert_eq!(tokens(&secrets), expected, "{key}={text}");
    }
    fs::remove_dir_all(root.path().join("twilio"))?;
    files.reread();
    assert_eq!(tokens(&secrets), ["new", "old"]);
    Ok(())
}

#[test]
fn publishes_a_password_once_both_keys_are_there() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    let (mut files, secrets) = open(root.path());
    let is_seen = || secrets.basic_credentials["door"].borrow().is_some();
    write(root.path(), "door/username", "twilio")?;
    files.reread();
    assert!(!is_seen());
    write(root.path(), "door/password", "word")?;
    files.reread();
    assert!(is_seen());
    let mut watched = secrets.basic_credentials["door"].clone();
    watched.mark_unchanged();
    files.reread();
    assert_eq!(watched.has_changed().ok(), Some(false), "read again, and the same");
    write(root.path(), "door/password", "other")?;
    files.reread();
    assert_eq!(watched.has_changed().ok(), Some(true));
    Ok(())
}

#[test]
fn reads_all_keys_through_the_link_that_kubernetes_replaces() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    for (version, token) in [("..1", "one"), ("..2", "two")] {
        write(root.path(), &format!("twilio/{version}/ACCOUNT_SID"), "AC1")?;
        write(root.path(), &format!("twilio/{version}/AUTH_TOKEN"), token)?;
    }
    let link = root.path().join("twilio/..data");
    std::os::unix::fs::symlink("..1", &link)?;
    let (mut files, secrets) = open(root.path());
    assert_eq!(tokens(&secrets), ["one"]);
    fs::remove_file(&link)?;
    std::os::unix::fs::symlink("..2", &link)?;
    files.reread();
    assert_eq!(tokens(&secrets), ["two"]);
    Ok(())
}

#[test]
fn shows_no_token_in_its_debug_text() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    write(root.path(), "twilio/ACCOUNT_SID", "AC1")?;
    write(root.path(), "twilio/AUTH_TOKEN", "hidden")?;
    let (_, secrets) = open(root.path());
    assert!(!format!("{secrets:?}").contains("hidden"));
    Ok(())
}

/// Both constants, as the running program sees them.
fn constants(secrets: &Secrets) -> [Option<String>; 2] {
    let seen = secrets.constants.borrow();
    ["crm", "erp"].map(|key| {
        let expected = Expected::Secret(SecretKey {
            secret: "keys".to_owned(),
            key: key.to_owned(),
        });
        expected.text(&seen).map(str::to_owned)
    })
}

#[test]
fn publishes_the_constants_of_a_secret_together_and_keeps_the_last_good_ones() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    let (mut files, secrets) = open(root.path());
    let both = |one: &str, other: &str| [one, other].map(|value| Some(value.to_owned()));
    for (key, text, expected) in [
        ("keys/crm", "k1\n", [None, None]),
        ("keys/erp", "e1", both("k1", "e1")),
        ("keys/crm", "", both("k1", "e1")),
        ("keys/crm", "k2", both("k2", "e1")),
    ] {
        write(root.path(), key, text)?;
        files.reread();
        assert_eq!(constants(&secrets), expected, "{key}={text:?}");
    }
    let mut watched = secrets.constants.clone();
    watched.mark_unchanged();
    files.reread();
    assert_eq!(watched.has_changed().ok(), Some(false), "read again, and the same");
    fs::remove_dir_all(root.path().join("keys"))?;
    files.reread();
    assert_eq!(constants(&secrets), both("k2", "e1"));
    assert!(!format!("{secrets:?}").contains("k2"));
    Ok(())
}

#[test]
fn a_token_that_was_taken_out_is_good_until_its_time_and_no_longer() -> io::Result<()> {
    let root = tempfile::tempdir()?;
    write(root.path(), "twilio/ACCOUNT_SID", "AC1")?;
    write(root.path(), "twilio/AUTH_TOKEN", "t2")?;
    write(root.path(), "twilio/AUTH_TOKEN_PREVIOUS", "t1")?;
    let (mut files, secrets) = open(root.path());
    assert_eq!(tokens(&secrets), ["t2"], "no time is said");
    for (until, expected) in [
        ("2999-01-01T00:00:00Z", &["t2", "t1"][..]),
        ("1999-01-01T00:00:00Z", &["t2"]),
        ("2999-01-01T00:00:00Z", &["t2", "t1"]),
        ("some day", &["t2"]),
    ] {
        write(root.path(), "twilio/AUTH_TOKEN_PREVIOUS_UNTIL", until)?;
        files.reread();
        assert_eq!(tokens(&secrets), expected, "{until}");
    }
    write(root.path(), "twilio/AUTH_TOKEN_PREVIOUS_UNTIL", "2999-01-01T00:00:00Z")?;
    write(root.path(), "twilio/AUTH_TOKEN_SECONDARY", "t1")?;
    files.reread();
    assert!(!secrets.credentials.borrow().has_previous, "it is in the Secret again");
    Ok(())
}
