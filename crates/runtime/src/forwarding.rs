//! Whose forwarding it is, and what relies on it.
//!
//! Where the host was no router, minet turns forwarding on for its networks, and its table
//! keeps the host from becoming one for others (chain `transit`). Three things follow:
//!
//! - What was there before stays unrouted: bridges and cables are named in the table.
//! - Instances of minet with roots of their own see by the table that they share that
//!   forwarding is not somebody else's. Each of them plans to turn it off, and the last one
//!   does.
//! - Another tool that came later (Docker) found forwarding on and relies on it. While it
//!   does, forwarding stays on, and so does the table, without networks, since without it the
//!   host would be a router for everybody. `minet gc` takes both away when it is gone.

use crate::{
    Error, Machine, Runtime,
    network::stored_plan,
    step::{Act, Step},
    steps::{InstallTable, TurnOnForwarding},
};
use minet_bridge::{
    address, inventory,
    link::{self, Link},
};
use minet_model::IfName;
use minet_state::NetworkRow;
use std::{fs, io};

/// Whether the host's forwarding is somebody else's: who turned it on, or will.
pub(crate) fn host_is_router(runtime: &mut Runtime) -> Result<bool, Error> {
    let ours = is_ours(runtime)?;
    Ok(TurnOnForwarding::is_on() && !ours || runtime.forwarding_stays_off()?)
}

/// Whether minet turned forwarding on earlier in this boot, for whichever network of
/// whichever instance.
fn is_ours(runtime: &mut Runtime) -> Result<bool, Error> {
    let turned_on = |plan: &crate::Plan| {
        let is_it = |step: &Step| matches!(step, Step::TurnOnForwarding(_));
        plan.steps.iter().any(is_it)
    };
    let by_plan = plans_of_this_boot(runtime)?.iter().any(turned_on);
    let by_mark = runtime.machine.paths().forwarding_mark().exists();
    Ok(by_plan || by_mark || runtime.machine.firewall()?.transit_is_dropped()?)
}

/// What is there before minet turns forwarding on, and so stays unrouted; where minet has
/// turned it on already, what was there then.
pub(crate) fn older(runtime: &mut Runtime) -> Result<Vec<IfName>, Error> {
    if is_ours(runtime)? {
        let mut older = runtime.machine.firewall()?.older()?;
        // Each network names its own bridge itself.
        let networks = runtime.machine.firewall()?.networks()?;
        older.retain(|name| !networks.contains(name));
        for plan in plans_of_this_boot(runtime)? {
            older.extend(plan.steps.into_iter().flat_map(|step| match step {
                Step::InstallTable(step) => step.older,
                _ => Vec::new(),
            }));
        }
        older.sort_unstable();
        older.dedup();
        return Ok(older);
    }
    let links = inventory::list(runtime.machine.rtnl()?)?;
    let could_be_a_tool_s = |link: &Link| matches!(link.kind.as_deref(), Some("bridge" | "veth"));
    Ok(links
        .into_iter()
        .filter(could_be_a_tool_s)
        .map(|link| link.name)
        .collect())
}

fn plans_of_this_boot(runtime: &mut Runtime) -> Result<Vec<crate::Plan>, Error> {
    let rows = runtime.store.read(|tx| tx.networks())?;
    let of_now = rows.iter().filter_map(stored_plan);
    Ok(of_now
        .filter(|stored| stored.boot == runtime.boot)
        .map(|stored| stored.plan)
        .collect())
}

/// The bridges of other tools that came after minet turned forwarding on: up, and with an
/// address, so that they are somebody's gateway.
pub(crate) fn relying(machine: &mut Machine) -> Result<Vec<IfName>, Error> {
    let mut known = machine.firewall()?.older()?;
    known.extend(machine.firewall()?.networks()?);
    let links = inventory::list(machine.rtnl()?)?;
    let mut found = Vec::new();
    for link in links {
        let is_bridge = link.kind.as_deref() == Some("bridge") && link.up;
        let is_minet_s = |alias: &String| alias.starts_with("minet ");
        if !is_bridge || known.contains(&link.name) || link.alias.as_ref().is_some_and(is_minet_s) {
            continue;
        }
        if !address::list(machine.rtnl()?, &link.name)?.is_empty() {
            found.push(link.name);
        }
    }
    Ok(found)
}

/// How other tools call their bridges.
const TOOLS_BRIDGES: [&str; 8] = [
    "docker", "br-", "virbr", "cni", "podman", "lxdbr", "lxcbr", "incusbr",
];

/// The bridges of other tools that stay unrouted, since they were there before.
pub(crate) fn cut_off(machine: &mut Machine) -> Result<Vec<IfName>, Error> {
    let mut found = Vec::new();
    for name in machine.firewall()?.older()? {
        let is_a_tool_s = TOOLS_BRIDGES
            .iter()
            .any(|start| name.as_str().starts_with(start));
        if is_a_tool_s && link::find(machine.rtnl()?, &name)?.is_some() {
            found.push(name);
        }
    }
    Ok(found)
}

/// What to do about them.
pub(crate) const HAVE_BOTH: &str =
    "stop minet's containers; minet gc --all; restart the other tool; start them again";

/// After the last network of this instance: nothing of it remembers that minet turned
/// forwarding on, unless it still is on for another tool, and no other instance is there to
/// turn it off.
pub(crate) fn forget(runtime: &mut Runtime) -> Result<(), Error> {
    let has_plan = |row: &NetworkRow| row.plan.is_some();
    if runtime.store.read(|tx| tx.networks())?.iter().any(has_plan) {
        return Ok(());
    }
    if !TurnOnForwarding::is_on() || !runtime.machine.firewall()?.networks()?.is_empty() {
        remove_mark(&runtime.machine)?;
    }
    Ok(())
}

/// Turns off what stayed on for another tool, once that is gone; else says why it stays.
pub(crate) fn settle(runtime: &mut Runtime) -> Result<Option<String>, Error> {
    let has_plan = |row: &NetworkRow| row.plan.is_some();
    let stands = runtime.store.read(|tx| tx.networks())?.iter().any(has_plan);
    if stands || !runtime.machine.paths().forwarding_mark().exists() {
        return Ok(None);
    }
    let machine = &mut runtime.machine;
    let relying = relying(machine)?;
    if !relying.is_empty() {
        let names: Vec<&str> = relying.iter().map(IfName::as_str).collect();
        return Ok(Some(format!(
            "IPv4 forwarding stays on, since {} came after minet turned it on and relies on it, and table inet minet stays, so that this host is no router for others; minet gc removes both when nobody does, or: sysctl -w net.ipv4.ip_forward=0; nft delete table inet minet",
            names.join(" and ")
        )));
    }
    TurnOnForwarding::turn_off(machine)?;
    let table = InstallTable {
        host_was_router: false,
        older: Vec::new(),
        bridge: None,
    };
    table.undo(machine)?;
    Ok(None)
}

/// From now on, minet has not turned forwarding on.
pub(crate) fn remove_mark(machine: &Machine) -> Result<(), Error> {
    let mark = machine.paths().forwarding_mark();
    match fs::remove_file(&mark) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::file("remove", &mark)),
    }
}
