//! Hearing that an interface, an address or the host's forwarding was taken away, or that the
//! way out of the host has changed.
//!
//! ```text
//! ip monitor link address route netconf
//! ```
//!
//! The kernel tells multicast groups of every change, of which a container's start and end
//! make a dozen. Only what minet itself does not do to what stands is a disturbance; and a
//! cable that goes down is one only if its container is not just ending, which somebody else
//! must find out.

use crate::{Cause, Error, error::During};
use minet_model::IfName;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::{io, os::fd::BorrowedFd};

/// Of `linux/rtnetlink.h`, as bits: `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`,
/// `RTNLGRP_IPV4_ROUTE`, `RTNLGRP_IPV6_ROUTE`, `RTNLGRP_IPV4_NETCONF`.
const GROUPS: u32 = 1 | 1 << (5 - 1) | 1 << (7 - 1) | 1 << (11 - 1) | 1 << (24 - 1);
/// The prefix length of half of everything, as VPNs put it in the default route's place.
const WIDEST: u8 = 1;
/// More than the kernel puts into one of these messages.
const DATAGRAM_BYTES: usize = 16 * 1024;
const HEADER_BYTES: usize = 16;
/// `NETCONFA_IFINDEX`, `NETCONFA_FORWARDING` and `NETCONFA_IFINDEX_ALL` of
/// `linux/netconf.h`.
const NETCONF_INDEX: u16 = 1;
const NETCONF_FORWARDING: u16 = 2;
const ALL_INTERFACES: i32 = -1;
/// `IFLA_INFO_KIND` of `linux/if_link.h`.
const INFO_KIND: u16 = 1;

/// An ear for changes of interfaces, in the network namespace in which it was opened.
pub struct LinkEvents {
    socket: Socket,
}

/// What was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Something of the host is gone, a bridge, an address or forwarding, or it has another
    /// default route. Or nobody knows, because more was told than the socket could hold.
    pub host: bool,
    /// Host ends of cables that are gone, off or on no bridge: what an end does as well.
    pub cables: Vec<Loose>,
}

/// A cable that leads nowhere any more, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loose {
    /// The interface.
    pub host_end: IfName,
    /// What its owner wrote on it.
    pub alias: String,
}

impl LinkEvents {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// [`Cause::Socket`] when there are no more file descriptors.
    pub fn listen() -> Result<Self, Error> {
        fn bound() -> io::Result<Socket> {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind(&SocketAddr::new(0, GROUPS))?;
            socket.set_non_blocking(true)?;
            Ok(socket)
        }
        let socket = bound()
            .map_err(Cause::Socket)
            .during(|| "listen to changes of interfaces".to_owned())?;
        Ok(LinkEvents { socket })
    }

    /// Reads all that has been told so far.
    pub fn hear(&mut self) -> Heard {
        let mut heard = Heard::default();
        let mut buffer = Vec::with_capacity(DATAGRAM_BYTES);
        loop {
            buffer.clear();
            match self.socket.recv(&mut buffer, 0) {
                Ok(_) => messages(&buffer, |kind, body| heard.add(kind, body)),
                Err(error) => match error.raw_os_error() {
                    Some(libc::ENOBUFS) => heard.host = true,
                    Some(libc::EINTR) => {}
                    _ => return heard,
                },
            }
        }
    }

    /// For whoever waits until there is something to hear.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.socket.as_fd()
    }
}

impl Heard {
    fn add(&mut self, kind: u16, body: &[u8]) {
        match kind {
            libc::RTM_NEWLINK | libc::RTM_DELLINK => self.add_link(kind, body),
            libc::RTM_DELADDR => self.host = true,
            // A `struct rtmsg` begins with family and prefix length.
            libc::RTM_NEWROUTE | libc::RTM_DELROUTE => {
                self.host |= body.get(1).is_some_and(|length| *length <= WIDEST);
            }
            RTM_NEWNETCONF => self.host |= forwarding_went_off(body),
            _ => {}
        }
    }

    fn add_link(&mut self, kind: u16, body: &[u8]) {
        // What bridges tell of their ports (AF_BRIDGE) is told of the ports as well.
        let (Some(&[family, _, _, _, _, _, _, _, f0, f1, f2, f3, ..]), Some(attributes)) =
            (body.get(..16), body.get(16..))
        else {
            return;
        };
        if i32::from(family) != libc::AF_UNSPEC {
            return;
        }
        let up = u32::from_ne_bytes([f0, f1, f2, f3]) & libc::IFF_UP as u32 != 0;
        let gone = kind == libc::RTM_DELLINK;
        let kind = find(attributes, libc::IFLA_LINKINFO).and_then(|info| find(info, INFO_KIND));
        match kind.map(text).as_deref() {
            Some("bridge") => self.host |= gone || !up,
            Some("veth") if gone || !up || find(attributes, libc::IFLA_MASTER).is_none() => {
                self.cables.extend(loose(attributes));
            }
            Some(_) | None => {}
        }
    }
}

/// `RTM_NEWNETCONF` of `linux/rtnetlink.h`.
const RTM_NEWNETCONF: u16 = 80;

fn loose(attributes: &[u8]) -> Option<Loose> {
    Some(Loose {
        host_end: text(find(attributes, libc::IFLA_IFNAME)?).parse().ok()?,
        alias: text(find(attributes, libc::IFLA_IFALIAS)?),
    })
}

fn forwarding_went_off(body: &[u8]) -> bool {
    let attributes = body.get(4..).unwrap_or_default();
    let number = |kind| {
        let bytes = find(attributes, kind)?.try_into().ok()?;
        Some(i32::from_ne_bytes(bytes))
    };
    number(NETCONF_INDEX) == Some(ALL_INTERFACES) && number(NETCONF_FORWARDING) == Some(0)
}

fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// The messages in a datagram; stops at the first that is cut short.
fn messages(mut datagram: &[u8], mut each: impl FnMut(u16, &[u8])) {
    while let Some(header) = datagram.get(..HEADER_BYTES) {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some(body) = datagram.get(HEADER_BYTES..length) else {
            return;
        };
        each(u16::from_ne_bytes([header[4], header[5]]), body);
        datagram = datagram
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
}

/// The first attribute of this type.
fn find(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let header = attributes.get(..4)?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & !(libc::NLA_F_NESTED as u16);
        let value = attributes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        attributes = attributes
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_past_the_end() {
        let attribute = [8, 0, 3, 0, b'a', b'b', b'c', 0];
        assert_eq!(find(&attribute, 3), Some(&b"abc\0"[..]));
        for cut in 0..attribute.len() {
            assert_eq!(find(&attribute[..cut], 3), None);
        }
        assert_eq!(find(&[0; 16], 3), None);
        let mut count = 0;
        messages(&[0; 64], |_, _| count += 1);
        assert_eq!(count, 0);
    }
}
