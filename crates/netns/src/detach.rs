//! A process that survives the shell it was started from.

use crate::{
    failure::{Doing, Failure},
    launch::reap,
    sys::{self, Beyond, Cloned, OneThread, Parent},
};
use nix::sched::CloneFlags;
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    process::{chdir, setsid},
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stdin},
};
use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
};

/// Which of the two a process finds itself to be after [`detach`].
#[derive(Debug)]
pub enum Split {
    /// The one that was called by a shell, and is waited for.
    Original(Descendant),
    /// The one that stays.
    Detached(StartupReport),
}

/// The process that stays, as the one that was called sees it.
#[derive(Debug)]
pub struct Descendant {
    pidfd: OwnedFd,
    report: OwnedFd,
}

/// How the process that stays says that it has come up. Until then its standard output
/// and error are the caller's, so that it can explain a failure itself.
#[derive(Debug)]
pub struct StartupReport(());

/// Why a process could not be split.
#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    /// A system call failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// A process can only be copied while it has one thread.
    #[error("only a process with one thread can be copied; this one has {0}")]
    ManyThreads(u64),
}

/// Splits this process in two. The new one leads a session of its own, without a terminal,
/// and shares no open file with whoever started minet beyond standard output and error.
///
/// To be called early: the process must have one thread, and whatever it holds open
/// beyond descriptor 2 is gone in the new one.
pub fn detach() -> Result<Split, DetachError> {
    let one = match OneThread::prove().doing(|| "count this process's threads".to_owned())? {
        Ok(one) => one,
        Err(sys::ManyThreads(threads)) => return Err(DetachError::ManyThreads(threads)),
    };
    let (report, theirs) =
        std::io::pipe().doing(|| "make a pipe to the detached process".to_owned())?;
    let cloned = sys::clone_process(one, CloneFlags::empty(), Parent::Caller)
        .doing(|| "start a detached process".to_owned())?;
    match cloned {
        Cloned::Caller(_, pidfd) => Ok(Split::Original(Descendant {
            pidfd,
            report: report.into(),
        })),
        Cloned::Copy(_) => {
            // The report goes where nobody looks, in the place of standard input, so that
            // everything else can be closed without a list of what there is.
            dup2_stdin(theirs.as_fd()).doing(|| "keep the pipe to the caller".to_owned())?;
            drop((theirs, report));
            sys::shut_descriptors(Beyond::Close)
                .doing(|| "close what the caller left open".to_owned())?;
            setsid().doing(|| "begin a session".to_owned())?;
            Ok(Split::Detached(StartupReport(())))
        }
    }
}

impl Descendant {
    /// Waits until the other process has come up, and returns what it reported; or, if it
    /// ended without, its exit code. It has told the user why.
    pub fn wait(self) -> Result<Result<String, i32>, Failure> {
        let mut text = String::new();
        File::from(self.report)
            .read_to_string(&mut text)
            .doing(|| "wait for the detached process".to_owned())?;
        if !text.is_empty() {
            return Ok(Ok(text));
        }
        reap(self.pidfd.as_fd())
            .map(Err)
            .doing(|| "wait for the detached process".to_owned())
    }
}

impl StartupReport {
    /// Tells the caller, who is then free to go, and lets go of the last things that were
    /// the caller's: standard output and error, and the directory.
    pub fn ready(self, text: &str) -> Result<(), Failure> {
        let null = openat(
            CWD,
            "/dev/null",
            OFlags::RDWR | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .doing(|| "open /dev/null".to_owned())?;
        dup2_stdout(null.as_fd())
            .and_then(|()| dup2_stderr(null.as_fd()))
            .and_then(|()| chdir("/"))
            .doing(|| "let go of the caller's terminal".to_owned())?;
        // If the caller is gone, nobody wants to know.
        let _ = rustix::io::write(stdin(), text.as_bytes());
        dup2_stdin(null.as_fd()).doing(|| "let go of the caller".to_owned())
    }
}
