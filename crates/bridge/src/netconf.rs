//! Whether the host passes packets on, asked by netlink instead of read in `/proc/sys`.
//!
//! ```text
//! sysctl net.ipv4.ip_forward                   forwards(Family::Ipv4)
//! sysctl net.ipv6.conf.all.forwarding          forwards(Family::Ipv6)
//! ```
//!
//! It is asked at each start, and the first look at such a file costs the more the more
//! namespaces there are (see [`crate::settings`]).

use crate::{Cause, Error, error::During};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io;

/// Of which packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

// The numbers of `linux/rtnetlink.h` and `linux/netconf.h`.
const RTM_NEWNETCONF: u16 = 80;
const RTM_GETNETCONF: u16 = 82;
const NLM_F_REQUEST: u16 = 1;
const NETCONFA_IFINDEX: u16 = 1;
const NETCONFA_FORWARDING: u16 = 2;
/// Not one interface, but what is set for all.
const ALL: i32 = -1;

/// The lengths of `struct nlmsghdr`, of the padded `struct netconfmsg` behind it, and of an
/// attribute with one number.
const HEADER: usize = 16;
const FAMILY: usize = 4;
const ATTRIBUTE: usize = 8;

/// Whether packets are passed on in the namespace of the calling thread.
///
/// # Errors
///
/// [`Cause::Socket`], [`Cause::Malformed`] on a kernel that does not tell.
pub fn forwards(family: Family) -> Result<bool, Error> {
    ask(family).during(|| format!("ask whether {family:?} packets are passed on"))
}

fn ask(family: Family) -> Result<bool, Cause> {
    let answer = exchange(&question(family)).map_err(Cause::Socket)?;
    forwarding(&answer)
        .map(|value| value != 0)
        .ok_or_else(|| Cause::Malformed("no word about forwarding".to_owned()))
}

fn exchange(question: &[u8]) -> io::Result<Vec<u8>> {
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(question, 0)?;
    // The answer is there when the question has been sent.
    let (answer, _) = socket.recv_from_full()?;
    Ok(answer)
}

fn question(family: Family) -> Vec<u8> {
    let family = match family {
        Family::Ipv4 => libc::AF_INET,
        Family::Ipv6 => libc::AF_INET6,
    };
    let length = HEADER + FAMILY + ATTRIBUTE;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(RTM_GETNETCONF.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    // Neither a sequence number nor a port: one question, one answer.
    bytes.extend([0; 8]);
    bytes.extend([family as u8, 0, 0, 0]);
    bytes.extend((ATTRIBUTE as u16).to_ne_bytes());
    bytes.extend(NETCONFA_IFINDEX.to_ne_bytes());
    bytes.extend(ALL.to_ne_bytes());
    bytes
}

/// The value in an answer.
fn forwarding(answer: &[u8]) -> Option<i32> {
    let short = |at: usize| Some(u16::from_ne_bytes(answer.get(at..at + 2)?.try_into().ok()?));
    if short(4)? != RTM_NEWNETCONF {
        return None;
    }
    let mut at = HEADER + FAMILY;
    loop {
        let (length, kind) = (usize::from(short(at)?), short(at + 2)?);
        // An attribute that says that it has no length leads nowhere.
        let value = answer.get(at + 4..at + length)?;
        if kind == NETCONFA_FORWARDING {
            return Some(i32::from_ne_bytes(value.try_into().ok()?));
        }
        at += length.next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_its_files_say() {
        for (family, file) in [
            (Family::Ipv4, "/proc/sys/net/ipv4/ip_forward"),
            (Family::Ipv6, "/proc/sys/net/ipv6/conf/all/forwarding"),
        ] {
            let Ok(text) = std::fs::read_to_string(file) else {
                continue;
            };
            assert_eq!(forwards(family).unwrap(), text.trim() != "0", "{file}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        let mut answer = question(Family::Ipv4);
        assert_eq!(forwarding(&answer), None, "a question");
        answer[4..6].copy_from_slice(&RTM_NEWNETCONF.to_ne_bytes());
        assert_eq!(forwarding(&answer), None, "another attribute");
        answer[22..24].copy_from_slice(&NETCONFA_FORWARDING.to_ne_bytes());
        answer[24..].copy_from_slice(&1_i32.to_ne_bytes());
        assert_eq!(forwarding(&answer), Some(1));
        for length in 0..answer.len() {
            assert_eq!(forwarding(&answer[..length]), None);
        }
        answer[20..22].copy_from_slice(&0_u16.to_ne_bytes());
        assert_eq!(forwarding(&answer), None, "an attribute without a length");
    }
}
