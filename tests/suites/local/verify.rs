//! `marketplace-service verify`, as a person and as a program uses it, and held against Twilio's own libraries.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use marketplace_tests::report::figure;
use marketplace_tests::service::run_to_end;
use marketplace_tests::twilio::Sdk;
use marketplace_tests::twilio::agreement::Row;
use marketplace_tests::twilio::judge::{Judge, sign_all};
use marketplace_tests::twilio::vectors::{Vector, vectors};
use serde_json::Value;
use tempfile::TempDir;

const SEED: u64 = 4;
const REQUESTS: usize = 12_000;
/// Of each class and verdict, for the quick test beside the code.
const KEPT_PER_CLASS: usize = 6;

const PUBLISHED_URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const PUBLISHED_SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

fn signers() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("signers")
}

/// Every second request is signed by the library for Node, the others by the one for Python.
fn sign(vectors: &[Vector]) -> Result<Vec<Value>> {
    let mut requests = vec![Value::Null; vectors.len()];
    for (first, sdk) in Sdk::ALL.into_iter().enumerate() {
        let places: Vec<_> = (first..vectors.len()).step_by(Sdk::ALL.len()).collect();
        let unsigned: Vec<_> = places.iter().map(|place| vectors[*place].unsigned()).collect();
        for (place, signature) in places.iter().zip(sign_all(sdk, &unsigned)?) {
            requests[*place] = vectors[*place].signed(&signature);
        }
    }
    Ok(requests)
}

fn judge(vectors: &[Vector], requests: &[Value]) -> Result<Vec<Row>> {
    let ours = Judge::Ours.verdicts(requests)?;
    let mut libraries = Vec::new();
    for judge in Judge::LIBRARIES {
        libraries.push(judge.verdicts(requests)?);
    }
    let rows = vectors.iter().zip(ours).enumerate().map(|(place, (vector, ours))| Row {
        class: vector.class.to_owned(),
        libraries: [0, 1, 2, 3].map(|library: usize| libraries[library][place]),
        ours,
    });
    Ok(rows.collect())
}

/// Where the libraries agree, so do we; where they do not, `tests/signers/disagreements.md` has the row and says why.
/// With `KEEP_VECTORS=FILE` it also writes the agreed requests that the test beside the code reads.
#[test]
fn judges_as_twilios_libraries_do_wherever_they_agree() -> Result<()> {
    let vectors = vectors(SEED, REQUESTS);
    let requests = sign(&vectors)?;
    let rows = judge(&vectors, &requests)?;
    let mut found: BTreeMap<&Row, usize> = BTreeMap::new();
    let (mut agreed, mut valid) = (0, 0);
    for (row, request) in rows.iter().zip(&requests) {
        match row.agreed() {
            Some(verdict) => {
                assert_eq!(row.ours, Some(verdict), "{}: {request}", row.class);
                agreed += 1;
                valid += usize::from(verdict);
            }
            None => *found.entry(row).or_default() += 1,
        }
    }
    figure(&format!(
        "of {} requests the libraries agree on {agreed}, {valid} of them valid, and so do we; on {} they disagree",
        rows.len(),
        rows.len() - agreed
    ));
    let table = fs::read_to_string(signers().join("disagreements.md"))?;
    let known: Vec<_> = table.lines().filter_map(Row::read).collect();
    let new: Vec<_> = found
        .iter()
        .filter(|(row, _)| !known.contains(row))
        .map(|(row, count)| format!("{row} |  ({count})"))
        .collect();
    let gone: Vec<_> = known
        .iter()
        .filter(|row| !found.contains_key(row))
        .map(ToString::to_string)
        .collect();
    ensure!(
        new.is_empty() && gone.is_empty(),
        "tests/signers/disagreements.md lacks:\n{}\nand has too much:\n{}",
        new.join("\n"),
        gone.join("\n")
    );
    assert!(agreed >= 7_000 && valid >= 2_000, "{agreed} agreed, {valid} valid");
    keep(&rows, &requests)
}

fn keep(rows: &[Row], requests: &[Value]) -> Result<()> {
    let Some(file) = std::env::var_os("KEEP_VECTORS") else {
        return Ok(());
    };
    let mut kept: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for (row, request) in rows.iter().zip(requests) {
        let Some(verdict) = row.agreed() else { continue };
        let count = kept.entry((&row.class, verdict)).or_default();
        *count += 1;
        if *count <= KEPT_PER_CLASS {
            let mut request = request.clone();
            request["valid"] = Value::from(verdict);
            lines.push(request.to_string());
        }
    }
    Ok(fs::write(file, lines.join("\n") + "\n")?)
}

struct Asked {
    code: Option<i32>,
    told: String,
    complained: String,
}

async fn ask(folder: &TempDir, arguments: &[&str]) -> Result<Asked> {
    let token = folder.path().join("token");
    fs::write(&token, "12345\n")?;
    let token = token.to_string_lossy().into_owned();
    let output = run_to_end(&[&["verify", "--token-file", &token], arguments].concat()).await?;
    Ok(Asked {
        code: output.status.code(),
        told: String::from_utf8(output.stdout)?,
        complained: String::from_utf8(output.stderr)?,
    })
}

/// The published example, with one parameter to change.
fn published(digits: &str) -> Vec<String> {
    let mut arguments = vec!["--signature".to_owned(), PUBLISHED_SIGNATURE.to_owned()];
    for (name, value) in [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", digits),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ] {
        arguments.extend(["--param".to_owned(), format!("{name}={value}")]);
    }
    arguments
}

/// A URL that the published signature is given with, one of its digits, the exit code, and what is told.
const EXPLAINED: [(&str, &str, i32, &[&str]); 7] = [
    (
        PUBLISHED_URL,
        "1234",
        0,
        &["valid: yes", "form: port_absent", "token: 1 of 1"],
    ),
    (
        "https://mycompany.com:443/myapp.php?foo=1&bar=2",
        "1234",
        0,
        &["valid: yes"],
    ),
    (
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "1234",
        1,
        &["valid: no", "scheme that was signed is https"],
    ),
    (
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
        "1234",
        1,
        &["no slash at its end"],
    ),
    (
        "https://mycompany.com/v1/myapp.php?foo=1&bar=2",
        "1234",
        1,
        &["lacks /v1"],
    ),
    (
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "1234",
        1,
        &["signature.urlTemplate"],
    ),
    (
        PUBLISHED_URL,
        "1235",
        1,
        &["valid: no", "signature_mismatch", "another account's token"],
    ),
];

#[tokio::test]
async fn explains_a_request_and_shows_neither_token_nor_values() -> Result<()> {
    let folder = TempDir::new()?;
    for (url, digits, code, words) in EXPLAINED {
        let arguments = published(digits);
        let arguments: Vec<_> = ["--url", url]
            .into_iter()
            .chain(arguments.iter().map(String::as_str))
            .collect();
        let asked = ask(&folder, &arguments).await?;
        assert_eq!(asked.code, Some(code), "{url}: {}{}", asked.told, asked.complained);
        for word in words {
            assert!(asked.told.contains(word), "{word}: {}", asked.told);
        }
        assert!(
            !asked.told.contains("12345") && !asked.told.contains("415867"),
            "{}",
            asked.told
        );
    }
    let mut arguments = published("1234");
    arguments.extend(["--url", PUBLISHED_URL, "--show-values"].map(str::to_owned));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let told = ask(&folder, &arguments).await?.told;
    assert!(
        told.contains("Caller+14158675309") && !told.contains("12345\n"),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn says_in_one_sentence_why_there_is_nothing_to_judge() -> Result<()> {
    let folder = TempDir::new()?;
    let given = ["--url", PUBLISHED_URL, "--signature", PUBLISHED_SIGNATURE];
    for (more, word) in [
        (&["--token-file", "/nowhere"][..], "/nowhere"),
        (&["--param", "without a value"], "--param number 1"),
        (&["--body", "/nowhere"], "/nowhere"),
        (&["--body", "-", "--param", "a=1"], "cannot be used with"),
        (&["--batch", "-"], "cannot be used with"),
    ] {
        let asked = ask(&folder, &[&given, more].concat()).await?;
        assert_eq!(asked.code, Some(2), "{}", asked.told);
        assert!(asked.complained.contains(word), "{word}: {}", asked.complained);
    }
    Ok(())
}

#[tokio::test]
async fn reads_a_batch_to_its_end_and_names_the_lines_that_are_none() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("batch");
    let good = r#"{"url": "https://a.example/p", "token": "12345", "params": {}, "signature": "x"}"#;
    for (text, code, verdicts, complaint) in [
        (format!("{good}\n{good}\n"), 0, 2, ""),
        (String::new(), 0, 0, ""),
        (format!("{good}\nnothing\n{good}"), 2, 3, "line 2"),
    ] {
        fs::write(&file, text)?;
        let output = run_to_end(&["verify", "--batch", &file.to_string_lossy()]).await?;
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(String::from_utf8(output.stdout)?.lines().count(), verdicts);
        assert!(String::from_utf8(output.stderr)?.contains(complaint));
    }
    Ok(())
}
