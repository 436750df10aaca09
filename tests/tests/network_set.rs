//! What can be said of a network besides its subnet, when it is made and afterwards.

use minet_tests::{HOST, NEIGHBOUR, Place, TestHost};

/// A server on the neighbour's machine prints who it thinks has thrown this word.
fn source_of(host: &TestHost, network: &str, word: &str, port: u16) -> String {
    let mut server = host.serve_at(Place::Neighbour, &format!("udp:{port}"));
    let probe = host.probe();
    // A packet that waits for an address to be resolved is gone with its namespace.
    let script =
        format!("for i in 1 2 3; do {probe} throw {NEIGHBOUR}:{port} {word}; sleep 0.1; done");
    host.run_sh(["--network", network], &script).succeed();
    server.wait_for(word);
    server.stdout().to_owned()
}

#[test]
fn connections_leave_under_a_certain_address() {
    let host = TestHost::new();
    host.sh("ip addr add 192.168.120.77/24 dev lan0").succeed();
    let before = host.snapshot();
    let refused = host
        .minet("network create --outbound-address 192.168.120.78 shop")
        .refused_with(
            1,
            &["192.168.120.78", "does not have", HOST, "192.168.120.77"],
        );
    assert!(!refused.contains("127.0.0.1"), "{refused}");
    host.minet("network create --masquerade=false --outbound-address 192.168.120.77 shop")
        .refused_with(1, &["contradict"]);
    host.minet("network create --outbound-address 192.168.120.77 --subnet 10.9.0.0/24 shop")
        .succeed();
    host.minet("network create -o com.docker.network.host_ipv4=192.168.120.77 docks")
        .succeed();
    host.minet("network create plain").succeed();
    for (network, address, port) in [
        ("shop", "192.168.120.77", 5001),
        ("docks", "192.168.120.77", 5002),
        ("plain", HOST, 5003),
    ] {
        let said = source_of(&host, network, network, port);
        assert!(said.contains(address), "{network}: {said}");
    }
    // A published port is answered from where it was asked.
    let web = host.serve("--name web --network shop -p 8080:80", "tcp:80");
    host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
        .succeed();
    let inspect = host.minet("network inspect shop").json();
    assert_eq!(inspect[0]["OutboundAddress"], "192.168.120.77");
    assert_eq!(host.minet("check").succeed(), "");
    // The host loses it: nothing is done behind anybody's back, and check says so.
    host.sh("ip addr del 192.168.120.77/24 dev lan0").succeed();
    let check = host.minet("check");
    assert_eq!(check.code(), 1, "{check}");
    assert!(
        check.stdout().contains("192.168.120.77") && check.stdout().contains("no longer"),
        "{check}"
    );
    host.sh("ip addr add 192.168.120.77/24 dev lan0").succeed();
    assert_eq!(host.minet("check").succeed(), "");
    host.minet("rm -f web").succeed();
    drop(web);
    host.minet("network prune").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn every_container_has_the_networks_routes() {
    let host = TestHost::new();
    let before = host.snapshot();
    for (route, words) in [
        ("10.20.0.0/16,10.8.0.5", "does not lie in subnet"),
        ("10.9.0.0/24,10.9.0.5", "the network's own subnet"),
        ("fd00::/64,fd00:1::5", "IPv6"),
    ] {
        host.minet(format!(
            "network create --subnet 10.9.0.0/24 --route {route} lab"
        ))
        .refused_with(1, &[words]);
    }
    host.minet("network create --subnet 10.9.0.0/24 --route 10.20.0.0/16 lab")
        .refused_with(2, &["DESTINATION,GATEWAY"]);
    host.minet(
        "network create --subnet 10.9.0.0/24 --route 10.20.0.0/16,10.9.0.5 --route 203.0.113.99/32,10.9.0.5 lab",
    )
    .succeed();
    let inspect = host.minet("network inspect lab").json();
    assert_eq!(inspect[0]["Routes"][0], "10.20.0.0/16,10.9.0.5");
    // The router itself has no route to itself, but what it leads to.
    let router = host.serve(
        "--name router --network name=lab,ip=10.9.0.5 --cap-add NET_ADMIN",
        "tcp:80",
    );
    host.minet("exec router ip addr add 10.20.0.1/16 dev lo")
        .succeed();
    let client = host.idle("client", "--network lab");
    let routes = |name: &str| host.minet(["exec", name, "ip", "route"]).succeed();
    assert!(
        routes("client").contains("10.20.0.0/16 via 10.9.0.5"),
        "{}",
        routes("client")
    );
    assert!(
        !routes("router").contains("10.20.0.0/16 via"),
        "{}",
        routes("router")
    );
    let probe = host.probe();
    host.minet(format!(
        "exec client timeout 5 {probe} ask tcp 10.20.0.1:80"
    ))
    .succeed();
    assert_eq!(host.minet("check").succeed(), "");
    host.sh("ip -n client route del 10.20.0.0/16").succeed();
    assert!(host.minet("check").stdout().contains("10.20.0.0/16"));
    host.minet("repair").succeed();
    assert_eq!(host.minet("check").succeed(), "");

    // They come and go with the cable.
    let late = host.idle("late", "");
    host.minet("network connect lab late").succeed();
    assert!(
        routes("late").contains("203.0.113.99 via 10.9.0.5 dev eth1"),
        "{}",
        routes("late")
    );
    host.minet("network disconnect lab late").succeed();
    assert!(!routes("late").contains("10.9.0.5"), "{}", routes("late"));
    let script = host
        .minet("run --dry-run --script --network lab -- true")
        .succeed();
    assert!(
        script.contains("route replace 10.20.0.0/16 via 10.9.0.5"),
        "{script}"
    );
    host.minet("rm -f router client late").succeed();
    drop((router, client, late));
    host.minet("network rm lab").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

/// What a probe in one container gets from another.
fn reaches(host: &TestHost, from: &str, address: &str) -> bool {
    let probe = host.probe();
    let command = format!("exec {from} timeout 1 {probe} ask tcp {address}:80");
    host.minet(command).code() == 0
}

#[test]
fn a_network_changes_under_the_containers_on_it() {
    let host = TestHost::new();
    host.sh("ip addr add 192.168.120.77/24 dev lan0").succeed();
    host.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=0 || true")
        .succeed();
    let before = host.snapshot();
    host.minet("network create --subnet 10.9.0.0/24 --label tier=db --label old lab")
        .succeed();
    let web = host.serve("--name web --network lab -p 8080:80", "tcp:80");
    let client = host.idle("client", "--network lab --network bridge");
    assert!(reaches(&host, "client", "10.9.0.2"));
    let mtu = |place: &str| {
        host.sh(&format!("{place} | grep -o 'mtu [0-9]*' | sort -u"))
            .succeed()
    };

    let explained = host.minet(
        "network set --icc=false --mtu 1400 --outbound-address 192.168.120.77 --route 10.20.0.0/16,10.9.0.3 --label tier=web --label-rm old --explain lab",
    );
    for words in [
        "delete element inet minet within",
        "add element inet minet outbound { 10.9.0.0/24",
        "isolated on",
        "mtu 1400",
        "ip -n web route replace 10.20.0.0/16 via 10.9.0.3 dev eth0",
    ] {
        assert!(explained.stderr().contains(words), "{words}\n{explained}");
    }
    explained.succeed();
    assert!(!reaches(&host, "client", "10.9.0.2"));
    assert_eq!(mtu("ip -n web link show eth0"), "mtu 1400");
    assert_eq!(mtu("ip link show type bridge | grep mn-"), "mtu 1400");
    let routes = host.minet("exec web ip route").succeed();
    assert!(routes.contains("10.20.0.0/16 via 10.9.0.3"), "{routes}");
    let inspect = host.minet("network inspect lab").json();
    assert_eq!(inspect[0]["Mtu"], 1400);
    assert_eq!(inspect[0]["Labels"]["tier"], "web");
    assert!(inspect[0]["Labels"].get("old").is_none());
    assert_eq!(host.minet("check").succeed(), "");
    // Connections outside do not notice, and newcomers are like the others.
    host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
        .succeed();
    let late = host.idle("late", "--network lab");
    assert!(!reaches(&host, "late", "10.9.0.2"));
    assert!(source_of(&host, "lab", "hello", 5004).contains("192.168.120.77"));

    host.minet("network set --icc --mtu 1500 --outbound-address none --route-rm 10.20.0.0/16 lab")
        .succeed();
    assert!(reaches(&host, "client", "10.9.0.2") && reaches(&host, "late", "10.9.0.2"));
    let routes = host.minet("exec web ip route").succeed();
    assert!(!routes.contains("10.20.0.0"), "{routes}");
    assert_eq!(host.minet("check").succeed(), "");
    host.minet("rm -f web client late").succeed();
    drop((web, client, late));
    host.minet("network rm lab").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

/// A neighbour's own MAC that a container remembers leads nowhere once they are apart.
#[test]
fn along_a_link_those_who_knew_each_other_meet_at_once() {
    let host = TestHost::new();
    host.minet("network create --subnet 10.9.0.0/24 lab")
        .succeed();
    let web = host.serve("--name web --network lab --expose 80", "tcp:80");
    let client = host.idle("client", "--network lab");
    assert!(reaches(&host, "client", "10.9.0.2"));
    host.minet("network set --icc=false lab").succeed();
    host.minet("link web client").succeed();
    assert!(reaches(&host, "client", "10.9.0.2"));
    host.minet("network set --icc lab").succeed();
    assert!(reaches(&host, "client", "10.9.0.2"));
    drop((web, client));
}

#[test]
fn what_cannot_change_under_containers_waits_for_them() {
    let host = TestHost::new();
    host.minet("network create --subnet 10.9.0.0/24 lab")
        .succeed();
    host.minet("network create plain").succeed();
    let web = host.idle("web", "--network lab");
    for (options, what) in [
        ("--subnet 10.8.0.0/24", "the subnet"),
        ("--gateway 10.9.0.9", "the gateway"),
        ("--anti-spoof=false", "--anti-spoof"),
        ("--subnet 10.8.0.0/24 --label x", "the subnet"),
    ] {
        host.minet(format!("network set {options} lab"))
            .refused_with(1, &[what, "web", "stop or disconnect"]);
    }
    for (options, words) in [
        (
            "--route 10.20.0.0/16,10.7.0.1 lab",
            "does not lie in subnet",
        ),
        (
            "--outbound-address 192.0.2.1 lab",
            "does not have the address",
        ),
        ("--label x bridge", "pre-defined"),
        ("--label x nope", "network nope not found"),
        ("--opt nonsense=1 lab", "unknown network option"),
    ] {
        host.minet(format!("network set {options}"))
            .refused_with(1, &[words]);
    }
    assert_eq!(host.minet("check").succeed(), "");
    host.minet("rm -f web").succeed();
    drop(web);
    host.minet("network set --subnet 172.18.0.0/16 lab")
        .refused_with(1, &["overlaps", "plain"]);
    host.minet("network set --subnet 10.8.0.0/24 --internal lab")
        .succeed();
    let web = host.idle("web", "--network lab");
    let inspect = host.inspect("web");
    assert_eq!(
        inspect["NetworkSettings"]["Networks"]["lab"]["IPAddress"],
        "10.8.0.2"
    );
    assert_eq!(host.minet("exec web ip route show default").succeed(), "");
    assert_eq!(host.minet("check").succeed(), "");
    drop(web);
}

#[test]
fn one_that_fails_changes_nothing() {
    let host = TestHost::new();
    host.minet("network create --subnet 10.9.0.0/24 lab")
        .succeed();
    let one = host.idle("one", "--network lab");
    let two = host.idle("two", "--network lab");
    // The route cannot be set where the interface is down.
    host.sh("ip -n two link set eth0 down").succeed();
    let before = host.minet("network inspect lab").json();
    host.minet("network set --icc=false --mtu 1400 --route 10.20.0.0/16,10.9.0.9 lab")
        .refused_with(1, &["two", "eth0"]);
    assert_eq!(host.minet("network inspect lab").json(), before);
    host.sh("ip -n two link set eth0 up").succeed();
    host.sh("ip -n two route replace default via 10.9.0.1")
        .succeed();
    assert_eq!(host.minet("check").succeed(), "");
    let link = host
        .sh("ip -n one link show eth0; ip -n one route")
        .succeed();
    assert!(
        link.contains("mtu 1500") && !link.contains("10.20.0.0"),
        "{link}"
    );
    drop((one, two));
}
