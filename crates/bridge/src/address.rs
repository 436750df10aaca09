//! An interface's addresses.
//!
//! ```text
//! ip address add 172.17.0.1/16 broadcast + dev minet0     add
//! ip address del 172.17.0.1/16 dev minet0                 remove
//! ip address show dev minet0                              list
//! ```
//!
//! An IPv6 address is usable at once (`nodad`): whoever gives it knows that nobody else has it,
//! and a second of duplicate address detection (RFC 4862, 5.4) is a second in which no service
//! can bind to it.
//!
//! The kernel adds the route to the subnet by itself, as soon as the interface is up.

use crate::{Cause, Error, Made, Removed, Rtnl, error::During, link, rtnl::Request};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use minet_model::IfName;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope},
};

/// Gives an interface an address with the prefix length of its subnet.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`].
pub fn add(
    rtnl: &mut Rtnl,
    interface: &IfName,
    address: impl Into<IpNetwork>,
) -> Result<Made, Error> {
    let address = address.into();
    try_add(rtnl, interface, address)
        .during(|| format!("give interface {interface} the address {address}"))
}

fn try_add(rtnl: &mut Rtnl, interface: &IfName, address: IpNetwork) -> Result<Made, Cause> {
    let index = link::require(rtnl, interface)?.index;
    made(rtnl.request_one(addition(index, address))?)
}

/// `EEXIST` on an address means this very address on this very interface
/// (`__inet_insert_ifa` compares both), so nothing has to be verified.
pub(crate) fn made(verdict: Result<(), crate::Refusal>) -> Result<Made, Cause> {
    match verdict {
        Ok(()) => Ok(Made::Now),
        Err(refusal) if refusal.errno == libc::EEXIST => Ok(Made::Already),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The request behind [`add`].
pub(crate) fn addition(index: u32, address: IpNetwork) -> Request {
    let mut message = message(index, address);
    // Subnets with a broadcast address announce it; /31 and /32 have none (RFC 3021).
    match address {
        IpNetwork::V4(address) if address.prefix() < 31 => message
            .attributes
            .push(AddressAttribute::Broadcast(address.broadcast())),
        IpNetwork::V4(_) => {}
        IpNetwork::V6(_) => message
            .attributes
            .push(AddressAttribute::Flags(AddressFlags::Nodad)),
    }
    Request::with_flags(
        RouteNetlinkMessage::NewAddress(message),
        NLM_F_CREATE | NLM_F_EXCL,
    )
}

/// Takes an address away from an interface, and with it its routes.
///
/// # Errors
///
/// [`Cause::PermissionDenied`]. A missing address or interface is
/// [`Removed::AlreadyGone`].
pub fn remove(
    rtnl: &mut Rtnl,
    interface: &IfName,
    address: impl Into<IpNetwork>,
) -> Result<Removed, Error> {
    let address = address.into();
    try_remove(rtnl, interface, address)
        .during(|| format!("take the address {address} from interface {interface}"))
}

fn try_remove(rtnl: &mut Rtnl, interface: &IfName, address: IpNetwork) -> Result<Removed, Cause> {
    let index = match link::require(rtnl, interface) {
        Ok(link) => link.index,
        Err(Cause::NoSuchDevice(_)) => return Ok(Removed::AlreadyGone),
        Err(cause) => return Err(cause),
    };
    let request = Request::new(RouteNetlinkMessage::DelAddress(message(index, address)));
    match rtnl.request_one(request)? {
        Ok(()) => Ok(Removed::Now),
        Err(refusal) if matches!(refusal.errno, libc::EADDRNOTAVAIL | libc::ENODEV) => {
            Ok(Removed::AlreadyGone)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn message(index: u32, address: IpNetwork) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match address {
        IpNetwork::V4(_) => AddressFamily::Inet,
        IpNetwork::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = address.prefix();
    message.header.scope = AddressScope::Universe;
    message.header.index = index;
    // IFA_LOCAL is the own address, IFA_ADDRESS the other end's on a point-to-point
    // link and otherwise the same again.
    message.attributes = vec![
        AddressAttribute::Local(address.ip()),
        AddressAttribute::Address(address.ip()),
    ];
    message
}

/// The IPv4 addresses of one interface, in the kernel's order: the first is primary.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`].
pub fn list(rtnl: &mut Rtnl, interface: &IfName) -> Result<Vec<Ipv4Network>, Error> {
    let list = |rtnl: &mut Rtnl| {
        let index = link::require(rtnl, interface)?.index;
        of_interface(rtnl, index)
    };
    list(rtnl).during(|| format!("list the addresses of interface {interface}"))
}

/// The IPv6 addresses of one interface that are good beyond its own link.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`].
pub fn list6(rtnl: &mut Rtnl, interface: &IfName) -> Result<Vec<Ipv6Network>, Error> {
    let list = |rtnl: &mut Rtnl| {
        let index = link::require(rtnl, interface)?.index;
        let networks = all_of(rtnl, index, AddressFamily::Inet6)?;
        let global = |network| match network {
            IpNetwork::V6(network) => Some(network).filter(|n| !n.ip().is_unicast_link_local()),
            IpNetwork::V4(_) => None,
        };
        Ok::<_, Cause>(networks.into_iter().filter_map(global).collect())
    };
    list(rtnl).during(|| format!("list the IPv6 addresses of interface {interface}"))
}

pub(crate) fn of_interface(rtnl: &mut Rtnl, index: u32) -> Result<Vec<Ipv4Network>, Cause> {
    let networks = all_of(rtnl, index, AddressFamily::Inet)?;
    let ipv4 = |network| match network {
        IpNetwork::V4(network) => Some(network),
        IpNetwork::V6(_) => None,
    };
    Ok(networks.into_iter().filter_map(ipv4).collect())
}

fn all_of(rtnl: &mut Rtnl, index: u32, family: AddressFamily) -> Result<Vec<IpNetwork>, Cause> {
    let mut question = AddressMessage::default();
    question.header.family = family;
    // With strict checking the kernel itself leaves out the other interfaces.
    question.header.index = index;
    let list = rtnl.dump(&RouteNetlinkMessage::GetAddress(question))?;
    Ok(list
        .iter()
        .filter_map(parse)
        .map(|(_, network)| network)
        .collect())
}

/// The interface's index and its own address with the prefix length of what it reaches.
pub(crate) fn parse(message: &RouteNetlinkMessage) -> Option<(u32, IpNetwork)> {
    let RouteNetlinkMessage::NewAddress(message) = message else {
        return None;
    };
    let mut local = None;
    let mut address = None;
    for attribute in &message.attributes {
        if let AddressAttribute::Local(ip) = attribute {
            local = Some(*ip);
        } else if let AddressAttribute::Address(ip) = attribute {
            address = Some(*ip);
        }
    }
    let network = match (local, address) {
        // A point-to-point link: the prefix length is that of the other end.
        (Some(local), Some(peer)) if local != peer => IpNetwork::from(local),
        (Some(ip), _) | (None, Some(ip)) => IpNetwork::new(ip, message.header.prefix_len).ok()?,
        (None, None) => return None,
    };
    Some((message.header.index, network))
}
