//! What is taken: every address and every route of this namespace.
//!
//! A new subnet must not overlap anything that this machine can reach, or packets for
//! the office printer end in a container. Docker looks at the main table only; VPNs keep
//! their routes in tables of their own (`ip rule`, `ip route show table all`), so all
//! tables are read here.
//!
//! ```text
//! ip address show; ip route show table all; ip -6 route show table all      survey
//! ip route show default; ip link show dev …                                 uplink
//! ```
//!
//! IPsec policies (`ip xfrm policy`) are not routes and are not looked at.

use crate::{
    Cause, Error, Rtnl, address,
    error::During,
    link,
    route::{self, Fate, Route},
};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use minet_model::IfName;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage, address::AddressMessage, route::RouteHeader,
};
use std::net::{IpAddr, Ipv4Addr};

/// The table `local`, `RT_TABLE_LOCAL` in `linux/rtnetlink.h`.
const TABLE_LOCAL: u32 = 255;

/// The prefix length of `0.0.0.0/1`.
const HALF_OF_EVERYTHING: u8 = 1;

/// Every address and every route of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The index of each interface and its own address, both families.
    pub addresses: Vec<(u32, IpNetwork)>,
    /// Routes of all tables, both families, those that drop packets included.
    ///
    /// Of the table `local` only whole subnets (`127.0.0.0/8`, or one that somebody bound
    /// with `ip route add local`): its single addresses are in `addresses`.
    pub routes: Vec<Route>,
}

impl Survey {
    /// The IPv4 subnets that a new network must not overlap.
    ///
    /// Left out is what means "everything else" and nothing in particular: the default
    /// route, and its two halves `0.0.0.0/1` and `128.0.0.0/1`, with which VPNs take
    /// precedence over it and leave it in place.
    pub fn occupied(&self) -> Vec<Ipv4Network> {
        self.occupied_except(None)
    }

    /// [`Survey::occupied`] by others than the interface of this index: for a network
    /// that exists and looks whether it still has its subnet for itself.
    pub fn occupied_except(&self, own: Option<u32>) -> Vec<Ipv4Network> {
        let mut subnets: Vec<Ipv4Network> = self
            .of_others(own)
            .filter_map(|network| match network {
                IpNetwork::V4(network) => Some(network),
                IpNetwork::V6(_) => None,
            })
            .filter_map(|network| Ipv4Network::new(network.network(), network.prefix()).ok())
            .collect();
        subnets.sort();
        subnets.dedup();
        subnets
    }

    /// The IPv6 subnets that a new network must not overlap, but for those of one interface;
    /// with the same exceptions.
    pub fn occupied6_except(&self, own: Option<u32>) -> Vec<Ipv6Network> {
        let mut subnets: Vec<Ipv6Network> = self
            .of_others(own)
            .filter_map(|network| match network {
                IpNetwork::V4(_) => None,
                IpNetwork::V6(network) => Some(network),
            })
            .filter_map(|network| Ipv6Network::new(network.network(), network.prefix()).ok())
            .collect();
        subnets.sort();
        subnets.dedup();
        subnets
    }

    fn of_others(&self, own: Option<u32>) -> impl Iterator<Item = IpNetwork> {
        self.held_by_others(own).map(|(_, network)| network)
    }

    /// What is taken, and by the interface of which index, but for that of one interface; with
    /// the exceptions of [`Survey::occupied`].
    pub fn held_by_others(
        &self,
        own: Option<u32>,
    ) -> impl Iterator<Item = (Option<u32>, IpNetwork)> {
        let addresses = self
            .addresses
            .iter()
            .map(|(index, network)| (Some(*index), *network));
        let routes = self
            .routes
            .iter()
            .map(|route| (route.device, route.destination));
        addresses
            .chain(routes)
            .filter(move |(device, _)| own.is_none() || *device != own)
            .filter(|(_, network)| network.prefix() > HALF_OF_EVERYTHING)
    }
}

/// The interface by which this machine reaches the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    /// Its name.
    pub name: IfName,
    /// The largest IP packet that leaves by it: its own MTU, or the route's if smaller.
    pub mtu: u32,
    /// The address that outgoing packets bear.
    pub address: Option<Ipv4Addr>,
}

/// Reads every address and every route of the namespace.
///
/// The cost grows with what is there; it is meant for creating a network, not for
/// starting a container.
///
/// # Errors
///
/// A failing socket; [`Cause::Unsteady`] when the lists never hold still.
pub fn survey(rtnl: &mut Rtnl) -> Result<Survey, Error> {
    try_survey(rtnl).during(|| "survey the addresses and routes".to_owned())
}

/// Every address of the namespace, without its loopback's.
///
/// # Errors
///
/// As for [`survey`].
pub fn addresses(rtnl: &mut Rtnl) -> Result<Vec<IpAddr>, Error> {
    let own = all_addresses(rtnl).during(|| "list the addresses".to_owned())?;
    let own = own.into_iter().map(|(_, network)| network.ip());
    Ok(own.filter(|address| !address.is_loopback()).collect())
}

fn all_addresses(rtnl: &mut Rtnl) -> Result<Vec<(u32, IpNetwork)>, Cause> {
    // Family unspec lists the addresses of both families.
    let question = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    Ok(rtnl
        .dump(&question)?
        .iter()
        .filter_map(address::parse)
        .collect())
}

fn try_survey(rtnl: &mut Rtnl) -> Result<Survey, Cause> {
    let addresses = all_addresses(rtnl)?;
    let mut routes = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        for (fate, route) in route::dump(rtnl, family, RouteHeader::RT_TABLE_UNSPEC)? {
            // Without IPv6 in the kernel, the question for it is answered for all
            // families at once, and routes come twice.
            if matters(fate, &route) && !routes.contains(&route) {
                routes.push(route);
            }
        }
    }
    Ok(Survey { addresses, routes })
}

fn matters(fate: Fate, route: &Route) -> bool {
    let host_prefix = if route.destination.is_ipv4() { 32 } else { 128 };
    match fate {
        Fate::Routed => true,
        Fate::Delivered => route.table != TABLE_LOCAL || route.destination.prefix() < host_prefix,
        Fate::Internal => false,
    }
}

/// The interface of the preferred IPv4 default route, if there is one.
///
/// # Errors
///
/// As for [`survey`].
pub fn uplink(rtnl: &mut Rtnl) -> Result<Option<Uplink>, Error> {
    try_uplink(rtnl).during(|| "find the uplink".to_owned())
}

fn try_uplink(rtnl: &mut Rtnl) -> Result<Option<Uplink>, Cause> {
    let Some(route) = route::defaults(rtnl)?.into_iter().next() else {
        return Ok(None);
    };
    let Some(index) = route.device else {
        return Ok(None);
    };
    let Some(link) = link::by_index(rtnl, index)? else {
        return Ok(None);
    };
    let address = match route.source {
        Some(IpAddr::V4(source)) => Some(source),
        Some(IpAddr::V6(_)) | None => address::of_interface(rtnl, index)?
            .first()
            .map(|network| network.ip()),
    };
    Ok(Some(Uplink {
        name: link.name,
        mtu: route.mtu.map_or(link.mtu, |mtu| mtu.min(link.mtu)),
        address,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(destination: &str, table: u32) -> Route {
        Route {
            destination: destination.parse().unwrap(),
            device: Some(2),
            gateway: None,
            source: None,
            metric: 0,
            mtu: None,
            table,
        }
    }

    #[test]
    fn occupied_are_addresses_and_routes_of_all_tables_but_no_default_route() {
        let survey = Survey {
            addresses: vec![
                (2, "192.168.7.9/24".parse().unwrap()),
                (2, "fe80::1/64".parse().unwrap()),
            ],
            routes: vec![
                to("0.0.0.0/0", 254),
                to("128.0.0.0/1", 254),
                to("192.168.7.0/24", 254),
                to("10.8.0.0/16", 51820),
                to("::/0", 254),
            ],
        };
        let expected: Vec<Ipv4Network> = ["10.8.0.0/16", "192.168.7.0/24"]
            .map(|subnet| subnet.parse().unwrap())
            .into();
        assert_eq!(survey.occupied(), expected);
        assert_eq!(survey.occupied_except(Some(7)), expected);
        assert_eq!(survey.occupied_except(Some(2)), []);
        assert_eq!(
            survey.occupied6_except(None),
            ["fe80::/64".parse::<Ipv6Network>().unwrap()]
        );
    }

    #[test]
    fn of_the_local_table_only_whole_subnets_matter() {
        assert!(matters(Fate::Delivered, &to("127.0.0.0/8", TABLE_LOCAL)));
        assert!(!matters(Fate::Delivered, &to("127.0.0.1/32", TABLE_LOCAL)));
        assert!(matters(Fate::Delivered, &to("10.9.9.9/32", 100)));
        assert!(!matters(
            Fate::Internal,
            &to("127.255.255.255/32", TABLE_LOCAL)
        ));
        assert!(matters(Fate::Routed, &to("10.1.0.0/16", 100)));
    }
}
