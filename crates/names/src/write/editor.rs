//! Changing a file from what is in it.

use super::{
    MAX_LEN, NoScreen, Screen, WriteError, lease::Lease, open_error, read_error, write_error,
};
use rustix::{
    fs::{self, FileType, FlockOperation, Mode, OFlags},
    io::{Errno, ReadWriteFlags, pwritev2},
};
use std::{
    fs::File,
    io::{IoSlice, Read, Seek},
    os::{fd::OwnedFd, unix::fs::FileExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// At which distance something is tried that others hold.
const PAUSE: Duration = Duration::from_millis(2);

/// How long is waited for a moment without readers before there is a screen for them.
const AT_ONCE: Duration = Duration::from_millis(3);

/// How long is waited for those who have the file open. Somebody who keeps it open, be it on
/// purpose, keeps nobody longer.
const PATIENCE: Duration = Duration::from_millis(250);

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
    /// `name` is a file of the directory, and must not be a symlink. `edit` may be asked more
    /// than once.
    ///
    /// # Errors
    ///
    /// See [`WriteError`].
    pub fn edit(&self, name: &Path, edit: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), WriteError> {
        self.edit_behind(&mut NoScreen, name, edit)
    }

    /// The same, with a screen for readers that never leave the file alone.
    ///
    /// # Errors
    ///
    /// See [`WriteError`].
    pub fn edit_behind(
        &self,
        screen: &mut dyn Screen,
        name: &Path,
        edit: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<(), WriteError> {
        let path = self.path.join(name);
        let file = open_regular(&self.dir, name, &path)?;
        let text = read_all(&file, &path)?;
        let wanted = edit(&text);
        if wanted == text {
            return Ok(());
        }
        let lease = Lease::take(&file, AT_ONCE).or_else(|| {
            screen.raise(&wanted);
            Lease::take(&file, PATIENCE)
        });
        // Before that, somebody may have written.
        let written = rewrite(&file, &path, &edit);
        drop(lease);
        match screen.lower() {
            Some(text) => written.and_then(|()| match text.strip_prefix(&wanted[..]) {
                // Others may have appended here before, and may do so in this moment.
                Some(added) => append(&file, added).map_err(write_error(&path)),
                None => rewrite(&file, &path, |_| edit(&text)),
            }),
            None => written,
        }
    }
}

/// Appends in one go, wherever the end is by then.
fn append(file: &File, text: &[u8]) -> std::io::Result<()> {
    let flags = ReadWriteFlags::APPEND;
    match pwritev2(file, &[IoSlice::new(text)], 0, flags)? {
        written if written == text.len() => Ok(()),
        _ => Err(std::io::ErrorKind::WriteZero.into()),
    }
}

/// The text of a file that nobody can open any more, when those who have it open have closed
/// it; or after `patience`. None if it cannot be read, or is longer than [`MAX_LEN`].
pub fn last_words(path: &Path, patience: Duration) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let _lease = Lease::take(&file, patience);
    read_all(&file, path).ok()
}

/// Exchanges the text of a file.
fn rewrite(file: &File, path: &Path, edit: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), WriteError> {
    let old = read_all(file, path)?;
    let new = edit(&old);
    if new == old {
        return Ok(());
    }
    exchange(file, old.len(), new).map_err(write_error(path))
}

fn open_regular(dir: &OwnedFd, name: &Path, path: &Path) -> Result<File, WriteError> {
    // NONBLOCK: opening a pipe without a reader must not hang.
    let flags =
        OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let deadline = Instant::now() + PATIENCE;
    let opened = loop {
        match fs::openat(dir, name, flags, Mode::empty()) {
            // Somebody has a lease on it, and has been told to give it back.
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => thread::sleep(PAUSE),
            opened => break opened,
        }
    };
    let fd = match opened {
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
            Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(PAUSE),
            Err(errno) => return Err(read_error(path)(errno.into())),
        }
    }
}

fn read_all(mut file: &File, path: &Path) -> Result<Vec<u8>, WriteError> {
    let mut text = Vec::new();
    file.rewind()
        .and_then(|()| file.take(MAX_LEN + 1).read_to_end(&mut text))
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
