//! From what was asked of a network to what it will be: subnet, gateway, bridge and MTU.

use super::{
    NetworkError, SubnetHolder,
    choose6::{Surroundings, choose6, choose6_of_bridge, verify6},
    overlap,
    ways_out::verify_routes,
};
use crate::{Error, Runtime, configuration::address_pools};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use minet_bridge::{Rtnl, address, link, survey};
use minet_config::Config;
use minet_ipam::{Pool, overlaps, overlaps6};
use minet_model::{BridgeChoice, BridgeNetwork, IfName, NetworkId, NetworkName, NetworkSpec, Span};
use minet_state::NetworkRow;
use std::net::Ipv4Addr;

/// Ethernet's payload, where there is no uplink to take it from.
const DEFAULT_MTU: u32 = 1500;

/// The network as it will be, and whether its subnet is another than before.
pub(crate) struct Chosen {
    pub(crate) network: BridgeNetwork,
    pub(crate) subnet_moves: bool,
    pub(crate) subnet6_moves: bool,
}

/// What was chosen before if it still fits this host, else what fits now.
///
/// A subnet that a user chose is never changed; one that minet chose moves out of the way
/// of addresses and routes that the host has got since. `planned` are networks
/// that are being brought up along with this one.
pub(crate) fn choose(
    runtime: &mut Runtime,
    asked: &NetworkSpec,
    row: Option<&NetworkRow>,
    planned: &[&BridgeNetwork],
) -> Result<Chosen, Error> {
    try_choose(runtime, asked, row, planned).map_err(|error| match error {
        Error::Network(NetworkError::PoolOverlaps {
            subnet,
            other,
            whose: SubnetHolder::Host(None),
        }) => {
            let rtnl = runtime.machine.rtnl();
            let holder = rtnl.and_then(|rtnl| overlap::holder(rtnl, other));
            Error::Network(NetworkError::PoolOverlaps {
                subnet,
                other,
                whose: SubnetHolder::Host(holder.unwrap_or_default()),
            })
        }
        other => other,
    })
}

fn try_choose(
    runtime: &mut Runtime,
    asked: &NetworkSpec,
    row: Option<&NetworkRow>,
    planned: &[&BridgeNetwork],
) -> Result<Chosen, Error> {
    let id = match row {
        Some(row) => row.network.id.clone(),
        None => new_id(&asked.name)?,
    };
    let others = runtime.store.read(|tx| tx.networks())?;
    let others: Vec<&NetworkRow> = others
        .iter()
        .filter(|other| other.network.name != asked.name)
        .collect();
    let kept = match row {
        Some(row) if super::may_keep_subnet(runtime, asked, row)? => Some(row.network.subnet),
        Some(_) | None => None,
    };
    let config = runtime.machine.paths().config()?.clone();
    let instance = runtime.machine.paths().instance();
    let rtnl = runtime.machine.rtnl()?;
    if let BridgeChoice::Existing(bridge) = &asked.bridge {
        let network = BridgeNetwork {
            instance,
            ..on_existing(rtnl, asked, bridge, id, &others)?
        };
        return Ok(Chosen::after(row, network));
    }
    let uplink = survey::uplink(rtnl)?;
    let bridge = match row {
        Some(row) if row.network.asked.bridge == asked.bridge => row.network.bridge.clone(),
        Some(_) | None => new_bridge(rtnl, asked, &id)?,
    };
    let (mut host, mut host6) = occupied_by_host(rtnl, &bridge)?;
    host.extend(planned.iter().map(|other| other.subnet));
    host6.extend(planned.iter().filter_map(|other| Some(other.ipv6?.subnet)));
    let subnet = match (asked.subnet, row) {
        (Some(subnet), Some(row)) if row.network.subnet == subnet => subnet,
        (Some(subnet), _) => {
            minet_ipam::check_for_hosts(subnet.into()).map_err(NetworkError::from)?;
            let host: Vec<_> = host.iter().copied().map(IpNetwork::V4).collect();
            unclaimed(subnet.into(), &host, &others)?;
            subnet
        }
        (None, _) => {
            let default = NetworkName::default_bridge();
            if asked.name != default && !others.iter().any(|row| row.network.name == default) {
                // It will come, and be given what it is configured to have.
                host.extend(awaited_subnet(&config));
            }
            free_subnet(kept, host, &others, address_pools(&config))?
        }
    };
    let ipv6 = choose6(
        asked,
        Surroundings {
            host: host6,
            config: &config,
            others: &others,
            before: row.and_then(|row| row.network.ipv6),
            root: runtime.machine.paths().state_dir(),
        },
    )?;
    let network = BridgeNetwork {
        name: asked.name.clone(),
        id,
        bridge,
        subnet,
        ipv6,
        gateway: asked
            .gateway
            .unwrap_or_else(|| minet_ipam::gateway_of(subnet)),
        mtu: asked
            .mtu
            .unwrap_or_else(|| uplink.map_or(DEFAULT_MTU, |uplink| uplink.mtu)),
        instance,
        asked: asked.clone(),
    };
    verify(&network)?;
    Ok(Chosen::after(row, network))
}

impl Chosen {
    fn after(row: Option<&NetworkRow>, network: BridgeNetwork) -> Self {
        let before = row.map(|row| &row.network);
        let subnet6 = |network: &BridgeNetwork| network.ipv6.map(|ipv6| ipv6.subnet);
        Chosen {
            subnet_moves: before.is_some_and(|before| before.subnet != network.subnet),
            subnet6_moves: before.is_some_and(|before| subnet6(before) != subnet6(&network)),
            network,
        }
    }
}

fn new_id(name: &NetworkName) -> Result<NetworkId, Error> {
    match name.is_predefined() {
        true => Ok(NetworkId::of_predefined(name.as_str())),
        false => Ok(NetworkId::from_bytes(crate::admit::random_bytes()?)),
    }
}

fn new_bridge(rtnl: &mut Rtnl, asked: &NetworkSpec, id: &NetworkId) -> Result<IfName, Error> {
    match &asked.bridge {
        BridgeChoice::Named(name) | BridgeChoice::Existing(name) => Ok(name.clone()),
        BridgeChoice::Own if asked.name == NetworkName::default_bridge() => default_bridge(rtnl),
        BridgeChoice::Own => Ok(id.bridge()),
    }
}

/// `minet0`, unless somebody has it: another instance of minet with a root of its own, or
/// one whose store was lost. Theirs is left alone, whatever is plugged into it.
fn default_bridge(rtnl: &mut Rtnl) -> Result<IfName, Error> {
    for number in 0..u16::MAX {
        let name: IfName = format!("minet{number}").parse().expect("a valid name");
        if link::find(rtnl, &name)?.is_none() {
            return Ok(name);
        }
    }
    Err(NetworkError::NoBridgeName.into())
}

/// Every address and route of the host that is not the bridge's own.
fn occupied_by_host(
    rtnl: &mut Rtnl,
    bridge: &IfName,
) -> Result<(Vec<Ipv4Network>, Vec<Ipv6Network>), Error> {
    let own = link::find(rtnl, bridge)?.map(|link| link.index);
    let survey = survey::survey(rtnl)?;
    Ok((survey.occupied_except(own), survey.occupied6_except(own)))
}

/// The subnet of a default network that is not there yet: the one that is configured, or
/// the first of the pools, by which everybody knows it.
fn awaited_subnet(config: &Config) -> Option<Ipv4Network> {
    let asked = config.default_network.as_ref()?;
    match &asked.bridge {
        BridgeChoice::Own | BridgeChoice::Named(_) => {
            asked.subnet.or_else(|| address_pools(config).next())
        }
        BridgeChoice::Existing(_) => None,
    }
}

fn free_subnet(
    kept: Option<Ipv4Network>,
    mut occupied: Vec<Ipv4Network>,
    others: &[&NetworkRow],
    pools: impl Iterator<Item = Ipv4Network>,
) -> Result<Ipv4Network, Error> {
    // Those that are down too: they will come back.
    occupied.extend(others.iter().map(|other| other.network.subnet));
    let kept = kept.filter(|kept| !occupied.iter().any(|other| overlaps(*kept, *other)));
    match kept {
        Some(subnet) => Ok(subnet),
        None => Ok(minet_ipam::choose_subnet(pools, &occupied)?),
    }
}

/// Refuses the subnet that was asked for, of either family, if somebody else has it.
pub(super) fn unclaimed(
    subnet: IpNetwork,
    host: &[IpNetwork],
    others: &[&NetworkRow],
) -> Result<(), Error> {
    if subnet.ip() != subnet.network() {
        let should = IpNetwork::new(subnet.network(), subnet.prefix())
            .expect("a prefix length taken from a network is valid");
        return Err(NetworkError::HostBits {
            given: subnet,
            should,
        }
        .into());
    }
    let of_networks = others.iter().flat_map(|other| {
        let whose = SubnetHolder::Network(other.network.name.clone());
        let ipv6 = other.network.ipv6.map(|ipv6| IpNetwork::V6(ipv6.subnet));
        [Some(IpNetwork::V4(other.network.subnet)), ipv6]
            .into_iter()
            .flatten()
            .map(move |subnet| (subnet, whose.clone()))
    });
    let of_host = host.iter().map(|other| (*other, SubnetHolder::Host(None)));
    let overlap = |other: &IpNetwork| match (subnet, *other) {
        (IpNetwork::V4(subnet), IpNetwork::V4(other)) => overlaps(subnet, other),
        (IpNetwork::V6(subnet), IpNetwork::V6(other)) => overlaps6(subnet, other),
        (IpNetwork::V4(_), IpNetwork::V6(_)) | (IpNetwork::V6(_), IpNetwork::V4(_)) => false,
    };
    match of_networks.chain(of_host).find(|(other, _)| overlap(other)) {
        None => Ok(()),
        Some((other, whose)) => Err(NetworkError::PoolOverlaps {
            subnet,
            other,
            whose,
        }
        .into()),
    }
}

/// A network on a bridge that somebody else made, with the host's address that it has.
fn on_existing(
    rtnl: &mut Rtnl,
    asked: &NetworkSpec,
    bridge: &IfName,
    id: NetworkId,
    others: &[&NetworkRow],
) -> Result<BridgeNetwork, Error> {
    let link = link::find(rtnl, bridge)?.ok_or_else(|| NetworkError::NoBridge(bridge.clone()))?;
    if link.kind.as_deref() != Some("bridge") {
        return Err(NetworkError::NotABridge(bridge.clone()).into());
    }
    if !link.up {
        return Err(NetworkError::BridgeDown(bridge.clone()).into());
    }
    if let Some(other) = others.iter().find(|other| other.network.bridge == *bridge) {
        return Err(NetworkError::BridgeTaken {
            bridge: bridge.clone(),
            network: other.network.name.to_string(),
        }
        .into());
    }
    if survey::uplink(rtnl)?.is_some_and(|uplink| uplink.name == *bridge) {
        return Err(NetworkError::BridgeIsUplink(bridge.clone()).into());
    }
    let has = address::list(rtnl, bridge)?
        .into_iter()
        .next()
        .ok_or_else(|| NetworkError::BridgeWithoutAddress(bridge.clone()))?;
    let subnet = Ipv4Network::new(has.network(), has.prefix())
        .expect("a prefix length taken from a network is valid");
    let mismatch = |asked: String| NetworkError::BridgeMismatch {
        has: has.into(),
        asked,
    };
    if let Some(other) = asked.subnet.filter(|asked| *asked != subnet) {
        return Err(mismatch(other.to_string()).into());
    }
    if let Some(other) = asked.gateway.filter(|asked| *asked != has.ip()) {
        return Err(mismatch(other.to_string()).into());
    }
    let network = BridgeNetwork {
        name: asked.name.clone(),
        id,
        bridge: bridge.clone(),
        subnet,
        gateway: has.ip(),
        ipv6: choose6_of_bridge(rtnl, asked, bridge)?,
        mtu: asked.mtu.unwrap_or(link.mtu),
        instance: None,
        asked: asked.clone(),
    };
    verify(&network)?;
    Ok(network)
}

/// What the parts of a network must have to do with each other.
pub(crate) fn verify(network: &BridgeNetwork) -> Result<(), Error> {
    if network.asked.span == Span::Shards && !network.has_own_bridge() {
        return Err(NetworkError::ShardOfAnothers(network.bridge.clone()).into());
    }
    let subnet = network.subnet;
    let inside = |what, address: Ipv4Addr| match subnet.contains(address) {
        true => Ok(()),
        false => Err(NetworkError::OutsideSubnet {
            what,
            address: address.into(),
            subnet: subnet.into(),
        }),
    };
    inside("gateway", network.gateway)?;
    let ends = [subnet.network(), subnet.broadcast()];
    if subnet.prefix() < 31 && ends.contains(&network.gateway) {
        return Err(NetworkError::NotAHost {
            address: network.gateway.into(),
            subnet: subnet.into(),
        }
        .into());
    }
    if let Some(address) = network.asked.default_gateway {
        inside("default-gateway", address)?;
    }
    verify_routes(network)?;
    for address in network.asked.reserved.values() {
        inside("auxiliary address", *address)?;
    }
    if pool(network)?.capacity() == 0 {
        return Err(NetworkError::TooSmall(subnet.into()).into());
    }
    verify6(network)
}

/// The addresses that the network's containers may have.
pub(crate) fn pool(network: &BridgeNetwork) -> Result<Pool, Error> {
    let pool = Pool::of(network.subnet, network.gateway);
    let pool = match network.asked.ip_range {
        Some(range) => pool.narrowed_to(range.bounds())?,
        None => pool,
    };
    let reserved = network.asked.reserved.values().copied();
    Ok(pool.reserving(reserved.chain(network.asked.default_gateway)))
}
