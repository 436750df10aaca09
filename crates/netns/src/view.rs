//! What a running container sees under a path, changed from outside.
//!
//! A file that is mounted over another one may have to be mounted again while the container
//! runs, or be covered for a moment. Both take a visit to its mount namespace, on a thread
//! that then dies. By hand it would be
//!
//! ```text
//! nsenter --target PID --mount stat /etc/hosts                    # sees
//! mount --bind FOLDER/hosts /etc/hosts                            # cover, from within
//! nsenter --target PID --mount umount --lazy /etc/hosts           # uncover
//! ```
//!
//! The paths are the container's to lead astray: a mount is put on, or taken from, the very
//! file that was found and looked at, and where that is another one than was expected
//! nothing is done.

use crate::{
    failure::{Doing, Failure},
    inside::{Root, RootDir, Symlinks},
    launch::{
        RootAccess,
        mount::{attributes, bind_open, move_onto},
        open_below,
    },
    ns::on_a_disposable_thread,
};
use nix::sched::{CloneFlags, setns, unshare};
use rustix::{
    fs::{CWD, Mode, OFlags, fstat, openat},
    io::Errno,
    mount::{UnmountFlags, unmount},
    process::fchdir,
};
use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::Path,
};

/// A file, told apart from every other one of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    dev: u64,
    ino: u64,
}

impl FileId {
    /// The file of this path, as the calling process sees it; none if there is none.
    ///
    /// # Errors
    ///
    /// Why it cannot be looked at.
    pub fn of(path: &Path) -> Result<Option<Self>, Failure> {
        let doing = || format!("look at {}", path.display());
        match openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => FileId::of_open(&file).doing(doing).map(Some),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error).doing(doing),
        }
    }

    /// The file of this path below a root, as the calling process sees it; links lead as after
    /// `chroot`.
    ///
    /// # Errors
    ///
    /// Why it cannot be looked at.
    pub fn in_root(root: &Root, path: &Path) -> Result<Option<Self>, Failure> {
        Ok(find(&RootDir::open(root)?, path)?.map(|(_, id)| id))
    }

    fn of_open(file: impl AsFd) -> Result<Self, Errno> {
        let stat = fstat(file)?;
        Ok(FileId {
            dev: stat.st_dev,
            ino: stat.st_ino,
        })
    }
}

/// The file system of a running container.
#[derive(Debug)]
pub struct View {
    process: OwnedFd,
}

impl View {
    /// What this process sees, given by a handle; see [`open_process`](crate::open_process).
    pub fn of(process: OwnedFd) -> Self {
        View { process }
    }

    /// The file that is seen under this path; none if there is none.
    ///
    /// # Errors
    ///
    /// When the process has ended, or its mounts cannot be visited.
    pub fn sees(&self, path: &Path) -> Result<Option<FileId>, Failure> {
        self.visit(|root| Ok(find(&root, path)?.map(|(_, id)| id)))
    }

    /// Mounts a file over the one that is seen under `path`. False, and nothing is done, if
    /// that is not `covered`.
    ///
    /// The file is one of the folder that was handed out for the launch of this container, see
    /// [`EtcFolder`](crate::EtcFolder); `root` and `access` are those of the launch.
    ///
    /// # Errors
    ///
    /// As for [`View::sees`], or when the kernel refuses the mount.
    pub fn cover(
        &self,
        path: &Path,
        covered: FileId,
        (folder, file): (BorrowedFd<'_>, &Path),
        root: &Root,
        access: RootAccess,
    ) -> Result<bool, Failure> {
        let file = open_below(folder, file).doing(|| format!("find {}", file.display()))?;
        let attributes = attributes(root, access);
        self.visit(|root| match find(&root, path)? {
            Some((target, id)) if id == covered => {
                let mount = bind_open(file.as_fd(), path, attributes)?;
                move_onto(mount.tree(), target.as_fd())
                    .doing(|| format!("mount on {}", path.display()))?;
                Ok(true)
            }
            _ => Ok(false),
        })
    }

    /// Takes away the mount of the file `cover` that is seen under `path`. Whoever has it open
    /// keeps it. False, and nothing is done, if another file is seen there.
    ///
    /// # Errors
    ///
    /// As for [`View::sees`], or when it is not a mount.
    pub fn uncover(&self, path: &Path, cover: FileId) -> Result<bool, Failure> {
        let doing = || format!("unmount {}", path.display());
        // The container's own /proc does not know this thread.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptors = openat(CWD, "/proc/self/fd", flags, Mode::empty()).doing(doing)?;
        self.visit(|root| match find(&root, path)? {
            Some((target, id)) if id == cover => {
                fchdir(&descriptors).doing(doing)?;
                unmount(target.as_raw_fd().to_string(), UnmountFlags::DETACH).doing(doing)?;
                Ok(true)
            }
            _ => Ok(false),
        })
    }

    fn visit<T: Send>(
        &self,
        work: impl FnOnce(RootDir) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        on_a_disposable_thread(|| {
            let doing = || "enter the container's mount namespace".to_owned();
            // Root and working directory are the whole process's until this.
            unshare(CloneFlags::CLONE_FS).doing(doing)?;
            setns(&self.process, CloneFlags::CLONE_NEWNS).doing(doing)?;
            work(RootDir::open(&Root::Host)?)
        })?
    }
}

fn find(root: &RootDir, path: &Path) -> Result<Option<(OwnedFd, FileId)>, Failure> {
    let doing = || format!("look at {}", path.display());
    match root.find(path, Symlinks::Follow) {
        Ok(file) => {
            let id = FileId::of_open(&file).doing(doing)?;
            Ok(Some((file, id)))
        }
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error).doing(doing),
    }
}
