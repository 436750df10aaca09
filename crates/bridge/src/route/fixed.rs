//! Routes to certain destinations, by a router on the subnet of an interface.
//!
//! ```text
//! ip route replace 10.20.0.0/16 via 172.18.0.5 dev eth0   set
//! ip route delete 10.20.0.0/16 via 172.18.0.5 dev eth0    remove
//! ip route show 10.20.0.0/16                              is_set
//! ```

use super::dump;
use crate::{Cause, Error, Removed, Rtnl, error::During, link, rtnl::Request};
use ipnetwork::IpNetwork;
use minet_model::{IfName, StaticRoute};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{
        RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
        RouteType,
    },
};
use std::net::IpAddr;

/// Sets a route by a neighbour of this interface, instead of another one to the same
/// destination if there is one.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`]; `ENETUNREACH` if the interface is
/// down or the gateway on none of its subnets.
pub fn set(rtnl: &mut Rtnl, route: &StaticRoute, device: &IfName) -> Result<(), Error> {
    let set = |rtnl: &mut Rtnl| {
        let index = link::require(rtnl, device)?.index;
        let request = RouteNetlinkMessage::NewRoute(message(index, route));
        let request = Request::with_flags(request, NLM_F_CREATE | NLM_F_REPLACE);
        rtnl.request_one(request)?.map_err(Cause::from)
    };
    set(rtnl).during(|| {
        let StaticRoute {
            destination,
            gateway,
        } = route;
        format!("lead {destination} via {gateway} on interface {device}")
    })
}

/// Removes a route by this very gateway; another one to the same destination stays.
///
/// # Errors
///
/// [`Cause::PermissionDenied`].
pub fn remove(rtnl: &mut Rtnl, route: &StaticRoute, device: &IfName) -> Result<Removed, Error> {
    let remove = |rtnl: &mut Rtnl| {
        let index = match link::require(rtnl, device) {
            Ok(link) => link.index,
            Err(Cause::NoSuchDevice(_)) => return Ok(Removed::AlreadyGone),
            Err(cause) => return Err(cause),
        };
        let request = RouteNetlinkMessage::DelRoute(message(index, route));
        match rtnl.request_one(Request::new(request))? {
            Ok(()) => Ok(Removed::Now),
            Err(refusal) if refusal.errno == libc::ESRCH => Ok(Removed::AlreadyGone),
            Err(refusal) => Err(refusal.into()),
        }
    };
    remove(rtnl).during(|| format!("remove the route to {}", route.destination))
}

/// Whether there is this route.
///
/// # Errors
///
/// A failing socket; [`Cause::Unsteady`] when the table never holds still.
pub fn is_set(rtnl: &mut Rtnl, route: &StaticRoute, device: &IfName) -> Result<bool, Error> {
    let is_set = |rtnl: &mut Rtnl| {
        let index = link::require(rtnl, device)?.index;
        let routes = dump(rtnl, family(route), RouteHeader::RT_TABLE_MAIN)?;
        Ok::<_, Cause>(routes.iter().any(|(_, found)| {
            found.destination == route.destination
                && found.gateway == Some(route.gateway)
                && found.device == Some(index)
        }))
    };
    is_set(rtnl).during(|| format!("look for the route to {}", route.destination))
}

fn family(route: &StaticRoute) -> AddressFamily {
    match route.destination {
        IpNetwork::V4(_) => AddressFamily::Inet,
        IpNetwork::V6(_) => AddressFamily::Inet6,
    }
}

fn message(index: u32, route: &StaticRoute) -> RouteMessage {
    let address = |address| match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    };
    let mut message = RouteMessage::default();
    message.header.address_family = family(route);
    message.header.destination_prefix_length = route.destination.prefix();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes = vec![
        RouteAttribute::Destination(address(route.destination.ip())),
        RouteAttribute::Gateway(address(route.gateway)),
        RouteAttribute::Oif(index),
    ];
    message
}
