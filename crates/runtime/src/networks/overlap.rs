//! What this host has elsewhere of a network's addresses.
//!
//! A subnet that minet chose moves out of the way when the network is next brought up. One that
//! a user chose does not, since a route of a VPN may come and go, and be wider than it; so
//! it is said.

use crate::Error;
use ipnetwork::{IpNetwork, Ipv4Network};
use minet_bridge::{Rtnl, link, survey};
use minet_model::{BridgeNetwork, IfName};

/// What overlaps a network's IPv4 subnet, each in words.
pub(crate) fn of_network(rtnl: &mut Rtnl, network: &BridgeNetwork) -> Result<Vec<String>, Error> {
    let own = link::find(rtnl, &network.bridge)?.map(|link| link.index);
    let survey = survey::survey(rtnl)?;
    let mut found = Vec::new();
    for (device, other) in survey.held_by_others(own) {
        let IpNetwork::V4(other) = other else {
            continue;
        };
        if !other.overlaps(network.subnet) {
            continue;
        }
        let other = Ipv4Network::new(other.network(), other.prefix()).unwrap_or(other);
        let on = name_of(rtnl, device)?.map_or_else(String::new, |name| format!(" on {name}"));
        let (name, subnet) = (&network.name, network.subnet);
        let words = format!("{other}{on} and network {name} ({subnet})");
        if !found.contains(&words) {
            found.push(words);
        }
    }
    Ok(found)
}

/// The interface on which the host has an address or a route like this.
pub(crate) fn holder(rtnl: &mut Rtnl, taken: IpNetwork) -> Result<Option<IfName>, Error> {
    let survey = survey::survey(rtnl)?;
    let is_it = |(_, network): &(Option<u32>, IpNetwork)| {
        (network.network(), network.prefix()) == (taken.network(), taken.prefix())
    };
    match survey.held_by_others(None).find(is_it) {
        Some((device, _)) => name_of(rtnl, device),
        None => Ok(None),
    }
}

fn name_of(rtnl: &mut Rtnl, device: Option<u32>) -> Result<Option<IfName>, Error> {
    let Some(device) = device else {
        return Ok(None);
    };
    Ok(link::find_by_index(rtnl, device)?.map(|link| link.name))
}
