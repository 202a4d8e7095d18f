//! The published form of a result, which every result that arrives is held against.

use std::sync::LazyLock;

use anyhow::{Result, ensure};
use jsonschema::Validator;
use serde_json::Value;

/// Fails with every place at which it is not of the form.
pub fn check(result: &Value) -> Result<()> {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        let schema = marketplace_service::analysis::schema().to_value();
        jsonschema::validator_for(&schema).expect("the published schema is one")
    });
    let errors: Vec<String> = SCHEMA
        .iter_errors(result)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    ensure!(errors.is_empty(), "a result is not of the published form: {errors:#?}");
    Ok(())
}
