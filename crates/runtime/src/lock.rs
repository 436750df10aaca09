use crate::Error;
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// A file lock (flock(2)), free again when this is dropped, which closes the file, or when
/// the process dies in any way.
///
/// The file is opened close-on-exec and never removed: a child that inherited the lock,
/// or a second file of the same name, would break it.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until the lock is free, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let file = open(path)?;
        file.lock().map_err(Error::file("lock", path))?;
        Ok(Lock { _file: file })
    }

    /// Takes the lock if it is free.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, Error> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::file("lock", path)(error)),
        }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(Error::file("create the directory", dir))?;
    }
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::file("open", path))
}
