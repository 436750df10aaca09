//! What the kernel announces in the namespaces at the other ends of this one's cables.
//!
//! ```text
//! ip -all-nsid monitor address
//! ```
//!
//! The kernel gives a namespace a number in another one as soon as a cable leads there
//! (`ip netns list-id`), and one socket can hear them all.

use crate::sys;
use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketFlags, SocketType, bind, netlink::SocketAddrNetlink, socket_with,
        sockopt,
    },
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// How much may wait to be read: a container that changes its addresses without end shall
/// not drown what others have to say. It is memory only while it is full.
const ROOM_BYTES: usize = 1024 * 1024;

/// An ear for announcements of `NETLINK_ROUTE`, in all namespaces.
#[derive(Debug)]
pub struct Announcements {
    socket: OwnedFd,
}

impl Announcements {
    /// Begins to listen to these groups, `RTMGRP_*` of `linux/rtnetlink.h`.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_NET_BROADCAST`; `EMFILE`.
    pub fn listen(groups: u32) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // NETLINK_ROUTE, the protocol of these sockets, is number 0.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        sys::hear_all_namespaces(socket.as_fd())?;
        // Without CAP_NET_ADMIN it is what everybody has.
        let _ = sockopt::set_socket_recv_buffer_size_force(&socket, ROOM_BYTES);
        bind(&socket, &SocketAddrNetlink::new(0, groups))?;
        Ok(Announcements { socket })
    }

    /// Takes the next one: its length, and the number of its namespace, none for this one.
    ///
    /// # Errors
    ///
    /// `EAGAIN` when there is none; `ENOBUFS` when some were lost.
    pub fn next(&self, message: &mut [u8]) -> io::Result<(usize, Option<i32>)> {
        loop {
            match sys::receive_of_any_namespace(self.socket.as_fd(), message) {
                Err(error) if error.raw_os_error() == Some(Errno::INTR.raw_os_error()) => {}
                received => return received,
            }
        }
    }
}

impl AsFd for Announcements {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
