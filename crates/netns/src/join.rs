use crate::{
    Capabilities, Failure, Netns, Pid,
    failure::Doing,
    inside::{Root, RootDir, Symlinks},
    launch::{
        Actor, Channel, InitProcess, Io, LaunchError, Message, Preparing, Program, Running,
        StartError, Stdio, Terminal, hide, in_the_copy, leash, one_thread,
    },
    oom,
    sys::{self, Cloned, OneThread, Parent},
};
use minet_model::{NewPrivileges, OomScore, UserSpec};
use nix::sched::{CloneFlags, setns};
use rustix::{
    fs::fstatfs,
    io::Errno,
    process::{PidfdFlags, pidfd_open, setsid},
};
use std::{
    convert::Infallible,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// `DEVPTS_SUPER_MAGIC`, `include/uapi/linux/magic.h`.
const DEVPTS_MAGIC: i64 = 0x1cd1;

/// A command for a container that runs already.
#[derive(Debug)]
pub struct Join {
    /// A handle to the container's first process, see [`open_process`].
    pub container: OwnedFd,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The whole environment as `KEY=VALUE`; `HOME` is added where it is missing.
    pub env: Vec<String>,
    /// Where the command starts, `/` if nothing is said.
    pub workdir: Option<PathBuf>,
    /// Whom it runs as, uid 0 if nothing is said.
    pub user: Option<UserSpec>,
    /// What it may do as uid 0.
    pub capabilities: Capabilities,
    /// Which system calls it may make.
    pub seccomp: Option<crate::seccomp::Filter>,
    /// Whether program files may give it privileges.
    pub new_privileges: NewPrivileges,
    /// How readily the kernel ends it when memory runs out, if that was said.
    pub oom_score: Option<OomScore>,
    /// Its standard input, output and error.
    pub io: Io,
}

/// Why there is no new process in the container.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The container's first process has ended.
    #[error("the container is not running")]
    NotRunning,
    /// The process could not be prepared.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The command did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl JoinError {
    /// Docker's exit code: 127 not found, 126 not executable, 125 anything else.
    pub fn exit_code(&self) -> i32 {
        match self {
            JoinError::Start(error) => error.exit_code(),
            JoinError::NotRunning | JoinError::Launch(_) => 125,
        }
    }
}

impl From<Failure> for JoinError {
    fn from(failure: Failure) -> Self {
        JoinError::Launch(failure.into())
    }
}

/// A handle to a process that means this process even when its number is used again. Check
/// after opening it that it is the right one, with [`Netns::of_process`] for instance.
pub fn open_process(pid: Pid) -> Result<OwnedFd, JoinError> {
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(pidfd),
        Err(Errno::SRCH) => Err(JoinError::NotRunning),
        Err(error) => {
            let doing = format!("open process {}", pid.as_raw_nonzero());
            Err(Failure::new(doing, error).into())
        }
    }
}

/// Starts a command in the namespaces of a running container; it dies with the caller.
///
/// Three processes are involved. A PID namespace is joined by children only, so a helper
/// joins all namespaces and copies itself; and the copy is made its sibling
/// (`CLONE_PARENT`), so that the caller is its parent, reaps it, and takes it along into
/// death. Joining the mount namespace moves root and working directory into the container.
/// All of them are hidden from the container's processes until exec (CVE-2016-9962).
///
/// The calling process must have one thread.
///
/// The same by hand: `nsenter --target PID --mount --pid --uts --ipc --net CMD`.
pub fn join(join: Join) -> Result<Running, JoinError> {
    let program = Program::new(&join.command, &join.env)?;
    let namespaces = namespaces_to_join(join.container.as_fd())?;
    let one = one_thread()?;
    // One line to each: the sibling may have something to say before the helper has
    // introduced it.
    let (ours, theirs) = Channel::pair().doing(|| "make a socket pair".to_owned())?;
    let (helpers, to_helper) = Channel::pair().doing(|| "make a socket pair".to_owned())?;
    let cloned = sys::clone_process(one, CloneFlags::empty(), Parent::Caller)
        .doing(|| "start a helper process".to_owned())?;
    let helper = match cloned {
        Cloned::Caller(_, pidfd) => pidfd,
        Cloned::Copy(one) => {
            drop((ours, to_helper));
            in_the_copy(helpers, |channel| {
                help(join, program, namespaces, channel, theirs, one)
            })
        }
    };
    drop((theirs, helpers));
    let born = to_helper.receive();
    crate::launch::reap(helper.as_fd()).doing(|| "wait for the helper process".to_owned())?;
    match born.doing(|| "wait for the helper process".to_owned())? {
        Some((Message::Born(pid), Some(pidfd))) => {
            let pid = Pid::from_raw(pid).ok_or(LaunchError::Died)?;
            Ok(Preparing::new(pid, pidfd, ours).finish()?.start()?)
        }
        Some((Message::Failed(failure), _)) => Err(match failure.cause().raw_os_error() {
            Some(libc::ESRCH) => JoinError::NotRunning,
            _ => failure.into(),
        }),
        _ => Err(LaunchError::Died.into()),
    }
}

/// A namespace that is the caller's already is left out: joining it again takes a power
/// that root of a user namespace does not have over the host's network.
fn namespaces_to_join(container: BorrowedFd<'_>) -> Result<CloneFlags, JoinError> {
    let all_but_net = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    let pid = number_of(container)?;
    let shared = Netns::of_process(pid).and_then(|netns| netns.is_the_callers_own());
    Ok(match shared {
        Ok(true) => all_but_net,
        // If it cannot be found out, the kernel will say why.
        Ok(false) | Err(_) => all_but_net | CloneFlags::CLONE_NEWNET,
    })
}

/// The number of a process that is held by a handle, `proc_pid_fdinfo(5)`.
fn number_of(process: BorrowedFd<'_>) -> Result<Pid, JoinError> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fdinfo/{}", process.as_raw_fd());
    let text = std::fs::read_to_string(&path).doing(|| format!("read {path}"))?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:"));
    let number: i32 = number
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or(-1);
    // -1: it has ended.
    Some(number)
        .filter(|number| *number > 0)
        .and_then(Pid::from_raw)
        .ok_or(JoinError::NotRunning)
}

/// The helper: joins, makes the sibling, and ends.
fn help(
    join: Join,
    program: Program,
    namespaces: CloneFlags,
    channel: &Channel,
    siblings: Channel,
    one: OneThread,
) -> Result<Infallible, Message> {
    leash()?;
    hide()?;
    oom::assume(join.oom_score)?;
    setns(&join.container, namespaces).doing(|| "join the container's namespaces".to_owned())?;
    let cloned = sys::clone_process(one, CloneFlags::empty(), Parent::CallersParent)
        .doing(|| "start a process in the container".to_owned())?;
    match cloned {
        Cloned::Caller(pid, pidfd) => {
            let born = Message::Born(pid.as_raw_nonzero().get());
            // If the caller is gone, the leash ends the sibling too.
            let _ = channel.send_with(&born, Some(pidfd.as_fd()));
            sys::exit_now(0)
        }
        Cloned::Copy(one) => {
            in_the_copy(siblings, |channel| be_joined(join, program, channel, one))
        }
    }
}

/// The process that becomes the command.
fn be_joined(
    join: Join,
    program: Program,
    channel: &Channel,
    one: OneThread,
) -> Result<Infallible, Message> {
    leash()?;
    setsid().doing(|| "begin a session".to_owned())?;
    let root = RootDir::open(&Root::Host)?;
    let stdio = match join.io {
        Io::Streams {
            stdin,
            stdout,
            stderr,
        } => Stdio::Streams([stdin, stdout, stderr]),
        Io::Terminal => Stdio::Terminal(Terminal::open(terminals(&root)?)?),
    };
    let actor = Actor {
        program,
        user: join.user,
        workdir: join.workdir,
        capabilities: join.capabilities,
        seccomp: join.seccomp,
        new_privileges: join.new_privileges,
        init: InitProcess::CommandIsInit,
    };
    actor.perform(&root, stdio, channel, one)
}

/// The container's own `/dev/pts`, if that is what it still is.
fn terminals(root: &RootDir) -> Result<OwnedFd, Failure> {
    let doing = || "find the container's /dev/pts".to_owned();
    let terminals = root
        .directory(Path::new("/dev/pts"), Symlinks::Refuse)
        .doing(doing)?;
    if fstatfs(&terminals).doing(doing)?.f_type != DEVPTS_MAGIC {
        return Err(Failure::new(
            doing(),
            io::Error::from(io::ErrorKind::NotFound),
        ));
    }
    Ok(terminals)
}
