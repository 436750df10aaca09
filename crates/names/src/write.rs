//! Writing a file that somebody has mounted and reads at any moment.
//!
//! The usual way to replace a file, write a new one and rename it over the old, does not
//! work here: a bind mount shows the *inode*, and the container would see the old text for
//! ever. The usual other way, truncate and write, lets a reader find an empty file. So the
//! text is exchanged within the file, in an order in which every moment makes sense:
//!
//! ```text
//!              old text           |127.0.0.1 localhost⏎|
//! longer:   1. pad with line ends |127.0.0.1 localhost⏎⏎⏎⏎⏎⏎|      a full disk fails here
//!           2. one pwrite         |127.0.0.1 localhost⏎10.0.0.9 db⏎|
//! shorter:  1. one pwrite, padded |127.0.0.1 db⏎⏎⏎⏎⏎⏎⏎⏎|
//!           2. ftruncate          |127.0.0.1 db⏎|
//! ```
//!
//! While that is done nobody else has the file open: the writer holds a write lease (see
//! `lease.rs`), for which it waits until readers have closed the file, and others wait in
//! `open` until it is given back, some microseconds later. So:
//!
//! - **whoever opens, reads and closes sees the text before or the text after**, all of it,
//!   whatever its length and in how many pieces it is read;
//! - whoever *keeps* the file open for more than a quarter of a second is not waited for. Such a reader
//!   still never finds the file empty or short, since the size does not change while there
//!   is text that would be cut by it; but the kernel does not lock a `read` of the page
//!   cache against a `write` (tmpfs, ext4), so a read during the copying itself, some ten
//!   nanoseconds, may get a part of either, each byte at its place, and one during the
//!   `ftruncate` NUL bytes in place of the empty lines at the end;
//! - the same holds for everybody on a file system without leases (NFS, FUSE).
//!
//! Should the writer be killed, the lease is gone with it; the order of the drawing leaves
//! one of the two texts, followed by empty lines perhaps.
//!
//! Two editors are kept apart by a lock on the *directory*: the file is a container's to
//! lock, and it might never unlock it.

use crate::lease::Lease;
use rustix::{
    fs::{self, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::Read,
    os::{fd::OwnedFd, unix::fs::FileExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// The longest file that is read, in bytes. A container can write to its own files, and
/// nobody else shall have to read gigabytes (compare CVE-2020-8557).
pub const MAX_LEN: u64 = 1024 * 1024;

/// How long and at which distance a lock is tried before it counts as held for good, where
/// others than root may take it.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Why a file was not written. Unless it says `Write`, the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It cannot be opened or made; a symlink is refused here, with `ELOOP`.
    #[error("open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("{0} is not a regular file")]
    NotRegular(PathBuf),
    /// Somebody holds its lock for longer than it was waited for.
    #[error("{0} is locked by another process")]
    Locked(PathBuf),
    /// Longer than [`MAX_LEN`].
    #[error("{0} is longer than 1 MiB")]
    TooLong(PathBuf),
    /// Locking or reading failed.
    #[error("read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Writing failed. On a full disk the old text is still there.
    #[error("write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Makes a new file, readable by everybody, and refuses one that is there.
///
/// # Errors
///
/// `Open` with `EEXIST` where there is anything of this name, even a dangling symlink.
pub fn create(path: &Path, text: &[u8]) -> Result<(), WriteError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::open(path, flags, Mode::from_raw_mode(0o644)).map_err(open_error(path))?;
    // The umask may have taken bits away, but every user in the container resolves names.
    fs::fchmod(&fd, Mode::from_raw_mode(0o644)).map_err(open_error(path))?;
    File::from(fd)
        .write_all_at(text, 0)
        .map_err(write_error(path))
}

/// Replaces the text of an existing file and keeps the inode.
///
/// # Errors
///
/// See [`WriteError`].
pub fn write_in_place(path: &Path, text: &[u8]) -> Result<(), WriteError> {
    edit_in_place(path, |_| text.to_vec())
}

/// Reads an existing file, lets `edit` say what shall be in it, and writes that: an
/// [`Editor`] for one edit.
///
/// # Errors
///
/// See [`WriteError`].
pub fn edit_in_place(path: &Path, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(), WriteError> {
    let (dir, name) = (path.parent(), path.file_name());
    let (Some(dir), Some(name)) = (dir, name) else {
        return Err(WriteError::NotRegular(path.to_owned()));
    };
    Editor::of(dir, LOCK_PATIENCE)?.edit(Path::new(name), edit)
}

/// The one who may change the files of a directory, until this is dropped: of two editors
/// none loses a line.
#[derive(Debug)]
pub struct Editor {
    /// Closing it unlocks it.
    dir: OwnedFd,
    path: PathBuf,
}

impl Editor {
    /// Waits until nobody else edits the files of this directory, by its lock (`man 2
    /// flock`), but no longer than `patience`.
    ///
    /// Give a directory that only root can change: the components of its path may be
    /// symlinks.
    ///
    /// # Errors
    ///
    /// `Open` if there is no such directory, `Locked`.
    pub fn of(dir: &Path, patience: Duration) -> Result<Self, WriteError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = fs::open(dir, flags, Mode::empty()).map_err(open_error(dir))?;
        Editor::of_open(fd, dir, patience)
    }

    /// The same for a directory that is open already; `path` is what errors call it.
    ///
    /// # Errors
    ///
    /// `Locked`.
    pub fn of_open(dir: OwnedFd, path: &Path, patience: Duration) -> Result<Self, WriteError> {
        lock(&dir, path, patience)?;
        Ok(Editor {
            dir,
            path: path.to_owned(),
        })
    }

    /// Lets `edit` say what shall be in an existing file, from what is in it. Where nothing
    /// changes nothing is written.
    ///
    /// `name` is a file of the directory, and must not be a symlink.
    ///
    /// # Errors
    ///
    /// See [`WriteError`].
    pub fn edit(&self, name: &Path, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(), WriteError> {
        let path = self.path.join(name);
        let file = open_regular(&self.dir, name, &path)?;
        let old = read_all(&file, &path)?;
        let new = edit(&old);
        if new == old {
            return Ok(());
        }
        let lease = Lease::take(&file);
        let written = exchange(&file, old.len(), new).map_err(write_error(&path));
        drop(lease);
        written
    }
}

fn open_regular(dir: &OwnedFd, name: &Path, path: &Path) -> Result<File, WriteError> {
    // NONBLOCK: opening a pipe without a reader must not hang.
    let flags =
        OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = match fs::openat(dir, name, flags, Mode::empty()) {
        // What cannot be opened for writing at all.
        Err(Errno::ISDIR | Errno::NXIO) => return Err(WriteError::NotRegular(path.to_owned())),
        other => other.map_err(open_error(path))?,
    };
    let stat = fs::fstat(&fd).map_err(open_error(path))?;
    match FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        true => Ok(File::from(fd)),
        false => Err(WriteError::NotRegular(path.to_owned())),
    }
}

fn lock(dir: &OwnedFd, path: &Path, patience: Duration) -> Result<(), WriteError> {
    let deadline = Instant::now() + patience;
    loop {
        match fs::flock(dir, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if Instant::now() >= deadline => {
                return Err(WriteError::Locked(path.to_owned()));
            }
            Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(LOCK_PAUSE),
            Err(errno) => return Err(read_error(path)(errno.into())),
        }
    }
}

fn read_all(file: &File, path: &Path) -> Result<Vec<u8>, WriteError> {
    let mut text = Vec::new();
    file.take(MAX_LEN + 1)
        .read_to_end(&mut text)
        .map_err(read_error(path))?;
    match text.len() as u64 > MAX_LEN {
        true => Err(WriteError::TooLong(path.to_owned())),
        false => Ok(text),
    }
}

/// The order of the module's drawing.
fn exchange(file: &File, old_len: usize, mut new: Vec<u8>) -> std::io::Result<()> {
    let new_len = new.len();
    if let Some(growth) = new_len.checked_sub(old_len) {
        let padded = file.write_all_at(&vec![b'\n'; growth], old_len as u64);
        if padded.is_err() {
            file.set_len(old_len as u64)?;
        }
        padded?;
    }
    new.resize(new_len.max(old_len), b'\n');
    file.write_all_at(&new, 0)?;
    if new_len < old_len {
        file.set_len(new_len as u64)?;
    }
    Ok(())
}

fn open_error(path: &Path) -> impl Fn(Errno) -> WriteError {
    move |errno| WriteError::Open {
        path: path.to_owned(),
        source: errno.into(),
    }
}

fn read_error(path: &Path) -> impl Fn(std::io::Error) -> WriteError {
    move |source| WriteError::Read {
        path: path.to_owned(),
        source,
    }
}

fn write_error(path: &Path) -> impl Fn(std::io::Error) -> WriteError {
    move |source| WriteError::Write {
        path: path.to_owned(),
        source,
    }
}
