//! The one unsafe place of this crate: telling epoll about a descriptor.
#![expect(
    unsafe_code,
    reason = "tokio takes a raw descriptor and cannot see who owns it"
)]

use std::{io, os::fd::OwnedFd};
use tokio::io::{Interest, unix::AsyncFd};

/// Watches for a descriptor to become readable; fails for regular files, which always are.
pub(crate) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned, so it stays open and the same until the AsyncFd,
    // which takes it over, is dropped and has taken it off the epoll list.
    let watched = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    Ok(watched?)
}
