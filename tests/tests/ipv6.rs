//! Networks with IPv6: who reaches whom, under which address, and that nothing is left.
//!
//! No test waits for duplicate address detection: an address is usable at once.

use minet_tests::{HOST_V6, NEIGHBOUR_V6, Place, ROUTER_V6, Running, TestHost};

fn network(host: &TestHost, name: &str, options: &str) {
    host.minet(format!("network create {options} {name}"))
        .succeed();
}

/// A server on TCP and UDP port 80 of every address.
fn web<'a>(host: &'a TestHost, options: &str) -> Running<'a> {
    host.serve(options, "tcp:[::]:80 udp:[::]:80")
}

fn address6(host: &TestHost, name: &str) -> String {
    let template = "{{.NetworkSettings.GlobalIPv6Address}}";
    let address = host.minet(["inspect", "-f", template, name]).succeed();
    assert!(address.contains(':'), "{address:?}");
    address
}

/// What `probe ask` is answered inside a container.
fn ask_from(host: &TestHost, network: &str, question: &str) -> (i32, String) {
    let options = format!("--network {network}");
    let script = format!("{} ask {question}", host.probe());
    let finished = host.run_sh(options, &script);
    (finished.code(), finished.stdout().trim().to_owned())
}

#[test]
fn a_published_port_leads_to_the_container_under_the_clients_own_address() {
    let host = TestHost::new();
    network(&host, "a", "--ipv6");
    network(&host, "b", "--ipv6");
    let at = format!("-p [{HOST_V6}]:8443:80");
    let options = format!("--name web --network a -p 8080:80 -p 8080:80/udp {at}");
    let _web = web(&host, &options);
    let gateway = host
        .minet(["inspect", "-f", "{{.NetworkSettings.IPv6Gateway}}", "web"])
        .succeed();
    for (place, client) in [
        (Place::Neighbour, NEIGHBOUR_V6),
        (Place::Uplink, ROUTER_V6),
        (Place::Host, HOST_V6),
    ] {
        for question in [
            format!("tcp [{HOST_V6}]:8080"),
            format!("udp [{HOST_V6}]:8080"),
            format!("tcp [{HOST_V6}]:8443"),
        ] {
            let answer = host.ask(place, &question).succeed();
            assert_eq!(answer, client, "{question}");
        }
    }
    // The loopback does not lead out: its connections are relayed.
    let relayed = host.ask(Place::Host, "tcp [::1]:8080").succeed();
    assert!(relayed.ends_with(".1"), "{relayed}");
    // From the same network through the host, as whoever must see the answers come back.
    let to_host = format!("tcp [{HOST_V6}]:8080");
    assert_eq!(ask_from(&host, "a", &to_host), (0, gateway));
    // From another network as oneself.
    let (code, client) = ask_from(&host, "b", &to_host);
    assert_eq!(code, 0);
    assert!(client.starts_with("fd"), "{client}");
}

#[test]
fn the_way_out_is_under_the_hosts_address() {
    let host = TestHost::new();
    network(&host, "a", "--ipv6");
    network(&host, "routed", "--ipv6 --masquerade=false");
    let _server = host.serve_at(Place::Uplink, "tcp:[::]:9000");
    let question = format!("tcp [{ROUTER_V6}]:9000");
    assert_eq!(ask_from(&host, "a", &question), (0, HOST_V6.to_owned()));
    // Without masquerade nobody knows the way back, until somebody is told.
    assert_ne!(ask_from(&host, "routed", &question).0, 0);
    let subnet = host.minet("network inspect routed").json()[0]["IPAM"]["Config"][1]["Subnet"]
        .as_str()
        .unwrap()
        .to_owned();
    host.uplink(format!("ip route add {subnet} via {HOST_V6}"))
        .succeed();
    let (code, client) = ask_from(&host, "routed", &question);
    assert_eq!(code, 0);
    assert!(client.starts_with("fd") && client != HOST_V6, "{client}");
}

#[test]
fn neighbours_reach_each_other_and_other_networks_do_not() {
    let host = TestHost::new();
    network(&host, "a", "--ipv6");
    network(&host, "b", "--ipv6");
    let mut web = web(&host, "--name web --network a");
    let address = address6(&host, "web");
    let (code, client) = ask_from(&host, "a", &format!("tcp [{address}]:80"));
    assert_eq!((code, client.starts_with("fd")), (0, true));
    // A route in the neighbour's table leads past no guard.
    host.lan(format!("ip route add {address} via {HOST_V6}"))
        .succeed();
    let throw = |place, message: &str| {
        host.spawn(
            place,
            format!("{} throw [{address}]:80 {message}", host.probe()),
        )
        .finish();
    };
    throw(Place::Neighbour, "evil-lan");
    let script = format!("{} throw [{address}]:80 evil-network", host.probe());
    host.run_sh("--network b", &script);
    throw(Place::Host, "good");
    web.wait_for("good");
    assert!(!web.stdout().contains("evil"), "{}", web.stdout());
}

#[test]
fn internal_networks_have_no_way_out_and_apart_means_apart() {
    let host = TestHost::new();
    network(&host, "vault", "--ipv6 --internal");
    network(&host, "apart", "--ipv6 --icc=false");
    let routes = host
        .run_sh("--network vault", "ip -6 route show default")
        .succeed();
    assert_eq!(routes, "");
    let mut web = web(&host, "--name web --network apart");
    let address = address6(&host, "web");
    let script = format!("{} throw [{address}]:80 evil", host.probe());
    host.run_sh("--network apart", &script);
    host.spawn(
        Place::Host,
        format!("{} throw [{address}]:80 good", host.probe()),
    )
    .finish();
    web.wait_for("good");
    assert!(!web.stdout().contains("evil"), "{}", web.stdout());
}

#[test]
fn a_name_keeps_its_address_and_another_can_be_asked_for() {
    let host = TestHost::new();
    network(&host, "a", "--subnet fd00:9::/64 --subnet 10.9.0.0/24");
    let show = "ip -6 -o address show dev eth0 scope global";
    let first = host.run_sh("--name web --network a", show).succeed();
    host.run_sh("--name other --network a", "true").succeed();
    let again = host.run_sh("--name web --network a", show).succeed();
    assert_eq!(first, again);
    assert!(first.contains("fd00:9::2/64"), "{first}");
    let pinned = host
        .run_sh("--name web --network a --ip6 fd00:9::77", show)
        .succeed();
    assert!(pinned.contains("fd00:9::77/64"), "{pinned}");
    let leases = host.minet("leases").succeed();
    assert!(leases.contains("10.9.0.2, fd00:9::77"), "{leases}");
    let _holder = host.idle("holder", "--network name=a,ip6=fd00:9::5");
    for (options, message) in [
        ("--network a --ip6 fd00:9::5", "in use by container"),
        ("--network a --ip6 fd00:8::5", "no configured subnet"),
        ("--network a --ip6 fd00:9::1", "is the gateway"),
        ("--ip6 fd00:9::9", "has no IPv6"),
    ] {
        let refused = host.run_sh(options, "true");
        assert_eq!(refused.code(), 125, "{options}");
        assert!(refused.stderr().contains(message), "{}", refused.stderr());
    }
}

#[test]
fn a_running_container_gets_and_loses_ipv6_with_a_network() {
    let host = TestHost::new();
    network(&host, "a", "--ipv6");
    let _server = host.serve_at(Place::Uplink, "tcp:[::]:9000");
    let _web = host.idle("web", "");
    let ask = || {
        let probe = host.probe();
        let question = format!("[{ROUTER_V6}]:9000");
        let finished = host.minet(["exec", "web", &probe, "ask", "tcp", &question]);
        (finished.code(), finished.stdout().trim().to_owned())
    };
    assert_ne!(ask().0, 0);
    host.minet("network connect --ip6 fd00:0:0:1::9 a web")
        .refused_with(1, &["no configured subnet"]);
    host.minet("network connect a web").succeed();
    assert_eq!(ask(), (0, HOST_V6.to_owned()));
    host.minet("network disconnect a web").succeed();
    assert_ne!(ask().0, 0);
}

#[test]
fn networks_without_ipv6_have_none_and_bad_input_is_refused() {
    let host = TestHost::new();
    network(&host, "a", "--ipv6");
    let _both = host.idle("both", "--network a");
    let inside = host.run_sh("", "cat /proc/net/if_inet6").succeed();
    assert!(inside.lines().all(|line| line.ends_with("lo")), "{inside}");
    for (options, message) in [
        ("--subnet fe80::/64", "link-local"),
        ("--subnet ff02::/64", "multicast"),
        ("--subnet fd00:7::1/64", "it should be fd00:7::/64"),
        (
            "--subnet fd00:120::/64",
            "an address or a route of this host",
        ),
        ("--subnet fd00:7::/64 --subnet fd00:8::/64", "at most one"),
        (
            "--subnet fd00:7::/64 --gateway fd00:8::1",
            "does not lie in",
        ),
        ("--ipv6 --gateway fd00:8::1", "needs --subnet"),
        ("--ipv6=false --subnet fd00:7::/64", "--ipv6"),
        ("--ipv6 --mtu 1200", "1280"),
    ] {
        let refused = host.minet(format!("network create {options} x"));
        assert_ne!(refused.code(), 0, "{options}");
        assert!(refused.stderr().contains(message), "{}", refused.stderr());
    }
    assert_eq!(host.minet("network inspect x").code(), 1);
}

#[test]
fn taking_it_down_twice_leaves_nothing_and_forwarding_as_it_was() {
    let host = TestHost::new();
    host.sh("echo 1 >/proc/sys/net/ipv6/conf/lan0/accept_ra")
        .succeed();
    let before = host.snapshot();
    let ra = || host.sysctl("net.ipv6.conf.lan0.accept_ra");
    network(&host, "a", "--ipv6");
    network(&host, "b", "--opt com.docker.network.enable_ipv6=true");
    let web = web(&host, "--rm --name web --network a --network b -p 8080:80");
    assert_eq!(host.sysctl("net.ipv6.conf.all.forwarding"), "1");
    assert_eq!(ra(), "2");
    host.minet("check").succeed();
    host.minet("rm -f web").succeed();
    drop(web);
    // The first to go leaves the other its forwarding.
    host.minet("network rm a").succeed();
    assert_eq!(
        (host.sysctl("net.ipv6.conf.all.forwarding"), ra()),
        ("1".into(), "2".into())
    );
    host.minet("network rm b").succeed();
    host.minet("gc --all").succeed();
    host.minet("gc --all").succeed();
    assert_eq!(
        (host.sysctl("net.ipv6.conf.all.forwarding"), ra()),
        ("0".into(), "1".into())
    );
    before.assert_unchanged(&host);
}

#[test]
fn a_network_gets_and_loses_ipv6_while_nobody_is_on_it() {
    let host = TestHost::new();
    network(&host, "a", "");
    let show = "ip -6 -o address show dev eth0 scope global";
    let set = |value: &str| {
        let option = format!("com.docker.network.enable_ipv6={value}");
        host.minet(["network", "set", "--opt", &option, "a"])
    };
    let holder = host.idle("holder", "--network a");
    set("true").refused_with(1, &["IPv6", "holder"]);
    drop(holder);
    host.minet("rm -f holder").code();
    set("true").succeed();
    let with = host.run_sh("--network a", show).succeed();
    assert!(with.contains("inet6 fd"), "{with}");
    set("false").succeed();
    let without = host.run_sh("--network a", show).succeed();
    assert_eq!(without, "");
}

#[test]
fn a_firewall_that_drops_ipv6_lets_it_pass_and_is_as_before_in_the_end() {
    let host = TestHost::new();
    let firewall = "table ip6 filter { chain FORWARD {
        type filter hook forward priority 0; policy drop; }; }";
    host.exec(["nft", firewall]).succeed();
    let before = host.snapshot();
    let rules = || host.exec("nft list chain ip6 filter FORWARD").succeed();
    network(&host, "old", "");
    assert!(!rules().contains("minet"), "{}", rules());
    network(&host, "a", "--ipv6");
    let _server = host.serve_at(Place::Uplink, "tcp:[::]:9000");
    let question = format!("tcp [{ROUTER_V6}]:9000");
    assert_eq!(ask_from(&host, "a", &question), (0, HOST_V6.to_owned()));
    host.minet("check").succeed();
    host.minet("network rm a old").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}
