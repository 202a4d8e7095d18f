//! The page that shows how an analyzer is added shows what is there.

use anyhow::{Context as _, Result};
use marketplace_tests::cluster::top;

/// Lines without their indentation.
fn bare(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_lines_of_the_page_are_those_of_the_tree() -> Result<()> {
    let page = std::fs::read_to_string(top().join("docs/plugin.md"))?;
    let mut shown = 0;
    for piece in page.split("```rust file=").skip(1) {
        let (file, rest) = piece.split_once('\n').context("a file's name")?;
        let (lines, _) = rest.split_once("```").context("an end")?;
        let tree = std::fs::read_to_string(top().join(file)).with_context(|| file.to_owned())?;
        assert!(
            bare(&tree).contains(bare(lines).trim()),
            "{file} has no such lines:\n{lines}"
        );
        shown += 1;
    }
    assert_eq!(shown, 5, "the page shows each step");
    Ok(())
}
