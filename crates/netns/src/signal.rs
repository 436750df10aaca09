use crate::sys;
use minet_model::SignalNumber;
use std::{io, os::fd::BorrowedFd};

/// Sends a signal to a process that is held open as a pidfd, real-time signals too.
///
/// # Errors
/// `ESRCH` if it has ended, `EPERM` if it is another user's.
pub fn send_signal(process: BorrowedFd<'_>, signal: SignalNumber) -> io::Result<()> {
    sys::send_signal_to(process, signal.number())
}
