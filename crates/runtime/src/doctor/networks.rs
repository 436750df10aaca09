//! The networks that stand, and what is published on them.

use super::{Examination, Finding, Patient, number};
use crate::{
    Error, Finding as Found, find, network::stored_plan, networks::overlap, step::Step,
    steps::PublishPorts,
};
use minet_bridge::{link, survey};
use minet_model::{IfName, PublishedPort};
use minet_state::{ContainerRow, Status};
use std::collections::BTreeMap;

/// A bridge has at most this many ports (`BR_MAX_PORTS` of the kernel's `br_private.h`).
const MOST_PORTS: usize = 1023;

pub(super) const ALL: &[Examination] = &[
    Examination {
        name: "plans and kernel",
        why: "What was made should still be there: table, bridges, forwarding.",
        look: as_planned,
    },
    Examination {
        name: "spanning tree",
        why: "A bridge with STP lets a new container wait half a minute before it may speak.",
        look: spanning_tree,
    },
    Examination {
        name: "MTU",
        why: "Packets larger than the way out takes are lost where nobody tells the sender.",
        look: mtu,
    },
    Examination {
        name: "overlapping routes",
        why: "Addresses that are a network's and somebody else's at once are reached in one place only.",
        look: overlaps,
    },
    Examination {
        name: "ports of the bridges",
        why: "A Linux bridge takes 1023 cables and not one more.",
        look: bridge_ports,
    },
    Examination {
        name: "neighbour table",
        why: "When it is full, the host cannot reach another container.",
        look: neighbours,
    },
    Examination {
        name: "exposure",
        why: "What is published on every address of the host is open to whoever reaches the host.",
        look: exposure,
    },
    Examination {
        name: "ephemeral ports",
        why: "A published port in the range that the kernel hands out may be taken when its container starts again.",
        look: ephemeral,
    },
];

fn as_planned(patient: &mut Patient) -> Result<Finding, Error> {
    let mut differences = Vec::new();
    for row in patient.standing()? {
        let plan = stored_plan(&row).map(|stored| stored.plan);
        for step in plan.unwrap_or_default().steps {
            match step.act().check(&mut patient.machine) {
                Ok(Found::AsPlanned) => {}
                Ok(Found::Differs(found)) => differences.push(found),
                Err(error) => differences.push(error.chain()),
            }
        }
    }
    Ok(match differences.is_empty() {
        true => Finding::fine("the networks that stand are as planned"),
        false => Finding::wrong(differences.join("; "), "minet repair"),
    })
}

fn spanning_tree(patient: &mut Patient) -> Result<Finding, Error> {
    let mut slow = Vec::new();
    for row in patient.standing()? {
        let bridge = &row.network.bridge;
        let link = link::find(patient.machine.rtnl()?, bridge)?;
        if link.is_some_and(|link| link.stp == Some(true)) {
            slow.push(bridge.to_string());
        }
    }
    Ok(match slow.first() {
        None => Finding::fine("off on all bridges"),
        Some(bridge) => Finding::warning(
            format!("on for {}", slow.join(", ")),
            format!("ip link set {bridge} type bridge stp_state 0"),
        ),
    })
}

fn mtu(patient: &mut Patient) -> Result<Finding, Error> {
    let Some(uplink) = survey::uplink(patient.machine.rtnl()?)? else {
        return Ok(Finding::note("there is no default route to compare with"));
    };
    let too_large: Vec<String> = patient
        .standing()?
        .iter()
        .filter(|row| row.network.mtu > uplink.mtu)
        .map(|row| format!("{} ({})", row.network.name, row.network.mtu))
        .collect();
    Ok(match too_large.is_empty() {
        true => Finding::fine(format!("{} by {}", uplink.mtu, uplink.name)),
        false => Finding::warning(
            format!(
                "{} takes packets of {} bytes, less than network {}",
                uplink.name,
                uplink.mtu,
                too_large.join(", ")
            ),
            format!("make the network anew with --mtu {}", uplink.mtu),
        ),
    })
}

fn overlaps(patient: &mut Patient) -> Result<Finding, Error> {
    let mut overlapping = Vec::new();
    for row in patient.standing()? {
        let found = overlap::of_network(patient.machine.rtnl()?, &row.network)?;
        overlapping.extend(found);
    }
    Ok(match overlapping.is_empty() {
        true => Finding::fine("none"),
        false => Finding::wrong(
            overlapping.join("; "),
            "take the other away, or make the network anew with another --subnet",
        ),
    })
}

fn bridge_ports(patient: &mut Patient) -> Result<Finding, Error> {
    let rows = live(patient)?;
    let mut cables: BTreeMap<IfName, usize> = BTreeMap::new();
    for row in &rows {
        for attachment in find::settings(row)?.attachments {
            *cables.entry(attachment.bridge).or_default() += 1;
        }
    }
    let fullest = cables.into_iter().max_by_key(|(_, count)| *count);
    Ok(match fullest {
        None => Finding::fine(format!("all {MOST_PORTS} are free")),
        Some((bridge, count)) if count + 50 > MOST_PORTS => Finding::warning(
            format!("{bridge} has {count} of {MOST_PORTS}"),
            "minet network create ANOTHER, for further containers",
        ),
        Some((bridge, count)) => Finding::fine(format!(
            "{} of {MOST_PORTS} left on {bridge}",
            MOST_PORTS - count
        )),
    })
}

fn neighbours(patient: &mut Patient) -> Result<Finding, Error> {
    let limit = number("/proc/sys/net/ipv4/neigh/default/gc_thresh3");
    let containers = live(patient)?.len() as u64;
    Ok(match limit {
        Some(limit) if containers * 5 > limit * 4 => Finding::warning(
            format!("room for {limit}, and {containers} containers live"),
            format!(
                "sysctl -w net.ipv4.neigh.default.gc_thresh3={}",
                (limit * 4).max(4096)
            ),
        ),
        Some(limit) => Finding::fine(format!("room for {limit}, {containers} containers live")),
        // Another namespace than the first does not see it.
        None => Finding::note("its size cannot be seen from this network namespace"),
    })
}

fn exposure(patient: &mut Patient) -> Result<Finding, Error> {
    let open: Vec<String> = published(patient)?
        .iter()
        .filter(|(_, port)| port.host_ip.is_unspecified() && port.host_ip.is_ipv4())
        .map(|(owner, port)| format!("{}/{} ({owner})", port.host_port, port.protocol))
        .collect();
    Ok(match open.is_empty() {
        true => Finding::fine("nothing is published on every address"),
        false => Finding::note(format!("open to everybody: {}", open.join(", "))),
    })
}

fn ephemeral(patient: &mut Patient) -> Result<Finding, Error> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let text = text.unwrap_or_default();
    let range: Vec<u16> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [first, last] = range[..] else {
        return Ok(Finding::note("the range cannot be read"));
    };
    let restarted = live(patient)?;
    let inside: Vec<String> = published(patient)?
        .iter()
        .filter(|(owner, port)| {
            (first..=last).contains(&port.host_port) && chosen(&restarted, owner, port.host_port)
        })
        .map(|(owner, port)| format!("{} ({owner})", port.host_port))
        .collect();
    Ok(match inside.is_empty() {
        true => Finding::fine(format!(
            "{first} to {last}, and nothing published among them"
        )),
        false => Finding::warning(
            format!("within {first} to {last}: {}", inside.join(", ")),
            format!(
                "sysctl -w net.ipv4.ip_local_reserved_ports={}",
                inside
                    .iter()
                    .filter_map(|one| one.split(' ').next())
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        ),
    })
}

/// Whether a user named this host port; one that the kernel chose may change.
fn chosen(rows: &[ContainerRow], owner: &str, port: u16) -> bool {
    let row = rows.iter().find(|row| row.name.as_str() == owner);
    let spec = row.and_then(|row| find::spec(row).ok());
    spec.is_some_and(|spec| {
        let mut entries = spec.publish.iter().flat_map(|publish| publish.entries());
        entries.any(|(host, _)| match host {
            minet_model::HostPorts::FirstFreeOf(range) => range.iter().any(|one| one == port),
            minet_model::HostPorts::Ephemeral => false,
        })
    })
}

fn live(patient: &Patient) -> Result<Vec<ContainerRow>, Error> {
    let mut rows = patient
        .memory()?
        .read(|tx| Ok::<_, Error>(tx.live_containers()?))?;
    rows.retain(|row| row.status != Status::Exited);
    Ok(rows)
}

/// The ports of all containers that live, each with its container's name.
fn published(patient: &Patient) -> Result<Vec<(String, PublishedPort)>, Error> {
    let mut all = Vec::new();
    for (owner, step) in publishing(patient)? {
        let ports = step.ports.into_iter();
        all.extend(ports.map(|port| (owner.clone(), port)));
    }
    Ok(all)
}

/// The host ports on which a supervisor serves IPv6 clients from elsewhere, "8080/tcp".
pub(super) fn relayed(patient: &Patient) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    for (_, step) in publishing(patient)? {
        let relayed = step.ports.iter().filter(|port| {
            let from_elsewhere = port.host_ip.is_ipv6() && !port.host_ip.is_loopback();
            from_elsewhere && step.address6.is_none()
        });
        all.extend(relayed.map(|port| format!("{}/{}", port.host_port, port.protocol)));
    }
    Ok(all)
}

fn publishing(patient: &Patient) -> Result<Vec<(String, PublishPorts)>, Error> {
    let mut all = Vec::new();
    for row in live(patient)? {
        for step in find::plan(&row)?.steps {
            if let Step::PublishPorts(step) = step {
                all.push((row.name.to_string(), step));
            }
        }
    }
    Ok(all)
}
