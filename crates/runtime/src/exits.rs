//! Which bridges lead out, and which lead to guests of another tool.
//!
//! A network is kept out of others' bridges ([`crate::steps::Restrain`]), but a bridge may
//! also be the machine's way to the world, with its card plugged in. So two kinds of
//! interfaces stay open: those that a default route leaves by, and bridges with a port that
//! is more than a cable to a guest.
//!
//! Like the firewalls of others this is looked at when a network is brought up, and when the
//! guard hears of a new default route; `minet check` tells what has changed since.

use crate::{Error, Machine, Plan, step::Step, steps::Restrain};
use minet_bridge::{
    inventory,
    link::{self, Link},
    survey,
};
use minet_model::{BridgeNetwork, IfName, Reach};

/// A default route, or one of the halves of everything that VPNs put in its place.
const WIDEST: u8 = 1;

/// What guests are plugged in with: containers, virtual machines, and what keeps a bridge's
/// address when there are none.
const GUESTS: [&str; 4] = ["veth", "tun", "netkit", "dummy"];

/// The step that keeps a network out of others' bridges as they are now; none for one that
/// nothing leaves.
pub(crate) fn plan_restraint(
    machine: &mut Machine,
    network: &BridgeNetwork,
) -> Result<Option<Restrain>, Error> {
    if network.asked.reach == Reach::InternalOnly {
        return Ok(None);
    }
    Ok(Some(Restrain {
        bridge: network.bridge.clone(),
        network: network.name.clone(),
        exits: exits(machine)?,
    }))
}

/// What leads out and a network that stands does not know of, or what leads out no more.
pub(crate) fn outdated(
    machine: &mut Machine,
    network: &BridgeNetwork,
    plan: &Plan,
) -> Result<Option<String>, Error> {
    let Some(now) = plan_restraint(machine, network)? else {
        return Ok(None);
    };
    let bridge = &network.bridge;
    let Some(before) = restraint_of(plan) else {
        return Ok(Some(format!(
            "nothing keeps {bridge} out of others' bridges, since an older minet brought it up; minet repair does"
        )));
    };
    let only_in = |one: &Restrain, other: &Restrain| {
        let names = one.exits.iter().map(IfName::as_str);
        let missing = names.filter(|name| !other.exits.iter().any(|exit| exit.as_str() == *name));
        missing.collect::<Vec<_>>().join(" and ")
    };
    let (new, gone) = (only_in(&now, before), only_in(before, &now));
    Ok(match (new.is_empty(), gone.is_empty()) {
        (true, true) => None,
        (false, _) => Some(format!(
            "{new} leads out now, and {bridge} does not know; minet repair tells it"
        )),
        (true, false) => Some(format!(
            "{gone} leads out no more, and is still open to {bridge}; minet repair closes it"
        )),
    })
}

/// Puts the step as it should be now into the plan of a network that stands; returns it where
/// that is a change.
pub(crate) fn catch_up(
    machine: &mut Machine,
    network: &BridgeNetwork,
    plan: &mut Plan,
) -> Result<Option<Restrain>, Error> {
    let now = plan_restraint(machine, network)?;
    let Some(now) = now.filter(|now| restraint_of(plan) != Some(now)) else {
        return Ok(None);
    };
    plan.steps.retain(|step| !matches!(step, Step::Restrain(_)));
    plan.insert_behind_admission(Step::Restrain(now.clone()));
    Ok(Some(now))
}

fn restraint_of(plan: &Plan) -> Option<&Restrain> {
    plan.steps.iter().find_map(|step| match step {
        Step::Restrain(step) => Some(step),
        _ => None,
    })
}

/// The interfaces that lead out, in the order of their names.
fn exits(machine: &mut Machine) -> Result<Vec<IfName>, Error> {
    let rtnl = machine.rtnl()?;
    let routes = survey::survey(rtnl)?.routes;
    let wide = routes
        .iter()
        .filter(|route| route.destination.prefix() <= WIDEST);
    let mut devices: Vec<u32> = wide.filter_map(|route| route.device).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut exits = Vec::new();
    for index in devices {
        exits.extend(link::find_by_index(rtnl, index)?.map(|link| link.name));
    }
    exits.extend(bridges_with_a_card(&inventory::list(rtnl)?));
    exits.sort_unstable();
    exits.dedup();
    Ok(exits)
}

fn bridges_with_a_card(links: &[Link]) -> Vec<IfName> {
    let is_card = |link: &&Link| {
        let kind = link.kind.as_deref();
        !kind.is_some_and(|kind| GUESTS.contains(&kind))
    };
    let cards = links.iter().filter(is_card);
    let masters: Vec<u32> = cards.filter_map(|link| link.master).collect();
    let leads_out = |link: &&Link| {
        let is_bridge = link.kind.as_deref() == Some("bridge");
        is_bridge && masters.contains(&link.index)
    };
    let bridges = links.iter().filter(leads_out);
    bridges.map(|link| link.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, kind: Option<&str>, master: Option<u32>) -> Link {
        Link {
            index,
            name: name.parse().unwrap(),
            mac: None,
            mtu: 1500,
            up: true,
            carrier: true,
            kind: kind.map(str::to_owned),
            master,
            alias: None,
            stp: None,
            port_state: None,
        }
    }

    #[test]
    fn a_bridge_with_a_card_leads_out_and_one_with_guests_does_not() {
        let links = [
            link(2, "br-lan", Some("bridge"), None),
            link(3, "eth0", None, Some(2)),
            link(4, "docker0", Some("bridge"), None),
            link(5, "veth1", Some("veth"), Some(4)),
            link(6, "virbr0", Some("bridge"), None),
            link(7, "vnet0", Some("tun"), Some(6)),
            link(8, "br-vlan", Some("bridge"), None),
            link(9, "eth1.5", Some("vlan"), Some(8)),
            link(10, "eth1", None, None),
        ];
        let names: Vec<String> = bridges_with_a_card(&links)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["br-lan", "br-vlan"]);
    }
}
