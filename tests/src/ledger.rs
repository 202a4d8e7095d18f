//! What a client has promised itself to send, written and synced before it is sent. So nothing that was sent can be
//! forgotten when the books are compared, whoever crashed in between.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A file of lines, each safe on the disk before `write` returns.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    /// Opens or makes the file; what is in it stays.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        })
    }

    /// Adds a line; it is on the disk when this returns.
    pub fn write(&self, line: &str) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{line}")?;
        file.sync_data()
    }

    /// Every line that starts with the word, without it.
    pub fn entries(&self, word: &str) -> io::Result<BTreeSet<String>> {
        let mut entries = BTreeSet::new();
        for line in BufReader::new(File::open(&self.path)?).lines() {
            if let Some((first, rest)) = line?.split_once(' ')
                && first == word
            {
                entries.insert(rest.to_owned());
            }
        }
        Ok(entries)
    }
}
