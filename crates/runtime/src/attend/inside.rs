//! Addresses that somebody changes by hand inside containers.
//!
//! Whoever stands guard hears of them, for all containers, and tells the supervisor of the
//! one in question to look (`control.rs`):
//!
//! ```text
//!   kernel ──namespace 7: 172.17.0.9 went──▶ guard ──Look──▶ supervisor of web
//! ```
//!
//! So there is one listener, not one in each container, since a listener costs everybody:
//! for whatever the kernel announces, in any namespace, it walks the list of all listeners
//! of the machine (`netlink_broadcast` in `net/netlink/af_netlink.c`).

use super::watch::watch;
use crate::control;
use minet_bridge::events::{ADDRESS_GROUP, AddressChange, address_changes};
use minet_netns::Announcements;
use rustix::io::Errno;
use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::Duration,
};
use tokio::{
    io::unix::AsyncFd,
    time::{Instant, sleep_until},
};

/// A change is rarely one event: an address goes, another comes. And a container that
/// changes its addresses without end keeps nobody busier than this allows.
const CALM: Duration = Duration::from_millis(100);

/// After more was announced than could be kept, when all containers are to look.
const REST: Duration = Duration::from_secs(10);

/// More than an announcement of an address is long.
const DATAGRAM_BYTES: usize = 4096;

/// The announcements of all containers' namespaces.
pub(super) struct Inside {
    announcements: Announcements,
    ready: AsyncFd<OwnedFd>,
    due: Option<Instant>,
}

/// What was announced.
#[derive(Debug, Default)]
pub(crate) struct Rumours {
    /// Something is missing: it may concern anybody.
    pub(crate) lost: bool,
    /// Changes, and the numbers of the namespaces in which they happened.
    pub(crate) changes: BTreeSet<(i32, AddressChange)>,
}

impl Inside {
    /// Must be called within the event loop.
    pub(super) fn listen() -> io::Result<Self> {
        let announcements = Announcements::listen(ADDRESS_GROUP)?;
        let ready = watch(announcements.as_fd().try_clone_to_owned()?)?;
        Ok(Inside {
            announcements,
            ready,
            due: None,
        })
    }

    /// Waits until something has changed, and until it is calm again. Nothing is lost when
    /// this is given up and called again.
    pub(super) async fn next(&mut self) -> Rumours {
        if self.due.is_none() && self.ready.readable().await.is_err() {
            return std::future::pending().await;
        }
        let due = *self.due.get_or_insert_with(|| Instant::now() + CALM);
        sleep_until(due).await;
        if let Ok(mut ready) = self.ready.readable().await {
            ready.clear_ready();
        }
        let rumours = self.take_all();
        self.due = rumours.lost.then(|| Instant::now() + REST);
        rumours
    }

    fn take_all(&self) -> Rumours {
        let mut rumours = Rumours::default();
        let mut datagram = [0; DATAGRAM_BYTES];
        loop {
            match self.announcements.next(&mut datagram) {
                Ok((length, Some(namespace))) => {
                    let changes = address_changes(&datagram[..length]).into_iter();
                    rumours
                        .changes
                        .extend(changes.map(|change| (namespace, change)));
                }
                // This namespace's own addresses are the host's.
                Ok((_, None)) => {}
                Err(error) if is(&error, Errno::NOBUFS) => rumours.lost = true,
                Err(_) => return rumours,
            }
        }
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// Tells the supervisors whose generated files are in these directories. One that has just
/// ended, or is called by too many already, need not be told.
pub(super) fn tell_to_look<'a>(dirs: impl IntoIterator<Item = &'a Path>) {
    for dir in dirs {
        let _ = control::tell_to_look(dir);
    }
}
