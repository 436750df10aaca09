//! Watching a container's own addresses: somebody may change them by hand, inside.
//!
//! One netlink socket that was opened in the namespace and listens to the kernel's
//! announcements (`RTMGRP_IPV4_IFADDR`, rtnetlink(7)); what `ip monitor address` shows.
//! While nothing happens it costs nothing.

use super::watch::watch;
use crate::Error;
use minet_netns::Netns;
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SocketFlags, SocketType, bind, netlink::SocketAddrNetlink, recv,
        socket_with,
    },
};
use std::{os::fd::OwnedFd, time::Duration};
use tokio::io::unix::AsyncFd;

/// Of Linux' `linux/rtnetlink.h`; the protocol of these sockets, NETLINK_ROUTE, is number 0.
const RTMGRP_IPV4_IFADDR: u32 = 0x10;

/// A change is rarely one event: an address goes, another comes. And a container that
/// changes its addresses without end keeps its supervisor no busier than this allows.
const CALM: Duration = Duration::from_millis(100);

/// The announcements of one namespace.
pub(crate) struct Addresses {
    socket: OwnedFd,
}

impl Addresses {
    /// Listens inside this namespace from now on.
    pub(crate) fn of(netns: &Netns) -> Result<Self, Error> {
        let socket = netns.run(open)?;
        Ok(Addresses {
            socket: socket.map_err(Error::process("listen for changes of addresses"))?,
        })
    }

    /// Must be called within the event loop.
    pub(super) fn watch(&self) -> std::io::Result<Watched> {
        Ok(Watched {
            socket: watch(self.socket.try_clone()?)?,
        })
    }
}

fn open() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, RTMGRP_IPV4_IFADDR))?;
    Ok(socket)
}

/// The announcements, as the event loop sees them.
pub(super) struct Watched {
    socket: AsyncFd<OwnedFd>,
}

impl Watched {
    /// Waits until something has changed, and until it is calm again.
    pub(super) async fn changed(&self) {
        let Ok(mut ready) = self.socket.readable().await else {
            return std::future::pending().await;
        };
        tokio::time::sleep(CALM).await;
        let mut announcement = [0; 4096];
        // What is said does not matter: it is asked what is. Lost ones (ENOBUFS) neither.
        while !matches!(
            recv(
                self.socket.get_ref(),
                &mut announcement[..],
                RecvFlags::empty()
            ),
            Err(Errno::AGAIN) | Ok((0, _))
        ) {}
        ready.clear_ready();
    }
}

/// Waits for ever where nothing is watched.
pub(super) async fn changed(watched: Option<&Watched>) {
    match watched {
        Some(watched) => watched.changed().await,
        None => std::future::pending().await,
    }
}
