//! From the kernel's message to a [`Route`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's attributes are an open set; what is not asked for is passed over"
)]

use super::{Fate, Route};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteMetric, RouteType},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn route(message: &RouteNetlinkMessage) -> Option<(Fate, Route)> {
    let RouteNetlinkMessage::NewRoute(message) = message else {
        return None;
    };
    // A cached exception of a route (path MTU, redirect), not a route.
    if message.header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let prefix = message.header.destination_prefix_length;
    let everywhere = match message.header.address_family {
        AddressFamily::Inet => IpNetwork::V4(Ipv4Network::new(Ipv4Addr::UNSPECIFIED, prefix).ok()?),
        AddressFamily::Inet6 => {
            IpNetwork::V6(Ipv6Network::new(Ipv6Addr::UNSPECIFIED, prefix).ok()?)
        }
        _ => return None,
    };
    let mut route = Route {
        destination: everywhere,
        device: None,
        gateway: None,
        source: None,
        metric: 0,
        mtu: None,
        table: u32::from(message.header.table),
    };
    for attribute in &message.attributes {
        apply(attribute, prefix, &mut route);
    }
    Some((fate(message.header.kind), route))
}

fn apply(attribute: &RouteAttribute, prefix: u8, route: &mut Route) {
    match attribute {
        RouteAttribute::Destination(address) => {
            if let Some(network) =
                ip(address).and_then(|address| IpNetwork::new(address, prefix).ok())
            {
                route.destination = network;
            }
        }
        RouteAttribute::Oif(index) => route.device = Some(*index),
        RouteAttribute::Gateway(address) => route.gateway = ip(address),
        RouteAttribute::PrefSource(address) => route.source = ip(address),
        RouteAttribute::Priority(metric) => route.metric = *metric,
        // The header has one byte for it; the attribute has them all.
        RouteAttribute::Table(table) => route.table = *table,
        RouteAttribute::Metrics(metrics) => {
            route.mtu = metrics.iter().find_map(|metric| match metric {
                RouteMetric::Mtu(mtu) => Some(*mtu),
                _ => None,
            });
        }
        RouteAttribute::MultiPath(hops) => {
            if let Some(hop) = hops.first() {
                route.device = Some(hop.interface_index);
                route.gateway = hop.attributes.iter().find_map(|attribute| match attribute {
                    RouteAttribute::Gateway(address) => ip(address),
                    _ => None,
                });
            }
        }
        _ => {}
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

fn fate(kind: RouteType) -> Fate {
    match kind {
        RouteType::Unicast
        | RouteType::BlackHole
        | RouteType::Unreachable
        | RouteType::Prohibit => Fate::Routed,
        RouteType::Local => Fate::Delivered,
        _ => Fate::Internal,
    }
}
