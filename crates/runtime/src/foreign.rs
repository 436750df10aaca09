//! Beside other firewalls: whether one is in a network's way, and when that is looked at.
//!
//! It is looked at when a network is brought up, when the guard hears of a chain that may
//! drop ([`minet_nat::RulesetEvents`]), by `minet check` and by `minet gc`, and not when a
//! container starts: to list the chains of others costs the more the more of them there
//! are. So if Docker comes after the network, its plan gets what it lacks.

use crate::{
    Error, Machine, Runtime,
    check::Difference,
    exits, forwarding, network,
    networks::shards,
    plan::Plan,
    step::{Act, Finding, Step},
    steps::PassForeignDrop,
};
use minet_model::{BridgeNetwork, IfName, NetworkName, Reach};
use minet_nat::legacy_filter_is_in_use;
use std::fmt;

/// What a network needs beside the firewalls that are there now; nothing where none drops.
pub(crate) fn plan_passage(
    machine: &mut Machine,
    network: &BridgeNetwork,
    bridge: &IfName,
) -> Result<Option<PassForeignDrop>, Error> {
    if network.asked.reach == Reach::InternalOnly {
        return Ok(None);
    }
    let mut passage = PassForeignDrop::of(network, bridge);
    passage.chains = passage.drops(machine)?;
    Ok((!passage.chains.is_empty()).then_some(passage))
}

/// What the user should know once a network stands.
pub(crate) fn notes(machine: &mut Machine, plan: &Plan) -> Result<Vec<String>, Error> {
    let Some(network) = plan.network() else {
        return Ok(Vec::new());
    };
    let bridge = &network.bridge;
    let passage = passage_of(plan, bridge);
    let mut notes: Vec<_> = passage.map(note).into_iter().collect();
    notes.extend(locked(machine, network)?.map(|locked| locked.to_string()));
    if legacy_filter_is_in_use() {
        notes.push(format!(
            "iptables-legacy is in use here, whose rules minet cannot see; if `iptables-legacy -S FORWARD` begins with `-P FORWARD DROP`, containers reach out only after: iptables-legacy -A FORWARD -i {bridge} -j ACCEPT; iptables-legacy -A FORWARD -o {bridge} -j ACCEPT"
        ));
    }
    Ok(notes)
}

fn note(step: &PassForeignDrop) -> String {
    let (places, bridge) = (step.places(), &step.bridge);
    format!(
        "{places} of another firewall drops what it does not know; placed two accepting rules for {bridge} there, which go with the network"
    )
}

/// A firewall that only its owner can tell to let a network pass.
pub(crate) struct Locked {
    pub(crate) found: String,
    /// The command that does it, or what to do.
    pub(crate) remedy: String,
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; to let it pass: {}", self.found, self.remedy)
    }
}

/// The firewall in a network's way that minet can do nothing about, if there is one.
pub(crate) fn locked(
    machine: &mut Machine,
    network: &BridgeNetwork,
) -> Result<Option<Locked>, Error> {
    if network.asked.reach == Reach::InternalOnly {
        return Ok(None);
    }
    let bridge = &network.bridge;
    let drops = PassForeignDrop::of(network, bridge).locked_drops(machine)?;
    Ok(drops.first().map(|chain| Locked {
        found: format!(
            "{chain} drops what comes from {bridge}, and only its owner may change that table"
        ),
        remedy: match chain.table.as_str() {
            "firewalld" => format!(
                "firewall-cmd --permanent --zone=trusted --add-interface={bridge} && firewall-cmd --reload"
            ),
            _ => format!("its owner has to accept iifname \"{bridge}\" there"),
        },
    }))
}

/// What keeps a network's packets from passing other firewalls, and minet can mend.
pub(crate) fn obstacles(
    machine: &mut Machine,
    network: &BridgeNetwork,
    plan: &Plan,
) -> Result<Vec<String>, Error> {
    if network.asked.reach == Reach::InternalOnly {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for bridge in bridges_of(network, plan) {
        let unforeseen = PassForeignDrop::of(network, &bridge);
        let passage = passage_of(plan, &bridge).unwrap_or(&unforeseen);
        found.extend(passage.dropping(machine)?);
    }
    Ok(found)
}

/// What other firewalls do to a network that stands, or it to them, and its plan does not
/// tell.
pub(crate) fn check_unforeseen(
    runtime: &mut Runtime,
    name: &NetworkName,
    plan: &Plan,
) -> Result<Vec<Difference>, Error> {
    let mut found = Vec::new();
    if let Some(network) = plan.network() {
        let machine = &mut runtime.machine;
        found = obstacles(machine, network, plan)?;
        // What the plan knows of is told with its other steps.
        for step in &plan.steps {
            if let Step::PassForeignDrop(step) = step {
                let told = step.dropping(machine)?;
                found.retain(|obstacle| Some(obstacle) != told.as_ref());
            }
        }
        found.extend(locked(machine, network)?.map(|locked| locked.to_string()));
        found.extend(exits::outdated(machine, network, plan)?);
    }
    found.extend(in_their_way(runtime, plan)?);
    let difference = |found| Difference {
        owner: format!("network {name}"),
        step: "live beside other firewalls".to_owned(),
        found,
    };
    Ok(found.into_iter().map(difference).collect())
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

/// Whether [`catch_up`] would find something to do.
pub(crate) fn has_changed(runtime: &mut Runtime) -> Result<bool, Error> {
    for (_, plan) in network::standing(runtime)? {
        let Some(network) = plan.network() else {
            continue;
        };
        let machine = &mut runtime.machine;
        if !obstacles(machine, network, &plan)?.is_empty()
            || exits::outdated(machine, network, &plan)?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lets the networks that stand pass firewalls that came, or changed, after them, and keeps
/// them out of others' bridges as these are now. Says what it did. The caller keeps others
/// from bringing networks up or down.
pub(crate) fn catch_up(runtime: &mut Runtime) -> Result<Vec<String>, Error> {
    let mut done = Vec::new();
    for (name, mut plan) in network::standing(runtime)? {
        let Some(network) = plan.network().cloned() else {
            continue;
        };
        let mut changed: Vec<Step> = Vec::new();
        if let Some(restraint) = exits::catch_up(&mut runtime.machine, &network, &mut plan)? {
            done.push(format!(
                "network {name} is kept out of others' bridges as they are now"
            ));
            changed.push(Step::Restrain(restraint));
        }
        for bridge in bridges_of(&network, &plan) {
            if let Some(passage) = passage_now(&mut runtime.machine, &network, &plan, &bridge)? {
                done.push(note(&passage));
                replace(&mut plan, passage.clone());
                changed.push(Step::PassForeignDrop(passage));
            }
        }
        if changed.is_empty() {
            continue;
        }
        network::amend(runtime, &name, &plan)?;
        for step in changed {
            step.act().apply(&mut runtime.machine)?;
        }
    }
    Ok(done)
}

/// The step that lets one of a network's bridges pass the firewalls of now, where that is not
/// what stands.
fn passage_now(
    machine: &mut Machine,
    network: &BridgeNetwork,
    plan: &Plan,
    bridge: &IfName,
) -> Result<Option<PassForeignDrop>, Error> {
    let Some(mut now) = plan_passage(machine, network, bridge)? else {
        return Ok(None);
    };
    if let Some(before) = passage_of(plan, bridge) {
        if before.check(machine)? == Finding::AsPlanned {
            return Ok(None);
        }
        // What was done before has to be undone as well.
        for chain in &before.chains {
            if !now.chains.contains(chain) {
                now.chains.push(chain.clone());
            }
        }
    }
    Ok(Some(now))
}

/// In the place of the step that was there, or behind those that close.
fn replace(plan: &mut Plan, passage: PassForeignDrop) {
    let is_the_same =
        |step: &Step| matches!(step, Step::PassForeignDrop(step) if step.bridge == passage.bridge);
    let at = plan.steps.iter().position(is_the_same);
    let step = Step::PassForeignDrop(passage.clone());
    if let Some(at) = at {
        plan.steps[at] = step;
        return;
    }
    let closes = |step: &Step| matches!(step, Step::AdmitNetwork(_) | Step::Restrain(_));
    let closed = plan.steps.iter().rposition(closes);
    plan.steps
        .insert(closed.map_or(plan.steps.len(), |at| at + 1), step);
}

/// The network's bridge and the further ones of its plan.
fn bridges_of(network: &BridgeNetwork, plan: &Plan) -> Vec<IfName> {
    let further = shards::numbers(plan).map(|number| network.shard(number));
    std::iter::once(network.bridge.clone())
        .chain(further)
        .collect()
}

fn passage_of<'a>(plan: &'a Plan, bridge: &IfName) -> Option<&'a PassForeignDrop> {
    plan.steps.iter().find_map(|step| match step {
        Step::PassForeignDrop(step) if step.bridge == *bridge => Some(step),
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
        let bridge = "minet0".parse().unwrap();
        assert_eq!(passage_of(&plan, &bridge).unwrap().chains.len(), 2);
    }
}
