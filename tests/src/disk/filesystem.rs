//! Shows an `Image` to the kernel as a file system (FUSE). Only what the service, SQLite and Postgres ask of a disk; every
//! rule about what is safe is in `image`.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyStatfs,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::image::{Content, File, Image, Node, folder};

/// Nothing is remembered by the kernel: after a power loss it would be wrong.
const FORGET_AT_ONCE: Duration = Duration::ZERO;
const BLOCK_BYTES: u32 = 4096;
/// 4 GiB, all free: a full disk is another test's question.
const BLOCKS: u64 = 1 << 20;

/// A disk that can lose its power.
#[derive(Clone)]
pub struct PowerDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    image: Image,
    /// Without power nothing answers any more.
    powered: bool,
}

impl PowerDisk {
    /// A disk with this on it.
    pub fn new(image: Image) -> Self {
        let state = State { image, powered: true };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// From now on nothing answers; returns what is found when the power is back.
    pub fn lose_power(&self, seed: u64) -> Image {
        let mut state = self.lock();
        state.powered = false;
        let mut image = state.image.clone();
        image.lose_power(seed);
        image
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the image while there is power.
    fn powered<T>(&self, act: impl FnOnce(&mut Image) -> Result<T, Errno>) -> Result<T, Errno> {
        let mut state = self.lock();
        if state.powered {
            act(&mut state.image)
        } else {
            Err(Errno::EIO)
        }
    }

    fn add(&self, request: &Request, place: (INodeNo, &OsStr), content: Content, mode: u32) -> Result<FileAttr, Errno> {
        let (parent, name) = place;
        self.powered(|image| {
            if image.find(parent.0, name).is_some() {
                return Err(Errno::EEXIST);
            }
            let mode = u16::try_from(mode & 0o7777).unwrap_or(0o600);
            let number = image.add(content, mode, (request.uid(), request.gid()), now());
            image.name(parent.0, name, number);
            attributes_of(image, number)
        })
    }

    fn forget(&self, parent: INodeNo, name: &OsStr) -> Result<(), Errno> {
        self.powered(|image| image.forget(parent.0, name).map(drop).ok_or(Errno::ENOENT))
    }

    fn sync(&self, number: INodeNo) -> Result<(), Errno> {
        self.powered(|image| {
            image.sync(number.0);
            Ok(())
        })
    }
}

fn attributes_of(image: &Image, number: u64) -> Result<FileAttr, Errno> {
    image
        .node(number)
        .map(|node| attributes(number, node))
        .ok_or(Errno::ENOENT)
}

fn attributes(number: u64, node: &Node) -> FileAttr {
    let (kind, size) = match &node.content {
        Content::File(file) => (FileType::RegularFile, file.seen().len() as u64),
        Content::Folder { .. } => (FileType::Directory, 0),
    };
    FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: node.changed,
        mtime: node.changed,
        ctime: node.changed,
        crtime: node.changed,
        kind,
        perm: node.mode,
        nlink: 1,
        uid: node.owner.0,
        gid: node.owner.1,
        rdev: 0,
        blksize: BLOCK_BYTES,
        flags: 0,
    }
}

/// The kernel's time, as it would stamp a file.
#[expect(clippy::disallowed_methods, reason = "a disk has a clock of its own")]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

fn entered(reply: ReplyEntry, found: Result<FileAttr, Errno>) {
    match found {
        Ok(found) => reply.entry(&FORGET_AT_ONCE, &found, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn done(reply: ReplyEmpty, done: Result<(), Errno>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for PowerDisk {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entered(
            reply,
            self.powered(|image| attributes_of(image, image.find(parent.0, name).ok_or(Errno::ENOENT)?)),
        );
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.powered(|image| attributes_of(image, number.0)) {
            Ok(found) => reply.attr(&FORGET_AT_ONCE, &found),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        changed: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let found = self.powered(|image| {
            let node = image.node_mut(number.0).ok_or(Errno::ENOENT)?;
            if let Some(mode) = mode {
                node.mode = u16::try_from(mode & 0o7777).unwrap_or(node.mode);
            }
            node.owner = (uid.unwrap_or(node.owner.0), gid.unwrap_or(node.owner.1));
            node.changed = match changed {
                Some(TimeOrNow::SpecificTime(time)) => time,
                Some(TimeOrNow::Now) => now(),
                None => node.changed,
            };
            if let (Content::File(file), Some(bytes)) = (&mut node.content, size) {
                file.resize(usize::try_from(bytes).map_err(|_| Errno::EFBIG)?);
            }
            attributes_of(image, number.0)
        });
        match found {
            Ok(found) => reply.attr(&FORGET_AT_ONCE, &found),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, request: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        entered(reply, self.add(request, (parent, name), folder(), mode & !umask));
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let content = Content::File(File::default());
        match self.add(request, (parent, name), content, mode & !umask) {
            Ok(file) => reply.created(
                &FORGET_AT_ONCE,
                &file,
                Generation(0),
                FileHandle(0),
                FopenFlags::empty(),
            ),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.forget(parent, name));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let empty = self.powered(|image| {
            let number = image.find(parent.0, name).ok_or(Errno::ENOENT)?;
            match image.names(number) {
                Some(names) if names.is_empty() => Ok(()),
                Some(_) => Err(Errno::ENOTEMPTY),
                None => Err(Errno::ENOTDIR),
            }
        });
        done(reply, empty.and_then(|()| self.forget(parent, name)));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.powered(|image| {
            let number = image.forget(parent.0, name).ok_or(Errno::ENOENT)?;
            image.name(new_parent.0, new_name, number);
            Ok(())
        });
        done(reply, renamed);
    }

    fn link(&self, _: &Request, number: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let linked = self.powered(|image| {
            if image.find(parent.0, name).is_some() {
                return Err(Errno::EEXIST);
            }
            image.name(parent.0, name, number.0);
            attributes_of(image, number.0)
        });
        entered(reply, linked);
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.powered(|image| {
            let file = image.file_mut(number.0).ok_or(Errno::EISDIR)?;
            let start = usize::try_from(offset).map_or(file.seen().len(), |start| start.min(file.seen().len()));
            let end = start.saturating_add(size as usize).min(file.seen().len());
            Ok(file.seen()[start..end].to_vec())
        });
        match read {
            Ok(data) => reply.data(&data),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.powered(|image| {
            let offset = usize::try_from(offset).map_err(|_| Errno::EFBIG)?;
            image.file_mut(number.0).ok_or(Errno::EISDIR)?.write(offset, data);
            if let Some(node) = image.node_mut(number.0) {
                node.changed = now();
            }
            Ok(())
        });
        match written {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    /// Closing a file makes nothing safe.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        done(reply, self.powered(|_| Ok(())));
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(reply, self.sync(number));
    }

    fn fsyncdir(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(reply, self.sync(number));
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listed = self.powered(|image| {
            let names = image.names(number.0).ok_or(Errno::ENOTDIR)?;
            let kind = |number: u64| match image.node(number).map(|node| &node.content) {
                Some(Content::Folder { .. }) => FileType::Directory,
                Some(Content::File(_)) | None => FileType::RegularFile,
            };
            Ok(names
                .iter()
                .map(|(name, &number)| (number, kind(number), name.clone()))
                .collect::<Vec<_>>())
        });
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => return reply.error(error),
        };
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        for (place, (number, kind, name)) in listed.into_iter().enumerate().skip(from) {
            if reply.add(INodeNo(number), place as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCK_BYTES, 255, BLOCK_BYTES);
    }
}
