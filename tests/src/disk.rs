//! A disk whose power can be cut in the middle of anything: what was not synced by then is found again or not, by the toss
//! of a coin. It is mounted where a test wants it, and unmounted when dropped. Needs root and /dev/fuse, as the cluster
//! suites need root.

mod copy;
mod filesystem;
mod image;
mod postgres;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fuser::{BackgroundSession, Config, MountOption, SessionACL};

use self::filesystem::PowerDisk;
use self::image::Image;

/// A mounted disk.
pub struct Disk {
    power: PowerDisk,
    place: PathBuf,
    session: BackgroundSession,
}

/// A disk without power, not mounted.
pub struct Found(Image);

impl Disk {
    /// Mounts an empty disk on a folder.
    pub fn empty(place: &Path) -> Result<Self> {
        Self::mount(place, Image::empty(filesystem::now()))
    }

    /// Mounts a disk with a copy of what lies in the folder, all of it safe, over it.
    pub fn with_copy(place: &Path) -> Result<Self> {
        let copied = copy::of(place).with_context(|| format!("failed to copy {}", place.display()))?;
        Self::mount(place, copied)
    }

    /// Mounts what was found after a power loss.
    pub fn again(place: &Path, found: Found) -> Result<Self> {
        Self::mount(place, found.0)
    }

    fn mount(place: &Path, image: Image) -> Result<Self> {
        let power = PowerDisk::new(image);
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("powerdisk".to_owned()),
            MountOption::DefaultPermissions,
        ];
        config.acl = SessionACL::All;
        let session = fuser::spawn_mount(power.clone(), place, &config).with_context(|| {
            format!(
                "failed to mount a disk on {}: root and /dev/fuse are needed",
                place.display()
            )
        })?;
        Ok(Self {
            power,
            place: place.to_owned(),
            session,
        })
    }

    /// Cuts the power: whatever the programs on it do from now on fails, and leaves no trace.
    pub fn lose_power(&self, seed: u64) -> Found {
        Found(self.power.lose_power(seed))
    }

    /// Takes the disk away. The programs on it must have ended.
    pub fn unmount(self) -> Result<()> {
        self.session
            .umount_and_join()
            .with_context(|| format!("failed to unmount {}", self.place.display()))
    }
}
