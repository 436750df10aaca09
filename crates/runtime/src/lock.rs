use crate::Error;
use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// A file lock, free again when this is dropped or when the process dies in any way.
///
/// The file is opened close-on-exec and never removed: a child that inherited the lock,
/// or a second file of the same name, would break it.
pub(crate) struct Lock {
    _flock: Flock<File>,
}

impl Lock {
    /// Waits until the lock is free, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        Flock::lock(open(path)?, FlockArg::LockExclusive)
            .map(|flock| Lock { _flock: flock })
            .map_err(|(_, errno)| Error::file("lock", path)(errno.into()))
    }

    /// Takes the lock if it is free.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, Error> {
        match Flock::lock(open(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(flock) => Ok(Some(Lock { _flock: flock })),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(Error::file("lock", path)(errno.into())),
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
