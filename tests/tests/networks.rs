//! Networks of the user's: made, looked into, isolated from each other, removed.

use minet_tests::{HOST, Place, SERVER, TestHost};

/// The address of a container on a network.
fn address_on(host: &TestHost, container: &str, network: &str) -> String {
    let inspect = host.inspect(container);
    let address = &inspect["NetworkSettings"]["Networks"][network]["IPAddress"];
    address.as_str().expect("an address").to_owned()
}

/// Whether a running container gets an answer from there.
fn reaches(host: &TestHost, container: &str, question: &str) -> bool {
    let probe = host.probe();
    let command = format!("exec {container} timeout 2 {probe} ask {question}");
    host.minet(command).code() == 0
}

#[test]
fn a_network_comes_and_goes_and_leaves_nothing() {
    let host = TestHost::new();
    let before = host.snapshot();
    let id = host
        .minet("network create --label tier=db backend")
        .succeed();
    assert_eq!(id.len(), 64);
    let bridge = format!("mn-{}", &id[..8]);
    host.exec(["ip", "link", "show", &bridge]).succeed();
    let list = host.minet("network ls").succeed();
    for word in ["backend", "172.18.0.0/16", &bridge, "host", "none"] {
        assert!(list.contains(word), "{list}");
    }
    let inspect = host.minet(["network", "inspect", &id[..12]]).json();
    assert_eq!(inspect[0]["Name"], "backend");
    assert_eq!(inspect[0]["IPAM"]["Config"][0]["Subnet"], "172.18.0.0/16");
    assert_eq!(inspect[0]["IPAM"]["Config"][0]["Gateway"], "172.18.0.1");
    assert_eq!(inspect[0]["Labels"]["tier"], "db");

    let web = host.idle("web", "--network backend");
    let inspect = host.minet("network inspect backend").json();
    let containers = inspect[0]["Containers"].as_object().unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!(containers.values().next().unwrap()["Name"], "web");
    host.minet("network rm backend")
        .refused_with(1, &["network backend has active endpoints", "name:\"web\""]);
    host.minet("rm -f web").succeed();
    drop(web);
    assert_eq!(host.minet("network rm backend").succeed(), "backend");
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "0");
    before.assert_unchanged(&host);
}

#[test]
fn a_failing_create_leaves_nothing() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.exec("ip link add taken type veth peer name other")
        .succeed();
    host.minet("network create -o com.docker.network.bridge.name=taken a")
        .refused_with(1, &["taken is not a bridge"]);
    host.exec("ip link del taken").succeed();
    assert!(!host.minet("network ls").succeed().contains(" a "));
    before.assert_unchanged(&host);
}

#[test]
fn what_cannot_be_is_refused_in_dockers_words() {
    let host = TestHost::new();
    host.minet("network create --subnet 10.9.0.0/24 a")
        .succeed();
    for (command, words) in [
        ("create a", "network with name a already exists"),
        ("create bridge", "network with name bridge already exists"),
        ("create host", "network with name host already exists"),
        (
            "create --subnet 10.1.0.1/24 b",
            "invalid subnet 10.1.0.1/24: it should be 10.1.0.0/24",
        ),
        (
            "create --subnet 10.9.0.0/16 b",
            "Pool overlaps with other one on this address space",
        ),
        (
            "create --subnet 192.168.120.0/24 b",
            "Pool overlaps with other one on this address space",
        ),
        ("create --gateway 10.1.0.1 b", "--gateway needs --subnet"),
        (
            "create --subnet 10.1.0.0/24 --gateway 10.2.0.1 b",
            "does not lie in subnet 10.1.0.0/24",
        ),
        (
            "create --subnet 10.1.0.0/24 --ip-range 10.2.0.0/25 b",
            "does not lie in subnet 10.1.0.0/24",
        ),
        ("create --subnet 10.1.0.0/32 b", "no room"),
        (
            "create -o com.docker.network.nonsense=1 b",
            "unknown network option",
        ),
        ("create --bridge br0 b", "must be created manually"),
        (
            "rm bridge",
            "bridge is a pre-defined network and cannot be removed",
        ),
        ("rm nope", "network nope not found"),
    ] {
        host.minet(format!("network {command}"))
            .refused_with(1, &[words]);
    }
    let list = host.minet("network ls").succeed();
    assert_eq!(list.lines().count(), 5, "{list}");
    host.minet("run --network nope -- true")
        .refused(&["network nope not found"]);
    host.minet("run --network a --network host -- true")
        .refused(&["cannot be connected to any other network"]);
    host.minet("run --network a --network none -- true")
        .refused(&["private (none) mode"]);
    host.minet("run --network a --network a -- true")
        .refused(&["given twice"]);
    host.minet("run --network name=a,ip=10.8.0.9 -- true")
        .refused(&["no configured subnet contains IP address 10.8.0.9"]);
    host.minet("run --network bridge --network-alias x -- true")
        .refused(&["network-scoped aliases are only supported for user-defined networks"]);
}

/// The classic experiment: two networks, and a container on both.
#[test]
fn a_container_on_two_networks_reaches_both_and_its_neighbours_do_not_meet() {
    let host = TestHost::new();
    host.minet("network create front").succeed();
    host.minet("network create back").succeed();
    let both = host.serve("--name both --network front --network back", "tcp:80");
    let front = host.serve("--name front --network front", "tcp:80");
    let back = host.serve("--name back --network back", "tcp:80");
    let on_front = address_on(&host, "front", "front");
    let on_back = address_on(&host, "back", "back");
    assert!(reaches(&host, "both", &format!("tcp {on_front}:80")));
    assert!(reaches(&host, "both", &format!("tcp {on_back}:80")));
    for (network, from) in [("front", "front"), ("back", "back")] {
        let both = address_on(&host, "both", network);
        assert!(reaches(&host, from, &format!("tcp {both}:80")));
    }
    assert!(!reaches(&host, "front", &format!("tcp {on_back}:80")));
    assert!(!reaches(&host, "back", &format!("tcp {on_front}:80")));
    // Nor by the other leg of the one that is on both.
    let other_leg = address_on(&host, "both", "back");
    assert!(!reaches(&host, "front", &format!("tcp {other_leg}:80")));

    let interfaces = host.minet("exec both ip -brief link").succeed();
    assert!(
        interfaces.contains("eth0") && interfaces.contains("eth1"),
        "{interfaces}"
    );
    // The first in the alphabet leads out.
    let route = host.minet("exec both ip route show default").succeed();
    assert!(route.contains("dev eth1"), "{route}");
    drop((both, front, back));
}

#[test]
fn the_default_route_follows_priority_and_avoids_internal_networks() {
    let host = TestHost::new();
    host.minet("network create --internal aaa").succeed();
    host.minet("network create bbb").succeed();
    host.minet("network create ccc").succeed();
    let default = |networks: &str| {
        host.minet(format!("run --rm {networks} -- ip route show default"))
            .succeed()
    };
    assert!(default("--network aaa --network bbb").contains("dev eth1"));
    assert!(default("--network ccc --network bbb").contains("dev eth1"));
    assert!(default("--network bbb --network name=ccc,gw-priority=1").contains("dev eth1"));
    assert!(default("--network name=bbb,ifname=out0 --network aaa").contains("dev out0"));
    assert_eq!(default("--network aaa"), "");
}

#[test]
fn an_internal_network_has_no_way_out_and_no_way_in() {
    let host = TestHost::new();
    host.minet("network create --internal vault").succeed();
    let mut server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
    let one = host.serve("--name one --network vault -p 8080:80", "tcp:80");
    assert!(one.stderr().contains("discarded"), "{}", one.stderr());
    let two = host.idle("two", "--network vault");
    let address = address_on(&host, "one", "vault");
    assert!(reaches(&host, "two", &format!("tcp {address}:80")));
    assert_ne!(host.ask(Place::Host, "tcp 127.0.0.1:8080").code(), 0);
    assert_ne!(
        host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
            .code(),
        0
    );
    let probe = host.probe();
    let script = format!("ip route add default via 172.18.0.1; {probe} throw {SERVER}:53 evil");
    host.run_sh("--network vault --cap-add NET_ADMIN", &script)
        .succeed();
    let throw = format!("run --rm -- {probe} throw {SERVER}:53 good");
    host.minet(throw).succeed();
    server.wait_for("good");
    assert!(!server.stdout().contains("evil"), "{}", server.stdout());
    drop(two);
}

#[test]
fn without_icc_neighbours_are_apart_and_published_ports_are_not() {
    let host = TestHost::new();
    // With it, the kernel redirects the frame while it is still on the bridge, and the
    // isolated port does not let it out.
    host.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=0 || true")
        .succeed();
    host.minet("network create --icc=false flats").succeed();
    let one = host.serve("--name one --network flats -p 8080:80", "tcp:80");
    let two = host.idle("two", "--network flats");
    let address = address_on(&host, "one", "flats");
    assert!(!reaches(&host, "two", &format!("tcp {address}:80")));
    // At layer 2 as well: not even the Ethernet address can be found out. The bridge answers
    // in its place (proxy_arp_pvlan), so that links have a way, and drops what it gets.
    host.minet(format!("exec two busybox arping -c 1 -w 1 {address}"))
        .stdout();
    let neighbour = host
        .minet(format!("exec two ip neigh show {address}"))
        .succeed();
    let networks = &host.inspect("one")["NetworkSettings"]["Networks"];
    let mac = networks["flats"]["MacAddress"].as_str().expect("a MAC");
    assert!(!neighbour.contains(mac), "{neighbour}");
    assert!(reaches(&host, "two", &format!("tcp {HOST}:8080")));
    host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
        .succeed();
    drop((one, two));
}

#[test]
fn another_networks_gateway_is_closed_and_its_published_ports_are_open() {
    let host = TestHost::new();
    host.minet("network create a").succeed();
    host.minet("network create b").succeed();
    let web = host.serve("--name web --network b -p 8080:80", "tcp:80");
    let client = host.idle("client", "--network a");
    let gateway = host.serve_at(Place::Host, "tcp:172.19.0.1:9000");
    let anywhere = host.serve_at(Place::Host, "tcp:9001");
    // What listens at the gateway of b is meant for b.
    assert!(reaches(&host, "web", "tcp 172.19.0.1:9000"));
    assert!(!reaches(&host, "client", "tcp 172.19.0.1:9000"));
    assert!(!reaches(&host, "client", "tcp 172.19.0.1:9001"));
    assert!(reaches(&host, "client", "tcp 172.18.0.1:9001"));
    assert!(reaches(&host, "client", &format!("tcp {HOST}:9001")));
    // A published port is reached at every address of the host.
    for address in [HOST, "172.18.0.1", "172.19.0.1"] {
        assert!(
            reaches(&host, "client", &format!("tcp {address}:8080")),
            "{address}"
        );
    }
    drop((web, client, gateway, anywhere));
}

#[test]
fn addresses_come_from_the_range_and_leave_out_the_reserved() {
    let host = TestHost::new();
    host.minet(
        "network create --subnet 10.9.0.0/24 --gateway 10.9.0.254 --ip-range 10.9.0.8-10.9.0.10 --aux-address router=10.9.0.9 lab",
    )
    .succeed();
    let one = host.idle("one", "--network lab");
    let two = host.idle("two", "--network lab");
    assert_eq!(address_on(&host, "one", "lab"), "10.9.0.8");
    assert_eq!(address_on(&host, "two", "lab"), "10.9.0.10");
    host.minet("run --network lab -- true").refused(&[
        "no available IPv4 addresses on this network's address pools: lab (10.9.0.8-10.9.0.10)",
    ]);
    host.minet("run --network name=lab,ip=10.9.0.9 -- true")
        .refused(&["reserved"]);
    // A pinned address may be any of the subnet; afterwards nobody else is given it.
    host.minet("run --rm --name pinned --network name=lab,ip=10.9.0.77 -- true")
        .succeed();
    host.minet("run --network lab -- true")
        .refused(&["no available IPv4 addresses"]);
    let route = host.minet("exec one ip route show default").succeed();
    assert!(route.contains("via 10.9.0.254"), "{route}");
    drop((one, two));
}

#[test]
fn a_bridge_of_somebody_elses_is_used_and_left_alone() {
    let host = TestHost::new();
    host.sh(
        "ip link add br0 address 02:00:00:00:00:77 type bridge stp_state 1
             echo 1 >/proc/sys/net/ipv6/conf/br0/disable_ipv6
             ip addr add 10.77.0.1/24 dev br0
             ip link set br0 up",
    )
    .succeed();
    let before = host.snapshot();
    let created = host.minet("network create --bridge br0 office");
    let warning = created.stderr().to_owned();
    let command = "ip link set br0 type bridge stp_state 0";
    assert!(warning.contains("30 seconds"), "{warning}");
    assert_eq!(warning.matches(command).count(), 1, "{warning}");
    created.succeed();
    host.sh("ip link set br0 type bridge stp_state 0").succeed();
    let web = host.serve("--name web --network office -p 8080:80", "tcp:80");
    assert_eq!(address_on(&host, "web", "office"), "10.77.0.2");
    host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
        .succeed();
    host.ask(Place::Host, "tcp 127.0.0.1:8080").succeed();
    host.minet("rm -f web").succeed();
    drop(web);
    host.minet("network create --bridge br0 again")
        .refused_with(1, &["belongs to network office"]);
    host.minet("network rm office").succeed();
    host.sh("ip link set br0 type bridge stp_state 1").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn without_masquerade_a_container_keeps_its_address() {
    let host = TestHost::new();
    host.minet("network create --masquerade=false --subnet 10.9.0.0/24 routed")
        .succeed();
    let mut server = host.serve_at(Place::Neighbour, "udp:53");
    let probe = host.probe();
    let neighbour = minet_tests::NEIGHBOUR;
    host.minet(format!(
        "run --rm --network routed -- {probe} throw {neighbour}:53 hello"
    ))
    .succeed();
    server.wait_for("hello");
    assert!(server.stdout().contains("10.9.0.2"), "{}", server.stdout());
}

#[test]
fn automatic_subnets_avoid_the_host_and_each_other() {
    let host = TestHost::new();
    // A VPN's route in a table of its own.
    host.sh(
        "ip route add 172.18.0.0/16 dev lan0 table 51820; ip route add blackhole 172.20.1.0/24",
    )
    .succeed();
    for name in ["a", "b", "c"] {
        host.minet(["network", "create", name]).succeed();
    }
    let list = host.minet("network ls").succeed();
    let subnets: Vec<&str> = list
        .split_whitespace()
        .filter(|word| word.contains('/'))
        .collect();
    assert_eq!(subnets, ["172.19.0.0/16", "172.21.0.0/16", "172.22.0.0/16"]);
    // The default network still gets what everybody expects of it.
    let web = host.idle("web", "");
    assert_eq!(host.address_of("web"), "172.17.0.2");
    drop(web);
}

#[test]
fn prune_removes_what_nobody_uses() {
    let host = TestHost::new();
    for name in ["used", "stopped", "unused"] {
        host.minet(["network", "create", name]).succeed();
    }
    let web = host.idle("web", "--network used");
    host.minet("run --name old --network stopped -- true")
        .succeed();
    assert_eq!(host.minet("network prune").succeed(), "unused");
    let list = host.minet("network ls").succeed();
    assert!(list.contains("used") && list.contains("stopped"), "{list}");
    drop(web);
}
