//! The default route: where a container sends what is not for its own subnet. Others are
//! in [`fixed`].
//!
//! ```text
//! ip route add default via 172.17.0.1 dev eth0      add_default
//! ip route replace default via 172.18.0.1 dev eth1  replace_default
//! ip route delete default via 172.17.0.1 dev eth0   remove_default
//! ip route show default                             find_default
//! ```

pub mod fixed;
mod parse;

use crate::{Cause, Error, Removed, Rtnl, error::During, link, rtnl::Request};
use ipnetwork::IpNetwork;
use minet_model::IfName;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{
        RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
        RouteType,
    },
};
use std::net::IpAddr;

/// One route of any table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Which packets it is for; `0.0.0.0/0` or `::/0` for a default route.
    pub destination: IpNetwork,
    /// The interface by which they leave; `None` for a route that drops them. Of several
    /// next hops, the first.
    pub device: Option<u32>,
    /// The router they are handed to; `None` when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The own address that packets along this route bear, if the route says so.
    pub source: Option<IpAddr>,
    /// Of two routes to the same destination, the lower metric is used. Absent is 0.
    pub metric: u32,
    /// The largest IP packet along this route, if the route says so.
    pub mtu: Option<u32>,
    /// The table: 254 is `main`, 255 `local`; VPNs use others together with `ip rule`.
    pub table: u32,
}

/// What the kernel does with the packets of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They leave, or are dropped on purpose: somebody means this destination.
    Routed,
    /// They are for this machine (`RTN_LOCAL`).
    Delivered,
    /// Broadcast, multicast and what else the kernel keeps for itself.
    Internal,
}

/// Sets the default route, instead of another one of the same metric if there is one.
///
/// In one message, so that there is no moment without a default route.
///
/// # Errors
///
/// [`Cause::NoSuchDevice`], [`Cause::PermissionDenied`].
pub fn replace_default(
    rtnl: &mut Rtnl,
    gateway: impl Into<IpAddr>,
    device: &IfName,
) -> Result<(), Error> {
    let gateway = gateway.into();
    let replace = |rtnl: &mut Rtnl| {
        let index = link::require(rtnl, device)?.index;
        let route = RouteNetlinkMessage::NewRoute(default_route(index, gateway));
        let request = Request::with_flags(route, NLM_F_CREATE | NLM_F_REPLACE);
        rtnl.request_one(request)?.map_err(Cause::from)
    };
    replace(rtnl).during(|| format!("lead the default route via {gateway} on interface {device}"))
}

/// Removes the default route by this gateway; another one stays.
///
/// # Errors
///
/// [`Cause::PermissionDenied`].
pub fn remove_default(
    rtnl: &mut Rtnl,
    gateway: impl Into<IpAddr>,
    device: &IfName,
) -> Result<Removed, Error> {
    let gateway = gateway.into();
    let remove = |rtnl: &mut Rtnl| {
        let index = match link::require(rtnl, device) {
            Ok(link) => link.index,
            Err(Cause::NoSuchDevice(_)) => return Ok(Removed::AlreadyGone),
            Err(cause) => return Err(cause),
        };
        let route = RouteNetlinkMessage::DelRoute(default_route(index, gateway));
        match rtnl.request_one(Request::new(route))? {
            Ok(()) => Ok(Removed::Now),
            Err(refusal) if refusal.errno == libc::ESRCH => Ok(Removed::AlreadyGone),
            Err(refusal) => Err(refusal.into()),
        }
    };
    remove(rtnl).during(|| format!("remove the default route via {gateway}"))
}

fn family_of(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn default_route(index: u32, gateway: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family_of(gateway);
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Boot;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes = vec![
        RouteAttribute::Gateway(match gateway {
            IpAddr::V4(gateway) => RouteAddress::Inet(gateway),
            IpAddr::V6(gateway) => RouteAddress::Inet6(gateway),
        }),
        RouteAttribute::Oif(index),
    ];
    message
}

/// The preferred IPv4 default route of the main table: the one of the lowest metric.
///
/// # Errors
///
/// A failing socket; [`Cause::Unsteady`] when the table never holds still.
pub fn find_default(rtnl: &mut Rtnl) -> Result<Option<Route>, Error> {
    defaults(rtnl)
        .during(|| "find the default route".to_owned())
        .map(|routes| routes.into_iter().next())
}

/// The preferred IPv6 default route of the main table.
///
/// # Errors
///
/// As for [`find_default`].
pub fn find_default6(rtnl: &mut Rtnl) -> Result<Option<Route>, Error> {
    defaults_of(rtnl, AddressFamily::Inet6)
        .during(|| "find the IPv6 default route".to_owned())
        .map(|routes| routes.into_iter().next())
}

/// All of them, the preferred one first.
pub(crate) fn defaults(rtnl: &mut Rtnl) -> Result<Vec<Route>, Cause> {
    defaults_of(rtnl, AddressFamily::Inet)
}

fn defaults_of(rtnl: &mut Rtnl, family: AddressFamily) -> Result<Vec<Route>, Cause> {
    let mut routes: Vec<Route> = dump(rtnl, family, RouteHeader::RT_TABLE_MAIN)?
        .into_iter()
        .filter(|(fate, route)| {
            *fate == Fate::Routed && route.destination.prefix() == 0 && route.device.is_some()
        })
        .map(|(_, route)| route)
        .collect();
    routes.sort_by_key(|route| route.metric);
    Ok(routes)
}

/// The routes of one table, or of all with `RouteHeader::RT_TABLE_UNSPEC`.
pub(crate) fn dump(
    rtnl: &mut Rtnl,
    family: AddressFamily,
    table: u8,
) -> Result<Vec<(Fate, Route)>, Cause> {
    let mut question = RouteMessage::default();
    question.header.address_family = family;
    question.header.table = table;
    let list = match rtnl.dump(&RouteNetlinkMessage::GetRoute(question)) {
        // A young namespace has no main table yet: it comes with the first route.
        Err(Cause::Refused(refusal)) if refusal.errno == libc::ENOENT => Vec::new(),
        other => other?,
    };
    Ok(list.iter().filter_map(parse::route).collect())
}
