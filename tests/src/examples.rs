//! The files of `examples`, as their readers start from them.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::cluster::top;

/// The resource of one file, with what its reader is told to put in place: a JSON pointer to each member, and its value.
pub fn example(name: &str, replaced: &[(&str, Value)]) -> Result<Value> {
    let mut resource: Value = serde_yaml::from_str(&text(name)?)?;
    for (pointer, value) in replaced {
        let (parent, member) = pointer.rsplit_once('/').context("a pointer begins with a slash")?;
        let object = resource.pointer_mut(parent).and_then(Value::as_object_mut);
        let object = object.with_context(|| format!("{name} has no object {parent}"))?;
        object.insert(member.to_owned(), value.clone());
    }
    Ok(resource)
}

/// One file, letter for letter.
pub fn text(name: &str) -> Result<String> {
    let path = top().join("examples").join(name).with_extension("yaml");
    fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
}

/// The names of all files.
pub fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(top().join("examples"))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let name = path.file_stem().context("a file has a name")?;
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
