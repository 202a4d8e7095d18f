//! Brings what was made on an ordinary disk onto one that may lose its power: only `Disk` asks for it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::filesystem::now;
use super::image::{Content, File, Image, ROOT, folder};

/// A disk with a copy of everything below this folder, all of it safe. There are files and folders, and nothing else.
pub(super) fn of(place: &Path) -> io::Result<Image> {
    let mut image = Image::empty(now());
    copy(place, ROOT, &mut image)?;
    image.settle();
    Ok(image)
}

fn copy(place: &Path, into: u64, image: &mut Image) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let (metadata, path) = (entry.metadata()?, entry.path());
        let content = if metadata.is_dir() {
            folder()
        } else {
            let mut file = File::default();
            file.write(0, &fs::read(&path)?);
            Content::File(file)
        };
        let mode = u16::try_from(metadata.mode() & 0o7777).expect("twelve bits are no more than sixteen");
        let number = image.add(content, mode, (metadata.uid(), metadata.gid()), metadata.modified()?);
        image.name(into, &entry.file_name(), number);
        if metadata.is_dir() {
            copy(&path, number, image)?;
        }
    }
    Ok(())
}
