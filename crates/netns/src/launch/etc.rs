//! Generated files that a container sees in its `/etc`: in memory of their own, of limited size.
//!
//! A file of the host's that is mounted into a container is the container's to fill, and with
//! it whatever file system it is on (CVE-2020-8557). So these files get a file system of their
//! own, which holds as much as its size says and no more.
//!
//! It is mounted nowhere on the host: each mount there is one more that every new mount
//! namespace copies. The process that made it holds it open; who else has business with it goes
//! by that process's descriptor, `/proc/PID/fd/N`. So nothing of it can be left behind: with
//! the last process that holds it, it is gone.
//!
//! ```text
//!  minet         fsopen, fsmount ──▶ N: a mount that is nowhere; writes the files through it
//!   │ clone3
//!  the child     move_mount N /sys   it has to be somewhere in the namespace of whoever copies
//!                open_tree N/hosts   a mount of each file, for its /etc
//!                open_tree N    ───▶ goes back to minet, if there may be another launch
//!                move_mount sysfs /sys, which covers it
//! ```
//!
//! A mount can be copied only within its namespace (`may_copy_tree`, fs/namespace.c; kernels
//! before 6.15 make no exception for mounts that are nowhere). Therefore the detour by `/sys`,
//! the copy that goes back, and [`copy_from`], by which another container gets the same files.

use super::{
    Launch, fresh,
    mount::{Mount, attributes, bind_open, move_onto},
};
use crate::{
    failure::{Doing, Failure},
    inside::{RootDir, Symlinks},
    ns::on_a_disposable_thread,
    sys::Reach,
};
use nix::sched::{CloneFlags, setns, unshare};
use rustix::{
    fs::{Mode, OFlags, openat},
    io::{DupFlags, Errno, dup3},
};
use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// A generated file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtcFile {
    /// Covers `/etc/hosts`.
    Hosts,
    /// Covers `/etc/resolv.conf`.
    ResolvConf,
    /// Covers `/etc/hostname`.
    Hostname,
}

impl EtcFile {
    /// All of them.
    pub const ALL: [EtcFile; 3] = [EtcFile::Hosts, EtcFile::ResolvConf, EtcFile::Hostname];

    /// What it is called in its folder.
    pub fn name(self) -> &'static str {
        match self {
            EtcFile::Hosts => "hosts",
            EtcFile::ResolvConf => "resolv.conf",
            EtcFile::Hostname => "hostname",
        }
    }

    /// What it covers.
    pub fn target(self) -> &'static Path {
        Path::new(match self {
            EtcFile::Hosts => "/etc/hosts",
            EtcFile::ResolvConf => "/etc/resolv.conf",
            EtcFile::Hostname => "/etc/hostname",
        })
    }
}

/// Generated files that a launch puts into the container's `/etc`.
///
/// On the host's file system a file that does not exist in `/etc` is left out; in a root
/// directory it must exist, see [`crate::mount_points`].
#[derive(Debug)]
pub struct Etc {
    /// The folder that they are in: a mount that is nowhere.
    pub folder: OwnedFd,
    /// Which of them.
    pub files: Vec<EtcFile>,
    /// Whether the same folder may be needed for another launch.
    pub again: Again,
}

/// Whether a process may be started once more when it has ended.
///
/// To let go of a mount that is nowhere takes a quarter of a millisecond, for which the kernel
/// waits until nobody can be looking at it (`namespace_unlock`, fs/namespace.c). So one is only
/// kept where there is a use for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// This is its only launch.
    Never,
    /// A mount of the folder comes back, see [`EtcFolder::keep`].
    Perhaps,
}

/// A file system for a few small files, held open here and mounted nowhere.
#[derive(Debug)]
pub struct EtcFolder {
    held: OwnedFd,
    /// Another mount of it, for the launch after the one that `held` goes to.
    next: Option<OwnedFd>,
}

/// The folder itself, three files, and a few that the maker adds.
const INODES: &str = "16";

impl EtcFolder {
    /// Makes an empty one that holds so many bytes.
    pub fn create(size: u64) -> Result<Self, Failure> {
        let options = [
            ("mode", "0755"),
            ("size", &size.to_string()),
            ("nr_inodes", INODES),
        ];
        let made = fresh::filesystem("tmpfs", &options, fresh::PLAIN)
            .doing(|| "mount a fresh tmpfs for the files in /etc".to_owned())?;
        Ok(EtcFolder::from(made))
    }

    /// Where others find it, for as long as this process holds it.
    pub fn path(&self) -> PathBuf {
        let (process, descriptor) = (std::process::id(), self.held.as_raw_fd());
        PathBuf::from(format!("/proc/{process}/fd/{descriptor}"))
    }

    /// The folder for a launch. Before another launch, [`EtcFolder::keep`] what came back.
    pub fn hand_out(&mut self) -> Result<OwnedFd, Failure> {
        let doing = || "hand out the files for /etc".to_owned();
        if let Some(next) = self.next.take() {
            // Under the same number, by which others know it.
            dup3(next, &mut self.held, DupFlags::CLOEXEC).doing(doing)?;
        }
        self.held.try_clone().doing(doing)
    }

    /// The mount that a launch has sent back, for the next one.
    pub fn keep(&mut self, next: OwnedFd) {
        self.next = Some(next);
    }
}

impl From<OwnedFd> for EtcFolder {
    fn from(held: OwnedFd) -> Self {
        EtcFolder { held, next: None }
    }
}

/// A mount of the folder whose files a running container sees: of `folder`, as it was handed
/// out for that container, made in the mount namespace of its first process.
pub fn copy_from(folder: BorrowedFd<'_>, container: BorrowedFd<'_>) -> Result<OwnedFd, Failure> {
    on_a_disposable_thread(|| {
        // A thread that shares its root directory with others cannot go (setns(2)).
        unshare(CloneFlags::CLONE_FS)
            .and_then(|()| setns(container, CloneFlags::CLONE_NEWNS))
            .doing(|| "enter the container's mount namespace".to_owned())?;
        fresh::copy_of_open(folder).doing(|| "bind the container's files in /etc".to_owned())
    })?
}

/// A mount of a directory of the host, as a folder.
pub fn copy_of_directory(directory: &Path) -> Result<OwnedFd, Failure> {
    fresh::copy_of(directory, Reach::ThisMount).doing(|| format!("bind {}", directory.display()))
}

/// Copies the generated files out of their folder, and the folder itself if there may be a
/// launch after this one. For that the folder is put where it will be covered in a moment.
pub(super) fn unfold(
    root: &RootDir,
    etc: &Etc,
    launch: &Launch,
    symlinks: Symlinks,
) -> Result<(Vec<Mount>, Option<OwnedFd>), Failure> {
    let folder = etc.folder.as_fd();
    root.find(Path::new("/sys"), symlinks)
        .and_then(|place| move_onto(folder, place.as_fd()))
        .doing(|| "mount the folder of generated files".to_owned())?;
    let attributes = attributes(&launch.root, launch.access);
    // A volume at the very place is what the user wants to see there.
    let is_seen = |file: &&EtcFile| {
        let mut volumes = launch.volumes.iter();
        !volumes.any(|volume| volume.target == file.target())
    };
    let mount = |file: &EtcFile| {
        let target = file.target();
        let file = open_below(folder, Path::new(file.name()))
            .doing(|| format!("find the generated {}", target.display()))?;
        bind_open(file.as_fd(), target, attributes)
    };
    let mounts: Result<_, Failure> = etc.files.iter().filter(is_seen).map(mount).collect();
    let next = match etc.again {
        Again::Never => None,
        Again::Perhaps => Some(
            fresh::copy_of_open(folder)
                .doing(|| "bind the folder of generated files".to_owned())?,
        ),
    };
    Ok((mounts?, next))
}

/// A file of a folder, to be mounted.
pub(crate) fn open_below(folder: BorrowedFd<'_>, name: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(folder, name, flags, Mode::empty())
}
