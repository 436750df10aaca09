//! Hearing that somebody else has changed the ruleset.
//!
//! The kernel tells a multicast group of every change, and after each transaction who made
//! it (`NFT_MSG_NEWGEN`, with the name of the process). minet's own changes, of which every
//! start of a container makes some, are passed over by that name.
//!
//! Of others' tables only what may put a drop into the way of minet's networks is heard: a
//! chain among those that packets are passed on by, with a policy, or a rule that asks nothing
//! before it drops or calls. What Docker does for each of its containers is none of that.

use crate::error::Error;
use crate::foreign::{ForeignRule, is_in_the_path};
use crate::netlink::attribute::{Incoming, messages};
use crate::table::TABLE;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// `NFNLGRP_NFTABLES` of the kernel's `nfnetlink.h`, as a bit.
const GROUP: u32 = 1 << (7 - 1);
/// What the kernel bundles into one datagram is far smaller, but for one huge rule.
const DATAGRAM: usize = 32 * 1024;
/// In all of the kernel's objects but generations, the first attribute is the table.
const TABLE_OF: u16 = 1;
const PROCESS_NAME: u16 = 3;

/// An ear for changes of the ruleset, in the network namespace in which it was opened.
pub struct RulesetEvents {
    fd: OwnedFd,
    /// The name of our own processes, as the kernel tells it.
    own: Vec<u8>,
    /// A transaction that is still being told has changed something of minet's.
    touched: bool,
}

impl RulesetEvents {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`Error::NotSupported`] on a kernel without netfilter's netlink.
    pub fn listen() -> Result<Self, Error> {
        let listen = || {
            let fd = socket(
                AddressFamily::Netlink,
                SockType::Raw,
                SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
                SockProtocol::NetlinkNetFilter,
            )?;
            bind(fd.as_raw_fd(), &NetlinkAddr::new(0, GROUP))?;
            Ok(fd)
        };
        let fd = listen().map_err(|errno| Error::socket("listen to nf_tables", errno))?;
        // Without a name of our own, minet's changes are somebody else's: more work, no harm.
        let mut own = std::fs::read("/proc/self/comm").unwrap_or_default();
        own.truncate(own.trim_ascii_end().len());
        Ok(RulesetEvents {
            fd,
            own,
            touched: false,
        })
    }

    /// Reads all that has been told so far, and says whether somebody else has changed
    /// something of minet's; or may have, when more was told than the socket could hold.
    pub fn disturbed(&mut self) -> bool {
        let mut disturbed = false;
        let mut datagram = vec![0; DATAGRAM];
        loop {
            match recv(self.fd.as_raw_fd(), &mut datagram, MsgFlags::empty()) {
                Ok(0) | Err(Errno::EAGAIN) => return disturbed,
                Ok(len) => {
                    for message in messages(&datagram[..len]) {
                        disturbed |= self.hear(&message);
                    }
                }
                Err(Errno::ENOBUFS) => disturbed = true,
                Err(Errno::EINTR) => {}
                Err(_) => return disturbed,
            }
        }
    }

    /// Whether this message ends a transaction by which another has changed something.
    fn hear(&mut self, message: &Incoming) -> bool {
        let kind = i32::from(message.kind) & 0xff;
        if kind != libc::NFT_MSG_NEWGEN {
            self.touched |= concerns_minet(kind, message);
            return false;
        }
        let process = message.attributes().get(PROCESS_NAME).unwrap_or_default();
        let by_us = process.strip_suffix(&[0]).unwrap_or(process) == self.own;
        std::mem::take(&mut self.touched) && !by_us
    }
}

/// A change of minet's own table, the loss of a rule of minet's in another's chain, or a
/// word of another's about everything that is passed on.
fn concerns_minet(kind: i32, message: &Incoming) -> bool {
    let table = message.attributes().get(TABLE_OF).unwrap_or_default();
    let inet = message.payload.first() == Some(&(libc::NFPROTO_INET as u8));
    if inet && table.strip_suffix(&[0]) == Some(TABLE.as_bytes()) {
        return true;
    }
    match kind {
        libc::NFT_MSG_NEWCHAIN => is_in_the_path(message),
        libc::NFT_MSG_NEWRULE => {
            ForeignRule::read(message).is_some_and(|rule| rule.speaks_of_all())
        }
        libc::NFT_MSG_DELRULE => ForeignRule::read(message).is_some_and(|rule| rule.is_minets()),
        _ => false,
    }
}

impl AsFd for RulesetEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
