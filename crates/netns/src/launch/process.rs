use super::channel::{Channel, Message};
use crate::{
    Pid,
    accounts::UnknownAccount,
    command::CommandError,
    failure::{Doing, Failure},
};
use rustix::{
    io::Errno,
    process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid},
};
use std::{
    ffi::NulError,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// Why a process and its world could not be built. Nothing of them is left.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// An act on an object failed, in this process or in the new one.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The container does not know this user or group.
    #[error(transparent)]
    UnknownAccount(#[from] UnknownAccount),
    /// There is no command.
    #[error("no command to run")]
    NoCommand,
    /// The kernel's strings end at a zero byte.
    #[error("a command or an environment cannot contain a zero byte")]
    ZeroByte(#[source] NulError),
    /// A process can only be copied while it has one thread.
    #[error("a container must be started from a process with one thread; this one has {0}")]
    ManyThreads(u64),
    /// The new process died before it had finished; it may have been killed.
    #[error("the process died while its world was being built")]
    Died,
}

/// Why the command did not start. The process is gone.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such command, or it cannot be executed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// An act on an object failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The process answered something that makes no sense at this moment.
    #[error("the process being started answered out of turn")]
    OutOfTurn,
}

impl StartError {
    /// Docker's exit code: 127 not found, 126 not executable, 125 anything else.
    pub fn exit_code(&self) -> i32 {
        match self {
            StartError::Command(error) => error.exit_code(),
            StartError::Failed(_) | StartError::OutOfTurn => 125,
        }
    }
}

/// A process that was copied and does not execute a program of its own yet. Dropping it
/// kills it and leaves no zombie.
#[derive(Debug)]
struct Unstarted {
    pid: Pid,
    pidfd: Option<OwnedFd>,
}

impl Unstarted {
    fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_ref().map_or_else(
            // Taken only by `release`, which consumes the value.
            || unreachable!("the handle is there as long as the process is unstarted"),
            OwnedFd::as_fd,
        )
    }

    /// The process has become its own.
    fn release(mut self) -> (Pid, OwnedFd) {
        let Some(pidfd) = self.pidfd.take() else {
            unreachable!("released once only, as it consumes the value");
        };
        (self.pid, pidfd)
    }
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        if let Some(pidfd) = &self.pidfd {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
            let _ = reap(pidfd.as_fd());
        }
    }
}

/// A process whose world is being built.
#[derive(Debug)]
pub struct Preparing {
    process: Unstarted,
    channel: Channel,
}

impl Preparing {
    pub(crate) fn new(pid: Pid, pidfd: OwnedFd, channel: Channel) -> Self {
        let pidfd = Some(pidfd);
        Preparing {
            process: Unstarted { pid, pidfd },
            channel,
        }
    }

    /// The new process's number, as the caller sees it.
    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    /// A handle that means this process even when its number is used again.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.process.pidfd()
    }

    /// Waits until the world stands.
    pub fn finish(self) -> Result<Prepared, LaunchError> {
        let mut etc = None;
        loop {
            let heard = self.channel.receive();
            match heard.doing(|| "wait for the new process".to_owned())? {
                Some((Message::Etc, folder)) => etc = folder,
                Some((Message::Ready, terminal)) => {
                    return Ok(Prepared {
                        process: self.process,
                        channel: self.channel,
                        terminal,
                        etc,
                    });
                }
                Some((Message::Failed(failure), _)) => return Err(failure.into()),
                Some((Message::Unknown(account), _)) => return Err(account.into()),
                Some((Message::Start | Message::Born(_) | Message::Command(_), _)) | None => {
                    return Err(LaunchError::Died);
                }
            }
        }
    }
}

/// A process whose world stands, and which waits to be started. Dropping it kills it.
#[derive(Debug)]
pub struct Prepared {
    process: Unstarted,
    channel: Channel,
    terminal: Option<OwnedFd>,
    etc: Option<OwnedFd>,
}

impl Prepared {
    /// The new process's number, as the caller sees it.
    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    /// A handle that means this process even when its number is used again.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.process.pidfd()
    }

    /// The master side of the terminal, where one was asked for; once.
    pub fn take_terminal(&mut self) -> Option<OwnedFd> {
        self.terminal.take()
    }

    /// The folder of its files in `/etc`, as a mount for another launch, if that was asked for
    /// (see [`super::Again`]); once.
    pub fn take_etc(&mut self) -> Option<OwnedFd> {
        self.etc.take()
    }

    /// Lets the process execute its command, and returns when it does.
    pub fn start(self) -> Result<Running, StartError> {
        // A process that has died meanwhile is found out by what it answers: nothing.
        let _ = self.channel.send(&Message::Start);
        let answer = self
            .channel
            .receive()
            .doing(|| "wait for the command to start".to_owned())?;
        match answer {
            // Exec closed the line. So would death by a signal, which is then found out by
            // whoever waits for the process, as if it had come a moment later.
            None => {
                let (pid, pidfd) = self.process.release();
                Ok(Running {
                    pid,
                    pidfd,
                    terminal: self.terminal,
                })
            }
            Some((Message::Command(error), _)) => Err(error.into()),
            Some((Message::Failed(failure), _)) => Err(failure.into()),
            Some((
                Message::Ready
                | Message::Etc
                | Message::Start
                | Message::Born(_)
                | Message::Unknown(_),
                _,
            )) => Err(StartError::OutOfTurn),
        }
    }
}

/// A process that executes its command. It is a child of the calling process, which reaps
/// it: with [`Running::wait`], or by other means.
#[derive(Debug)]
pub struct Running {
    /// Its number, as the caller sees it.
    pub pid: Pid,
    /// A handle that means this process even when its number is used again; readable when
    /// it has ended.
    pub pidfd: OwnedFd,
    /// The master side of its terminal, where one was asked for and nobody has taken it.
    pub terminal: Option<OwnedFd>,
}

impl Running {
    /// Waits for the end and returns the exit code as a shell has it: the command's own,
    /// or 128 and the number of the signal that killed it.
    pub fn wait(&self) -> Result<i32, Failure> {
        reap(self.pidfd.as_fd()).doing(|| format!("wait for process {}", self.pid.as_raw_nonzero()))
    }
}

/// Takes a child's exit status as soon as there is one.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) -> Result<i32, Errno> {
    loop {
        match waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED) {
            Ok(Some(status)) => {
                let signal = status.terminating_signal().map_or(0, |signal| 128 + signal);
                return Ok(status.exit_status().unwrap_or(signal));
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
