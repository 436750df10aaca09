//! Directories that are root's alone.

use crate::Error;
use nix::unistd::{AccessFlags, Uid, access};
use std::{
    fs::{DirBuilder, Metadata, Permissions},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Why nothing may be kept in a directory: others could have exchanged what is in it, and
/// minet does as root what it reads there.
#[derive(Debug, thiserror::Error)]
pub enum UnsafeDir {
    /// It is somebody else's.
    #[error(
        "{} belongs to user {owner}, who could exchange what minet keeps there; look at what is in it, then chown 0 it",
        dir.display()
    )]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Its mode lets others write.
    #[error(
        "others than root may write to {} (mode {mode:04o}) and exchange what minet keeps there; look at what is in it, then chmod 0700 it",
        dir.display()
    )]
    Writable {
        /// The directory.
        dir: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Makes the directory with mode 0700, or looks at the one that is there: what others could
/// have changed is refused, what they can only read is closed to them.
pub(crate) fn prepare(dir: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(Error::file("create the directory", dir))?;
    let found = dir
        .metadata()
        .map_err(Error::file("look at the directory", dir))?;
    judge(dir, &found)?;
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(Error::file("close to others", dir))?;
    }
    access(dir, AccessFlags::W_OK)
        .map_err(|errno| Error::file("write to the directory", dir)(errno.into()))
}

fn judge(dir: &Path, found: &Metadata) -> Result<(), UnsafeDir> {
    let dir = || dir.to_owned();
    if found.uid() != Uid::effective().as_raw() {
        return Err(UnsafeDir::Foreign {
            dir: dir(),
            owner: found.uid(),
        });
    }
    match found.mode() & 0o7777 {
        mode if mode & 0o022 != 0 => Err(UnsafeDir::Writable { dir: dir(), mode }),
        _ => Ok(()),
    }
}
