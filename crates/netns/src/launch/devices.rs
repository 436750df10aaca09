//! The `/dev` of a root directory: a handful of the host's device nodes.
//!
//! The nodes are bind mounts and not made with `mknod`: root of a user namespace may not
//! make any. Each is opened once and checked to be the device that its name promises,
//! and what was checked is what gets mounted (compare CVE-2025-31133).

use super::{fresh, mount::Mount};
use crate::{
    failure::{Doing, Failure},
    inside::Symlinks,
};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fstat, major, minor, mkdirat, openat, symlinkat},
    io::Errno,
};
use std::os::fd::{AsFd, OwnedFd};

/// Name, major and minor number, `Documentation/admin-guide/devices.txt` in the kernel.
const NODES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// What is in `/dev` under which name. `core` is where old programs look for the kernel's
/// memory; it leads to a masked file.
const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
    ("core", "/proc/kcore"),
];

/// Fills a new `/dev` with links and with files and directories to mount on.
pub(super) fn furnish(dev: &OwnedFd) -> Result<(), Failure> {
    for (name, target) in LINKS {
        symlinkat(target, dev, name).doing(|| format!("create /dev/{name}"))?;
    }
    for name in ["pts", "shm", "mqueue"] {
        mkdirat(dev, name, Mode::from_raw_mode(0o755)).doing(|| format!("create /dev/{name}"))?;
    }
    for name in NODES.map(|(name, ..)| name).into_iter().chain(["console"]) {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        openat(dev, name, flags, Mode::from_raw_mode(0o600))
            .doing(|| format!("create /dev/{name}"))?;
    }
    Ok(())
}

/// The host's device nodes as mounts for a `/dev` made by [`furnish`].
pub(super) fn nodes() -> Result<Vec<Mount>, Failure> {
    let mut mounts = Vec::new();
    for (name, major, minor) in NODES {
        let node = match node(name, major, minor) {
            Err(failure) if name != "null" && failure.cause().kind() == NOT_FOUND => continue,
            node => node?,
        };
        let tree = fresh::copy_of_open(node.as_fd()).doing(|| format!("bind /dev/{name}"))?;
        mounts.push(Mount::new(tree, format!("/{name}"), Symlinks::Refuse));
    }
    Ok(mounts)
}

const NOT_FOUND: std::io::ErrorKind = std::io::ErrorKind::NotFound;

/// The host's `/dev/null`, checked.
pub(super) fn null() -> Result<OwnedFd, Failure> {
    let (name, major, minor) = NODES[0];
    node(name, major, minor)
}

/// A handle to a device node of the host, checked to be what its name says.
fn node(name: &str, wanted_major: u32, wanted_minor: u32) -> Result<OwnedFd, Failure> {
    let doing = || format!("find the host's /dev/{name}");
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let node = openat(CWD, format!("/dev/{name}"), flags, Mode::empty()).doing(doing)?;
    let stat = fstat(&node).doing(doing)?;
    let device = (major(stat.st_rdev), minor(stat.st_rdev));
    let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    if !is_device || device != (wanted_major, wanted_minor) {
        return Err(Failure::new(
            format!("{} (it is another device)", doing()),
            Errno::NXIO,
        ));
    }
    Ok(node)
}
