//! Beside other firewalls: whether one is in a network's way, and when that is looked at.
//!
//! It is looked at when a network is brought up, by `minet check` and by `minet gc`, and
//! not when a container starts: to list the chains of others costs the more the more of
//! them there are. So if Docker comes after the network, `minet check` says so, and
//! `minet gc` adds to the network's plan what it lacks.

use crate::{
    Error, Runtime,
    check::Difference,
    forwarding, network,
    plan::Plan,
    step::{Act, Finding, Step},
    steps::PassForeignDrop,
};
use minet_bridge::{Rtnl, link, survey};
use minet_model::{BridgeNetwork, IfName, NetworkName, Reach};
use minet_nat::legacy_filter_is_in_use;

/// A default route, or one of the halves of everything that VPNs put in its place.
const WIDEST: u8 = 1;

/// What a network needs beside the firewalls that are there now; nothing where none drops.
pub(crate) fn plan_passage(
    runtime: &mut Runtime,
    network: &BridgeNetwork,
) -> Result<Option<Step>, Error> {
    if network.asked.reach == Reach::InternalOnly {
        return Ok(None);
    }
    let mut passage = PassForeignDrop {
        bridge: network.bridge.clone(),
        network: network.name.clone(),
        ipv6: network.ipv6.is_some(),
        chains: Vec::new(),
        exits: Vec::new(),
    };
    let chains = runtime.machine.firewall()?.foreign_drops()?;
    passage.chains = chains
        .into_iter()
        .filter(|chain| passage.meets(chain))
        .collect();
    if passage.chains.is_empty() {
        return Ok(None);
    }
    passage.exits = exits(runtime.machine.rtnl()?)?;
    Ok(Some(Step::PassForeignDrop(passage)))
}

/// The interfaces that a default route of any routing table leaves by.
fn exits(rtnl: &mut Rtnl) -> Result<Vec<IfName>, Error> {
    let routes = survey::survey(rtnl)?.routes;
    let wide = routes
        .iter()
        .filter(|route| route.destination.prefix() <= WIDEST);
    let mut devices: Vec<u32> = wide.filter_map(|route| route.device).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut names = Vec::new();
    for index in devices {
        names.extend(link::find_by_index(rtnl, index)?.map(|link| link.name));
    }
    Ok(names)
}

/// What the user should know once a network stands.
pub(crate) fn notes(plan: &Plan, bridge: &IfName) -> Vec<String> {
    let mut notes: Vec<_> = passage_of(plan).map(note).into_iter().collect();
    if legacy_filter_is_in_use() {
        notes.push(format!(
            "iptables-legacy is in use here, whose rules minet cannot see; if `iptables-legacy -S FORWARD` begins with `-P FORWARD DROP`, containers reach out only after: iptables-legacy -A FORWARD -i {bridge} -j ACCEPT; iptables-legacy -A FORWARD -o {bridge} -j ACCEPT"
        ));
    }
    notes
}

fn note(step: &PassForeignDrop) -> String {
    let (places, bridge) = (step.places(), &step.bridge);
    format!(
        "{places} of another firewall drops what it does not know; placed two accepting rules for {bridge} there, which go with the network"
    )
}

/// What other firewalls do to a network that stands, or it to them, and its plan does not
/// tell.
pub(crate) fn check_unforeseen(
    runtime: &mut Runtime,
    name: &NetworkName,
    plan: &Plan,
) -> Result<Vec<Difference>, Error> {
    let found = [in_the_way(runtime, plan)?, in_their_way(runtime, plan)?];
    let difference = |found| Difference {
        owner: format!("network {name}"),
        step: "live beside other firewalls".to_owned(),
        found,
    };
    Ok(found.into_iter().flatten().map(difference).collect())
}

/// Whether a firewall that came later is in the way of a network whose plan knows of none.
fn in_the_way(runtime: &mut Runtime, plan: &Plan) -> Result<Option<String>, Error> {
    let (Some(network), None) = (network_of(plan), passage_of(plan)) else {
        return Ok(None);
    };
    if network.asked.reach == Reach::InternalOnly {
        return Ok(None);
    }
    let unforeseen = PassForeignDrop {
        bridge: network.bridge.clone(),
        network: network.name.clone(),
        ipv6: network.ipv6.is_some(),
        chains: Vec::new(),
        exits: Vec::new(),
    };
    unforeseen.dropping(&mut runtime.machine)
}

/// Whether minet is in the way of a tool whose bridge was there when minet turned forwarding
/// on for itself alone.
fn in_their_way(runtime: &mut Runtime, plan: &Plan) -> Result<Option<String>, Error> {
    let turned_on = |step: &Step| matches!(step, Step::TurnOnForwarding(_));
    if !plan.steps.iter().any(turned_on) {
        return Ok(None);
    }
    let routers = runtime.machine.firewall()?.other_routers()?.join(" and ");
    let cut_off = forwarding::cut_off(&mut runtime.machine)?;
    if routers.is_empty() || cut_off.is_empty() {
        return Ok(None);
    }
    let bridges: Vec<&str> = cut_off.iter().map(IfName::as_str).collect();
    Ok(Some(format!(
        "minet turned IPv4 forwarding on for itself alone when {} was there already, and drops what {routers} would pass on for it; to have both: {}",
        bridges.join(" and "),
        forwarding::HAVE_BOTH
    )))
}

/// Lets the networks that stand pass firewalls that came, or changed, after them. Says
/// what it did. The caller keeps others from bringing networks up or down.
pub(crate) fn catch_up(runtime: &mut Runtime) -> Result<Vec<String>, Error> {
    let mut done = Vec::new();
    for (name, mut plan) in network::standing(runtime)? {
        let Some(network) = network_of(&plan).cloned() else {
            continue;
        };
        let Some(Step::PassForeignDrop(mut now)) = plan_passage(runtime, &network)? else {
            continue;
        };
        if let Some(before) = passage_of(&plan) {
            if before.check(&mut runtime.machine)? == Finding::AsPlanned {
                continue;
            }
            // What was done before has to be undone as well.
            merge(&mut now.chains, &before.chains);
            merge(&mut now.exits, &before.exits);
        }
        done.push(note(&now));
        replace(&mut plan, now.clone());
        network::amend(runtime, &name, &plan)?;
        now.apply(&mut runtime.machine)?;
    }
    Ok(done)
}

fn merge<T: Clone + PartialEq>(into: &mut Vec<T>, from: &[T]) {
    let missing: Vec<T> = from
        .iter()
        .filter(|one| !into.contains(one))
        .cloned()
        .collect();
    into.extend(missing);
}

/// In the place of the step that was there, or behind the one that admits the network.
fn replace(plan: &mut Plan, step: PassForeignDrop) {
    let is_admission = |step: &Step| matches!(step, Step::AdmitNetwork(_));
    plan.steps
        .retain(|step| !matches!(step, Step::PassForeignDrop(_)));
    let admission = plan.steps.iter().position(is_admission);
    let behind = admission.map_or(plan.steps.len(), |at| at + 1);
    plan.steps.insert(behind, Step::PassForeignDrop(step));
}

fn passage_of(plan: &Plan) -> Option<&PassForeignDrop> {
    plan.steps.iter().find_map(|step| match step {
        Step::PassForeignDrop(step) => Some(step),
        _ => None,
    })
}

fn network_of(plan: &Plan) -> Option<&BridgeNetwork> {
    plan.steps.iter().find_map(|step| match step {
        Step::AdmitNetwork(step) => Some(&step.network),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{AdmitNetwork, TuneBridge, Whose};
    use minet_model::{NetworkId, NetworkSpec};
    use minet_nat::{ChainFamily, ForeignChain};

    fn network() -> BridgeNetwork {
        let name = NetworkName::default_bridge();
        BridgeNetwork {
            name: name.clone(),
            id: NetworkId::from_bytes([1; 32]),
            bridge: "minet0".parse().unwrap(),
            subnet: "172.17.0.0/16".parse().unwrap(),
            ipv6: None,
            gateway: "172.17.0.1".parse().unwrap(),
            mtu: 1500,
            instance: None,
            asked: NetworkSpec::named(name),
        }
    }

    fn passage(chains: &[&str]) -> PassForeignDrop {
        let chain = |name: &&str| ForeignChain {
            family: ChainFamily::Ip,
            table: "filter".to_owned(),
            name: (*name).to_owned(),
        };
        PassForeignDrop {
            ipv6: false,
            bridge: "minet0".parse().unwrap(),
            network: "bridge".parse().unwrap(),
            chains: chains.iter().map(chain).collect(),
            exits: Vec::new(),
        }
    }

    #[test]
    fn the_passage_comes_right_behind_the_admission_and_once() {
        let bridge = "minet0".parse().unwrap();
        let whose = Whose::Ours;
        let network = network();
        let mut plan = Plan {
            steps: vec![
                Step::AdmitNetwork(AdmitNetwork { network }),
                Step::TuneBridge(TuneBridge {
                    bridge,
                    whose,
                    ipv6: false,
                    neighbours: Default::default(),
                }),
            ],
        };
        for chains in [&["FORWARD"][..], &["FORWARD", "forward"]] {
            replace(&mut plan, passage(chains));
            assert_eq!(plan.steps.len(), 3);
            assert_eq!(plan.steps[1], Step::PassForeignDrop(passage(chains)));
        }
        assert_eq!(passage_of(&plan).unwrap().chains.len(), 2);
    }
}
