//! A mount that is made somewhere else, and put on a file or directory of the container.

use super::{RootAccess, fresh};
use crate::{
    failure::{Doing, Failure},
    inside::{Root, RootDir, Symlinks},
    sys::{self, Reach},
};
use rustix::{
    io::Errno,
    mount::{MountAttrFlags, MoveMountFlags, move_mount},
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// What every file system gets: executing a file gives no privilege.
///
/// The process may gain none anyhow (`no_new_privs`), but the kernel looks at a file's
/// capabilities first, and refuses to execute one that asks for a capability which the
/// process can never have. Debian's `ping` is such a file, and needs none here.
const NO_GAIN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID;

/// What the root, a volume or a generated file gets.
pub(crate) fn attributes(root: &Root, access: RootAccess) -> MountAttrFlags {
    let read_only = match access {
        RootAccess::ReadWrite => MountAttrFlags::empty(),
        RootAccess::ReadOnly => MountAttrFlags::MOUNT_ATTR_RDONLY,
    };
    // A device node in a root directory is only a file: the container may be able to make
    // one (CAP_MKNOD), and there is no other fence around the host's devices.
    let devices = match root {
        Root::Host => MountAttrFlags::empty(),
        Root::Directory(_) => MountAttrFlags::MOUNT_ATTR_NODEV,
    };
    NO_GAIN | read_only | devices
}

/// A mount that is to appear somewhere.
pub(crate) struct Mount {
    pub(super) tree: OwnedFd,
    pub(super) target: PathBuf,
    pub(super) symlinks: Symlinks,
}

impl Mount {
    pub(super) fn new(tree: OwnedFd, target: impl Into<PathBuf>, symlinks: Symlinks) -> Self {
        Mount {
            tree,
            target: target.into(),
            symlinks,
        }
    }

    /// The mount, which is nowhere yet.
    pub(crate) fn tree(&self) -> BorrowedFd<'_> {
        self.tree.as_fd()
    }
}

/// A file or directory of the host's, to be seen at `target`.
pub(super) fn bind(
    source: &Path,
    target: &Path,
    attributes: MountAttrFlags,
) -> Result<Mount, Failure> {
    let tree =
        fresh::copy_of(source, Reach::AllBelow).doing(|| format!("bind {}", source.display()))?;
    sys::restrict_mount(tree.as_fd(), attributes, Reach::AllBelow)
        .doing(|| format!("restrict the mount of {}", source.display()))?;
    Ok(Mount::new(tree, target, Symlinks::Follow))
}

/// An open file, to be seen at `target`. A mount can be copied only within its namespace: the
/// file must be of a mount that is somewhere in the caller's.
pub(crate) fn bind_open(
    file: BorrowedFd<'_>,
    target: &Path,
    attributes: MountAttrFlags,
) -> Result<Mount, Failure> {
    let tree =
        fresh::copy_of_open(file).doing(|| format!("bind the file for {}", target.display()))?;
    sys::restrict_mount(tree.as_fd(), attributes, Reach::ThisMount)
        .doing(|| format!("restrict the mount of {}", target.display()))?;
    Ok(Mount::new(tree, target, Symlinks::Follow))
}

/// Puts a mount on its target: on the very file that the kernel found inside the root.
pub(super) fn place(base: &RootDir, mount: &Mount) -> Result<(), Failure> {
    base.find(&mount.target, mount.symlinks)
        .and_then(|target| move_onto(mount.tree.as_fd(), target.as_fd()))
        .doing(|| format!("mount on {}", mount.target.display()))
}

/// `move_mount(2)` between two descriptors: no path is involved.
pub(crate) fn move_onto(tree: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, c"", target, c"", flags)
}
