//! Flows that must be forgotten, and those that must not, with `conntrack -L` as judge.

use crate::lab::{network, publication, sh};
use crate::machine::{Bridged, Hairpin, in_lab};
use crate::probe::{Expect, ask};
use minet_model::Protocol::{Tcp, Udp};
use minet_nat::{Change, Firewall, Transit};
use std::collections::BTreeSet;

/// The flows of the test by what they are: host port 8080 leads to port 80 of c1.
fn flows() -> BTreeSet<&'static str> {
    let listing = sh("conntrack -L -f ipv4 2>/dev/null");
    // The original direction comes first, behind protocol, timeout and perhaps a state.
    let name = |line: &str| {
        let (protocol, tuples) = (line.split(' ').next()?, line.split_once("src=")?.1);
        let words: Vec<_> = tuples.split(' ').take(2).collect();
        match (protocol, words.as_slice()) {
            ("tcp", ["192.0.2.9", "dst=192.0.2.1"]) => Some("tcp"),
            ("udp", ["192.0.2.9", "dst=192.0.2.1"]) => Some("lan to c1"),
            ("udp", ["172.30.1.3", "dst=172.30.1.1"]) => Some("c2 to c1"),
            ("udp", ["172.30.1.2", "dst=192.0.2.9"]) => Some("c1 to lan"),
            ("udp", ["172.30.2.2", "dst=192.0.2.9"]) => Some("c3 to lan"),
            _ => None,
        }
    };
    listing.lines().filter_map(name).collect()
}

const ALL: [&str; 5] = ["c1 to lan", "c2 to c1", "c3 to lan", "lan to c1", "tcp"];

fn with_flows(run: impl FnOnce(&mut Firewall) + Send) {
    let rules = [
        Change::InstallTable(Transit::Untouched),
        Change::AddNetwork(network("br-a", "172.30.1.0/24")),
        Change::AddNetwork(network("br-b", "172.30.2.0/24")),
        Change::Publish(publication("c1", "0.0.0.0:8080", "172.30.1.2:80", Udp)),
        Change::Publish(publication("c1", "0.0.0.0:8080", "172.30.1.2:80", Tcp)),
    ];
    in_lab(Bridged::Unseen, Hairpin::Off, &rules, || {
        for (client, target, server, protocol) in [
            ("lan", "192.0.2.1:8080", "c1", Udp),
            ("lan", "192.0.2.1:8080", "c1", Tcp),
            ("c2", "172.30.1.1:8080", "c1", Udp),
            ("c1", "192.0.2.9:80", "lan", Udp),
            ("c3", "192.0.2.9:80", "lan", Udp),
        ] {
            let target_address = target.parse().unwrap();
            let seen = ask(
                client,
                target_address,
                (server, 80),
                protocol,
                Expect::Answer,
            );
            assert!(seen.is_some(), "{client} -> {target}/{protocol}");
        }
        assert_eq!(flows(), BTreeSet::from(ALL));
        run(&mut Firewall::open().unwrap());
    });
}

#[test]
fn flows_are_forgotten_by_the_port_of_the_host() {
    with_flows(|firewall| {
        // The port of the container is somebody else's: c1 and c3 talk to port 80 of lan.
        for nothing in [
            firewall.flush_conntrack(Udp, 8081, None),
            firewall.flush_conntrack(Udp, 8080, Some("192.0.2.77".parse().unwrap())),
            firewall.flush_conntrack(Udp, 8080, Some("::1".parse().unwrap())),
        ] {
            nothing.unwrap();
            assert_eq!(flows(), BTreeSet::from(ALL));
        }
        firewall
            .flush_conntrack(Udp, 8080, Some("192.0.2.1".parse().unwrap()))
            .unwrap();
        let rest = ["c1 to lan", "c2 to c1", "c3 to lan", "tcp"];
        assert_eq!(flows(), BTreeSet::from(rest));
        for _ in 0..2 {
            firewall
                .flush_conntrack(Udp, 8080, Some("0.0.0.0".parse().unwrap()))
                .unwrap();
            let rest = ["c1 to lan", "c3 to lan", "tcp"];
            assert_eq!(flows(), BTreeSet::from(rest));
        }
    });
}

#[test]
fn a_container_is_forgotten_by_its_address() {
    with_flows(|firewall| {
        for _ in 0..2 {
            firewall
                .flush_conntrack_of("172.30.1.2".parse().unwrap())
                .unwrap();
            assert_eq!(flows(), BTreeSet::from(["c3 to lan"]));
        }
    });
}
