//! Who else has a say about this host's forwarding, interfaces and name servers.

use super::{Examination, Finding, Patient, number};
use crate::{Error, steps::TurnOnForwarding};
use std::{fs, path::Path};

pub(super) const ALL: &[Examination] = &[
    Examination {
        name: "forwarding",
        why: "A container's packets pass through the host as through a router.",
        look: forwarding,
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
