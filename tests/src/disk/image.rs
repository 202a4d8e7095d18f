//! What a disk holds, twice: as programs see it, and as it would be found after a power loss. Only a sync carries
//! something from the first to the second: `fsync` of a file its bytes and length, `fsync` of a folder its names. Pure;
//! `filesystem` shows it to the kernel.
//!
//! Without a sync nothing is promised, neither that it is there nor that it is not: at a power loss every unsynced block,
//! length and name falls one way or the other by the toss of a seeded coin.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::time::SystemTime;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The folder at the top.
pub const ROOT: u64 = 1;

/// What a disk writes at once: a power loss tears nothing smaller.
const BLOCK_BYTES: usize = 4096;

/// Names and what they lead to.
pub type Names = BTreeMap<OsString, u64>;

/// The bytes of a file, or the names of a folder.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file.
    File(File),
    /// A folder.
    Folder {
        /// As programs see it.
        seen: Names,
        /// As a power loss would leave it at the least.
        safe: Names,
    },
}

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub struct File {
    seen: Vec<u8>,
    safe: Vec<u8>,
    unsynced: BTreeSet<usize>,
}

/// A file or a folder with what `stat` tells of it.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// Permissions.
    pub mode: u16,
    /// User and group.
    pub owner: (u32, u32),
    /// When its content was last changed.
    pub changed: SystemTime,
}

/// The whole disk.
#[derive(Clone, Debug)]
pub struct Image {
    nodes: HashMap<u64, Node>,
    next: u64,
}

impl File {
    /// As programs see it.
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// Writes as programs do: not safe yet.
    pub fn write(&mut self, offset: usize, data: &[u8]) {
        let end = offset + data.len();
        if self.seen.len() < end {
            self.resize(end);
        }
        self.seen[offset..end].copy_from_slice(data);
        self.unsynced.extend(offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES));
    }

    /// Cuts or fills with zeros: not safe yet.
    pub fn resize(&mut self, bytes: usize) {
        let (shorter, longer) = (bytes.min(self.seen.len()), bytes.max(self.seen.len()));
        self.unsynced
            .extend(shorter / BLOCK_BYTES..longer.div_ceil(BLOCK_BYTES));
        self.seen.resize(bytes, 0);
    }

    fn sync(&mut self) {
        self.safe.resize(self.seen.len(), 0);
        for block in std::mem::take(&mut self.unsynced) {
            copy_block(&self.seen, &mut self.safe, block);
        }
    }

    fn lose_power(&mut self, coin: &mut StdRng) {
        if self.seen.len() != self.safe.len() && coin.random() {
            self.safe.resize(self.seen.len(), 0);
        }
        for block in std::mem::take(&mut self.unsynced) {
            if coin.random() {
                copy_block(&self.seen, &mut self.safe, block);
            }
        }
        self.seen.clone_from(&self.safe);
    }
}

fn copy_block(from: &[u8], to: &mut [u8], block: usize) {
    let start = block * BLOCK_BYTES;
    let end = (start + BLOCK_BYTES).min(from.len()).min(to.len());
    if start < end {
        to[start..end].copy_from_slice(&from[start..end]);
    }
}

impl Image {
    /// An empty disk that belongs to root.
    pub fn empty(now: SystemTime) -> Self {
        let mut image = Self {
            nodes: HashMap::new(),
            next: ROOT,
        };
        image.add(folder(), 0o777, (0, 0), now);
        image
    }

    /// A new node that no name leads to yet.
    pub fn add(&mut self, content: Content, mode: u16, owner: (u32, u32), now: SystemTime) -> u64 {
        let number = self.next;
        self.next += 1;
        let node = Node {
            content,
            mode,
            owner,
            changed: now,
        };
        self.nodes.insert(number, node);
        number
    }

    /// The node of this number.
    pub fn node(&self, number: u64) -> Option<&Node> {
        self.nodes.get(&number)
    }

    /// The same, to be changed.
    pub fn node_mut(&mut self, number: u64) -> Option<&mut Node> {
        self.nodes.get_mut(&number)
    }

    /// The file of this number.
    pub fn file_mut(&mut self, number: u64) -> Option<&mut File> {
        match &mut self.nodes.get_mut(&number)?.content {
            Content::File(file) => Some(file),
            Content::Folder { .. } => None,
        }
    }

    /// What programs see in a folder.
    pub fn names(&self, folder: u64) -> Option<&Names> {
        match &self.nodes.get(&folder)?.content {
            Content::Folder { seen, .. } => Some(seen),
            Content::File(_) => None,
        }
    }

    /// Where a name leads.
    pub fn find(&self, folder: u64, name: &OsStr) -> Option<u64> {
        self.names(folder)?.get(name).copied()
    }

    /// Lets a name lead to a node, in place of what it led to before: not safe yet.
    pub fn name(&mut self, folder: u64, name: &OsStr, number: u64) {
        if let Some(names) = self.names_mut(folder) {
            names.insert(name.to_owned(), number);
        }
    }

    /// Takes a name away: not safe yet. The node stays as long as a power loss may bring it back, which is until the end.
    pub fn forget(&mut self, folder: u64, name: &OsStr) -> Option<u64> {
        self.names_mut(folder)?.remove(name)
    }

    fn names_mut(&mut self, folder: u64) -> Option<&mut Names> {
        match &mut self.nodes.get_mut(&folder)?.content {
            Content::Folder { seen, .. } => Some(seen),
            Content::File(_) => None,
        }
    }

    /// Makes safe what programs see of one file or folder.
    pub fn sync(&mut self, number: u64) {
        match self.nodes.get_mut(&number).map(|node| &mut node.content) {
            Some(Content::File(file)) => file.sync(),
            Some(Content::Folder { seen, safe }) => safe.clone_from(seen),
            None => {}
        }
    }

    /// Makes everything safe, as after an orderly end.
    pub fn settle(&mut self) {
        for number in ROOT..self.next {
            self.sync(number);
        }
    }

    /// What is found when the power is back.
    pub fn lose_power(&mut self, seed: u64) {
        let coin = &mut StdRng::seed_from_u64(seed);
        // In a fixed order, so that a seed tells the same story twice.
        for number in ROOT..self.next {
            match self.nodes.get_mut(&number).map(|node| &mut node.content) {
                Some(Content::File(file)) => file.lose_power(coin),
                Some(Content::Folder { seen, safe }) => {
                    let all: BTreeSet<OsString> = seen.keys().chain(safe.keys()).cloned().collect();
                    for name in all {
                        if seen.get(&name) != safe.get(&name) && coin.random() {
                            match seen.get(&name) {
                                Some(&number) => safe.insert(name, number),
                                None => safe.remove(&name),
                            };
                        }
                    }
                    seen.clone_from(safe);
                }
                None => {}
            }
        }
    }
}

/// A folder without names.
pub fn folder() -> Content {
    Content::Folder {
        seen: Names::new(),
        safe: Names::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: std::ops::Range<u64> = 0..64;

    fn with_file(synced: &[u8]) -> (Image, u64) {
        let mut image = Image::empty(SystemTime::UNIX_EPOCH);
        let file = image.add(Content::File(File::default()), 0o600, (0, 0), SystemTime::UNIX_EPOCH);
        image.name(ROOT, OsStr::new("file"), file);
        if let Some(content) = image.file_mut(file) {
            content.write(0, synced);
        }
        image.sync(file);
        image.sync(ROOT);
        (image, file)
    }

    fn found(image: &Image) -> Option<Vec<u8>> {
        let number = image.find(ROOT, OsStr::new("file"))?;
        match &image.node(number)?.content {
            Content::File(file) => Some(file.seen().to_vec()),
            Content::Folder { .. } => None,
        }
    }

    /// Everything that may be found after a power loss.
    fn findable(image: &Image) -> BTreeSet<Option<Vec<u8>>> {
        SEEDS
            .map(|seed| {
                let mut image = image.clone();
                image.lose_power(seed);
                found(&image)
            })
            .collect()
    }

    #[test]
    fn what_was_synced_is_always_found() {
        let (image, _) = with_file(b"synced");
        assert_eq!(findable(&image), BTreeSet::from([Some(b"synced".to_vec())]));
    }

    #[test]
    fn a_write_without_a_sync_is_found_or_not() {
        let (mut image, file) = with_file(b"one");
        if let Some(content) = image.file_mut(file) {
            content.write(0, b"two");
        }
        let either = [Some(b"one".to_vec()), Some(b"two".to_vec())];
        assert_eq!(findable(&image), BTreeSet::from(either));
    }

    #[test]
    fn a_name_without_a_sync_of_its_folder_is_found_or_not() {
        let (mut image, _) = with_file(b"kept");
        image.forget(ROOT, OsStr::new("file"));
        assert_eq!(findable(&image), BTreeSet::from([None, Some(b"kept".to_vec())]));
        image.sync(ROOT);
        assert_eq!(findable(&image), BTreeSet::from([None]));
    }

    #[test]
    fn the_blocks_of_one_write_fall_apart() {
        let (mut image, file) = with_file(&[0; 2 * BLOCK_BYTES]);
        if let Some(content) = image.file_mut(file) {
            content.write(0, &[1; 2 * BLOCK_BYTES]);
        }
        assert_eq!(findable(&image).len(), 4);
    }
}
