//! How packets leave a network: under which address of the host, and by which neighbour.

use super::NetworkError;
use crate::{Error, Runtime};
use ipnetwork::IpNetwork;
use minet_bridge::survey;
use minet_model::{BridgeNetwork, Masquerade, NetworkSpec, Reach, StaticRoute};
use std::net::IpAddr;

/// An address under which connections are to leave has to be one of the host's; else no
/// answer would come back.
pub(crate) fn require_outbound(runtime: &mut Runtime, asked: &NetworkSpec) -> Result<(), Error> {
    let wanted: Vec<IpAddr> = asked.outbound_addresses().collect();
    if wanted.is_empty() {
        return Ok(());
    }
    if asked.masquerade == Masquerade::Off {
        return Err(NetworkError::OutboundWithoutMasquerade.into());
    }
    if asked.reach == Reach::InternalOnly {
        return Err(NetworkError::OutboundOfInternal.into());
    }
    if let (Some(address), None) = (asked.outbound_address6, &asked.ipv6) {
        return Err(NetworkError::OutboundOfIpv6(address).into());
    }
    let has = survey::addresses(runtime.machine.rtnl()?)?;
    match wanted.into_iter().find(|address| !has.contains(address)) {
        None => Ok(()),
        Some(address) => Err(NetworkError::NotOfThisHost {
            address,
            has: has
                .into_iter()
                .filter(|other| other.is_ipv4() == address.is_ipv4() && !is_link_local(*other))
                .collect(),
        }
        .into()),
    }
}

/// Those are of no use beyond the next router.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// What lies behind a neighbour has to be somewhere else, and the neighbour has to be one.
pub(super) fn verify_routes(network: &BridgeNetwork) -> Result<(), Error> {
    let routes = &network.asked.routes;
    routes
        .iter()
        .try_for_each(|route| verify_route(network, route))
}

fn verify_route(network: &BridgeNetwork, route: &StaticRoute) -> Result<(), Error> {
    let subnet: IpNetwork = match (route.gateway, network.ipv6) {
        (IpAddr::V4(_), _) => network.subnet.into(),
        (IpAddr::V6(_), Some(ipv6)) => ipv6.subnet.into(),
        (IpAddr::V6(_), None) => {
            return Err(NetworkError::RouteOfIpv6(route.destination).into());
        }
    };
    if !subnet.contains(route.gateway) {
        return Err(NetworkError::OutsideSubnet {
            what: "gateway of a route",
            address: route.gateway,
            subnet,
        }
        .into());
    }
    if is_nobodys(route.gateway, subnet) {
        return Err(NetworkError::RouteByNobody {
            gateway: route.gateway,
            subnet,
        }
        .into());
    }
    if route.destination == subnet {
        return Err(NetworkError::RouteToItself(subnet).into());
    }
    minet_ipam::check_for_hosts(route.destination).map_err(NetworkError::RouteToNoHosts)?;
    Ok(())
}

/// The address of a subnet itself, and the one of all its hosts.
fn is_nobodys(address: IpAddr, subnet: IpNetwork) -> bool {
    match subnet {
        IpNetwork::V4(subnet) => {
            let ends = [subnet.network(), subnet.broadcast()].map(IpAddr::V4);
            subnet.prefix() < 31 && ends.contains(&address)
        }
        IpNetwork::V6(subnet) => subnet.prefix() < 127 && address == subnet.network(),
    }
}
