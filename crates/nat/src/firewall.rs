//! The door to the kernel, and why it should be closed at leisure.

use crate::error::Error;
use crate::netlink::socket::Socket;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

/// How long the kernel takes to free what was deleted; measured, up to 25 ms.
const GRACE: Duration = Duration::from_millis(30);

/// A door to the table `inet minet`, and to conntrack, in the network namespace in which
/// it was opened.
///
/// A change takes some 15 to 30 µs. What takes time, some 15 ms, is
///
/// - closing a netfilter socket, any one, soon after something was deleted. The kernel
///   first waits until no processor can still be reading what is to be freed
///   (`nft_rcv_nl_event` flushes the work of `nf_tables`), and every other transaction of
///   the namespace waits with it;
/// - a transaction that fails, for the same reason.
///
/// So: open one, use it for everything, and when something was deleted, either let
/// [`Self::close_at_leisure`] do it, or pass the descriptor to somebody who lives longer
/// ([`AsFd`], `OwnedFd::from`).
pub struct Firewall {
    pub(crate) socket: Socket,
    /// When something was last deleted.
    pub(crate) deleted: Option<Instant>,
}

impl Firewall {
    /// Opens the door in the namespace of the calling thread.
    ///
    /// # Errors
    /// [`Error::NotSupported`] on a kernel without netfilter's netlink.
    pub fn open() -> Result<Self, Error> {
        let socket =
            Socket::open().map_err(|errno| Error::socket("open a netfilter socket", errno))?;
        Ok(Firewall {
            socket,
            deleted: None,
        })
    }

    /// How long closing it should still be put off; none if it can be closed at once.
    pub fn unsettled(&self) -> Option<Duration> {
        let rest = GRACE.saturating_sub(self.deleted?.elapsed());
        (!rest.is_zero()).then_some(rest)
    }

    /// Waits until what was deleted has been freed, then closes: at most 30 ms, during
    /// which nobody else is held up. For a process that nobody waits for.
    pub fn close_at_leisure(self) {
        if let Some(rest) = self.unsettled() {
            thread::sleep(rest);
        }
    }
}

impl AsFd for Firewall {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Firewall> for OwnedFd {
    /// For whoever shall close the socket at leisure.
    fn from(firewall: Firewall) -> OwnedFd {
        firewall.socket.into()
    }
}
