//! The IPv6 half of [`super::choose`]: subnet and gateway, where IPv6 was asked for.
//!
//! Who brings no subnet gets a unique local one (RFC 4193): `fd`, forty bits that are this
//! installation's own, and the first number that is free. The forty bits are made of the
//! machine's ID, so they are the same tomorrow and on no other machine.

use super::{NetworkError, choose::unclaimed};
use crate::{Error, admit};
use ipnetwork::{IpNetwork, Ipv6Network};
use minet_bridge::{Rtnl, address};
use minet_config::Config;
use minet_ipam::{Pool6, overlaps6};
use minet_model::{BridgeNetwork, IfName, Ipv6Spec, Ipv6Subnet, NetworkSpec};
use minet_netns::sysctl;
use minet_state::NetworkRow;
use std::path::Path;

/// The least that IPv6 needs (RFC 8200, section 5).
const LEAST_MTU: u32 = 1280;

/// Who else has IPv6 subnets, and what this installation's own begin with.
pub(super) struct Surroundings<'a> {
    /// What the host has, without the network's own.
    pub(super) host: Vec<Ipv6Network>,
    /// The other networks.
    pub(super) others: &'a [&'a NetworkRow],
    /// What the network was before.
    pub(super) before: Option<Ipv6Subnet>,
    /// Where subnets come from, if that is configured.
    pub(super) config: &'a Config,
    /// Where this installation keeps its things.
    pub(super) root: &'a Path,
}

/// The IPv6 half of a network with a bridge of its own, if one was asked for.
pub(super) fn choose6(
    asked: &NetworkSpec,
    around: Surroundings<'_>,
) -> Result<Option<Ipv6Subnet>, Error> {
    let Some(ipv6) = &asked.ipv6 else {
        return Ok(None);
    };
    require_ipv6()?;
    let subnet = match (ipv6.subnet, around.before) {
        (Some(subnet), Some(before)) if before.subnet == subnet => subnet,
        (Some(subnet), _) => {
            minet_ipam::check_for_hosts(subnet.into()).map_err(NetworkError::from)?;
            claim(subnet, &around)?
        }
        (None, _) => free_subnet(around)?,
    };
    Ok(Some(of(ipv6, subnet)))
}

/// The IPv6 half of a network on a bridge that somebody else made.
pub(super) fn choose6_of_bridge(
    rtnl: &mut Rtnl,
    asked: &NetworkSpec,
    bridge: &IfName,
) -> Result<Option<Ipv6Subnet>, Error> {
    let Some(ipv6) = &asked.ipv6 else {
        return Ok(None);
    };
    require_ipv6()?;
    let has = address::list6(rtnl, bridge)?
        .into_iter()
        .find(|network| ipv6.subnet.is_none_or(|asked| asked.contains(network.ip())))
        .ok_or_else(|| NetworkError::BridgeWithoutAddress6(bridge.clone()))?;
    let subnet = without_host_bits(has);
    let mismatch = |asked: String| NetworkError::BridgeMismatch {
        has: has.into(),
        asked,
    };
    if let Some(other) = ipv6.subnet.filter(|asked| *asked != subnet) {
        return Err(mismatch(other.to_string()).into());
    }
    if let Some(other) = ipv6.gateway.filter(|asked| *asked != has.ip()) {
        return Err(mismatch(other.to_string()).into());
    }
    Ok(Some(Ipv6Subnet {
        subnet,
        gateway: has.ip(),
    }))
}

fn require_ipv6() -> Result<(), NetworkError> {
    match sysctl::read("net/ipv6/conf/all/disable_ipv6") {
        Ok(_) => Ok(()),
        Err(_) => Err(NetworkError::NoIpv6),
    }
}

fn of(asked: &Ipv6Spec, subnet: Ipv6Network) -> Ipv6Subnet {
    Ipv6Subnet {
        subnet,
        gateway: asked
            .gateway
            .unwrap_or_else(|| minet_ipam::gateway_of6(subnet)),
    }
}

fn without_host_bits(network: Ipv6Network) -> Ipv6Network {
    Ipv6Network::new(network.network(), network.prefix())
        .expect("a prefix length taken from a network is valid")
}

/// The subnet that was asked for, if nobody else has it.
fn claim(subnet: Ipv6Network, around: &Surroundings<'_>) -> Result<Ipv6Network, Error> {
    let host: Vec<IpNetwork> = around.host.iter().copied().map(IpNetwork::V6).collect();
    unclaimed(subnet.into(), &host, around.others)?;
    Ok(subnet)
}

fn free_subnet(around: Surroundings<'_>) -> Result<Ipv6Network, Error> {
    let others = around.others.iter().filter_map(|row| row.network.ipv6);
    let mut occupied = around.host;
    // Those that are down too: they will come back.
    occupied.extend(others.map(|ipv6| ipv6.subnet));
    let kept = around
        .before
        .map(|before| before.subnet)
        .filter(|kept| !occupied.iter().any(|other| overlaps6(*kept, *other)));
    match kept {
        Some(subnet) => Ok(subnet),
        None if around.config.pools.iter().any(|pool| pool.base().is_ipv6()) => {
            let pools = around.config.pools.iter();
            let mut subnets = pools.flat_map(|pool| pool.ipv6_subnets());
            let free =
                |subnet: &Ipv6Network| !occupied.iter().any(|other| overlaps6(*subnet, *other));
            subnets
                .find(free)
                .ok_or_else(|| NetworkError::NoFreePool6.into())
        }
        None => Ok(minet_ipam::choose_subnet6(
            site(around.others, around.root)?,
            &occupied,
        )?),
    }
}

/// What the subnets of this installation begin with: that of its other networks, or of what
/// nobody else can have.
fn site(others: &[&NetworkRow], root: &Path) -> Result<Ipv6Network, Error> {
    let chosen = others
        .iter()
        .filter(|row| (row.network.asked.ipv6.as_ref()).is_some_and(|asked| asked.subnet.is_none()))
        .find_map(|row| row.network.ipv6);
    let bytes = match (chosen, std::fs::read_to_string("/etc/machine-id")) {
        (Some(ipv6), _) => {
            let octets = ipv6.subnet.network().octets();
            return Ok(minet_ipam::unique_local([
                octets[1], octets[2], octets[3], octets[4], octets[5],
            ]));
        }
        (None, Ok(id)) if !id.trim().is_empty() => {
            admit::bytes_of(&format!("{} {}", id.trim(), root.display()))
        }
        (None, _) => admit::random_bytes()?,
    };
    let [a, b, c, d, e, ..] = bytes;
    Ok(minet_ipam::unique_local([a, b, c, d, e]))
}

/// What the parts of a network's IPv6 must have to do with each other.
pub(super) fn verify6(network: &BridgeNetwork) -> Result<(), Error> {
    let Some(ipv6) = &network.ipv6 else {
        return Ok(());
    };
    if network.mtu < LEAST_MTU {
        return Err(NetworkError::MtuTooSmallForIpv6(network.mtu).into());
    }
    let subnet = ipv6.subnet;
    let reserved = network.asked.ipv6.iter().flat_map(|asked| &asked.reserved);
    let parts = reserved.map(|(_, address)| ("auxiliary address", *address));
    let asked = network.asked.ipv6.as_ref();
    let leads_out = asked.and_then(|asked| asked.default_gateway);
    let gateways = [
        Some(("gateway", ipv6.gateway)),
        leads_out.map(|address| ("default-gateway-v6", address)),
    ];
    for (what, address) in gateways.into_iter().flatten().chain(parts) {
        if !subnet.contains(address) {
            return Err(NetworkError::OutsideSubnet {
                what,
                address: address.into(),
                subnet: subnet.into(),
            }
            .into());
        }
    }
    if subnet.prefix() < 127 && ipv6.gateway == subnet.network() {
        return Err(NetworkError::NotAHost {
            address: ipv6.gateway.into(),
            subnet: subnet.into(),
        }
        .into());
    }
    if pool6(network, ipv6)?.capacity() == 0 {
        return Err(NetworkError::TooSmall(subnet.into()).into());
    }
    Ok(())
}

/// The IPv6 addresses that the network's containers may have.
pub(crate) fn pool6(network: &BridgeNetwork, ipv6: &Ipv6Subnet) -> Result<Pool6, Error> {
    let pool = Pool6::of(ipv6.subnet, ipv6.gateway);
    let Some(asked) = &network.asked.ipv6 else {
        return Ok(pool);
    };
    let pool = match asked.ip_range {
        Some(range) => pool.narrowed_to(range.bounds())?,
        None => pool,
    };
    let reserved = asked.reserved.values().copied();
    Ok(pool.reserving(reserved.chain(asked.default_gateway)))
}
