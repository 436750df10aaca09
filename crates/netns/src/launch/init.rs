use super::Stdio;
use crate::{
    Pid, capabilities,
    failure::{Doing, Failure},
    sys::{self, Beyond, Cloned, OneThread, Parent},
};
use nix::{sched::CloneFlags, sys::signal::SigSet};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::{WaitOptions, setpgid, wait},
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout},
    termios::tcsetpgrp,
};
use std::os::fd::{AsFd, OwnedFd};

/// Splits this process, number 1 of its PID namespace, in two. The copy returns and
/// becomes the command; the original stays as init and never returns.
///
/// A command that is process 1 itself has to reap orphans, and ignores every signal it
/// does not handle. With an init of its own it is a process like any other.
pub(super) fn fork(one: OneThread, stdio: &Stdio) -> Result<(), Failure> {
    // Blocked before there is a child, so that no SIGCHLD can come too early.
    SigSet::all()
        .thread_block()
        .doing(|| "block all signals in init".to_owned())?;
    let cloned = sys::clone_process(one, CloneFlags::empty(), Parent::Caller)
        .doing(|| "fork the container's init".to_owned())?;
    match cloned {
        Cloned::Copy(_) => lead_a_process_group(stdio),
        Cloned::Caller(command, pidfd) => {
            let code = be_init(command, pidfd).unwrap_or(1);
            sys::exit_now(code)
        }
    }
}

/// The command gets a process group of its own, in the foreground of the terminal: a key
/// that signals the foreground reaches the command once, and init not at all.
fn lead_a_process_group(stdio: &Stdio) -> Result<(), Failure> {
    setpgid(None, None)
        .and_then(|()| match stdio {
            Stdio::Streams(_) => Ok(()),
            // All signals are blocked still, so SIGTTOU cannot stop us here.
            Stdio::Terminal(terminal) => tcsetpgrp(&terminal.slave, rustix::process::getpid()),
        })
        .doing(|| "give the command a process group of its own".to_owned())
}

/// Init's life: one signal after the other until the command ends.
fn be_init(command: Pid, pidfd: OwnedFd) -> Result<i32, Failure> {
    let _ = rustix::thread::set_name(c"minet-init");
    sys::ignore_signals();
    // Nothing of the host's is held open by a process that lives as long as this one. The
    // streams belong to the command: their readers see the end when the command closes them.
    close_everything(pidfd)?;
    capabilities::hold(capabilities::of_init())?;
    loop {
        let signal = sys::next_signal().unwrap_or(libc::SIGCHLD);
        match signal {
            libc::SIGCHLD => {
                if let Some(code) = reap_all(command) {
                    return Ok(code);
                }
            }
            // Init has no job control: it cannot be stopped, and it does not use the terminal.
            libc::SIGTTIN | libc::SIGTTOU => {}
            signal => {
                // The command may be a zombie by now; its SIGCHLD is on the way.
                let _ = sys::send_signal(command, signal);
            }
        }
    }
}

fn close_everything(pidfd: OwnedFd) -> Result<(), Failure> {
    drop(pidfd);
    let null = openat(
        CWD,
        "/dev/null",
        OFlags::RDWR | OFlags::CLOEXEC,
        Mode::empty(),
    );
    null.and_then(|null| {
        dup2_stdin(null.as_fd())?;
        dup2_stdout(null.as_fd())?;
        dup2_stderr(null)
    })
    .doing(|| "close init's standard streams".to_owned())?;
    sys::shut_descriptors(Beyond::Close).doing(|| "close init's files".to_owned())
}

/// Reaps every process that has ended, and says how the command did if it is among them.
fn reap_all(command: Pid) -> Option<i32> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == command => {
                let signal = status.terminating_signal().map_or(0, |signal| 128 + signal);
                return Some(status.exit_status().unwrap_or(signal));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}
