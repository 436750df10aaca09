//! Who else has a say about this host's packets and interfaces.

use super::{Examination, Finding, Patient, number};
use crate::{
    Error,
    forwarding::{HAVE_BOTH, cut_off},
    steps::TurnOnForwarding,
};
use minet_model::IfName;
use minet_nat::{Passage, legacy_filter_is_in_use};
use std::{fs, path::Path};

pub(super) const ALL: &[Examination] = &[
    Examination {
        name: "forwarding",
        why: "A container's packets pass through the host as through a router.",
        look: forwarding,
    },
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
        name: "rp_filter",
        why: "Strict reverse-path filtering drops what comes in by another interface than the answer leaves by, as with containers on several networks.",
        look: rp_filter,
    },
    Examination {
        name: "NetworkManager and networkd",
        why: "They may take minet's interfaces for their own, and give them addresses or take them away.",
        look: managers,
    },
    Examination {
        name: "resolv.conf",
        why: "A name server on the host's loopback cannot be reached from a container.",
        look: resolv_conf,
    },
];

fn forwarding(patient: &mut Patient) -> Result<Finding, Error> {
    let ours = patient.paths.forwarding_mark().exists();
    Ok(match (TurnOnForwarding::is_on(), ours) {
        (true, true) => Finding::fine(
            "on; minet turned it on, and passes on nothing but its own and other tools' that came later",
        ),
        (true, false) => Finding::fine(
            "on; it was on before minet came, or another instance of minet turned it on",
        ),
        (false, _) if patient.standing()?.is_empty() => {
            Finding::fine("off; minet turns it on with the first network")
        }
        (false, _) => Finding::wrong("off, and networks stand that need it", "minet repair"),
    })
}

fn foreign_firewalls(patient: &mut Patient) -> Result<Finding, Error> {
    let drops = patient.machine.firewall()?.foreign_drops()?;
    if drops.is_empty() {
        return Ok(Finding::fine("no chain of others drops what is passed on"));
    }
    let names: Vec<String> = drops.iter().map(ToString::to_string).collect();
    let mut stuck = Vec::new();
    for row in patient.standing()? {
        let passage = Passage {
            bridge: row.network.bridge.clone(),
            network: row.network.name.clone(),
        };
        for chain in &drops {
            if !patient.machine.firewall()?.passes(&passage, chain)? {
                stuck.push(format!("{} by {chain}", row.network.name));
            }
        }
    }
    Ok(match stuck.is_empty() {
        true => Finding::note(format!(
            "{} drops what it does not know; minet's networks pass",
            names.join(" and ")
        )),
        false => Finding::wrong(
            format!("dropped is network {}", stuck.join(", network ")),
            "minet repair",
        ),
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
        (false, true) => Finding::note(format!("{routers}; minet lets its packets pass")),
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

fn rp_filter(patient: &mut Patient) -> Result<Finding, Error> {
    let networks = patient.standing()?;
    let strict = |name: &str| {
        let key = format!("/proc/sys/net/ipv4/conf/{name}/rp_filter");
        number(&key).unwrap_or(0)
    };
    let all = strict("all");
    // The larger of the two counts (ip-sysctl.rst).
    let bridges = networks.iter().map(|row| row.network.bridge.as_str());
    let caught: Vec<&str> = bridges.filter(|name| strict(name).max(all) == 1).collect();
    Ok(match networks.len() > 1 && !caught.is_empty() {
        true => Finding::warning(
            format!("strict on {}", caught.join(", ")),
            "sysctl -w net.ipv4.conf.all.rp_filter=2",
        ),
        false => Finding::fine("in nobody's way"),
    })
}

fn managers(_: &mut Patient) -> Result<Finding, Error> {
    let network_manager = Path::new("/run/NetworkManager").is_dir()
        && !any_file_says("/etc/NetworkManager/conf.d", "unmanaged-devices");
    let networkd = Path::new("/run/systemd/netif/links").is_dir()
        && any_file_says("/etc/systemd/network", "Name=*");
    Ok(match (network_manager, networkd) {
        (false, false) => Finding::fine("neither is in the way"),
        (true, _) => Finding::warning(
            "NetworkManager runs, and no file in /etc/NetworkManager/conf.d names devices that it shall leave alone",
            "printf '[keyfile]\\nunmanaged-devices=interface-name:minet*;interface-name:mn-*;interface-name:veth*\\n' >/etc/NetworkManager/conf.d/minet.conf; nmcli general reload",
        ),
        (false, true) => Finding::warning(
            "systemd-networkd runs, and a file in /etc/systemd/network matches every interface (Name=*)",
            "printf '[Match]\\nName=minet* mn-* veth*\\n[Link]\\nUnmanaged=yes\\n' >/etc/systemd/network/00-minet.network; networkctl reload",
        ),
    })
}

fn any_file_says(dir: &str, word: &str) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut texts = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    texts.any(|text| text.lines().any(|line| line.trim().starts_with(word)))
}

fn resolv_conf(_: &mut Patient) -> Result<Finding, Error> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .map(str::trim)
        .collect();
    let local = |server: &&&str| server.starts_with("127.") || **server == "::1";
    let resolved = Path::new("/run/systemd/resolve/resolv.conf").exists();
    Ok(match servers.iter().filter(local).count() {
        0 if servers.is_empty() => Finding::warning(
            "/etc/resolv.conf names no server",
            "name one, or give each container one with --dns ADDRESS",
        ),
        all if all == servers.len() && !resolved => Finding::warning(
            format!("only on the loopback: {}", servers.join(", ")),
            "give each container a server with --dns ADDRESS, or name another in /etc/resolv.conf",
        ),
        _ => Finding::fine(servers.join(", ")),
    })
}
