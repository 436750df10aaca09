use crate::{
    failure::{Doing, Failure},
    sys,
};
use nix::sched::{CloneFlags, setns, unshare};
use rustix::fs::{Mode, OFlags, fstat, fstatfs, open};
use serde::{Deserialize, Serialize};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    panic::resume_unwind,
    path::Path,
    thread,
};

/// `NSFS_MAGIC`, `include/uapi/linux/magic.h`: the file system of `/proc/PID/ns/*`.
const NSFS_MAGIC: i64 = 0x6e73_6673;

/// The namespace of the calling *thread*; `/proc/self` would be the main thread's.
const OF_THIS_THREAD: &str = "/proc/thread-self/ns/net";

/// A network namespace, held open: as long as this value lives, so does the namespace.
///
/// Nothing of a process moves when it holds one. [`Netns::run`] enters on a thread that
/// dies afterwards, so there is no way back to forget.
#[derive(Debug)]
pub struct Netns {
    fd: OwnedFd,
}

/// Which namespace it is: equal if and only if it is the same one, until the next boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NamespaceId {
    /// The device of the kernel's namespace file system (nsfs).
    pub dev: u64,
    /// The inode, the number in `net:[4026531840]`.
    pub ino: u64,
}

/// Why there is no open namespace.
#[derive(Debug, thiserror::Error)]
pub enum NetnsError {
    /// A system call was refused.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The path leads to something else, such as a plain file left in place of a mount.
    #[error("{0} is not a namespace")]
    NotANamespace(String),
    /// It is a namespace of another kind, such as `/proc/PID/ns/mnt`.
    #[error("{0} is a namespace, but not a network namespace")]
    NotANetworkNamespace(String),
}

/// Why [`Netns::create`] gave up; the namespace is gone again.
#[derive(Debug, thiserror::Error)]
pub enum CreateError<E> {
    /// The namespace could not be made.
    #[error(transparent)]
    Namespace(NetnsError),
    /// What was to be done inside failed.
    #[error(transparent)]
    Inside(E),
}

impl Netns {
    /// Makes a namespace and runs `inside` in it, on a thread that then dies.
    ///
    /// `inside` is the place to open the netlink socket through which all links,
    /// addresses and routes of the namespace are made (a socket stays in the namespace
    /// where it was opened) and to write sysctls.
    ///
    /// The same by hand: `ip netns add NAME; ip netns exec NAME …`.
    pub fn create<T, E>(
        inside: impl FnOnce() -> Result<T, E> + Send,
    ) -> Result<(Netns, T), CreateError<E>>
    where
        T: Send,
        E: Send,
    {
        on_a_disposable_thread(|| {
            let netns = unshare(CloneFlags::CLONE_NEWNET)
                .doing(|| "make a network namespace".to_owned())
                .map_err(NetnsError::from)
                .and_then(|()| Netns::current())
                .map_err(CreateError::Namespace)?;
            let value = inside().map_err(CreateError::Inside)?;
            Ok((netns, value))
        })
        .map_err(|failure| CreateError::Namespace(failure.into()))?
    }

    /// Opens a pinned namespace such as `/run/netns/web`, or `/proc/PID/ns/net`.
    ///
    /// What the path leads to is not believed but checked on the open file.
    pub fn open(path: &Path) -> Result<Netns, NetnsError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = open(path, flags, Mode::empty())
            .doing(|| format!("open the network namespace {}", path.display()))?;
        Netns::checked(fd, || path.display().to_string())
    }

    /// The namespace a process is in now. The pid may have been recycled: compare
    /// [`Netns::id`] with what was recorded.
    pub fn of_process(pid: crate::Pid) -> Result<Netns, NetnsError> {
        Netns::open(Path::new(&format!("/proc/{}/ns/net", pid.as_raw_nonzero())))
    }

    /// The namespace of the calling thread.
    pub fn current() -> Result<Netns, NetnsError> {
        Netns::open(Path::new(OF_THIS_THREAD))
    }

    /// Runs a closure inside, on a thread that then dies; a panic inside goes on here.
    ///
    /// The same by hand: `nsenter --net=/run/netns/NAME …`.
    pub fn run<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> Result<T, Failure> {
        on_a_disposable_thread(|| {
            setns(&self.fd, CloneFlags::CLONE_NEWNET)
                .doing(|| "enter the network namespace".to_owned())?;
            Ok(inside())
        })?
    }

    /// The same namespace, held by one more descriptor.
    pub fn try_clone(&self) -> Result<Netns, Failure> {
        let fd = self.fd.try_clone();
        let fd = fd.map_err(|error| Failure::new("duplicate a network namespace", error))?;
        Ok(Netns { fd })
    }

    /// Which namespace it is.
    pub fn id(&self) -> Result<NamespaceId, Failure> {
        let stat = fstat(&self.fd).doing(|| "identify the network namespace".to_owned())?;
        Ok(NamespaceId {
            dev: stat.st_dev,
            ino: stat.st_ino,
        })
    }

    /// Whether this is the namespace the calling thread is in: nothing that is meant for
    /// a container may be done there.
    pub fn is_the_callers_own(&self) -> Result<bool, NetnsError> {
        Ok(self.id()? == Netns::current()?.id()?)
    }

    fn checked(fd: OwnedFd, name: impl Fn() -> String) -> Result<Netns, NetnsError> {
        let filesystem =
            fstatfs(&fd).doing(|| format!("find out what kind of file {} is", name()))?;
        if filesystem.f_type != NSFS_MAGIC {
            return Err(NetnsError::NotANamespace(name()));
        }
        let kind = sys::namespace_kind(fd.as_fd())
            .doing(|| format!("find out what kind of namespace {} is", name()))?;
        if kind != CloneFlags::CLONE_NEWNET {
            return Err(NetnsError::NotANetworkNamespace(name()));
        }
        Ok(Netns { fd })
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Netns> for OwnedFd {
    fn from(netns: Netns) -> OwnedFd {
        netns.fd
    }
}

/// Runs `work` on a thread of its own and waits for it.
///
/// A thread that has changed its namespace is never used for anything else: it ends with
/// its work, whether that returned, failed or panicked.
pub(crate) fn on_a_disposable_thread<T: Send>(
    work: impl FnOnce() -> T + Send,
) -> Result<T, Failure> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("netns".to_owned())
            .spawn_scoped(scope, work)
            .doing(|| "start a thread for another namespace".to_owned())?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
