//! The way out: through the host, with the host's address.

use minet_tests::{HOST, NEIGHBOUR, Place, SERVER, TestHost};

fn ask_from_a_container(host: &TestHost, question: &str) -> String {
    host.minet(format!("run --rm -- {} ask {question}", host.probe()))
        .succeed()
}

#[test]
fn a_server_outside_sees_the_hosts_address() {
    let host = TestHost::new();
    let _server = host.serve_at(Place::Uplink, "tcp:203.0.113.7:80 udp:203.0.113.7:53");
    assert_eq!(
        ask_from_a_container(&host, &format!("tcp {SERVER}:80")),
        HOST
    );
    assert_eq!(
        ask_from_a_container(&host, &format!("udp {SERVER}:53")),
        HOST
    );
}

#[test]
fn a_neighbour_of_the_host_sees_the_hosts_address() {
    let host = TestHost::new();
    let _server = host.serve_at(Place::Neighbour, "tcp:80 udp:53");
    assert_eq!(
        ask_from_a_container(&host, &format!("tcp {NEIGHBOUR}:80")),
        HOST
    );
    assert_eq!(
        ask_from_a_container(&host, &format!("udp {NEIGHBOUR}:53")),
        HOST
    );
}

#[test]
fn the_host_sees_the_containers_own_address() {
    let host = TestHost::new();
    let _server = host.serve_at(Place::Host, "tcp:80");
    assert_eq!(
        ask_from_a_container(&host, "tcp 172.17.0.1:80"),
        "172.17.0.2"
    );
}

#[test]
fn containers_of_one_network_see_each_others_own_address() {
    let host = TestHost::new();
    let _web = host.serve("--name web", "tcp:80 udp:53");
    let web = host.address_of("web");
    for question in [format!("tcp {web}:80"), format!("udp {web}:53")] {
        let seen = ask_from_a_container(&host, &question);
        assert!(
            seen.starts_with("172.17.0.") && seen != web && seen != "172.17.0.1",
            "{seen}"
        );
    }
}

#[test]
fn a_new_uplink_is_used_without_telling_minet() {
    let host = TestHost::new();
    let server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
    let mut web = host.idle("web", "");
    let question = format!("exec web -- {} ask udp {SERVER}:53", host.probe());
    assert_eq!(host.minet(question.as_str()).succeed(), HOST);
    host.sh(
        "ip link set lan0 down; ip link set lan0 name wan0; ip address flush dev wan0
         ip address add 192.168.120.22/24 dev wan0; ip link set wan0 up
         ip route add default via 192.168.120.1",
    )
    .succeed();
    assert_eq!(host.minet(question.as_str()).succeed(), "192.168.120.22");
    assert!(!server.stdout().contains("172.17."), "{}", server.stdout());
    assert!(!web.has_ended());
}

#[test]
fn a_newcomer_announces_its_address() {
    let host = TestHost::new();
    host.minet("run --rm -- true").succeed();
    // An entry for somebody who had this address before must not survive the newcomer.
    host.exec("ip neigh replace 172.17.0.3 lladdr 02:00:00:00:00:99 nud reachable dev minet0")
        .succeed();
    let _web = host.serve("--name web --ip 172.17.0.3", "tcp:80");
    assert_eq!(
        host.ask(Place::Host, "tcp 172.17.0.3:80").succeed(),
        "172.17.0.1"
    );
}
