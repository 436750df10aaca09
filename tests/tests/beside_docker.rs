//! Beside Docker: its firewall drops what it does not know, and minet gets along with it.
//!
//! The rules are those that Docker 20.10 makes with `iptables`; the container behind
//! `docker0` is a namespace, which the host's LAN reaches at port 9090.

use minet_tests::{HOST, NEIGHBOUR, Place, Running, SERVER, TestHost};

/// As `iptables-save` lists them, in front of a container at 172.17.0.2.
const RULES: &str = "
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 9090 -j DNAT --to-destination 172.17.0.2:80
COMMIT
";

const BRIDGE: &str = "
    ip link add docker0 type bridge; ip link set docker0 addrgenmode none; ip address add 172.17.0.1/16 dev docker0
    ip link set docker0 up; mkdir -p /run/netns; ip netns add docked
    ip link add d0 type veth peer name eth0 netns docked
    ip link set d0 addrgenmode none; ip link set d0 master docker0 up
    ip -n docked address add 172.17.0.2/16 dev eth0; ip -n docked link set eth0 up
    ip -n docked link set lo up; ip -n docked route add default via 172.17.0.1
    echo 1 >/proc/sys/net/ipv4/ip_forward";

/// What Docker does when it starts, and a container of its own in which a server listens on
/// port 80, which is published, and 81, which is not.
fn docker(host: &TestHost) -> Running<'_> {
    let rules = host.file("rules", RULES);
    host.sh(BRIDGE).succeed();
    host.sh(&format!("iptables-restore {}", rules.display()))
        .succeed();
    let serve = format!("ip netns exec docked {} serve tcp:80 tcp:81", host.probe());
    let mut server = host.spawn(Place::Host, serve);
    server.wait_for("ready");
    server
}

#[track_caller]
fn ask_from_a_container(host: &TestHost, question: &str) -> String {
    host.minet(format!("run --rm -- {} ask {question}", host.probe()))
        .succeed()
}

#[track_caller]
fn ask_from_docker(host: &TestHost, question: &str) -> String {
    let ask = format!("ip netns exec docked {} ask {question}", host.probe());
    host.exec(ask).succeed()
}

fn forward(host: &TestHost) -> String {
    host.exec("iptables -S FORWARD").succeed()
}

#[test]
fn both_reach_out_and_are_reached_and_docker_s_rules_are_as_before() {
    let host = TestHost::new();
    let _docked = docker(&host);
    let _server = host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80"));
    let (before, rules_before) = (host.snapshot(), forward(&host));

    let outside = format!("tcp {SERVER}:80");
    let first = host.minet(format!("run --rm -- {} ask {outside}", host.probe()));
    let note = "ip filter FORWARD of another firewall drops what it does not know";
    assert!(first.stderr().contains(note), "{}", first.stderr());
    assert_eq!(first.succeed(), HOST);
    let web = host.serve("--name web -p 8080:80", "tcp:80 tcp:81");
    let address = host.address_of("web");

    // Docker's rules come first, and minet's are such as iptables can read.
    let rules = "-m comment --comment \"minet: network bridge on minet0\" -j ACCEPT";
    assert_eq!(
        forward(&host),
        format!("{rules_before}\n-A FORWARD -i minet0 {rules}\n-A FORWARD -o minet0 {rules}")
    );
    host.minet("check").succeed();

    let ask = |place, question: &str| host.ask(place, question).succeed();
    assert_eq!(
        ask(Place::Neighbour, &format!("tcp {HOST}:8080")),
        NEIGHBOUR
    );
    assert_eq!(
        ask(Place::Neighbour, &format!("tcp {HOST}:9090")),
        NEIGHBOUR
    );
    assert_eq!(ask_from_docker(&host, &outside), HOST);

    // They meet at what they publish, and nowhere else.
    ask_from_a_container(&host, &format!("tcp {HOST}:9090"));
    ask_from_docker(&host, &format!("tcp {HOST}:8080"));
    let into_docker = format!("run --rm -- {} ask tcp 172.17.0.2:81", host.probe());
    host.minet(into_docker.as_str()).end_with(1);
    let into_minet = format!("ip netns exec docked {} ask tcp {address}:81", host.probe());
    host.exec(into_minet.as_str()).end_with(1);

    host.minet("rm -f web").succeed();
    web.finish();
    host.minet("gc --all").succeed();
    assert_eq!(forward(&host), rules_before);
    before.assert_unchanged(&host);
}

#[test]
fn a_firewall_that_comes_later_is_noticed_and_passed() {
    let host = TestHost::new();
    host.sh("echo 1 >/proc/sys/net/ipv4/ip_forward").succeed();
    let _server = host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80"));
    let before = host.snapshot();
    let mut web = host.idle("web", "");
    host.minet("check").succeed();

    host.sh("iptables -P FORWARD DROP").succeed();
    let found = host.minet("check").end_with(1);
    let difference = "ip filter FORWARD drops what it does not know, and does not know minet0";
    assert!(found.contains(difference), "{found}");
    // What cures it does not stop the container.
    host.minet("gc").succeed();
    host.minet("check").succeed();
    let question = format!("exec web -- {} ask tcp {SERVER}:80", host.probe());
    assert_eq!(host.minet(question.as_str()).succeed(), HOST);
    assert!(!web.has_ended());
    assert_eq!(forward(&host).lines().count(), 3);

    // A chain that goes takes the rules along, and is not missed.
    host.sh("nft delete table ip filter").succeed();
    host.minet("check").succeed();
    host.minet("rm -f web").succeed();
    web.finish();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn who_comes_later_and_relies_on_minet_s_forwarding_is_passed_on() {
    let host = TestHost::new();
    let _server = host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80"));
    // Docker takes a subnet that is free.
    host.minet("network create --subnet 10.55.0.0/24 ours")
        .succeed();
    let options = "--name web -p 8080:80 --network ours --ip 10.55.0.9";
    let web = host.serve(options, "tcp:80");
    host.minet("check").succeed();
    // Docker leaves the policy alone where it finds forwarding on.
    let _docked = docker(&host);
    host.sh("iptables -P FORWARD ACCEPT").succeed();
    host.minet("check").succeed();

    let outside = format!("tcp {SERVER}:80");
    assert_eq!(ask_from_docker(&host, &outside), HOST);
    let published = host.ask(Place::Neighbour, &format!("tcp {HOST}:9090"));
    assert_eq!(published.succeed(), NEIGHBOUR);
    ask_from_docker(&host, &format!("tcp {HOST}:8080"));
    let into_minet = format!("ip netns exec docked {} ask tcp 10.55.0.9:80", host.probe());
    host.exec(into_minet.as_str()).end_with(1);

    // It goes on when minet's containers have gone, and the host is no router either way.
    host.minet("rm -f web").succeed();
    web.finish();
    let told = host.minet("gc --all").succeed();
    assert!(told.contains("since docker0 came after minet"), "{told}");
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "1");
    assert_eq!(ask_from_docker(&host, &outside), HOST);
    let table = host.sh("nft list chain inet minet transit").succeed();
    assert!(table.contains("this host is no router"), "{table}");

    // When nobody relies on it any more, nothing is left.
    host.sh("ip link delete docker0").succeed();
    host.minet("gc").succeed();
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "0");
    host.sh("nft list table inet minet").end_with(1);
}

#[test]
fn whose_bridge_was_there_before_is_named() {
    let host = TestHost::new();
    host.sh("ip link add docker0 type bridge").succeed();
    let _web = host.idle("web", "");
    host.sh("iptables -N DOCKER").succeed();
    let found = host.minet("check").end_with(1);
    let difference = "when docker0 was there already, and drops what Docker would pass on";
    assert!(found.contains(difference), "{found}");
}
