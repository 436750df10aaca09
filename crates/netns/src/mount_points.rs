//! The empty files and directories that mounts are put on.
//!
//! A mount needs something to cover. Where a root has no `/proc` or no `/data` for a
//! volume, an empty one is created, written down before, and removed afterwards:
//!
//! 1. [`wanted`]: which mount points a launch needs;
//! 2. [`missing`]: which of them, and of the directories above them, do not exist. Whoever
//!    keeps records writes this list down now;
//! 3. [`create`]: makes exactly these;
//! 4. [`remove_if_unused`]: when the container is gone, removes those of them that are
//!    still empty.
//!
//! Nothing is ever created outside the root, whatever symbolic links it holds. On the
//! host's own file system nothing is created below `/etc`.
//!
//! What the caller must know: removing a mount point takes away the mounts that other
//! namespaces have on it. Mount points of a root are therefore removed when its *last*
//! container is gone.

use crate::{
    failure::{Doing, Failure},
    inside::{Root, RootDir, Symlinks},
    launch::EtcFile,
};
use minet_model::{Tmpfs, Volume};
use rustix::{
    fs::{
        AtFlags, FileType, Mode, OFlags, fchmod, fstat, mkdirat, openat, readlinkat, statat,
        unlinkat,
    },
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStringExt,
    path::{Component, Path, PathBuf},
};

/// What a mount covers: a directory is mounted on a directory, a file on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// An empty regular file.
    File,
    /// An empty directory.
    Directory,
}

/// Something empty at a path of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPoint {
    /// The path in the container, absolute.
    pub path: PathBuf,
    /// What is there.
    pub kind: Kind,
}

impl MountPoint {
    /// A directory at this path.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        MountPoint {
            path,
            kind: Kind::Directory,
        }
    }

    /// A file at this path.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        MountPoint {
            path,
            kind: Kind::File,
        }
    }
}

/// Which mount points a launch with these volumes, memory and files needs.
///
/// What lies below a file system that the container gets fresh (`/dev/shm/x`, or memory) is not
/// among them: it is made there, in the container, and vanishes with it.
pub fn wanted(
    root: &Root,
    volumes: &[Volume],
    tmpfs: &[Tmpfs],
    etc: &[EtcFile],
) -> Result<Vec<MountPoint>, Failure> {
    let mut wanted = Vec::new();
    if let Root::Directory(_) = root {
        wanted.extend(["/proc", "/sys", "/dev"].map(MountPoint::directory));
        wanted.extend(etc.iter().map(|file| MountPoint::file(file.target())));
    }
    let in_memory = |target: &Path| {
        let inside = |tmpfs: &Tmpfs| target != tmpfs.target && target.starts_with(&tmpfs.target);
        crate::launch::is_fresh(root, target) || tmpfs.iter().any(inside)
    };
    for volume in volumes {
        if in_memory(&volume.target) {
            continue;
        }
        let source = std::fs::metadata(&volume.source)
            .doing(|| format!("find the volume's source {}", volume.source.display()))?;
        let kind = if source.is_dir() {
            Kind::Directory
        } else {
            Kind::File
        };
        wanted.push(MountPoint {
            path: volume.target.clone(),
            kind,
        });
    }
    let outermost = tmpfs.iter().filter(|tmpfs| !in_memory(&tmpfs.target));
    wanted.extend(outermost.map(|tmpfs| MountPoint::directory(&tmpfs.target)));
    Ok(wanted)
}

/// Which of the wanted mount points, and of the directories that lead to them, are missing,
/// in the order in which they can be created. Paths are those that the root's symbolic
/// links lead to; nothing is changed.
pub fn missing(root: &Root, wanted: &[MountPoint]) -> Result<Vec<MountPoint>, Failure> {
    let root = RootDir::open(root)?;
    let mut missing: Vec<MountPoint> = Vec::new();
    for point in wanted {
        let steps = missing_steps(&root, point)
            .doing(|| format!("look for the mount point {}", point.path.display()))?;
        for step in steps {
            if !missing.iter().any(|known| known.path == step.path) {
                missing.push(step);
            }
        }
    }
    Ok(missing)
}

/// Creates mount points. One that exists by now is left as it is.
pub fn create(root: &Root, points: &[MountPoint]) -> Result<(), Failure> {
    create_in(&RootDir::open(root)?, points)
}

/// Removes those that [`create`] made and nobody has put anything into since, the last
/// first; returns how many went. What is gone already is no error.
pub fn remove_if_unused(root: &Root, points: &[MountPoint]) -> Result<usize, Failure> {
    let root = match RootDir::open(root) {
        Ok(root) => root,
        Err(failure) if failure.cause().kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(failure) => return Err(failure),
    };
    let mut removed = 0;
    for point in points.iter().rev() {
        match remove_one(&root, point) {
            Ok(()) => removed += 1,
            Err(
                Errno::NOENT
                | Errno::NOTEMPTY
                | Errno::EXIST
                | Errno::NOTDIR
                | Errno::ISDIR
                | Errno::LOOP
                | Errno::BUSY,
            ) => {}
            Err(error) => {
                return Err(error)
                    .doing(|| format!("remove the mount point {}", point.path.display()));
            }
        }
    }
    Ok(removed)
}

pub(crate) fn create_in(root: &RootDir, points: &[MountPoint]) -> Result<(), Failure> {
    for point in points {
        create_one(root, point)
            .doing(|| format!("create the mount point {}", point.path.display()))?;
    }
    Ok(())
}

fn create_one(root: &RootDir, point: &MountPoint) -> Result<(), Errno> {
    let (parent, name) = split(&point.path)?;
    let parent = root.directory(parent, Symlinks::Refuse)?;
    let (made, mode) = match point.kind {
        Kind::Directory => {
            let made = mkdirat(&parent, name, Mode::from_raw_mode(0o755)).and_then(|()| {
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                openat(&parent, name, flags, Mode::empty())
            });
            (made, 0o755)
        }
        Kind::File => {
            let flags =
                OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            (
                openat(&parent, name, flags, Mode::from_raw_mode(0o644)),
                0o644,
            )
        }
    };
    match made {
        // Whatever the umask of whoever started us is.
        Ok(made) => fchmod(made, Mode::from_raw_mode(mode)),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

fn remove_one(root: &RootDir, point: &MountPoint) -> Result<(), Errno> {
    let (parent, name) = split(&point.path)?;
    let parent = root.directory(parent, Symlinks::Refuse)?;
    match point.kind {
        Kind::Directory => unlinkat(&parent, name, AtFlags::REMOVEDIR),
        Kind::File => {
            let stat = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            if !regular || stat.st_size != 0 {
                return Err(Errno::NOTEMPTY);
            }
            unlinkat(&parent, name, AtFlags::empty())
        }
    }
}

/// The directory and the name in it.
fn split(path: &Path) -> Result<(&Path, &OsStr), Errno> {
    path.parent().zip(path.file_name()).ok_or(Errno::INVAL)
}

/// Walks to a mount point, name by name and through the root's symbolic links, and lists
/// what does not exist from some point on. A dangling link is followed too: where it
/// points to is what the container will look at.
pub(crate) fn missing_steps(root: &RootDir, point: &MountPoint) -> Result<Vec<MountPoint>, Errno> {
    let mut here = PathBuf::from("/");
    let mut ahead = names(&point.path)?;
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&name);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let found = match root.open_at(&next, flags, Symlinks::Refuse) {
            Ok(found) => found,
            Err(Errno::NOENT) => {
                ahead.push_front(name);
                return steps(here, ahead, point.kind);
            }
            Err(error) => return Err(error),
        };
        if FileType::from_raw_mode(fstat(&found)?.st_mode) != FileType::Symlink {
            here = next;
            continue;
        }
        links += 1;
        if links > 40 {
            return Err(Errno::LOOP);
        }
        let target = PathBuf::from(OsString::from_vec(
            readlinkat(&found, c"", Vec::new())?.into_bytes(),
        ));
        if target.is_absolute() {
            here = PathBuf::from("/");
        }
        for name in names(&target)?.into_iter().rev() {
            ahead.push_front(name);
        }
    }
    Ok(Vec::new())
}

fn names(path: &Path) -> Result<VecDeque<OsString>, Errno> {
    path.components()
        .filter(|part| !matches!(part, Component::RootDir | Component::CurDir))
        .map(|part| match part {
            Component::Normal(name) => Ok(name.to_owned()),
            Component::ParentDir => Ok(OsString::from("..")),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => Err(Errno::INVAL),
        })
        .collect()
}

/// The names ahead do not exist: all but the last are directories on the way.
fn steps(
    mut here: PathBuf,
    ahead: VecDeque<OsString>,
    kind: Kind,
) -> Result<Vec<MountPoint>, Errno> {
    let last = ahead.len().saturating_sub(1);
    let mut steps = Vec::new();
    for (at, name) in ahead.into_iter().enumerate() {
        if name == ".." {
            return Err(Errno::NOENT);
        }
        here.push(name);
        let kind = if at == last { kind } else { Kind::Directory };
        steps.push(MountPoint {
            path: here.clone(),
            kind,
        });
    }
    Ok(steps)
}
