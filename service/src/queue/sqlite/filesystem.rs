//! Whether a folder lies where SQLite can keep its promises. On a network file system its locks are kept by convention at
//! best, and its shared memory is not shared: two writers would each believe to be alone. Asked when the file is opened.

use std::path::Path;

use super::QueueError;

/// What `statfs` calls a file system that runs in a program; which one it is the mount table knows.
const FUSE: u64 = 0x6573_5546;

/// The file systems behind which there is a network, by the number that `statfs` gives (`linux/magic.h`, and the sources
/// of those that lie elsewhere).
const NETWORK: [(u64, &str); 14] = [
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x517b, "smb"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x0bd0_0bd0, "lustre"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "afs"),
    (0x564c, "ncp"),
    (0x0116_1970, "gfs2"),
    (0x7461_636f, "ocfs2"),
    (0x1983_0326, "beegfs"),
    (0x4750_4653, "gpfs"),
];

/// The programs behind FUSE that speak to a network, as the mount table names them.
const NETWORK_FUSE: [&str; 9] = [
    "sshfs",
    "glusterfs",
    "ceph",
    "ceph-fuse",
    "s3fs",
    "rclone",
    "gcsfuse",
    "juicefs",
    "mount-s3",
];

/// Refuses a folder on a network.
pub(super) fn refuse_network(folder: &Path) -> Result<(), QueueError> {
    let folder_name = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let unread = |error: std::io::Error| QueueError::OpenDatabase(sqlx::Error::Io(error));
    let found = rustix::fs::statfs(folder_name).map_err(|error| unread(error.into()))?;
    // The number has 32 bits, and its sign differs between architectures.
    #[expect(clippy::useless_conversion, reason = "it has another type on other architectures")]
    let magic = u64::from_ne_bytes(i64::from(found.f_type).to_ne_bytes()) & 0xffff_ffff;
    let kind = if magic == FUSE {
        let status = rustix::fs::stat(folder_name).map_err(|error| unread(error.into()))?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").map_err(unread)?;
        fuse_kind(&mounts, status.st_dev)
    } else {
        kind(magic).map(str::to_owned)
    };
    match kind {
        Some(kind) => Err(QueueError::RefuseFilesystem {
            folder: folder.to_owned(),
            kind,
        }),
        None => Ok(()),
    }
}

/// The name of the file system, where it is one of a network.
fn kind(magic: u64) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

/// The program behind a FUSE mount of this device, where it is one of a network.
fn fuse_kind(mounts: &str, device: u64) -> Option<String> {
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
    let of_device = |line: &&str| line.split(' ').nth(2) == Some(device.as_str());
    let (_, described) = mounts.lines().find(of_device)?.split_once(" - ")?;
    let kind = described.split(' ').next()?;
    let program = kind.strip_prefix("fuse.")?;
    NETWORK_FUSE.contains(&program).then(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{fuse_kind, kind, refuse_network};

    #[test]
    fn knows_a_network_by_its_number() {
        for (magic, expected) in [
            (0x6969, Some("nfs")),
            (0xff53_4d42, Some("cifs")),
            (0xfe53_4d42, Some("smb2")),
            (0x00c3_6400, Some("ceph")),
            (0x0102_1997, Some("9p")),
            (0x0bd0_0bd0, Some("lustre")),
            (0xef53, None),      // ext4
            (0x5846_5342, None), // xfs
            (0x9123_683e, None), // btrfs
            (0x0102_1994, None), // tmpfs
            (0x794c_7630, None), // overlayfs
        ] {
            assert_eq!(kind(magic), expected, "{magic:#x}");
        }
    }

    #[test]
    fn knows_a_network_behind_fuse_by_its_program() {
        let mounts = "\
21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 21 0:51 / /mnt/far rw,nosuid shared:5 - fuse.sshfs me@host:/ rw
31 21 0:52 / /mnt/near rw,nosuid - fuse.bindfs /data rw
32 21 0:53 / /mnt/volume rw - fuse.glusterfs pool rw";
        for (minor, expected) in [
            (51, Some("fuse.sshfs")),
            (52, None),
            (53, Some("fuse.glusterfs")),
            (99, None),
        ] {
            let device = rustix::fs::makedev(0, minor);
            assert_eq!(fuse_kind(mounts, device).as_deref(), expected, "{minor}");
        }
    }

    #[test]
    fn takes_the_folders_of_this_machine() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        refuse_network(folder.path())?;
        Ok(())
    }
}
