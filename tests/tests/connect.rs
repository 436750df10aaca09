//! Cables of running containers: plugged in, pulled out, and everything around them right.

use minet_tests::{HOST, Place, TestHost};

fn networks(host: &TestHost, names: &[&str]) {
    for name in names {
        host.minet(["network", "create", name]).succeed();
    }
}

fn address_on(host: &TestHost, container: &str, network: &str) -> String {
    let inspect = host.inspect(container);
    let address = &inspect["NetworkSettings"]["Networks"][network]["IPAddress"];
    address.as_str().expect("an address").to_owned()
}

fn reaches(host: &TestHost, container: &str, question: &str) -> bool {
    let command = format!("exec {container} timeout 2 {} ask {question}", host.probe());
    host.minet(command).code() == 0
}

#[test]
fn a_running_container_is_plugged_in_and_out() {
    let host = TestHost::new();
    networks(&host, &["front", "back"]);
    let web = host.serve("--name web --network front", "tcp:80");
    let db = host.serve("--name db --network back", "tcp:80");
    let on_back = address_on(&host, "db", "back");
    assert!(!reaches(&host, "web", &format!("tcp {on_back}:80")));

    host.minet("network connect --ip 172.19.0.77 --alias www back web")
        .succeed();
    assert_eq!(address_on(&host, "web", "back"), "172.19.0.77");
    assert!(reaches(&host, "web", &format!("tcp {on_back}:80")));
    assert!(reaches(&host, "db", "tcp 172.19.0.77:80"));
    let hosts = host.minet("exec web cat /etc/hosts").succeed();
    assert!(hosts.contains("172.19.0.77"), "{hosts}");
    let inspect = host.inspect("web");
    let aliases = &inspect["NetworkSettings"]["Networks"]["back"]["Aliases"];
    assert_eq!(aliases[0], "www");
    // The way out is not moved for a name that comes earlier in the alphabet.
    let route = host.minet("exec web ip route show default").succeed();
    assert!(route.contains("dev eth0"), "{route}");
    host.minet("network connect back web").refused_with(
        1,
        &["endpoint with name web already exists in network back"],
    );
    assert_eq!(host.minet("check").succeed(), "");

    host.minet("network disconnect back web").succeed();
    assert!(!reaches(&host, "web", &format!("tcp {on_back}:80")));
    let hosts = host.minet("exec web cat /etc/hosts").succeed();
    assert!(!hosts.contains("172.19.0.77"), "{hosts}");
    let links = host.minet("exec web ip -brief link").succeed();
    assert!(!links.contains("eth1"), "{links}");
    host.minet("network disconnect back web")
        .refused_with(1, &["container web is not connected to network back"]);
    host.minet("network disconnect -f back web").succeed();
    assert_eq!(host.minet("check").succeed(), "");

    // The address stays with the name.
    host.minet("network connect back web").succeed();
    assert_eq!(address_on(&host, "web", "back"), "172.19.0.77");
    drop((web, db));
}

#[test]
fn the_end_takes_connected_cables_along() {
    let host = TestHost::new();
    networks(&host, &["front", "back"]);
    let before = host.exec("ip -brief link").succeed();
    let web = host.idle("web", "--network front");
    host.minet("network connect back web").succeed();
    host.minet("network connect bridge web").succeed();
    host.minet("rm -f web").succeed();
    drop(web);
    for network in ["front", "back", "bridge"] {
        let inspect = host.minet(["network", "inspect", network]).json();
        assert!(inspect[0]["Containers"].as_object().unwrap().is_empty());
    }
    host.minet("gc --all").succeed();
    host.minet("network rm front back").succeed();
    let left = host.exec("ip -brief link").succeed();
    assert!(
        !left.contains("veth") && !left.contains("mn-"),
        "{before}\n{left}"
    );
}

#[test]
fn published_ports_follow_the_way_out() {
    let host = TestHost::new();
    networks(&host, &["aaa", "bbb"]);
    let web = host.serve("--name web --network bbb -p 8080:80", "tcp:80");
    let ask = || host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"));
    ask().succeed();
    host.minet("network connect --gw-priority 1 aaa web")
        .succeed();
    let route = host.minet("exec web ip route show default").succeed();
    assert!(route.contains("dev eth1"), "{route}");
    ask().succeed();
    host.ask(Place::Host, "tcp 127.0.0.1:8080").succeed();
    host.minet("network disconnect aaa web").succeed();
    let route = host.minet("exec web ip route show default").succeed();
    assert!(route.contains("dev eth0"), "{route}");
    ask().succeed();
    host.minet("network disconnect bbb web").succeed();
    assert_ne!(ask().code(), 0);
    let route = host.minet("exec web ip route").succeed();
    assert_eq!(route, "");
    host.minet("network connect aaa web").succeed();
    ask().succeed();
    assert_eq!(host.minet("check").succeed(), "");
    drop(web);
}

#[test]
fn some_containers_cannot_be_connected() {
    let host = TestHost::new();
    networks(&host, &["net"]);
    let web = host.idle("web", "");
    let on_host = host.idle("on-host", "--mode host");
    let alone = host.idle("alone", "--mode none");
    let guest = host.idle("guest", "--mode container:web");
    for (network, container, words) in [
        ("host", "web", "cannot connect container to host network"),
        ("net", "on-host", "cannot be connected to any other network"),
        ("net", "guest", "cannot be connected to any other network"),
        ("net", "alone", "private (none) mode"),
        ("none", "web", "private (none) mode"),
        ("nope", "web", "network nope not found"),
        ("net", "nobody", "No such container: nobody"),
    ] {
        host.minet(["network", "connect", network, container])
            .refused_with(1, &[words]);
    }
    host.minet("network connect --ip 10.0.0.1 net web")
        .refused_with(1, &["no configured subnet contains IP address"]);
    assert_eq!(host.minet("check").succeed(), "");
    drop((web, on_host, alone, guest));
}

#[test]
fn a_failing_connect_leaves_nothing() {
    let host = TestHost::new();
    networks(&host, &["net"]);
    let web = host.idle("web", "--network bridge --cap-add NET_ADMIN");
    // The name of the new interface is taken inside.
    host.minet("exec web ip link add eth1 type bridge")
        .succeed();
    let before = host.inspect("web");
    let failed = host.minet("network connect net web");
    assert_eq!(failed.code(), 1, "{failed}");
    assert!(failed.stderr().contains("eth1"), "{failed}");
    assert_eq!(host.inspect("web"), before);
    assert_eq!(host.minet("check").succeed(), "");
    host.minet("network connect --ifname lan7 net web")
        .succeed();
    let links = host.minet("exec web ip -brief link").succeed();
    assert!(links.contains("lan7"), "{links}");
    drop(web);
}
