//! Pairs that are good, broken, and replaced.

use std::error::Error;
use std::fs;
use std::path::Path;

use prometheus::Registry;
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};

use super::{CertificateFiles, TlsMetrics, read};
use crate::domain::AddonKey;

type Tested = Result<(), Box<dyn Error>>;

/// 2040-01-01.
const NOT_AFTER_SECONDS: i64 = 2_208_988_800;

fn write(folder: &Path, certificate: &str, key: &str) -> std::io::Result<()> {
    fs::write(folder.join("tls.crt"), certificate)?;
    fs::write(folder.join("tls.key"), key)
}

fn open(folder: &Path) -> Result<(CertificateFiles, TlsMetrics), String> {
    let metrics = TlsMetrics::register(&Registry::new(), &AddonKey::new("acme", "insights"))
        .map_err(|error| error.to_string())?;
    let (files, _) = CertificateFiles::open(folder.to_owned(), metrics.clone()).map_err(|error| error.to_string())?;
    Ok((files, metrics))
}

#[test]
fn tells_until_when_the_certificate_is_good() -> Tested {
    let folder = tempfile::tempdir()?;
    let mut parameters = CertificateParams::new(vec!["addons.example.com".to_owned()])?;
    parameters.not_after = date_time_ymd(2040, 1, 1);
    let key = KeyPair::generate()?;
    write(
        folder.path(),
        &parameters.self_signed(&key)?.pem(),
        &key.serialize_pem(),
    )?;
    let (_, metrics) = open(folder.path())?;
    assert_eq!(metrics.not_after_seconds.get(), NOT_AFTER_SECONDS);
    Ok(())
}

#[test]
fn a_pair_that_cannot_be_used_does_not_start_and_does_not_replace_one_that_can() -> Tested {
    let folder = tempfile::tempdir()?;
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let (good_certificate, good_key) = (cert.pem(), signing_key.serialize_pem());
    let another_key = KeyPair::generate()?.serialize_pem();
    for (certificate, key, words) in [
        ("", good_key.as_str(), "find a certificate"),
        ("-----BEGIN", good_key.as_str(), "find a certificate"),
        (good_certificate.as_str(), "", "find a private key"),
        (
            good_certificate.as_str(),
            another_key.as_str(),
            "use tls.key with tls.crt",
        ),
    ] {
        write(folder.path(), certificate, key)?;
        let told = open(folder.path()).err().unwrap_or_default();
        assert!(told.contains(words), "{told}");

        write(folder.path(), &good_certificate, &good_key)?;
        let (mut files, metrics) = open(folder.path())?;
        let mut seen = files.published.subscribe();
        write(folder.path(), certificate, key)?;
        files.reread();
        files.reread();
        assert!(!seen.has_changed()?, "{words}");
        assert_eq!(metrics.reads_failed.get(), 2, "{words}");
        seen.mark_unchanged();
    }
    fs::remove_file(folder.path().join("tls.key"))?;
    assert!(
        open(folder.path())
            .err()
            .unwrap_or_default()
            .contains("tls.key: entity not found")
    );
    Ok(())
}

#[test]
fn publishes_another_pair_once() -> Tested {
    let folder = tempfile::tempdir()?;
    let pair = || generate_simple_self_signed(["localhost".to_owned()]);
    let first = pair()?;
    write(folder.path(), &first.cert.pem(), &first.signing_key.serialize_pem())?;
    let (mut files, _) = open(folder.path())?;
    let mut seen = files.published.subscribe();
    let second = pair()?;
    write(folder.path(), &second.cert.pem(), &second.signing_key.serialize_pem())?;
    for changed in [true, false] {
        files.reread();
        assert_eq!(seen.has_changed()?, changed);
        seen.mark_unchanged();
    }
    Ok(())
}

#[test]
fn reads_both_files_through_the_link_that_kubernetes_replaces() -> Tested {
    let folder = tempfile::tempdir()?;
    for version in ["..1", "..2"] {
        fs::create_dir(folder.path().join(version))?;
        write(&folder.path().join(version), version, version)?;
    }
    let link = folder.path().join("..data");
    for version in ["..1", "..2"] {
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(version, &link)?;
        let files = read(folder.path())?;
        assert_eq!((files.certificate, files.key), (version.into(), version.into()));
    }
    Ok(())
}
