//! `--outbound-address` and `--route` of networks with IPv6.

use minet_tests::{HOST_V6, Place, TestHost};

/// One more address of the host, and the neighbour.
const ANOTHER: &str = "fd00:120::77";
const NEIGHBOUR_V6: &str = "fd00:120::3";

/// A host that has both, and prefers none but by number.
fn host() -> TestHost {
    let host = TestHost::new();
    // Not chosen by itself: what is deprecated is no source (RFC 6724, rule 3).
    host.sh(&format!(
        "ip addr add {ANOTHER}/64 dev lan0 nodad preferred_lft 0"
    ))
    .succeed();
    host
}

#[test]
fn connections_leave_under_a_certain_address_of_each_family() {
    let host = host();
    host.sh("ip addr add 192.168.120.77/24 dev lan0").succeed();
    let before = host.snapshot();
    for (options, words) in [
        (
            "--outbound-address fd00:120::77",
            &["fd00:120::77", "no IPv6 (--ipv6)"][..],
        ),
        (
            "--ipv6 --outbound-address fd00:120::78",
            &["fd00:120::78", "does not have", HOST_V6],
        ),
        (
            "--ipv6 --outbound-address fd00:120::77 --outbound-address fd00:120::2",
            &["at most one for IPv4 and one for IPv6"],
        ),
        (
            "--internal --outbound-address 192.168.120.77",
            &["--internal contradict"],
        ),
    ] {
        host.minet(format!("network create {options} shop"))
            .refused_with(1, words);
    }
    let both = "--ipv6 --outbound-address fd00:120::77 --outbound-address 192.168.120.77";
    host.minet(format!("network create {both} shop")).succeed();
    host.minet("network create --ipv6 -o com.docker.network.host_ipv6=fd00:120::77 docks")
        .succeed();
    host.minet("network create --ipv6 plain").succeed();
    let _server = host.serve_at(
        Place::Neighbour,
        "tcp:[fd00:120::3]:80 udp:[fd00:120::3]:80 tcp:192.168.120.3:80",
    );
    let seen = |network: &str, question: &str| {
        let script = format!("{} ask {question}", host.probe());
        host.run_sh(["--network", network], &script).succeed()
    };
    for question in ["tcp", "udp"].map(|how| format!("{how} [{NEIGHBOUR_V6}]:80")) {
        assert_eq!(seen("shop", &question), ANOTHER, "{question}");
        assert_eq!(seen("docks", &question), ANOTHER, "{question}");
        assert_eq!(seen("plain", &question), HOST_V6, "{question}");
    }
    assert_eq!(seen("shop", "tcp 192.168.120.3:80"), "192.168.120.77");
    let inspect = host.minet("network inspect shop").json();
    assert_eq!(inspect[0]["OutboundAddress6"], ANOTHER);
    let _web = host.idle("web", "--network shop");
    assert_eq!(host.minet("check").succeed(), "");

    // Changed, and taken back, while somebody is on it; and told when the host loses it.
    let ask = format!("exec web {} ask tcp [{NEIGHBOUR_V6}]:80", host.probe());
    host.minet("network set --outbound-address none shop")
        .succeed();
    assert_eq!(host.minet(ask.as_str()).succeed(), HOST_V6);
    host.minet("network set --outbound-address fd00:120::77 shop")
        .succeed();
    assert_eq!(host.minet(ask.as_str()).succeed(), ANOTHER);
    host.sh("ip addr del fd00:120::77/64 dev lan0").succeed();
    let check = host.minet("check");
    assert!(check.stdout().contains("fd00:120::77"), "{check}");
    assert_eq!(check.code(), 1, "{check}");
    host.sh("ip addr add fd00:120::77/64 dev lan0 nodad preferred_lft 0")
        .succeed();
    host.minet("rm -f web").succeed();
    host.minet("network prune -f").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn every_container_has_the_networks_ipv6_routes() {
    let host = TestHost::new();
    // Where bridged frames pass the rules, what lies behind a neighbour is known to them.
    host.sh("sysctl -qw net.bridge.bridge-nf-call-ip6tables=1 || true")
        .succeed();
    let before = host.snapshot();
    for (route, words) in [
        ("fd00:20::/64,fd00:8::5", "does not lie in subnet"),
        ("fd00:9::/64,fd00:9::5", "the network's own subnet"),
        ("fd00:20::/64,fd00:9::", "no host's"),
        ("ff00::/8,fd00:9::5", "multicast"),
        ("fe80::/64,fd00:9::5", "link-local"),
        (
            "fd00:20::/64,fd00:9::5 --route fd00:20::/64,fd00:9::6",
            "one route to each destination",
        ),
    ] {
        host.minet(format!(
            "network create --subnet fd00:9::/64 --route {route} lab"
        ))
        .refused_with(1, &[words]);
    }
    host.minet("network create --subnet fd00:9::/64 --route fd00:20::/64,fd00:9::5 lab")
        .succeed();
    let router = "--name router --network name=lab,ip6=fd00:9::5 --cap-add NET_ADMIN";
    let router = host.serve(router, "tcp:[::]:80");
    host.minet("exec router ip addr add fd00:20::1/64 dev lo nodad")
        .succeed();
    let client = host.idle("client", "--network lab");
    let routes = |name: &str| host.minet(["exec", name, "ip", "-6", "route"]).succeed();
    assert!(routes("client").contains("fd00:20::/64 via fd00:9::5"));
    assert!(!routes("router").contains("fd00:20::/64 via"));
    let ask = format!(
        "exec client timeout 5 {} ask tcp [fd00:20::1]:80",
        host.probe()
    );
    host.minet(ask).succeed();
    assert_eq!(host.minet("check").succeed(), "");
    host.sh("ip -6 -n client route del fd00:20::/64").succeed();
    assert!(host.minet("check").stdout().contains("fd00:20::/64"));
    host.minet("repair").succeed();
    assert_eq!(host.minet("check").succeed(), "");
    host.minet("network set --route-rm fd00:20::/64 --route fd00:21::/64,fd00:9::5 lab")
        .succeed();
    assert!(!routes("client").contains("fd00:20::/64"));
    assert!(routes("client").contains("fd00:21::/64 via fd00:9::5"));
    host.minet("rm -f router client").succeed();
    drop((router, client));
    host.minet("network rm lab").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}
