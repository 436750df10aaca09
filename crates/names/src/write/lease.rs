//! Keeping readers away from a file for the moment in which it is written.
//!
//! The one module of this crate with `unsafe`: nobody wraps `fcntl(F_SETLEASE)`.
//!
//! A write lease (`man 2 fcntl`, "Leases") is granted only while nobody else has the file
//! open, and whoever opens it meanwhile waits inside `open` until the lease is given back.
//! So a program that opens, reads and closes, as every C library does with `/etc/hosts`,
//! finds the text before or the text after, whole, however long it is and however it reads.

#![expect(
    unsafe_code,
    reason = "fcntl with F_SETLEASE and F_SETSIG has no safe wrapper"
)]

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    thread,
    time::{Duration, Instant},
};

/// At which distance it is tried.
const PAUSE: Duration = Duration::from_micros(20);

/// While this lives, nobody else has the file open.
pub(super) struct Lease<'file> {
    file: BorrowedFd<'file>,
}

impl<'file> Lease<'file> {
    /// Waits for a moment in which nobody else has the file open. None if there is none so
    /// soon, or if the file system knows no leases.
    pub(super) fn take(file: &'file File, patience: Duration) -> Option<Self> {
        let deadline = Instant::now() + patience;
        loop {
            // Whoever wants to open the file makes the kernel send a signal. The usual one,
            // SIGIO, ends a process that does not expect it; SIGURG is ignored.
            fcntl(file.as_fd(), F_SETSIG, libc::SIGURG).ok()?;
            match fcntl(file.as_fd(), libc::F_SETLEASE, libc::F_WRLCK) {
                Ok(()) => return Some(Lease { file: file.as_fd() }),
                Err(libc::EAGAIN) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // Should it fail, closing the file gives the lease back.
        let _ = fcntl(self.file, libc::F_SETLEASE, libc::F_UNLCK);
    }
}

/// Of Linux' `asm-generic/fcntl.h`; the libc crate does not have it.
const F_SETSIG: libc::c_int = 10;

fn fcntl(file: BorrowedFd<'_>, command: libc::c_int, argument: libc::c_int) -> Result<(), i32> {
    // SAFETY: the descriptor is borrowed and open, and these commands take a number and
    // touch no memory of ours.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, argument) } {
        -1 => Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        _ => Ok(()),
    }
}
