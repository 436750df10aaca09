//! Starting a process in namespaces of its own.
//!
//! # Theory of operation
//!
//! A launch happens in five stages, in two processes that talk over a socket pair. What
//! each stage does is decided by what must still be possible, or no longer possible, at
//! that moment.
//!
//! ```text
//!  minet                                the new process
//!  ─────                                ───────────────
//!  begin    clone3 ───────────────────▶ 1. leash: dies with minet, cannot be looked into
//!    │      (new mount, pid,            2. joins the network namespace, own session, name
//!    │       uts, ipc namespaces)       3. the world: gather, enter, place, protect
//!    │      the network is              4. finds its user and working directory,
//!    │      made meanwhile                 opens its terminal
//!  finish ◀──────────────────────────── "ready" (and the terminal)
//!  start  ────────────────────────────▶ 5. (own init forks,) gives up every privilege,
//!    ◀───── end of file, or the error ──   exec
//! ```
//!
//! 1. **Leash** (`child.rs`). First of all the process asks the kernel to be killed when
//!    its parent dies, and becomes not dumpable: until exec it carries the host's
//!    descriptors and all capabilities, and nobody may attach to it (CVE-2016-9962).
//! 2. **Namespaces.** Mount, PID, UTS and IPC come new with `clone3`; the PID namespace
//!    must, as only a child is born into it. The network namespace already exists, and is
//!    joined before the world is made: a sysfs shows the devices of the network namespace
//!    in which it was mounted.
//! 3. **World** (`world.rs`). *Gather* everything that comes from the host, as detached
//!    mounts that are held by descriptors: volumes, device nodes, fresh file systems. This
//!    is the last moment to see the host, and the only one: a proc can be mounted in a
//!    user namespace only while another is visible. *Enter* the root
//!    directory (`pivot_root`) and let go of the host's tree. *Place* the mounts: each
//!    target is resolved by the kernel inside the root and the mount is put on the very
//!    file that was found, so that no symbolic link and no race leads elsewhere, and by
//!    now there is no elsewhere. The generated files come from a mount that has been
//!    nowhere so far, and take a detour (`etc.rs`). *Protect* the kernel's knobs:
//!    read-only or masked.
//! 4. **Identity** (`privileges.rs`, `terminal.rs`). The container's own `/etc/passwd` is
//!    read in the finished world.
//! 5. **Exec** (`exec.rs`). Bounding set, ids, capabilities, no new privileges, leash
//!    again (the kernel forgets it when ids change), every descriptor but three marked
//!    close-on-exec, the filter of system calls (`seccomp/`). If exec succeeds, the socket closes by that very fact: end of file is
//!    the good news.
//!
//! By hand, with `util-linux` 2.39 or later, as root:
//!
//! ```text
//! nsenter --net=/run/netns/web unshare --mount --pid --uts --ipc --fork --kill-child bash
//! hostname web
//! mount --make-rslave /
//! mount --rbind /srv/rootfs /srv/rootfs;  cd /srv/rootfs
//! mount -t proc proc proc
//! mount -t tmpfs -o mode=755 tmpfs dev;  touch dev/null;  mount --bind /dev/null dev/null
//! mkdir dev/pts;  mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
//! mount -t tmpfs -o size=256k tmpfs sys;  echo 127.0.0.1 localhost > sys/hosts
//! mount --bind sys/hosts etc/hosts;  mount -t sysfs -o ro sysfs sys
//! pivot_root . .;  umount -l .;  cd /
//! mount --bind -o ro proc/sys proc/sys;  mount --bind dev/null proc/kcore
//! setpriv --no-new-privs --bounding-set -all,+kill --reuid 33 --regid 33 --clear-groups CMD
//! ```

mod actor;
mod channel;
mod child;
mod devices;
mod etc;
mod exec;
mod fresh;
mod init;
pub(crate) mod mount;
mod privileges;
mod process;
mod protect;
mod terminal;
mod world;

pub(crate) use actor::{Actor, Stdio};
pub(crate) use channel::{Channel, Message};
pub(crate) use child::{hide, in_the_copy, leash, one_thread};
pub(crate) use etc::open_below;
pub use etc::{Again, Etc, EtcFile, EtcFolder, copy_from, copy_of_directory};
pub(crate) use exec::Program;
pub(crate) use fresh::{PLAIN, filesystem};
pub(crate) use process::reap;
pub use process::{LaunchError, Prepared, Preparing, Running, StartError};
pub(crate) use terminal::Terminal;

use crate::{Capabilities, Root};
use minet_model::{NewPrivileges, OomScore, Tmpfs, UserSpec, Volume};
use rustix::process::Rlimit;
use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// Everything that is to be known before a process can be started.
#[derive(Debug)]
pub struct Launch {
    /// The program and its arguments; a name without a slash is looked up in the
    /// environment's `PATH`.
    pub command: Vec<String>,
    /// The whole environment as `KEY=VALUE`; `HOME` is added where it is missing.
    pub env: Vec<String>,
    /// Where the command starts, `/` if nothing is said. It must exist.
    pub workdir: Option<PathBuf>,
    /// Whom it runs as, uid 0 if nothing is said.
    pub user: Option<UserSpec>,
    /// The name of the machine that it sees.
    pub hostname: String,
    /// The domain of the machine that it sees, as `domainname` prints it.
    pub domainname: Option<String>,
    /// The network namespace it joins; none means that it stays in the caller's.
    pub netns: Option<OwnedFd>,
    /// What it sees as `/`.
    pub root: Root,
    /// Whether it may write there.
    pub access: RootAccess,
    /// What else of the host's files it sees.
    pub volumes: Vec<Volume>,
    /// Memory that it sees as directories.
    pub tmpfs: Vec<Tmpfs>,
    /// Generated files that cover those in `/etc`.
    pub etc: Option<Etc>,
    /// What it may do as uid 0.
    pub capabilities: Capabilities,
    /// Which system calls it may make.
    pub seccomp: Option<crate::seccomp::Filter>,
    /// Whether program files may give it privileges.
    pub new_privileges: NewPrivileges,
    /// How readily the kernel ends it when memory runs out, if that was said.
    pub oom_score: Option<OomScore>,
    /// Who is process number 1.
    pub init: InitProcess,
    /// Its standard input, output and error.
    pub io: Io,
    /// How many files it may open, where that is not what the caller may.
    pub open_files: Option<Rlimit>,
}

/// Whether the root file system can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootAccess {
    /// As the host allows it.
    ReadWrite,
    /// Everything is read-only but the container's own `/dev` and `/dev/shm`, and volumes
    /// that are not read-only themselves.
    ReadOnly,
}

/// Who is process number 1 of the container. Its end is the end of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitProcess {
    /// The command itself. Signals that it does not handle do not reach it, and if it
    /// changes its own user id, the kernel forgets to kill it with minet
    /// (`PR_SET_PDEATHSIG` in `prctl(2)`): then it has to be found and ended later.
    CommandIsInit,
    /// A small init that passes signals on, reaps orphans and ends with the command.
    OwnInit,
}

/// What standard input, output and error are.
#[derive(Debug)]
pub enum Io {
    /// Three open files, pipes for instance.
    Streams {
        /// Descriptor 0.
        stdin: OwnedFd,
        /// Descriptor 1.
        stdout: OwnedFd,
        /// Descriptor 2.
        stderr: OwnedFd,
    },
    /// A terminal of the container's own; the caller gets its other side.
    Terminal,
}

/// Starts to build a process and its world, and returns at once: the network can be made
/// meanwhile. [`Preparing::finish`] waits for it.
///
/// The calling process must have one thread, and the new process dies with that thread.
pub fn begin(launch: Launch) -> Result<Preparing, LaunchError> {
    child::begin(launch)
}

/// Builds a process and its world and returns when it stands and only waits to be started.
pub fn prepare(launch: Launch) -> Result<Prepared, LaunchError> {
    begin(launch)?.finish()
}

/// Whether a path lies in a file system that every container gets fresh.
pub(crate) fn is_fresh(root: &Root, path: &Path) -> bool {
    let fresh: &[&str] = match root {
        Root::Host => &["/proc", "/sys", "/dev/pts", "/dev/shm", "/dev/mqueue"],
        Root::Directory(_) => &["/proc", "/sys", "/dev"],
    };
    fresh.iter().any(|fresh| path.starts_with(fresh))
}
