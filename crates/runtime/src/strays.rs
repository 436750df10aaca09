//! What stands in the table for nobody: elements of networks and containers that are gone.
//!
//! Another instance of minet, with a root of its own, keeps its elements in the same table.
//! So what is unknown here is removed only where it concerns a network of this store, or an
//! interface that does not exist.

use crate::{
    Error, Machine, Plan, Runtime, find, network::stored_plan, step::Step, steps::PublishPorts,
};
use minet_bridge::link;
use minet_model::{BridgeNetwork, IfName};
use minet_nat::{Change, Expected, Standing};
use minet_state::Transaction;
use std::net::IpAddr;

/// The elements that nobody's plan makes.
pub(crate) fn find_strays(runtime: &mut Runtime) -> Result<Vec<Standing>, Error> {
    let Runtime { store, machine, .. } = runtime;
    // First the elements, then the plans: what is published is planned before.
    let standing = machine.firewall()?.standing()?;
    store.read(|tx| strays_among(machine, tx, standing))
}

/// Removes them; says what they were.
pub(crate) fn remove(runtime: &mut Runtime) -> Result<Vec<String>, Error> {
    if find_strays(runtime)?.is_empty() {
        return Ok(Vec::new());
    }
    let Runtime { store, machine, .. } = runtime;
    // Whoever wants to publish records it first, and waits here: so nobody can put an
    // element where one is about to be removed.
    let strays = store.write(|tx| {
        let standing = machine.firewall()?.standing()?;
        let strays = strays_among(machine, tx, standing)?;
        machine.firewall()?.discard(&strays)?;
        Ok::<_, Error>(strays)
    })?;
    Ok(strays.iter().map(describe).collect())
}

fn strays_among(
    machine: &mut Machine,
    tx: &Transaction<'_>,
    standing: Vec<Standing>,
) -> Result<Vec<Standing>, Error> {
    let expected = Expected::of(&planned(tx)?);
    let networks: Vec<_> = tx.networks()?.into_iter().map(|row| row.network).collect();
    let mut strays = Vec::new();
    for element in standing {
        let ours = networks.iter().any(|network| concerns(network, &element));
        if !expected.includes(&element) && (ours || leads_nowhere(machine, &element.interfaces)?) {
            strays.push(element);
        }
    }
    Ok(strays)
}

/// Everything that the plans of networks that stand, and of live containers, put into the
/// table.
fn planned(tx: &Transaction<'_>) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    for row in tx.networks()? {
        if let Some(stored) = stored_plan(&row) {
            changes.extend(changes_of(&stored.plan));
        }
    }
    for row in tx.live_containers()? {
        changes.extend(changes_of(&find::plan(&row)?));
    }
    Ok(changes)
}

fn changes_of(plan: &Plan) -> Vec<Change> {
    let of = |step: &Step| match step {
        Step::InstallTable(step) => step.changes().into(),
        Step::AdmitNetwork(step) => vec![Change::AddNetwork(step.rules())],
        Step::Restrain(step) => vec![Change::Restrain(step.restraint())],
        Step::PublishPorts(step) => PublishPorts::publish(step),
        Step::OpenEdges(step) => step.open(),
        _ => Vec::new(),
    };
    plan.steps.iter().flat_map(of).collect()
}

fn concerns(network: &BridgeNetwork, element: &Standing) -> bool {
    let names_it = element.interfaces.contains(&network.bridge);
    let leads_there = |address| match address {
        IpAddr::V4(address) => network.subnet.contains(address),
        IpAddr::V6(address) => {
            let subnet = network.ipv6.map(|ipv6| ipv6.subnet);
            subnet.is_some_and(|subnet| subnet.contains(address))
        }
    };
    names_it || (element.interfaces.is_empty() && element.address.is_some_and(leads_there))
}

fn leads_nowhere(machine: &mut Machine, interfaces: &[IfName]) -> Result<bool, Error> {
    for name in interfaces {
        if link::find(machine.rtnl()?, name)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// As a user reads it: where, and whose it says it is.
pub(crate) fn describe(element: &Standing) -> String {
    use minet_nat::Owner;
    let whose = match &element.owner {
        Owner::Network(name) => format!("network {name}"),
        Owner::Container(name, id) => format!("container {name} ({id})"),
        Owner::Unknown => "nobody".to_owned(),
    };
    let interfaces: Vec<&str> = element.interfaces.iter().map(IfName::as_str).collect();
    let address = element.address.map(|address| address.to_string());
    let mut about = interfaces.join(", ");
    if let Some(address) = address {
        about = format!("{about} {address}").trim_start().to_owned();
    }
    format!("an element of {whose} in {} ({about})", element.set)
}
