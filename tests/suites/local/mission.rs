//! Every sentence of the documents that this product answers to has a test that proves it, and the test is there.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

const SENTENCES: &str = include_str!("../../mission/sentences.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    says: String,
    proved_by: Vec<String>,
    answered_in: Option<String>,
}

/// `suite::test` of the local suites, or `path/of/file.rs::test` below the top.
fn is_there(top: &Path, test: &str) -> Result<bool> {
    let (place, name) = test.rsplit_once("::").context("a test is named suite::test")?;
    let file = if Path::new(place).extension().is_some() {
        top.join(place)
    } else {
        top.join("tests/suites/local").join(place).with_extension("rs")
    };
    let source = std::fs::read_to_string(&file).with_context(|| format!("{} of {test}", file.display()))?;
    Ok(source.contains(&format!("fn {name}(")))
}

#[test]
fn every_sentence_of_the_examples_documents_is_proved() -> Result<()> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sentences: Vec<Sentence> = serde_yaml::from_str(SENTENCES)?;
    assert!(sentences.len() > 30, "{}", sentences.len());
    for Sentence {
        says,
        proved_by,
        answered_in,
    } in sentences
    {
        assert!(!proved_by.is_empty(), "nothing proves: {says}");
        for test in proved_by {
            assert!(is_there(&top, &test)?, "{test} is not there; it is to prove: {says}");
        }
        assert_eq!(
            says.contains('?'),
            answered_in.is_some(),
            "an open question has an answer: {says}"
        );
        if let Some(page) = answered_in {
            assert!(top.join(&page).is_file(), "{page} is not there: {says}");
        }
    }
    Ok(())
}
