use crate::{
    failure::{Doing, Failure},
    sys::{self, Beyond, Cloned, OneThread, Parent},
};
use nix::sched::CloneFlags;
use rustix::{
    process::{chdir, setsid},
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout},
};
use std::{
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

/// Lets another process hold `file` for a while, so that whoever waits for this one need
/// not wait until closing it is cheap. It holds nothing else, and ends by itself.
///
/// If there can be no such process, because this one has several threads, `file` is closed
/// here and now.
pub fn linger(file: OwnedFd, pause: Duration) -> Result<(), Failure> {
    let Ok(one) = OneThread::prove().doing(|| "count this process's threads".to_owned())? else {
        return Ok(());
    };
    let cloned = sys::clone_process(one, CloneFlags::empty(), Parent::Caller)
        .doing(|| "start a process that closes a file later".to_owned())?;
    match cloned {
        Cloned::Caller(..) => Ok(()),
        Cloned::Copy(_) => {
            if hold_alone(&file).is_ok() {
                std::thread::sleep(pause);
            }
            sys::exit_now(0)
        }
    }
}

/// Lets go of everything but one file: of the caller's terminal and pipes, whose other ends
/// would wait for this process, and of its directory, which could not be unmounted.
fn hold_alone(file: &OwnedFd) -> rustix::io::Result<()> {
    setsid()?;
    chdir("/")?;
    // In the place of those three, it outlives the closing of all others.
    dup2_stdin(file.as_fd())?;
    dup2_stdout(file.as_fd())?;
    dup2_stderr(file.as_fd())?;
    sys::shut_descriptors(Beyond::Close).map_err(|_| rustix::io::Errno::IO)
}
