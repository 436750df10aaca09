//! `-p`: who reaches a published port on which way, and whom the container sees.

use minet_tests::{HOST, HOST_V6, NEIGHBOUR, Place, Running, TestHost};
use serde_json::Value;

/// The bridge's address, which stands for a client whose own address cannot be kept: what
/// comes from 127.0.0.1 cannot be answered there, what comes from the same network would
/// be answered directly, what is relayed from IPv6 has no IPv4 address.
const GATEWAY: &str = "172.17.0.1";

/// Where the kernel has br_netfilter, it may pass frames between two ports of one bridge
/// through the rules for routed packets (1), or not (0). Both must do.
const BRIDGED_FRAMES: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/// Asks port 8080 of a host with one web server on every way there is.
fn every_path(protocol: &str, bridged_frames: &str) {
    let host = TestHost::new();
    host.sh(&format!(
        "test ! -e {BRIDGED_FRAMES} || echo {bridged_frames} >{BRIDGED_FRAMES}"
    ))
    .succeed();
    let publish = format!("-p 8080:5000/{protocol}");
    let server = host.serve(format!("--name web {publish}"), &format!("{protocol}:5000"));
    let _other = host.idle("other", "");
    let probe = host.probe();
    let inside =
        |name: &str, to: &str| host.minet(format!("exec {name} -- {probe} ask {protocol} {to}"));
    let outside = |place, to: &str| host.ask(place, &format!("{protocol} {to}"));
    let web = host.address_of("web");
    let paths = [
        (
            "LAN, by IPv4",
            outside(Place::Neighbour, &format!("{HOST}:8080")),
            NEIGHBOUR,
        ),
        (
            "LAN, by IPv6",
            outside(Place::Neighbour, &format!("[{HOST_V6}]:8080")),
            GATEWAY,
        ),
        (
            "host, by its address",
            outside(Place::Host, &format!("{HOST}:8080")),
            HOST,
        ),
        (
            "host, by its IPv6 address",
            outside(Place::Host, &format!("[{HOST_V6}]:8080")),
            GATEWAY,
        ),
        (
            "host, by 127.0.0.1",
            outside(Place::Host, "127.0.0.1:8080"),
            GATEWAY,
        ),
        (
            "host, by [::1]",
            outside(Place::Host, "[::1]:8080"),
            GATEWAY,
        ),
        (
            "host, by the container's address",
            outside(Place::Host, &format!("{web}:5000")),
            GATEWAY,
        ),
        (
            "another container",
            inside("other", &format!("{HOST}:8080")),
            GATEWAY,
        ),
        (
            "another container, by the gateway",
            inside("other", "172.17.0.1:8080"),
            GATEWAY,
        ),
        (
            "the container itself",
            inside("web", &format!("{HOST}:8080")),
            GATEWAY,
        ),
        (
            "the container itself, by the gateway",
            inside("web", "172.17.0.1:8080"),
            GATEWAY,
        ),
    ];
    let wrong: String = paths
        .iter()
        .filter(|(_, answer, client)| answer.stdout().trim_end() != *client)
        .map(|(path, answer, client)| format!("{path}, expected {client}:\n{answer}\n"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{wrong}\nthe server:\n{}",
        server.stdout()
    );
}

#[test]
fn every_path_to_a_tcp_port() {
    every_path("tcp", "0");
}

#[test]
fn every_path_to_a_udp_port() {
    every_path("udp", "0");
}

#[test]
fn every_path_to_a_tcp_port_with_rules_for_bridged_frames() {
    every_path("tcp", "1");
}

#[test]
fn every_path_to_a_udp_port_with_rules_for_bridged_frames() {
    every_path("udp", "1");
}

#[test]
fn a_port_on_loopback_is_the_hosts_alone() {
    let host = TestHost::new();
    let server = host.serve(
        "-p 127.0.0.1:8080:80 -p 127.0.0.1:8080:80/udp",
        "tcp:80 udp:80",
    );
    for protocol in ["tcp", "udp"] {
        let ask = |place, to: &str| host.ask(place, &format!("{protocol} {to}:8080"));
        assert_eq!(ask(Place::Host, "127.0.0.1").succeed(), GATEWAY);
        assert_eq!(ask(Place::Neighbour, HOST).code(), 1);
        assert_eq!(ask(Place::Host, HOST).code(), 1);
    }
    assert!(!server.stdout().contains(NEIGHBOUR), "{}", server.stdout());
}

#[test]
fn a_port_on_one_address_is_not_on_the_others() {
    let host = TestHost::new();
    let _server = host.serve(format!("-p {HOST}:8080:80").as_str(), "tcp:80");
    assert_eq!(
        host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
            .succeed(),
        NEIGHBOUR
    );
    assert_eq!(host.ask(Place::Host, "tcp 127.0.0.1:8080").code(), 1);
    assert_eq!(host.ask(Place::Host, "tcp [::1]:8080").code(), 1);
}

#[test]
fn an_ipv6_address_can_be_published_alone() {
    let host = TestHost::new();
    let _server = host.serve("-p [::1]:8080:80", "tcp:80");
    assert_eq!(host.ask(Place::Host, "tcp [::1]:8080").succeed(), GATEWAY);
    assert_eq!(host.ask(Place::Host, "tcp 127.0.0.1:8080").code(), 1);
    assert_eq!(
        host.ask(Place::Neighbour, &format!("tcp [{HOST_V6}]:8080"))
            .code(),
        1
    );
}

/// The host ports of a container port, as `inspect` shows them.
fn host_ports(host: &TestHost, name: &str, container_port: &str) -> Vec<u16> {
    let inspect = host.inspect(name);
    let bindings = &inspect["NetworkSettings"]["Ports"][container_port];
    let port = |binding: &Value| binding["HostPort"].as_str()?.parse().ok();
    let bindings = bindings.as_array().unwrap_or_else(|| panic!("{inspect:#}"));
    bindings
        .iter()
        .map(|binding| port(binding).expect("a number"))
        .collect()
}

#[test]
fn an_ephemeral_port_is_the_same_in_both_families() {
    let host = TestHost::new();
    let _web = host.serve("--name web -p 80 -p 127.0.0.1::81", "tcp:80 tcp:81");
    let ports = host_ports(&host, "web", "80/tcp");
    assert_eq!(ports.len(), 2, "IPv4 and IPv6: {ports:?}");
    assert_eq!(ports[0], ports[1]);
    let range = host.sysctl("net.ipv4.ip_local_port_range");
    let mut range = range
        .split_whitespace()
        .map(|word| word.parse().expect("a port"));
    let (first, last): (u16, u16) = (range.next().expect("first"), range.next().expect("last"));
    assert!((first..=last).contains(&ports[0]), "{ports:?}");
    for address in [HOST, &format!("[{HOST_V6}]")] {
        host.ask(Place::Neighbour, &format!("tcp {address}:{}", ports[0]))
            .succeed();
    }
    let ports = host_ports(&host, "web", "81/tcp");
    assert_eq!(ports.len(), 1);
    host.ask(Place::Host, &format!("tcp 127.0.0.1:{}", ports[0]))
        .succeed();
}

#[test]
fn of_a_range_the_first_free_port_is_taken() {
    let host = TestHost::new();
    let _taken = host.serve_at(Place::Host, "tcp:8001");
    let _first = host.serve("--name first -p 8000-8003:80", "tcp:80");
    let _second = host.serve("--name second -p 8000-8003:80", "tcp:80");
    assert_eq!(host_ports(&host, "first", "80/tcp"), [8000, 8000]);
    assert_eq!(host_ports(&host, "second", "80/tcp"), [8002, 8002]);
    host.ask(Place::Neighbour, &format!("tcp {HOST}:8002"))
        .succeed();
}

#[test]
fn ranges_of_one_length_are_published_pairwise() {
    let host = TestHost::new();
    let mut server = host.serve("-p 8000-8002:80-82", "tcp:80 tcp:81 tcp:82");
    for port in 8000..8003 {
        host.ask(Place::Neighbour, &format!("tcp {HOST}:{port} {port}"))
            .succeed();
    }
    server.wait_for("tcp 81 from 192.168.120.3: 8001");
}

#[test]
fn every_exposed_port_can_be_published() {
    let host = TestHost::new();
    let _web = host.serve(
        "--name web -P --expose 80-81 --expose 53/udp",
        "tcp:80 tcp:81 udp:53",
    );
    for (protocol, port) in [("tcp", "80/tcp"), ("tcp", "81/tcp"), ("udp", "53/udp")] {
        let host_port = host_ports(&host, "web", port)[0];
        host.ask(Place::Neighbour, &format!("{protocol} {HOST}:{host_port}"))
            .succeed();
    }
}

#[test]
fn tcp_and_udp_of_one_number_are_two_ports() {
    let host = TestHost::new();
    let mut tcp = host.serve("-p 8080:80", "tcp:80");
    let mut udp = host.serve("-p 8080:80/udp", "udp:80");
    host.ask(Place::Neighbour, &format!("tcp {HOST}:8080 by-tcp"))
        .succeed();
    host.ask(Place::Neighbour, &format!("udp {HOST}:8080 by-udp"))
        .succeed();
    tcp.wait_for("by-tcp");
    udp.wait_for("by-udp");
}

#[test]
fn a_published_port_is_held_by_a_socket_and_free_again_afterwards() {
    let host = TestHost::new();
    let mut web = host.serve("--rm -p 8080:80 -p 8080:80/udp", "tcp:80 udp:80");
    let probe = host.probe();
    for socket in [
        "tcp:8080",
        "udp:8080",
        "tcp:192.168.120.2:8080",
        "tcp:[::]:8080",
    ] {
        let attempt = host.exec(format!("timeout 2 {probe} serve {socket}"));
        assert_eq!(
            attempt.code(),
            1,
            "a host process could take {socket}\n{attempt}"
        );
    }
    web.signal("TERM");
    web.finish();
    let _taken = host.serve_at(Place::Host, "tcp:8080 udp:8080");
    assert_eq!(
        host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
            .succeed(),
        NEIGHBOUR
    );
}

#[test]
fn a_udp_client_follows_its_port_to_the_next_container() {
    let host = TestHost::new();
    let ask = |message| host.ask(Place::Neighbour, &format!("udp {HOST}:8053 {message} 4000"));
    // The kernel remembers flows; this one leads nowhere.
    assert_eq!(ask("nobody").code(), 1);
    let mut first = host.serve("--rm -p 8053:53/udp", "udp:53");
    ask("first").succeed();
    first.signal("TERM");
    first.finish();
    // Not the same port inside, which is what a flush by container port would miss.
    let mut second = host.serve("--rm -p 8053:54/udp", "udp:54");
    ask("second").succeed();
    second.wait_for("second");
}

#[test]
fn a_host_process_is_served_again_after_the_container() {
    let host = TestHost::new();
    let ask = || host.ask(Place::Neighbour, &format!("udp {HOST}:8053 again 4000"));
    let mut web = host.serve("--rm -p 8053:53/udp", "udp:53");
    ask().succeed();
    web.signal("TERM");
    web.finish();
    let mut server = host.serve_at(Place::Host, "udp:8053");
    ask().succeed();
    server.wait_for("again");
}

#[test]
fn many_connections_at_once_reach_the_container() {
    let host = TestHost::new();
    let mut server = host.serve("-p 8080:80", "tcp:80");
    let script = "for n in $(seq 50); do $0 ask tcp $1 $n & done; wait";
    let probe = host.probe();
    for address in [format!("{HOST}:8080"), format!("[{HOST_V6}]:8080")] {
        let answers = host.lan(["sh", "-c", script, &probe, &address]);
        assert_eq!(answers.stdout().lines().count(), 50, "{answers}");
    }
    let heard = |server: &Running<'_>| server.stdout().matches(" from ").count() == 100;
    server.wait_until("the server to hear 100 messages", heard);
}
