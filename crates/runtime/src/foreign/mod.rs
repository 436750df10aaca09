//! Beside other firewalls: whether one is in a network's way, and when that is looked at.
//!
//! It is looked at when a network is brought up, when the guard hears of a chain that may
//! drop ([`minet_nat::RulesetEvents`]), by `minet check` and by `minet gc`, and not when a
//! container starts: to list the chains of others costs the more the more of them there
//! are. So if Docker comes after the network, its plan gets what it lacks.

mod catch_up;
mod locked;

pub(crate) use catch_up::{catch_up, close, has_changed};
pub(crate) use locked::locked;

use crate::{
    Error, Machine, Runtime, check::Difference, exits, forwarding, networks::shards, plan::Plan,
    step::Step, steps::PassForeignDrop,
};
use minet_model::{BridgeNetwork, IfName, NetworkName, Reach};
use minet_nat::legacy_filter_is_in_use;

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
