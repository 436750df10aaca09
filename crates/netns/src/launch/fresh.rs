//! File systems that every container gets new, made as detached mounts: they exist, held
//! by a descriptor, and are nowhere yet.

use crate::{
    failure::{Doing, Failure},
    inside::Root,
    sys::{self, Reach},
};
use minet_model::{Programs, Tmpfs};
use rustix::{
    fs::{CWD, stat},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create,
        fsconfig_set_string, fsmount, fsopen, open_tree,
    },
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

/// No set-user-id programs, no devices, no programs.
pub(crate) const PLAIN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// A new file system of a kind, `mount -t KIND -o OPTIONS`.
pub(crate) fn filesystem(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Errno> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    // What /proc/self/mounts shows in the first column.
    fsconfig_set_string(&context, "source", kind)?;
    for (key, value) in options {
        fsconfig_set_string(&context, *key, *value)?;
    }
    fsconfig_create(&context)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// A mount of what is mounted somewhere already, `mount --bind`. With everything that is
/// mounted below it, or without.
pub(super) fn copy_of(path: &Path, reach: Reach) -> Result<OwnedFd, Errno> {
    open_tree(CWD, path, clone_flags(reach))
}

/// The same for a file or mount that is held open.
pub(super) fn copy_of_open(file: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    open_tree(
        file,
        c"",
        clone_flags(Reach::ThisMount) | OpenTreeFlags::AT_EMPTY_PATH,
    )
}

fn clone_flags(reach: Reach) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    match reach {
        Reach::ThisMount => flags,
        Reach::AllBelow => flags | OpenTreeFlags::AT_RECURSIVE,
    }
}

/// A proc that shows the PID namespace of the calling process.
pub(super) fn proc() -> Result<OwnedFd, Failure> {
    filesystem("proc", &[], PLAIN).map_err(|error| {
        let hint = match error {
            // mount_too_revealing() in fs/namespace.c.
            Errno::PERM => " (a user namespace gets one only where the outer /proc is not masked)",
            _ => "",
        };
        Failure::new(format!("mount a fresh proc{hint}"), error)
    })
}

/// A read-only sysfs that shows the network namespace of the calling process.
///
/// Root of a user namespace may make one only if its user namespace owns the network
/// namespace. Otherwise this is the outer one, seen read-only.
pub(super) fn sys() -> Result<OwnedFd, Failure> {
    match filesystem("sysfs", &[], PLAIN | MountAttrFlags::MOUNT_ATTR_RDONLY) {
        Err(Errno::PERM) => {}
        answer => return answer.doing(|| "mount a fresh sysfs".to_owned()),
    }
    let outer = copy_of(Path::new("/sys"), Reach::AllBelow).doing(|| "bind /sys".to_owned())?;
    sys::restrict_mount(
        outer.as_fd(),
        MountAttrFlags::MOUNT_ATTR_RDONLY,
        Reach::AllBelow,
    )
    .doing(|| "make /sys read-only".to_owned())?;
    Ok(outer)
}

/// The host's control groups, read-only, if they are where they usually are.
///
/// They are a convenience for programs that look for their limits; where they cannot be
/// had, as in some user namespaces, the container goes without.
pub(super) fn control_groups() -> Option<OwnedFd> {
    let path = Path::new("/sys/fs/cgroup");
    if stat(path).ok()?.st_dev == stat("/sys").ok()?.st_dev {
        return None;
    }
    let copy = copy_of(path, Reach::AllBelow).ok()?;
    let attributes = PLAIN | MountAttrFlags::MOUNT_ATTR_RDONLY;
    sys::restrict_mount(copy.as_fd(), attributes, Reach::AllBelow).ok()?;
    Some(copy)
}

/// Terminals of the container's own, numbered from 0.
pub(super) fn terminals() -> Result<OwnedFd, Failure> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let options = [("mode", "0620"), ("ptmxmode", "0666"), ("gid", "5")];
    match filesystem("devpts", &options, attributes) {
        // Group 5, tty by convention, does not exist in every user namespace.
        Err(Errno::INVAL) => filesystem("devpts", &options[..2], attributes),
        answer => answer,
    }
    .doing(|| "mount a fresh devpts".to_owned())
}

/// Message queues of the container's own IPC namespace, where the kernel has them and there
/// will be a place for them: to let go of a mount that is nowhere takes its time.
pub(super) fn message_queues(root: &Root) -> Option<OwnedFd> {
    let has_place = *root != Root::Host || Path::new("/dev/mqueue").is_dir();
    has_place
        .then(|| filesystem("mqueue", &[], PLAIN).ok())
        .flatten()
}

/// Memory that processes of the container share.
pub(super) fn shared_memory() -> Result<OwnedFd, Failure> {
    filesystem("tmpfs", &[("mode", "1777"), ("size", "65536k")], PLAIN)
        .doing(|| "mount a fresh tmpfs for /dev/shm".to_owned())
}

/// Memory for the container alone.
pub(super) fn memory(tmpfs: &Tmpfs) -> Result<OwnedFd, Failure> {
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    attributes.set(
        MountAttrFlags::MOUNT_ATTR_NOEXEC,
        tmpfs.programs == Programs::Refused,
    );
    attributes.set(MountAttrFlags::MOUNT_ATTR_RDONLY, tmpfs.read_only);
    let options = tmpfs.kernel_options();
    let options: Vec<_> = options
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    filesystem("tmpfs", &options, attributes)
        .doing(|| format!("mount a fresh tmpfs for {}", tmpfs.target.display()))
}

/// An empty `/dev`. Device nodes made in it by the container do not work.
pub(super) fn devices() -> Result<OwnedFd, Failure> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_STRICTATIME;
    filesystem("tmpfs", &[("mode", "0755"), ("size", "65536k")], attributes)
        .doing(|| "mount a fresh tmpfs for /dev".to_owned())
}

/// A directory that is empty and stays so, to cover others with.
pub(super) fn nothing() -> Result<OwnedFd, Failure> {
    let attributes = PLAIN | MountAttrFlags::MOUNT_ATTR_RDONLY;
    filesystem("tmpfs", &[("mode", "0555"), ("size", "0")], attributes)
        .doing(|| "mount an empty tmpfs".to_owned())
}
