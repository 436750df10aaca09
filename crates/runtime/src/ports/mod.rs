//! Host ports: found free, held by a real socket, and when they are not free, by whom.
//!
//! nftables would rewrite packets to port 8080 although a web server of the host listens
//! there: the server would still run, and nobody would reach it. Only `bind` knows about
//! both, so a published port is bound before anything else is made, and stays bound for
//! the container's lifetime. When the supervisor dies the kernel frees it.
//!
//! ```text
//!  client ──▶ 192.0.2.1:8080 ──▶ nat prerouting: dnat to 172.17.0.2:80 ──▶ container
//!                 │                  (the packet never gets to a socket of the host)
//!                 └─ 0.0.0.0:8080  held: listening, but a filter drops every packet
//!
//!  client ──▶ [2001:db8::1]:8080 ──▶ [::]:8080  relayed, where the container has IPv4 only:
//!                                        └──accepted, and copied──▶ 172.17.0.2:80 ──▶ container
//! ```
//!
//! The kernel cannot translate IPv6 to IPv4, and cannot send what was for `[::1]` out of
//! a bridge. So IPv6 ports of a container without IPv6, and what DNAT leaves to the socket
//! otherwise, are served by [`crate::relay`], and there the container sees the host's address
//! as its client.
//!
//! | | IPv4 | IPv6 |
//! | --- | --- | --- |
//! | TCP, UDP | held, served by DNAT | container with IPv6: held, served by DNAT, and by the relay for `::1` and `fe80::/10`; else the relay |
//! | SCTP | held, served by DNAT; not held where the kernel has no SCTP sockets | not published |
//!
//! What must stay true:
//!
//! - The filter is attached before `bind`, so no packet ever gets into a held socket.
//! - Either every requested port is held or none is.
//! - No socket survives an `exec`: all are close-on-exec.

pub(crate) mod claims;
mod culprit;
mod ephemeral;
mod error;
mod free;
pub(crate) mod limit;
mod reserve;
mod socket;

pub use culprit::Culprit;
pub use error::PortError;
pub use reserve::hold;
pub(crate) use socket::show;

use minet_model::{Protocol, PublishedPort};
use socket2::Socket;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
};

/// A host port that is the container's as long as this value lives.
#[derive(Debug)]
pub struct HeldPort {
    /// Which port.
    pub port: PublishedPort,
    /// The socket that holds it.
    pub hold: Hold,
}

/// How a port is held, which is also how it is served.
#[derive(Debug)]
pub enum Hold {
    /// An IPv4 socket into which nothing ever gets; DNAT serves the port.
    Nat(Socket),
    /// An IPv6 listener for [`crate::relay::tcp`]; clients wait in its backlog till then.
    RelayTcp(TcpListener),
    /// An IPv6 socket for [`crate::relay::udp`].
    RelayUdp(UdpSocket),
    /// This kernel has no SCTP sockets (module `sctp`), so no program of the host can
    /// have the port either; DNAT serves it all the same.
    Nobody,
}

impl Hold {
    /// The socket, if there is one.
    pub(crate) fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Hold::Nat(socket) => Some(socket.as_fd()),
            Hold::RelayTcp(listener) => Some(listener.as_fd()),
            Hold::RelayUdp(socket) => Some(socket.as_fd()),
            Hold::Nobody => None,
        }
    }
}

/// Where a port goes that is published without an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindDefaults {
    /// `0.0.0.0`, and `[::]` where the host has IPv6: Docker's default.
    AllAddresses,
    /// `0.0.0.0` alone.
    AllIpv4,
    /// This one address, as Docker's `--ip` of the daemon.
    Address(IpAddr),
}

/// Who in minet's own books has this port, by the name that users know. Asked for an
/// unspecified address it must also find holders of a specific one, and the reverse.
pub type UsedBy<'a> = dyn Fn(Protocol, IpAddr, u16) -> Option<String> + 'a;

/// Which port to choose where any will do.
pub struct Preference<'a> {
    /// These are tried first, in this order.
    pub had: &'a [PublishedPort],
    /// Somebody who is not here now counts on getting this one again.
    pub is_kept: &'a dyn Fn(Protocol, u16) -> bool,
    /// Those all the same, in this order, when there are no others.
    pub last_resort: &'a dyn Fn(Protocol) -> Vec<u16>,
}

impl Default for Preference<'_> {
    fn default() -> Self {
        Preference {
            had: &[],
            is_kept: &|_, _| false,
            last_resort: &|_| Vec::new(),
        }
    }
}

impl BindDefaults {
    /// The addresses to bind, the first of which must work.
    fn addresses(self, given: Option<IpAddr>, protocol: Protocol) -> Vec<IpAddr> {
        let any_v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        match (given, self) {
            (Some(address), _) | (None, BindDefaults::Address(address)) => vec![address],
            (None, BindDefaults::AllIpv4) => vec![any_v4],
            (None, BindDefaults::AllAddresses) if protocol == Protocol::Sctp => vec![any_v4],
            (None, BindDefaults::AllAddresses) => vec![any_v4, Ipv6Addr::UNSPECIFIED.into()],
        }
    }
}

/// Whether sockets on the two addresses would meet on the same port.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4()
        && (one == other || one.is_unspecified() || other.is_unspecified())
}
