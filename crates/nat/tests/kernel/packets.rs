//! Every path to and from a container, walked by packets.

use crate::lab::{network, publication, sh};
use crate::machine::{Bridged, C2, C3, GATEWAY, HOST, Hairpin, LAN, in_lab};
use crate::probe::{Expect, ask, inside, send_from, send_reset};
use minet_model::Protocol::{self, Tcp, Udp};
use minet_nat::{Change, Neighbours, NetworkRules, Reach, Transit};

fn rules() -> Vec<Change> {
    rules_with(Transit::Untouched, network("br-a", "172.30.1.0/24"))
}

fn rules_with(transit: Transit, first: NetworkRules) -> Vec<Change> {
    let publish =
        |host: &str, to: &str, protocol| Change::Publish(publication("c1", host, to, protocol));
    vec![
        Change::InstallTable(transit),
        Change::AddNetwork(first),
        Change::AddNetwork(network("br-b", "172.30.2.0/24")),
        publish("0.0.0.0:8080", "172.30.1.2:80", Tcp),
        publish("0.0.0.0:8080", "172.30.1.2:80", Udp),
        publish("127.0.0.1:8081", "172.30.1.2:80", Tcp),
        publish("127.0.0.1:8081", "172.30.1.2:80", Udp),
        publish("192.0.2.1:8082", "172.30.1.2:80", Tcp),
        publish("192.0.2.1:8082", "172.30.1.2:80", Udp),
    ]
}

/// `client` asks `target`, behind which port 80 of `server` should answer; who is seen as
/// the client?
#[track_caller]
fn path(client: &str, target: &str, server: &str, protocol: Protocol, seen: Option<&str>) {
    path_to(client, target, (server, 80), protocol, seen);
}

#[track_caller]
fn path_to(
    client: &str,
    target: &str,
    (server, port): (&str, u16),
    protocol: Protocol,
    seen: Option<&str>,
) {
    let address = target.parse().expect("address:port");
    let expect = match seen {
        Some(_) => Expect::Answer,
        None => Expect::Silence,
    };
    let got = ask(client, address, (server, port), protocol, expect).map(|ip| ip.to_string());
    let rules = match got.as_deref() == seen {
        true => String::new(),
        false => sh("nft list table inet minet"),
    };
    assert_eq!(
        got.as_deref(),
        seen,
        "{client} -> {target}/{protocol} ({server})\n{rules}"
    );
}

fn published_paths(protocol: Protocol) {
    // The client is seen as itself wherever the answer finds back on its own.
    path("lan", "192.0.2.1:8080", "c1", protocol, Some(LAN));
    path("lan", "192.0.2.1:8082", "c1", protocol, Some(LAN));
    path("host", "192.0.2.1:8080", "c1", protocol, Some(HOST));
    path("host", "192.0.2.1:8082", "c1", protocol, Some(HOST));
    path("host", "172.30.1.1:8080", "c1", protocol, Some(GATEWAY));
    path("host", "127.0.0.1:8080", "c1", protocol, Some(GATEWAY));
    path("host", "127.0.0.1:8081", "c1", protocol, Some(GATEWAY));
    // Another container of the same network, by each address of the host.
    path("c2", "192.0.2.1:8080", "c1", protocol, Some(GATEWAY));
    path("c2", "172.30.1.1:8080", "c1", protocol, Some(GATEWAY));
    path("c2", "192.0.2.1:8082", "c1", protocol, Some(GATEWAY));
    // One of another network.
    path("c3", "192.0.2.1:8080", "c1", protocol, Some(C3));
    path("c3", "172.30.2.1:8080", "c1", protocol, Some(C3));
    // Itself.
    path("c1", "192.0.2.1:8080", "c1", protocol, Some(GATEWAY));
    path("c1", "172.30.1.1:8080", "c1", protocol, Some(GATEWAY));
}

fn direct_paths(protocol: Protocol) {
    path("host", "172.30.1.2:80", "c1", protocol, Some(GATEWAY));
    path("c2", "172.30.1.2:80", "c1", protocol, Some(C2));
    path("c1", "192.0.2.9:80", "lan", protocol, Some(HOST));
    // The published port number of another machine is that machine's.
    path_to("c2", "192.0.2.9:8080", ("lan", 8080), protocol, Some(HOST));
    path_to(
        "host",
        "192.0.2.9:8080",
        ("lan", 8080),
        protocol,
        Some(HOST),
    );
}

fn closed_paths(protocol: Protocol) {
    // Past the published port, straight to the container.
    path("lan", "172.30.1.2:80", "c1", protocol, None);
    path("lan", "172.30.1.1:8080", "c1", protocol, None);
    // From network to network.
    path("c3", "172.30.1.2:80", "c1", protocol, None);
    path("c1", "172.30.2.2:80", "c3", protocol, None);
    // Published on 127.0.0.1 only.
    path("lan", "192.0.2.1:8081", "c1", protocol, None);
    path("c2", "192.0.2.1:8081", "c1", protocol, None);
    // Published on one address only.
    path("host", "127.0.0.1:8082", "c1", protocol, None);
}

#[test]
fn published_ports_are_reached_from_everywhere() {
    in_lab(Bridged::Unseen, Hairpin::Off, &rules(), || {
        published_paths(Tcp);
        published_paths(Udp);
    });
}

#[test]
fn published_ports_are_reached_when_bridged_frames_are_seen() {
    in_lab(Bridged::Seen, Hairpin::On, &rules(), || {
        published_paths(Tcp);
        published_paths(Udp);
    });
}

#[test]
fn containers_reach_neighbours_and_the_world_and_nobody_reaches_them() {
    for bridged in [Bridged::Unseen, Bridged::Seen] {
        in_lab(bridged, Hairpin::Off, &rules(), || {
            for protocol in [Tcp, Udp] {
                direct_paths(protocol);
                closed_paths(protocol);
            }
        });
    }
}

/// Between neighbours it makes no difference whether the host sees the frames, but for
/// what has to be routed.
#[test]
fn frames_between_neighbours_are_not_tracked() {
    in_lab(Bridged::Seen, Hairpin::On, &rules(), || {
        let tracked = |who: &str| sh("conntrack -L 2>/dev/null").matches(who).count();
        for protocol in [Tcp, Udp] {
            path("c2", "172.30.1.2:80", "c1", protocol, Some(C2));
            assert_eq!(tracked("src=172.30.1.3"), 0, "{protocol}");
        }
        path("c2", "192.0.2.1:8080", "c1", Udp, Some(GATEWAY));
        path("c2", "192.0.2.9:80", "lan", Udp, Some(HOST));
        assert_eq!(tracked("src=172.30.1.3"), 2);
    });
}

/// A neighbour that routes 127.0.0.1 to this host must not get at what is published there,
/// although `route_localnet` is on.
#[test]
fn loopback_is_out_of_reach() {
    in_lab(Bridged::Unseen, Hairpin::Off, &rules(), || {
        for (attacker, host) in [("lan", HOST), ("c2", GATEWAY)] {
            inside(attacker, || {
                sh("echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
                sh("ip route del local 127.0.0.0/8 dev lo table local");
                sh("ip route del local 127.0.0.1 dev lo table local");
                let source = match attacker {
                    "lan" => LAN,
                    _ => C2,
                };
                sh(&format!("ip route add 127.0.0.1 via {host} src {source}"));
            });
            for protocol in [Tcp, Udp] {
                path(attacker, "127.0.0.1:8081", "c1", protocol, None);
                path(attacker, "127.0.0.1:8080", "c1", protocol, None);
                // A service of the host's own on its loopback.
                path(attacker, "127.0.0.1:80", "host", protocol, None);
            }
        }
        // The attack does arrive; it is the guard that stops it.
        let dropped = sh("nft list chain inet minet guard | grep 'ip daddr.*loopback belongs'");
        assert!(!dropped.contains("packets 0"), "{dropped}");
        path("host", "127.0.0.1:8081", "c1", Tcp, Some(GATEWAY));
    });
}

#[test]
fn an_internal_network_is_left_and_entered_by_nobody() {
    let mut internal = network("br-a", "172.30.1.0/24");
    internal.reach = Reach::InternalOnly;
    let rules = rules_with(Transit::Untouched, internal);
    in_lab(Bridged::Seen, Hairpin::Off, &rules, || {
        for protocol in [Tcp, Udp] {
            path("c2", "172.30.1.2:80", "c1", protocol, Some(C2));
            path("host", "172.30.1.2:80", "c1", protocol, Some(GATEWAY));
            path("c1", "192.0.2.9:80", "lan", protocol, None);
            path("lan", "192.0.2.1:8080", "c1", protocol, None);
            path("c3", "192.0.2.1:8080", "c1", protocol, None);
            path("c3", "172.30.1.2:80", "c1", protocol, None);
        }
    });
}

/// Where the table sees bridged frames; elsewhere isolated bridge ports are in charge.
#[test]
fn neighbours_apart_meet_only_at_published_ports() {
    let mut apart = network("br-a", "172.30.1.0/24");
    apart.neighbours = Neighbours::Apart;
    let rules = rules_with(Transit::Untouched, apart);
    in_lab(Bridged::Seen, Hairpin::Off, &rules, || {
        for protocol in [Tcp, Udp] {
            path("c2", "172.30.1.2:80", "c1", protocol, None);
            path("c2", "192.0.2.1:8080", "c1", protocol, Some(GATEWAY));
            path("c1", "192.0.2.9:80", "lan", protocol, Some(HOST));
        }
    });
}

#[test]
fn transit_is_dropped_only_when_it_was_minet_that_turned_forwarding_on() {
    for (transit, seen) in [(Transit::Untouched, Some(LAN)), (Transit::Dropped, None)] {
        let mut rules = rules_with(transit, network("br-a", "172.30.1.0/24"));
        // The cards of this lab are cables, which were there before.
        let cards = ["lan0", "wan0"].map(|name| name.parse().unwrap());
        rules.insert(1, Change::NameOlder(cards.into()));
        in_lab(Bridged::Unseen, Hairpin::Off, &rules, || {
            path("lan", "198.51.100.9:80", "wan", Tcp, seen);
            path("c1", "198.51.100.9:80", "wan", Tcp, Some("198.51.100.1"));
            path("lan", "192.0.2.1:8080", "c1", Tcp, Some(LAN));
        });
    }
}

#[test]
fn a_container_cannot_speak_under_a_foreign_address() {
    in_lab(Bridged::Unseen, Hairpin::Off, &rules(), || {
        // A stranger's, another network's, and none at all.
        for source in ["9.9.9.9", C3, "127.0.0.5"] {
            inside("c1", || {
                sh("echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
                sh(&format!("ip addr add {source}/32 dev eth0"));
                send_from(source, "192.0.2.9:80");
            });
        }
        let dropped = sh("nft list chain inet minet guard | grep 'not at home'");
        assert!(dropped.contains("packets 3"), "{dropped}");
    });
}

/// A reset out of the blue belongs to no connection, so NAT would let it out untouched.
#[test]
fn what_conntrack_cannot_place_does_not_leave() {
    in_lab(Bridged::Unseen, Hairpin::Off, &rules(), || {
        inside("c1", || send_reset("192.0.2.9"));
        let dropped = sh("nft list chain inet minet forward | grep 'ct state invalid'");
        assert!(!dropped.contains("packets 0"), "{dropped}");
    });
}
