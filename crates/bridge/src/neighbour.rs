//! Who is where on a link, said beforehand instead of asked for (ARP, RFC 826; neighbour
//! discovery, RFC 4861).
//!
//! ```text
//! ip neighbour replace 172.17.0.2 lladdr 02:42:ac:11:00:02 nud permanent dev minet0   set
//! ip neighbour add proxy fd00::2 dev minet0
//! ip neighbour del 172.17.0.2 dev minet0                                              remove
//! ```
//!
//! The kernel has one table of neighbours for all namespaces, and when it is full, nobody finds
//! anybody who is not in it yet (`net.ipv4.neigh.default.gc_thresh3`, 1024). What is there for
//! good is not counted, and needs not be found.

use crate::{Cause, Error, Removed, Rtnl, error::During, link, rtnl::Request};
use minet_model::{IfName, MacAddr};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    neighbour::{
        NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
    },
};
use std::net::IpAddr;

/// An address, and what the kernel shall know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// The address.
    pub address: IpAddr,
    /// What is known.
    pub known: Known,
}

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is at this Ethernet address, for good.
    At(MacAddr),
    /// Whoever asks for it on this link is answered by this machine, as if it were its own;
    /// where the link allows that (`proxy_ndp`).
    Answered,
}

/// Lets the kernel know all of them on this interface, whatever it knew before.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`].
pub fn set(rtnl: &mut Rtnl, interface: &IfName, neighbours: &[Neighbour]) -> Result<(), Error> {
    try_set(rtnl, interface, neighbours)
        .during(|| format!("tell interface {interface} where its neighbours are"))
}

fn try_set(rtnl: &mut Rtnl, interface: &IfName, neighbours: &[Neighbour]) -> Result<(), Cause> {
    let index = link::require(rtnl, interface)?.index;
    let request = |neighbour: &Neighbour| {
        let message = RouteNetlinkMessage::NewNeighbour(message(index, neighbour));
        Request::with_flags(message, NLM_F_CREATE | NLM_F_REPLACE)
    };
    for verdict in rtnl.request(neighbours.iter().map(request).collect())? {
        verdict?;
    }
    Ok(())
}

/// Takes back what was set; where something else is known by now, that stays.
///
/// # Errors
///
/// [`Cause::PermissionDenied`]. What is gone is [`Removed::AlreadyGone`].
pub fn remove(
    rtnl: &mut Rtnl,
    interface: &IfName,
    neighbours: &[Neighbour],
) -> Result<Removed, Error> {
    try_remove(rtnl, interface, neighbours)
        .during(|| format!("forget neighbours of interface {interface}"))
}

fn try_remove(
    rtnl: &mut Rtnl,
    interface: &IfName,
    neighbours: &[Neighbour],
) -> Result<Removed, Cause> {
    let Some(index) = link::by_name(rtnl, interface)?.map(|link| link.index) else {
        return Ok(Removed::AlreadyGone);
    };
    let mut removed = Removed::AlreadyGone;
    for neighbour in neighbours {
        if !knows(rtnl, index, neighbour)? {
            continue;
        }
        let request = RouteNetlinkMessage::DelNeighbour(message(index, neighbour));
        match rtnl.request_one(Request::new(request))? {
            Ok(()) => removed = Removed::Now,
            Err(refusal) if matches!(refusal.errno, libc::ENOENT | libc::ENODEV) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(removed)
}

/// Whether the kernel knows this of the address.
///
/// # Errors
///
/// A failing socket.
pub fn is_set(rtnl: &mut Rtnl, interface: &IfName, neighbour: &Neighbour) -> Result<bool, Error> {
    let look = |rtnl: &mut Rtnl| match link::by_name(rtnl, interface)? {
        Some(link) => knows(rtnl, link.index, neighbour),
        None => Ok(false),
    };
    look(rtnl).during(|| {
        let address = neighbour.address;
        format!("look where {address} is on interface {interface}")
    })
}

fn knows(rtnl: &mut Rtnl, index: u32, neighbour: &Neighbour) -> Result<bool, Cause> {
    let mut question = message(index, neighbour);
    question.header.state = NeighbourState::None;
    question
        .attributes
        .retain(|attribute| matches!(attribute, NeighbourAttribute::Destination(_)));
    match rtnl.get(RouteNetlinkMessage::GetNeighbour(question))? {
        Ok(RouteNetlinkMessage::NewNeighbour(found)) => Ok(match neighbour.known {
            Known::At(mac) => {
                let address = NeighbourAttribute::LinkLayerAddress(mac.bytes().to_vec());
                found.header.state == NeighbourState::Permanent
                    && found.attributes.contains(&address)
            }
            Known::Answered => found.header.flags.contains(NeighbourFlags::Proxy),
        }),
        Ok(_) => Err(Cause::Malformed("no neighbour in the answer".to_owned())),
        Err(refusal) if refusal.errno == libc::ENOENT => Ok(false),
        Err(refusal) => Err(refusal.into()),
    }
}

fn message(index: u32, neighbour: &Neighbour) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.ifindex = index;
    let (family, address) = match neighbour.address {
        IpAddr::V4(address) => (AddressFamily::Inet, NeighbourAddress::Inet(address)),
        IpAddr::V6(address) => (AddressFamily::Inet6, NeighbourAddress::Inet6(address)),
    };
    message.header.family = family;
    message.attributes = vec![NeighbourAttribute::Destination(address)];
    match neighbour.known {
        Known::At(mac) => {
            message.header.state = NeighbourState::Permanent;
            let mac = NeighbourAttribute::LinkLayerAddress(mac.bytes().to_vec());
            message.attributes.push(mac);
        }
        Known::Answered => message.header.flags = NeighbourFlags::Proxy,
    }
    message
}
