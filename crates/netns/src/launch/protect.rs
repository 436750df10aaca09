//! What of the kernel's files the container may read only, or not see at all.
//!
//! Capabilities do not guard them: uid 0 without any capability can write most of
//! `/proc/sys`. So the mounts do.

use super::{fresh, mount};
use crate::{
    failure::{Doing, Failure},
    inside::{RootDir, Symlinks},
    sys::{self, Reach},
};
use rustix::{
    fs::{FileType, fstat},
    io::Errno,
    mount::MountAttrFlags,
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

/// Below `/proc`: can be read, not written.
const READ_ONLY: [&str; 5] = ["/bus", "/fs", "/irq", "/sys", "/sysrq-trigger"];

/// Below `/proc`: secrets of the kernel and the machine, and counters by whose timing one
/// learns what others type or compute.
const MASKED_IN_PROC: [&str; 10] = [
    "/acpi",
    "/asound",
    "/interrupts",
    "/kcore",
    "/keys",
    "/latency_stats",
    "/sched_debug",
    "/scsi",
    "/timer_list",
    "/timer_stats",
];

/// Below `/sys`: firmware tables, and a power meter that leaks what others compute.
const MASKED_IN_SYS: [&str; 2] = ["/firmware", "/devices/virtual/powercap"];

/// Protects the files of a placed proc and sysfs.
///
/// `null` is a checked `/dev/null` that covers files, `nothing` an empty file system that
/// covers directories. All paths are looked up from the mounts themselves, not from the
/// root: whatever the root calls `/proc`, it is this proc that gets protected.
pub(super) fn protect(
    proc: &RootDir,
    sys: &RootDir,
    null: BorrowedFd<'_>,
    nothing: OwnedFd,
) -> Result<(), Failure> {
    for path in READ_ONLY {
        make_read_only(proc, Path::new(path)).doing(|| format!("make /proc{path} read-only"))?;
    }
    let mut cover = Cover {
        null,
        nothing,
        used: false,
    };
    for path in MASKED_IN_PROC {
        cover
            .mask(proc, Path::new(path))
            .doing(|| format!("mask /proc{path}"))?;
    }
    for path in MASKED_IN_SYS {
        cover
            .mask(sys, Path::new(path))
            .doing(|| format!("mask /sys{path}"))?;
    }
    mask_heat(&mut cover, sys)
}

/// How hot each processor runs tells what others compute, too. Many machines, above all
/// virtual ones, do not measure it.
fn mask_heat(cover: &mut Cover<'_>, sys: &RootDir) -> Result<(), Failure> {
    let measured = |cpu: u32| format!("/devices/system/cpu/cpu{cpu}/thermal_throttle");
    let doing = |path: &str| format!("mask /sys{path}");
    for cpu in 0.. {
        let path = measured(cpu);
        let is_there = existing(sys, Path::new(&path)).doing(|| doing(&path))?;
        if is_there.is_none() {
            return Ok(());
        }
        cover.mask(sys, Path::new(&path)).doing(|| doing(&path))?;
    }
    Ok(())
}

/// Puts a read-only mount of a file onto the file itself.
fn make_read_only(base: &RootDir, path: &Path) -> Result<(), std::io::Error> {
    let Some(target) = existing(base, path)? else {
        return Ok(());
    };
    let copy = fresh::copy_of_open(target.as_fd())?;
    sys::restrict_mount(
        copy.as_fd(),
        MountAttrFlags::MOUNT_ATTR_RDONLY,
        Reach::ThisMount,
    )?;
    Ok(mount::move_onto(copy.as_fd(), target.as_fd())?)
}

struct Cover<'a> {
    null: BorrowedFd<'a>,
    nothing: OwnedFd,
    used: bool,
}

impl Cover<'_> {
    fn mask(&mut self, base: &RootDir, path: &Path) -> Result<(), Errno> {
        let Some(target) = existing(base, path)? else {
            return Ok(());
        };
        if !FileType::from_raw_mode(fstat(&target)?.st_mode).is_dir() {
            let copy = fresh::copy_of_open(self.null)?;
            return mount::move_onto(copy.as_fd(), target.as_fd());
        }
        if self.used {
            let copy = fresh::copy_of_open(self.nothing.as_fd())?;
            return mount::move_onto(copy.as_fd(), target.as_fd());
        }
        // A mount can be copied only when it is somewhere, so the first use is the mount
        // itself.
        self.used = true;
        mount::move_onto(self.nothing.as_fd(), target.as_fd())
    }
}

/// Not every kernel has every file.
fn existing(base: &RootDir, path: &Path) -> Result<Option<OwnedFd>, Errno> {
    match base.find(path, Symlinks::Refuse) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}
