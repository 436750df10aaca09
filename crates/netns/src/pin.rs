use crate::{
    Netns,
    failure::{Doing, Failure},
};
use rustix::{
    fs::{CWD, Mode, OFlags, open, unlink},
    io::Errno,
    mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount},
};
use std::{os::fd::AsFd, path::Path};

/// What was left to do for [`unpin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpinned {
    /// The name is gone now; the namespace dies with its last process and open file.
    Removed,
    /// There was no such name any more.
    AlreadyGone,
}

/// Gives a namespace a name in the file system, so that it outlives every process.
///
/// A bind mount of the namespace's file onto an empty file: exactly what `ip netns add`
/// does below `/run/netns`, so a pin that is made there shows up in `ip netns`.
///
/// The same by hand: `touch PATH; mount --bind /proc/PID/ns/net PATH`.
pub fn pin(netns: &Netns, path: &Path) -> Result<(), Failure> {
    let place = || format!("pin the network namespace at {}", path.display());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::from_raw_mode(0o444)).doing(place)?;
    let pinned = open_tree(
        netns.as_fd(),
        c"",
        OpenTreeFlags::AT_EMPTY_PATH
            | OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC,
    )
    .and_then(|tree| {
        move_mount(
            tree,
            c"",
            file,
            c"",
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
        )
    });
    if pinned.is_err() {
        // The empty file is ours: nobody may take it for a pin.
        let _ = unlink(path);
    }
    pinned.doing(place)
}

/// Takes the name away again. Doing it twice is no error, nor is a name that lost its mount.
pub fn unpin(path: &Path) -> Result<Unpinned, Failure> {
    match unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // EINVAL: the file is there, but nothing is mounted on it.
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
        Err(error) => return Err(error).doing(|| format!("unmount {}", path.display())),
    }
    match rustix::fs::unlinkat(CWD, path, rustix::fs::AtFlags::empty()) {
        Ok(()) => Ok(Unpinned::Removed),
        Err(Errno::NOENT) => Ok(Unpinned::AlreadyGone),
        Err(error) => Err(error).doing(|| format!("remove {}", path.display())),
    }
}
