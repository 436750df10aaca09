use super::{
    Channel, InitProcess, Message, Program, Terminal, child::leash, exec, init,
    privileges::Privileges,
};
use crate::{
    Capabilities, Failure,
    failure::Doing,
    inside::{RootDir, Symlinks},
    seccomp::Filter,
    sys::{self, OneThread},
};
use minet_model::{NewPrivileges, UserSpec};
use rustix::{
    fs::{FileType, Uid, fchown, fstat},
    io::fcntl_dupfd_cloexec,
    process::fchdir,
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout},
};
use std::{
    convert::Infallible,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// A process that stands in its world and becomes the command: the last two stages, the
/// same for a container's first process and for those that join it.
pub(crate) struct Actor {
    pub(crate) program: Program,
    pub(crate) user: Option<UserSpec>,
    pub(crate) workdir: Option<PathBuf>,
    pub(crate) capabilities: Capabilities,
    pub(crate) seccomp: Option<Filter>,
    pub(crate) new_privileges: NewPrivileges,
    pub(crate) init: InitProcess,
}

/// What becomes standard input, output and error.
pub(crate) enum Stdio {
    Streams([OwnedFd; 3]),
    Terminal(Terminal),
}

impl Actor {
    /// Finds its identity, reports that it is ready, waits, and executes the command.
    pub(crate) fn perform(
        self,
        root: &RootDir,
        stdio: Stdio,
        channel: &Channel,
        one: OneThread,
    ) -> Result<Infallible, Message> {
        let privileges = Privileges::find(root, self.user.as_ref(), self.capabilities)?;
        enter_directory(root, self.workdir.as_deref())?;
        stdio.give_to(privileges.uid());
        let master = match &stdio {
            Stdio::Streams(_) => None,
            Stdio::Terminal(terminal) => {
                terminal.control()?;
                Some(terminal.master.as_fd())
            }
        };
        let answer = channel
            .send_with(&Message::Ready, master)
            .and_then(|()| channel.receive())
            .doing(|| "report to the parent".to_owned())?;
        let Some((Message::Start, _)) = answer else {
            // The parent is gone or has changed its mind.
            sys::exit_now(1);
        };
        stdio.install()?;
        if self.init == InitProcess::OwnInit {
            init::fork(one, &stdio)?;
        }
        let home = privileges.home().to_owned();
        if let (Some(filter), NewPrivileges::Allowed) = (&self.seccomp, self.new_privileges) {
            // Only who may administer can put it on without refusing new privileges, and
            // that power is given up next.
            filter.install()?;
        }
        privileges.assume(self.new_privileges)?;
        // The ids have changed and the kernel has forgotten the leash. If the parent died
        // just then, its end of the channel is closed.
        leash()?;
        if self.init == InitProcess::CommandIsInit && channel.is_closed() {
            sys::exit_now(1);
        }
        let last = self
            .seccomp
            .filter(|_| self.new_privileges == NewPrivileges::Refused);
        let program = self.program.with_home(&home);
        Err(exec::become_program(program, last.as_ref()))
    }
}

/// Goes to the directory where the command starts, `/` if nothing is said.
fn enter_directory(root: &RootDir, workdir: Option<&Path>) -> Result<(), Failure> {
    let workdir = workdir.unwrap_or(Path::new("/"));
    root.directory(workdir, Symlinks::Follow)
        .and_then(fchdir)
        .doing(|| format!("change to the working directory {}", workdir.display()))
}

impl Stdio {
    /// Lets a user that is not root open its own `/dev/stdout` again: pipes and terminals
    /// are made for the container, so they may be given away. Files are not.
    ///
    /// A courtesy: where it is refused, the descriptors themselves work all the same.
    fn give_to(&self, uid: u32) {
        let owner = Some(Uid::from_raw(uid));
        match self {
            _ if uid == 0 => {}
            Stdio::Terminal(terminal) => {
                let _ = fchown(&terminal.slave, owner, None);
            }
            Stdio::Streams(streams) => {
                for stream in streams {
                    let kind = fstat(stream).map(|stat| FileType::from_raw_mode(stat.st_mode));
                    if kind.is_ok_and(FileType::is_fifo) {
                        let _ = fchown(stream, owner, None);
                    }
                }
            }
        }
    }

    /// Makes them descriptors 0, 1 and 2.
    fn install(&self) -> Result<(), Failure> {
        let sources = match self {
            Stdio::Streams(streams) => streams.each_ref().map(OwnedFd::as_fd),
            Stdio::Terminal(terminal) => [terminal.slave.as_fd(); 3],
        };
        install(sources).doing(|| "set up the standard streams".to_owned())
    }
}

/// The copies come first: a source may itself be descriptor 0, 1 or 2.
fn install(sources: [BorrowedFd<'_>; 3]) -> rustix::io::Result<()> {
    let [stdin, stdout, stderr] = sources.map(|source| fcntl_dupfd_cloexec(source, 3));
    let (stdin, stdout, stderr) = (stdin?, stdout?, stderr?);
    dup2_stdin(stdin)?;
    dup2_stdout(stdout)?;
    dup2_stderr(stderr)
}
