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
//! `lease.rs`), and others wait in `open` until it is given back, some microseconds later.
//! A lease is granted only in a moment in which nobody has the file open. Where readers
//! follow so closely on one another that there is none, a [`Screen`] goes up: whoever comes
//! now reads the new text from another file, and those who read the old one finish.
//!
//! ```text
//!   readers     ▒▒ ▒▒▒ ▒▒▒▒ ▒▒▒│                 the file, old text
//!                              │▓▓▓▓ ▓▓▓ ▓▓▓▓▓    the screen, new text
//!                         raise ┘ │  ↑ lower  ░░░ the file, new text
//!                                 └ lease, exchange
//! ```
//!
//! So:
//!
//! - **whoever opens, reads and closes sees the text before or the text after**, all of it,
//!   whatever its length, in how many pieces it is read, and however many others read;
//! - whoever *keeps* the file open for more than a quarter of a second is not waited for.
//!   Such a reader still never finds the file empty or short, since the size does not change
//!   while there is text that would be cut by it; but what it reads in pieces may be of both
//!   texts, and as the kernel does not lock a `read` of the page cache against a `write`
//!   (tmpfs, ext4), so may one piece that is read in the some ten nanoseconds of the copying,
//!   or end with NUL bytes in place of line ends during the `ftruncate`. Nothing can be done
//!   about it: the bytes of an open file are what they are, for everybody at once;
//! - without a screen, as in the host's own `/etc/hosts`, the second holds for everybody
//!   while there are always readers, and on a file system without leases (NFS, FUSE).
//!
//! Should the writer be killed, the lease is gone with it; the order of the drawing leaves
//! one of the two texts, followed by empty lines perhaps.
//!
//! Two editors are kept apart by a lock on the *directory*: the file is a container's to
//! lock, and it might never unlock it.

mod editor;
mod lease;
mod screen;

pub use editor::{Editor, last_words};
pub use screen::{NoScreen, Screen};

use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno,
};
use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// The longest file that is read, in bytes. A container can write to its own files, and
/// nobody else shall have to read gigabytes (compare CVE-2020-8557).
pub const MAX_LEN: u64 = 1024 * 1024;

/// How long a lock is tried before it counts as held for good, where others than root may
/// take it.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

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
pub fn edit_in_place(path: &Path, edit: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), WriteError> {
    let (dir, name) = (path.parent(), path.file_name());
    let (Some(dir), Some(name)) = (dir, name) else {
        return Err(WriteError::NotRegular(path.to_owned()));
    };
    Editor::of(dir, LOCK_PATIENCE)?.edit(Path::new(name), edit)
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
