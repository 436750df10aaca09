//! What the kernel can do, tried where nobody is harmed.

use super::{Examination, Finding, Patient};
use crate::Error;
use minet_bridge::{
    Rtnl,
    cable::{self, Cable, Isolation},
    switch::{self, SwitchSpec},
};
use minet_model::Protocol;
use minet_nat::{Change, Firewall, Transit};
use minet_netns::Netns;
use std::{fs, os::fd::AsFd, path::Path};

pub(super) const ALL: &[Examination] = &[
    Examination {
        name: "namespaces",
        why: "A container is a process with namespaces of its own.",
        look: namespaces,
    },
    Examination {
        name: "nftables",
        why: "Masquerading, published ports and isolation are one nftables table: family inet, fib, maps with several fields, conntrack, DNAT.",
        look: nftables,
    },
    Examination {
        name: "bridge and veth",
        why: "A network is a bridge, and each container is plugged in with a veth pair.",
        look: bridge_and_veth,
    },
    Examination {
        name: "conntrack",
        why: "UDP flows that went to another container have to be forgotten when a port moves.",
        look: conntrack,
    },
    Examination {
        name: "seccomp",
        why: "The kernel has to refuse a container the system calls that it should not make.",
        look: seccomp,
    },
];

fn namespaces(_: &mut Patient) -> Result<Finding, Error> {
    let missing: Vec<&str> = ["net", "mnt", "pid", "uts", "ipc", "user"]
        .into_iter()
        .filter(|kind| !Path::new("/proc/self/ns").join(kind).exists())
        .collect();
    Ok(match missing[..] {
        ["user"] => Finding::note("all but user namespaces: no container without root"),
        [] => Finding::fine("net, mnt, pid, uts, ipc and user"),
        _ => Finding::wrong(
            format!("this kernel has no {} namespaces", missing.join(", ")),
            "use a kernel with CONFIG_NAMESPACES and all kinds of it",
        ),
    })
}

fn nftables(_: &mut Patient) -> Result<Finding, Error> {
    let (_netns, mut firewall) = Netns::create(Firewall::open)?;
    Ok(
        match firewall.apply(&[Change::InstallTable(Transit::Dropped)]) {
            Ok(()) => Finding::fine("the whole table could be installed in a scratch namespace"),
            Err(error) => Finding::wrong(
                Error::from(error).chain(),
                "modprobe -a nf_tables nft_nat nft_masq nft_fib_inet nft_ct",
            ),
        },
    )
}

fn bridge_and_veth(_: &mut Patient) -> Result<Finding, Error> {
    let (_host, mut rtnl) = Netns::create(Rtnl::open)?;
    let (container, _) = Netns::create(Rtnl::open)?;
    let name = |text: &str| text.parse().expect("a short name");
    let mac = |text: &str| text.parse().expect("an Ethernet address");
    let spec = SwitchSpec {
        name: name("minet0"),
        mac: mac("02:42:ac:11:00:01"),
        mtu: 1500,
        alias: "minet".to_owned(),
        address: "172.17.0.1/16".parse().ok(),
    };
    let cable = Cable {
        host_end: name("veth0"),
        container_end: name("eth0"),
        mac: mac("02:42:ac:11:00:02"),
        mtu: 1500,
        bridge: name("minet0"),
        isolation: Isolation::Isolated,
        alias: "minet".to_owned(),
    };
    let tried = switch::create(&mut rtnl, &spec)
        .and_then(|_| cable::lay(&mut rtnl, &cable, container.as_fd()));
    Ok(match tried {
        Ok(()) => Finding::fine("a bridge with an isolated port could be made"),
        Err(error) => Finding::wrong(Error::from(error).chain(), "modprobe -a bridge veth"),
    })
}

fn conntrack(_: &mut Patient) -> Result<Finding, Error> {
    let (_netns, mut firewall) = Netns::create(Firewall::open)?;
    Ok(match firewall.flush_conntrack(Protocol::Udp, 53, None) {
        Ok(()) => Finding::fine("flows can be listed and forgotten"),
        Err(error) => Finding::wrong(Error::from(error).chain(), "modprobe nf_conntrack_netlink"),
    })
}

fn seccomp(_: &mut Patient) -> Result<Finding, Error> {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    Ok(match actions.contains("errno") {
        true => Finding::fine("filters are available"),
        false => Finding::wrong(
            "this kernel has no seccomp filters",
            "use a kernel with CONFIG_SECCOMP_FILTER",
        ),
    })
}
