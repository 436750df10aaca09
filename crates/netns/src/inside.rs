//! Paths as the container sees them, resolved from outside without being led astray.
//!
//! Whoever made a root directory chose its symbolic links, and `etc -> /etc` in it must
//! not become the host's `/etc` (CVE-2021-30465 and its family). Therefore nothing here
//! joins a root and a path to one string: the kernel resolves each path from a descriptor
//! of the root, as if after `chroot`, in one step that no rename can split.

use crate::failure::{Doing, Failure};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// What a container sees as `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// The host's own file system, in a mount namespace of the container's own.
    Host,
    /// A directory of the host.
    Directory(PathBuf),
}

/// Whether a path may lead through symbolic links of the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symlinks {
    Follow,
    Refuse,
}

/// A directory from which paths are resolved as if it were `/`.
#[derive(Debug)]
pub(crate) struct RootDir {
    fd: OwnedFd,
}

/// A file of a container's that is read as a whole is small; more is not believed.
const LARGEST_FILE: u64 = 4 << 20;

impl RootDir {
    pub(crate) fn open(root: &Root) -> Result<Self, Failure> {
        let path = match root {
            Root::Host => Path::new("/"),
            Root::Directory(directory) => directory,
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty())
            .doing(|| format!("open the root directory {}", path.display()))?;
        Ok(RootDir { fd })
    }

    pub(crate) fn from_fd(fd: OwnedFd) -> Self {
        RootDir { fd }
    }

    /// Opens a path below this root.
    pub(crate) fn open_at(
        &self,
        path: &Path,
        flags: OFlags,
        symlinks: Symlinks,
    ) -> Result<OwnedFd, Errno> {
        let mut resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        if symlinks == Symlinks::Refuse {
            resolve |= ResolveFlags::NO_SYMLINKS;
        }
        let mut attempts = 0;
        loop {
            match openat2(
                &self.fd,
                path,
                flags | OFlags::CLOEXEC,
                Mode::empty(),
                resolve,
            ) {
                // Something was renamed or mounted meanwhile and the kernel could not
                // rule out an escape; openat2(2) says to try again.
                Err(Errno::AGAIN) if attempts < 1000 => attempts += 1,
                answer => return answer,
            }
        }
    }

    /// A handle to whatever is there, without opening it.
    pub(crate) fn find(&self, path: &Path, symlinks: Symlinks) -> Result<OwnedFd, Errno> {
        self.open_at(path, OFlags::PATH, symlinks)
    }

    /// A directory, to create or remove names in.
    pub(crate) fn directory(&self, path: &Path, symlinks: Symlinks) -> Result<OwnedFd, Errno> {
        self.open_at(path, OFlags::PATH | OFlags::DIRECTORY, symlinks)
    }

    /// The text of a regular file, or nothing where there is no such file.
    ///
    /// A fifo or a device in its place is not waited for.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Option<String>> {
        let Some(file) = self.regular(path)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(LARGEST_FILE).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The same in bytes, and refused if it is longer than that.
    pub(crate) fn read_bytes(&self, path: &Path, longest: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.regular(path)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(longest + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > longest {
            true => Err(io::Error::other(format!("longer than {longest} bytes"))),
            false => Ok(Some(bytes)),
        }
    }

    fn regular(&self, path: &Path) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match self.open_at(path, flags, Symlinks::Follow) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        Ok(Some(File::from(file)))
    }
}

impl AsFd for RootDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
