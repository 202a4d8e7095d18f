//! Turns tokens into text: the other direction of the model's own tokenizer, of which nothing but the vocabulary is needed.
//! Called by `builtin`.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The vocabulary, beside the model.
const FILE: &str = "tokenizer.json";
/// How the vocabulary writes a space: U+2581.
const SPACE: char = '\u{2581}';

/// Why there is no vocabulary.
#[derive(Debug, thiserror::Error)]
pub enum ReadVocabulary {
    /// The file.
    #[error("failed to read {}", file.display())]
    ReadFile {
        /// Its path.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// What is in it.
    #[error("failed to understand {}", file.display())]
    ReadJson {
        /// Its path.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// The text of every token.
#[derive(Debug)]
pub struct Vocabulary {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Piece {
    /// Says something about the text, and is none.
    #[default]
    Mark,
    /// One byte of a character that has no token of its own.
    Byte(u8),
    Text(String),
}

#[derive(Deserialize)]
struct Tokenizer {
    model: Model,
    added_tokens: Vec<Added>,
}

#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Added {
    id: usize,
    special: bool,
}

/// More tokens than any model has: what bounds the memory that a broken file can take.
const MOST_TOKENS: usize = 1 << 20;

impl Vocabulary {
    /// Reads the vocabulary of the folder.
    pub fn read(folder: &Path) -> Result<Self, ReadVocabulary> {
        let file = folder.join(FILE);
        let opened = File::open(&file).map_err(|source| ReadVocabulary::ReadFile {
            file: file.clone(),
            source,
        })?;
        let read = serde_json::from_reader(BufReader::new(opened));
        read.map(|tokenizer| Self::new(&tokenizer))
            .map_err(|source| ReadVocabulary::ReadJson { file, source })
    }

    fn new(tokenizer: &Tokenizer) -> Self {
        let vocabulary = tokenizer.model.vocab.iter().filter(|(_, id)| **id < MOST_TOKENS);
        let mut pieces = Vec::new();
        for (text, &id) in vocabulary {
            if pieces.len() <= id {
                pieces.resize(id + 1, Piece::Mark);
            }
            pieces[id] = piece(text);
        }
        for added in tokenizer.added_tokens.iter().filter(|added| added.special) {
            if let Some(piece) = pieces.get_mut(added.id) {
                *piece = Piece::Mark;
            }
        }
        Self { pieces }
    }

    /// The text that these tokens write, without the space that every text begins with.
    pub fn text(&self, tokens: impl IntoIterator<Item = u32>) -> String {
        let mut bytes = Vec::new();
        for token in tokens {
            match usize::try_from(token).ok().and_then(|index| self.pieces.get(index)) {
                Some(Piece::Text(text)) => bytes.extend_from_slice(text.as_bytes()),
                Some(Piece::Byte(byte)) => bytes.push(*byte),
                Some(Piece::Mark) | None => {}
            }
        }
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

fn piece(text: &str) -> Piece {
    let byte = text
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'))
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.map_or_else(|| Piece::Text(text.replace(SPACE, " ")), Piece::Byte)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vocabulary() -> Result<Vocabulary, serde_json::Error> {
        let tokenizer: Tokenizer = serde_json::from_value(json!({
            "model": {"vocab": {"<s>": 1, "</s>": 2, "<0xC3>": 3, "<0xA9>": 4, "\u{2581}caf": 5, "\u{2581}Ever": 6, " tried": 7, "far": 99_999_999}},
            "added_tokens": [{"id": 1, "special": true}, {"id": 2, "special": true}, {"id": 40_000, "special": true}],
        }))?;
        Ok(Vocabulary::new(&tokenizer))
    }

    #[test]
    fn writes_words_and_bytes_and_no_marks() -> Result<(), serde_json::Error> {
        let vocabulary = vocabulary()?;
        for (tokens, text) in [
            (vec![1, 6, 7, 2], "Ever tried"),
            (vec![5, 3, 4], "caf\u{e9}"),
            (vec![5, 3], "caf\u{fffd}"),
            (vec![], ""),
            (vec![0, 50_000, u32::MAX], ""),
        ] {
            assert_eq!(vocabulary.text(tokens.clone()), text, "{tokens:?}");
        }
        assert!(vocabulary.pieces.len() < MOST_TOKENS);
        Ok(())
    }
}
