//! Forgetting connections.
//!
//! conntrack remembers where the first packet of a flow was sent, and sends all others
//! there without asking the table again. For TCP that is harmless, since a connection ends
//! with its container. A UDP flow has no end: a client that keeps sending keeps the entry
//! alive, and its datagrams go to a container that is gone, or past one that has just been
//! published. So, equal to `conntrack -D -p udp --orig-port-dst 5353`:
//!
//! ```text
//!   client:40000 -> host:5353      the original direction: its destination is the HOST port
//!   container:53 -> client:40000   the reply direction: the container's port stands here
//! ```
//!
//! Since Linux 6.8 the kernel deletes by a filter in one message. Older ones are asked for
//! all entries, and those that match are deleted one by one.

use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::attribute::{Attributes, Incoming, finish, header, nest, put};
use crate::netlink::socket::Socket;
use minet_model::Protocol;
use nix::errno::Errno;
use nix::libc;
use std::net::IpAddr;

// Of the kernel's linux/netfilter/nfnetlink_conntrack.h, in its order.
const IPCTNL_MSG_CT_GET: u16 = 1;
const IPCTNL_MSG_CT_DELETE: u16 = 2;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_FILTER: u16 = 25;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
/// `CTA_IP_V4_SRC` and `CTA_IP_V6_SRC`.
const SRC: Side = Side { v4: 1, v6: 3 };
/// `CTA_IP_V4_DST` and `CTA_IP_V6_DST`.
const DST: Side = Side { v4: 2, v6: 4 };
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_DST_PORT: u16 = 3;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
const CTA_FILTER_REPLY_FLAGS: u16 = 2;

// Which fields of a tuple a filter compares: `CTA_FILTER_F_*` of nf_conntrack_netlink.c.
const FILTER_IP_SRC: u32 = 1 << 0;
const FILTER_IP_DST: u32 = 1 << 1;
const FILTER_PROTO_NUM: u32 = 1 << 3;
const FILTER_PROTO_DST_PORT: u32 = 1 << 5;

/// The attributes of an address, by family.
#[derive(Debug, Clone, Copy)]
struct Side {
    v4: u16,
    v6: u16,
}

/// One direction of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// As the first packet was sent.
    Original,
    /// As the answers come.
    Reply,
}

/// What a flow must look like in one direction to be forgotten.
#[derive(Debug, Clone, Copy)]
struct Pattern {
    /// `AF_…`.
    family: libc::c_int,
    direction: Direction,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    service: Option<(Protocol, u16)>,
}

impl Firewall {
    /// Forgets flows whose original destination is this port of the host, on this address
    /// or, without one, on any.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::NotSupported`] on a kernel without ctnetlink.
    pub fn flush_conntrack(
        &mut self,
        protocol: Protocol,
        host_port: u16,
        host_ip: Option<IpAddr>,
    ) -> Result<(), Error> {
        let destination = host_ip.filter(|address| !address.is_unspecified());
        self.forget(&Pattern {
            family: host_ip.map_or(libc::AF_INET, family),
            direction: Direction::Original,
            source: None,
            destination,
            service: Some((protocol, host_port)),
        })
    }

    /// Forgets every flow from or to a container. Needed before its address is given to
    /// another.
    ///
    /// A container is the source of what it begins, and the source of the answers to what
    /// others begin, whatever has been rewritten on the other side; so two patterns do.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::NotSupported`] on a kernel without ctnetlink.
    pub fn flush_conntrack_of(&mut self, address: IpAddr) -> Result<(), Error> {
        for direction in [Direction::Original, Direction::Reply] {
            self.forget(&Pattern {
                family: family(address),
                direction,
                source: Some(address),
                destination: None,
                service: None,
            })?;
        }
        Ok(())
    }

    /// Forgets the flows that one container began to a port of another. What of them still
    /// comes is then judged like a first packet.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::NotSupported`] on a kernel without ctnetlink.
    pub fn flush_conntrack_along(&mut self, edge: &crate::Edge) -> Result<(), Error> {
        self.forget(&Pattern {
            family: family(edge.to),
            direction: Direction::Original,
            source: Some(edge.from),
            destination: Some(edge.to),
            service: Some((edge.protocol, edge.port)),
        })
    }

    fn forget(&mut self, pattern: &Pattern) -> Result<(), Error> {
        let result = match flush_by_filter(&mut self.socket, pattern) {
            // What a kernel says that takes the pattern for the name of a single flow.
            Err(Errno::EINVAL | Errno::ENOENT) => flush_one_by_one(&mut self.socket, pattern),
            result => result,
        };
        result.map_err(|errno| Error::refused("forget connections", "ctnetlink", errno, None))
    }
}

fn flush_by_filter(socket: &mut Socket, pattern: &Pattern) -> Result<(), Errno> {
    let seq = socket.next_seq();
    let mut message = ctnetlink(IPCTNL_MSG_CT_DELETE, pattern.family, 0, seq);
    pattern.write(&mut message);
    let answer = socket.exchange(&finish(message), seq + 1)?;
    match answer.complaints.first() {
        None => Ok(()),
        Some(complaint) => Err(complaint.errno),
    }
}

fn flush_one_by_one(socket: &mut Socket, pattern: &Pattern) -> Result<(), Errno> {
    let seq = socket.next_seq();
    let dump = ctnetlink(
        IPCTNL_MSG_CT_GET,
        pattern.family,
        libc::NLM_F_DUMP as u16,
        seq,
    );
    let answer = socket.exchange(&finish(dump), seq + 1)?;
    if let Some(complaint) = answer.complaints.first() {
        return Err(complaint.errno);
    }
    for flow in answer.messages.iter().filter(|flow| pattern.matches(flow)) {
        delete(socket, pattern.family, flow)?;
    }
    Ok(())
}

/// Deletes one flow by its original direction and its identity, lest another be hit that
/// has taken its place.
fn delete(socket: &mut Socket, family: libc::c_int, flow: &Incoming) -> Result<(), Errno> {
    let seq = socket.next_seq();
    let mut message = ctnetlink(IPCTNL_MSG_CT_DELETE, family, 0, seq);
    for kind in [CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE] {
        if let Some(value) = flow.attributes().get(kind) {
            put(&mut message, kind, value);
        }
    }
    let answer = socket.exchange(&finish(message), seq + 1)?;
    match answer.complaints.first().map(|complaint| complaint.errno) {
        None | Some(Errno::ENOENT) => Ok(()),
        Some(errno) => Err(errno),
    }
}

fn family(address: IpAddr) -> libc::c_int {
    match address {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    }
}

fn ctnetlink(kind: u16, family: libc::c_int, flags: u16, seq: u32) -> Vec<u8> {
    let kind = (libc::NFNL_SUBSYS_CTNETLINK as u16) << 8 | kind;
    header(kind, flags, seq, family as u8, 0)
}

impl Direction {
    fn tuple(self) -> u16 {
        match self {
            Direction::Original => CTA_TUPLE_ORIG,
            Direction::Reply => CTA_TUPLE_REPLY,
        }
    }
}

impl Pattern {
    /// The values to compare with, and the flags that say which of them count.
    fn write(&self, message: &mut Vec<u8>) {
        nest(message, self.direction.tuple(), |tuple| {
            nest(tuple, CTA_TUPLE_IP, |ip| {
                for (side, address) in [(SRC, self.source), (DST, self.destination)] {
                    match address {
                        Some(IpAddr::V4(address)) => put(ip, side.v4, &address.octets()),
                        Some(IpAddr::V6(address)) => put(ip, side.v6, &address.octets()),
                        None => {}
                    }
                }
            });
            if let Some((protocol, port)) = self.service {
                nest(tuple, CTA_TUPLE_PROTO, |proto| {
                    put(proto, CTA_PROTO_NUM, &[protocol.number()]);
                    put(proto, CTA_PROTO_DST_PORT, &port.to_be_bytes());
                });
            }
        });
        let (original, reply) = match self.direction {
            Direction::Original => (self.flags(), 0),
            Direction::Reply => (0, self.flags()),
        };
        nest(message, CTA_FILTER, |filter| {
            put(filter, CTA_FILTER_ORIG_FLAGS, &original.to_ne_bytes());
            put(filter, CTA_FILTER_REPLY_FLAGS, &reply.to_ne_bytes());
        });
    }

    fn flags(&self) -> u32 {
        let flag = |wanted, flag| if wanted { flag } else { 0 };
        flag(self.source.is_some(), FILTER_IP_SRC)
            | flag(self.destination.is_some(), FILTER_IP_DST)
            | flag(
                self.service.is_some(),
                FILTER_PROTO_NUM | FILTER_PROTO_DST_PORT,
            )
    }

    fn matches(&self, flow: &Incoming) -> bool {
        let Some(tuple) = flow.attributes().inside(self.direction.tuple()) else {
            return false;
        };
        let ip = tuple.inside(CTA_TUPLE_IP).unwrap_or(Attributes(&[]));
        let proto = tuple.inside(CTA_TUPLE_PROTO).unwrap_or(Attributes(&[]));
        let same = |side: Side, wanted: Option<IpAddr>| match wanted {
            Some(IpAddr::V4(address)) => ip.get(side.v4) == Some(&address.octets()[..]),
            Some(IpAddr::V6(address)) => ip.get(side.v6) == Some(&address.octets()[..]),
            None => true,
        };
        let same_service = match self.service {
            Some((protocol, port)) => {
                proto.get(CTA_PROTO_NUM) == Some(&[protocol.number()][..])
                    && proto.get(CTA_PROTO_DST_PORT) == Some(&port.to_be_bytes()[..])
            }
            None => true,
        };
        same(SRC, self.source) && same(DST, self.destination) && same_service
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::attribute::messages;

    /// The message about a flow lan -> 192.0.2.1:8080, answered by 172.17.0.2:80.
    fn flow() -> Incoming {
        let mut message = ctnetlink(0, libc::AF_INET, 0, 1);
        for (tuple, source, destination, port) in [
            (CTA_TUPLE_ORIG, [192, 0, 2, 9], [192, 0, 2, 1], 8080u16),
            (CTA_TUPLE_REPLY, [172, 17, 0, 2], [192, 0, 2, 9], 40000),
        ] {
            nest(&mut message, tuple, |tuple| {
                nest(tuple, CTA_TUPLE_IP, |ip| {
                    put(ip, SRC.v4, &source);
                    put(ip, DST.v4, &destination);
                });
                nest(tuple, CTA_TUPLE_PROTO, |proto| {
                    put(proto, CTA_PROTO_NUM, &[17]);
                    put(proto, CTA_PROTO_DST_PORT, &port.to_be_bytes());
                });
            });
        }
        messages(&finish(message)).remove(0)
    }

    fn pattern(direction: Direction) -> Pattern {
        Pattern {
            family: libc::AF_INET,
            direction,
            source: None,
            destination: None,
            service: None,
        }
    }

    #[test]
    fn an_old_kernel_s_list_is_searched_by_the_same_pattern() {
        let port = |port, protocol| Pattern {
            service: Some((protocol, port)),
            ..pattern(Direction::Original)
        };
        assert!(port(8080, Protocol::Udp).matches(&flow()));
        assert!(!port(80, Protocol::Udp).matches(&flow()));
        assert!(!port(8080, Protocol::Tcp).matches(&flow()));
        let container = |direction| Pattern {
            source: Some([172, 17, 0, 2].into()),
            ..pattern(direction)
        };
        assert!(container(Direction::Reply).matches(&flow()));
        assert!(!container(Direction::Original).matches(&flow()));
    }

    #[test]
    fn a_filter_compares_only_what_is_given() {
        let port = Pattern {
            service: Some((Protocol::Udp, 8080)),
            ..pattern(Direction::Original)
        };
        assert_eq!(port.flags(), 0b10_1000);
        let address = Pattern {
            source: Some([172, 17, 0, 2].into()),
            ..pattern(Direction::Reply)
        };
        assert_eq!(address.flags(), 0b1);
    }
}
