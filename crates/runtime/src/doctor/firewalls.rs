//! Other firewalls, and the tools that bring them.

use super::{Examination, Finding, Patient, networks, number};
use crate::{
    Error, foreign,
    forwarding::{HAVE_BOTH, cut_off},
    network::stored_plan,
    steps::PassForeignDrop,
};
use minet_bridge::survey;
use minet_model::IfName;
use minet_nat::{ChainFamily, ForeignChain, legacy_filter_is_in_use};

pub(super) const ALL: &[Examination] = &[
    Examination {
        name: "foreign firewalls",
        why: "Where another firewall's chain drops what it does not know, minet's accepting is not enough.",
        look: foreign_firewalls,
    },
    Examination {
        name: "iptables-legacy",
        why: "Its rules are in force, and minet cannot see them.",
        look: legacy,
    },
    Examination {
        name: "other routers",
        why: "Docker and others rely on forwarding; where minet turned it on, what was there before stays unrouted.",
        look: other_routers,
    },
    Examination {
        name: "bridge-nf-call-iptables",
        why: "With it, frames between neighbours on a bridge pass the rules of every firewall, and a drop there cuts neighbours apart.",
        look: bridge_netfilter,
    },
    Examination {
        name: "relayed ports",
        why: "IPv6 clients of a container that has IPv4 only come to the host itself first, where its own firewall has a word; IPv4 clients do not.",
        look: relayed_ports,
    },
];

fn foreign_firewalls(patient: &mut Patient) -> Result<Finding, Error> {
    let mut names: Vec<String> = Vec::new();
    let mut stuck = Vec::new();
    let mut refused = Vec::new();
    for row in patient.standing()? {
        let plan = stored_plan(&row).map(|stored| stored.plan);
        let network = &row.network;
        if let Some(locked) = foreign::locked(&mut patient.machine, network)? {
            return Ok(Finding::wrong(locked.found, locked.remedy));
        }
        for chain in patient.machine.firewall()?.refusals(&network.bridge)? {
            refused.push(format!(
                "{chain} drops what network {} sends, by its bridge's name",
                network.name
            ));
        }
        let passage = PassForeignDrop::of(network, &network.bridge);
        let dropping = passage.drops(&mut patient.machine)?;
        names.extend(dropping.iter().map(ForeignChain::to_string));
        stuck.extend(foreign::obstacles(
            &mut patient.machine,
            network,
            &plan.unwrap_or_default(),
        )?);
    }
    if !stuck.is_empty() {
        return Ok(Finding::wrong(stuck.join("; "), "minet repair"));
    }
    if !refused.is_empty() {
        return Ok(Finding::note(format!(
            "{}: somebody wants it so",
            refused.join("; ")
        )));
    }
    names.sort_unstable();
    names.dedup();
    Ok(match names.is_empty() {
        true => Finding::fine("none drops what minet's networks send"),
        false => Finding::note(format!(
            "{} drops what it does not know; minet's networks pass",
            names.join(" and ")
        )),
    })
}

fn legacy(_: &mut Patient) -> Result<Finding, Error> {
    Ok(match legacy_filter_is_in_use() {
        true => Finding::warning(
            "its table filter is loaded",
            "iptables-legacy -S FORWARD, and if it begins with -P FORWARD DROP: iptables-legacy -A FORWARD -i BRIDGE -j ACCEPT; iptables-legacy -A FORWARD -o BRIDGE -j ACCEPT",
        ),
        false => Finding::fine("not in use"),
    })
}

fn other_routers(patient: &mut Patient) -> Result<Finding, Error> {
    let routers = patient.machine.firewall()?.other_routers()?.join(" and ");
    let cut_off = cut_off(&mut patient.machine)?;
    let bridges: Vec<&str> = cut_off.iter().map(IfName::as_str).collect();
    Ok(match (routers.is_empty(), cut_off.is_empty()) {
        (true, _) => Finding::fine("none"),
        (false, true) => Finding::note(format!(
            "{routers}; minet lets pass what its guests send, and what comes to its published ports"
        )),
        (false, false) => Finding::warning(
            format!(
                "{routers}; minet turned forwarding on when {} was there already, and keeps it unrouted",
                bridges.join(" and ")
            ),
            HAVE_BOTH,
        ),
    })
}

fn bridge_netfilter(_: &mut Patient) -> Result<Finding, Error> {
    Ok(
        match number("/proc/sys/net/bridge/bridge-nf-call-iptables") {
            Some(1) => Finding::note(
                "on: neighbours' frames pass every firewall's rules, minet's let them through",
            ),
            Some(_) => Finding::fine("off"),
            None => Finding::fine("br_netfilter is not loaded"),
        },
    )
}

fn relayed_ports(patient: &mut Patient) -> Result<Finding, Error> {
    let ports = networks::relayed(patient)?;
    let uplink = survey::uplink(patient.machine.rtnl()?)?;
    let (false, Some(uplink)) = (ports.is_empty(), uplink) else {
        return Ok(Finding::fine("none"));
    };
    let drops = patient
        .machine
        .firewall()?
        .foreign_input_drops(&uplink.name)?;
    let is_ipv6 = |chain: &&ForeignChain| chain.family != ChainFamily::Ip;
    let Some(chain) = drops.iter().find(is_ipv6) else {
        return Ok(Finding::fine(format!(
            "{}; nothing drops them",
            ports.join(", ")
        )));
    };
    let ufw = patient.machine.firewall()?.is_managed_by_ufw()?;
    let open = |port: &String| match (chain.table.as_str(), ufw) {
        ("firewalld", _) => format!("firewall-cmd --permanent --add-port={port}"),
        (_, true) => format!("ufw allow {port}"),
        _ => format!("let {chain} accept {port}"),
    };
    let mut words: Vec<String> = ports.iter().map(open).collect();
    if chain.table == "firewalld" {
        words.push("firewall-cmd --reload".to_owned());
    }
    Ok(Finding::note(format!(
        "{chain} drops what it does not know: IPv6 clients of {} get in only where it was told: {}",
        ports.join(", "),
        words.join("; ")
    )))
}
