//! The attacks of [`crate::isolation`], by IPv6.

use crate::isolation::{assert_heard, throw};
use minet_tests::{HOST_V6, NEIGHBOUR_V6, Place, ROUTER_V6, TestHost};

/// An address beyond the router.
const SERVER_V6: &str = "2001:db8:7::7";

/// Plays it with a network `six`, on which containers get addresses from fd00:9::/64.
#[track_caller]
fn with_a_network(play: impl Fn(&TestHost)) {
    TestHost::whether_frames_are_judged_or_not(|host| {
        make_network(host);
        play(host);
    });
}

fn make_network(host: &TestHost) {
    host.minet("network create --subnet 10.9.0.0/24 --subnet fd00:9::/64 six")
        .succeed();
}

#[test]
fn a_route_to_the_containers_leads_a_neighbour_nowhere() {
    with_a_network(|host| {
        let mut web = host.serve(
            "--name web --network six --ip6 fd00:9::77 -p 8080:80/udp",
            "udp:[::]:80 udp:[::]:81",
        );
        let mut host_itself = host.serve_at(Place::Host, "udp:[fd00:9::1]:81");
        host.lan(format!("ip route add fd00:9::/64 via {HOST_V6}"))
            .succeed();
        for (address, message) in [
            ("[fd00:9::77]:80", "evil-published"),
            ("[fd00:9::77]:81", "evil-unpublished"),
            ("[fd00:9::1]:81", "evil-gateway"),
        ] {
            throw(host, Place::Neighbour, address, message);
        }
        let ping = "busybox ping -c 1 -W 1 fd00:9::77";
        assert_ne!(host.lan(ping).code(), 0);
        throw(host, Place::Neighbour, &format!("[{HOST_V6}]:8080"), "good");
        throw(host, Place::Host, "[fd00:9::1]:81", "good");
        assert_heard(&mut web, "good", "evil");
        assert_heard(&mut host_itself, "good", "evil");
    });
}

#[test]
fn a_route_to_the_loopback_leads_a_neighbour_nowhere() {
    with_a_network(|host| {
        let options = "--network six -p [::1]:8080:80/udp";
        let mut web = host.serve(options, "udp:[::]:80");
        let mut local = host.serve_at(Place::Host, "udp:[::1]:9000");
        let script = format!(
            "ip -6 route delete local ::1 dev lo table local
             ip -6 address delete ::1/128 dev lo 2>/dev/null || :
             ip -6 route add ::1/128 via {HOST_V6}"
        );
        host.lan(["sh", "-euc", &script]).succeed();
        throw(host, Place::Neighbour, "[::1]:8080", "evil-published");
        throw(host, Place::Neighbour, "[::1]:9000", "evil-local");
        throw(host, Place::Host, "[::1]:8080", "good");
        throw(host, Place::Host, "[::1]:9000", "good");
        assert_heard(&mut web, "good", "evil");
        assert_heard(&mut local, "good", "evil");
    });
}

#[test]
fn a_container_does_not_reach_the_hosts_loopback() {
    with_a_network(|host| {
        let mut local = host.serve_at(Place::Host, "udp:[::1]:9000");
        let script = format!(
            "ip -6 route delete local ::1 dev lo table local
             ip -6 address delete ::1/128 dev lo 2>/dev/null || :
             ip -6 route add ::1/128 via fd00:9::1
             {} throw [::1]:9000 evil",
            host.probe()
        );
        host.run_sh("--network six --cap-add NET_ADMIN", &script)
            .succeed();
        throw(host, Place::Host, "[::1]:9000", "good");
        assert_heard(&mut local, "good", "evil");
    });
}

#[test]
fn a_container_cannot_send_as_somebody_else() {
    with_a_network(|host| {
        let to = format!("[{ROUTER_V6}]:53");
        let mut server = host.serve_at(Place::Uplink, &format!("udp:{to}"));
        host.uplink(format!("ip route add 2001:db8:9::9/128 via {HOST_V6}"))
            .succeed();
        let script = format!(
            "{probe} throw {to} good
             ip address add 2001:db8:9::9/128 dev lo
             ip -6 route replace default via fd00:9::1 src 2001:db8:9::9
             {probe} throw {to} evil",
            probe = host.probe()
        );
        host.run_sh("--network six --cap-add NET_ADMIN", &script)
            .succeed();
        assert_heard(&mut server, "good", "evil");
    });
}

/// A server beyond the router, and the host's way to it.
fn beyond(host: &TestHost) {
    host.uplink(format!("ip address add {SERVER_V6}/128 dev lo"))
        .succeed();
    host.uplink(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"])
        .succeed();
    host.exec(format!("ip route add {SERVER_V6} via {ROUTER_V6}"))
        .succeed();
}

/// The neighbour sends to the server, by way of somebody.
fn transit(host: &TestHost, by: &str, message: &str) {
    host.lan(format!("ip route replace {SERVER_V6} via {by}"))
        .succeed();
    throw(
        host,
        Place::Neighbour,
        &format!("[{SERVER_V6}]:53"),
        message,
    );
}

#[test]
fn the_host_does_not_become_a_router_for_others() {
    with_a_network(|host| {
        beyond(host);
        let mut server = host.serve_at(Place::Uplink, &format!("udp:[{SERVER_V6}]:53"));
        transit(host, HOST_V6, "evil-before");
        let _web = host.idle("web", "--network six");
        assert_eq!(host.sysctl("net.ipv6.conf.all.forwarding"), "1");
        transit(host, HOST_V6, "evil-after");
        transit(host, ROUTER_V6, "good");
        assert_heard(&mut server, "good", "evil");
    });
}

#[test]
fn a_host_that_was_a_router_remains_one() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        beyond(host);
        host.sh("echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
            .succeed();
        make_network(host);
        let mut server = host.serve_at(Place::Uplink, &format!("udp:[{SERVER_V6}]:53"));
        let _web = host.idle("web", "--network six");
        transit(host, HOST_V6, "through-the-host");
        server.wait_for("through-the-host");
        assert!(
            server.stdout().contains(NEIGHBOUR_V6),
            "{}",
            server.stdout()
        );
        host.minet("rm -f web").succeed();
        host.minet("network rm six").succeed();
        host.minet("gc --all").succeed();
        assert_eq!(host.sysctl("net.ipv6.conf.all.forwarding"), "1");
    });
}

#[test]
fn a_published_port_does_not_capture_what_goes_elsewhere() {
    with_a_network(|host| {
        let web = host.serve("--network six -p 53:53/udp", "udp:[::]:53");
        let mut neighbour = host.serve_at(Place::Neighbour, "udp:[::]:53");
        let probe = host.probe();
        let to = format!("udp [{NEIGHBOUR_V6}]:53");
        host.minet(format!(
            "run --rm --network six -- {probe} ask {to} elsewhere"
        ))
        .succeed();
        host.ask(Place::Host, &format!("{to} elsewhere-too"))
            .succeed();
        neighbour.wait_for("elsewhere-too");
        assert!(!web.stdout().contains("elsewhere"), "{}", web.stdout());
    });
}

/// Neither for addresses of its other interfaces nor for those of others; also not where it
/// answers for neighbours that are kept apart.
#[test]
fn the_host_answers_for_its_address_on_that_network_alone() {
    with_a_network(|host| {
        host.minet("network create --icc=false --subnet 10.8.0.0/24 --subnet fd00:8::/64 apart")
            .succeed();
        let _web = host.idle("web", "--network six --ip6 fd00:9::77");
        for (network, gateway) in [("six", "fd00:9::1"), ("apart", "fd00:8::1")] {
            let script = format!(
                "ping -q -c 1 -W 5 {gateway} >/dev/null
                 for address in {HOST_V6} {NEIGHBOUR_V6} {SERVER_V6} fd00:9::99 fd00:8::99; do
                     ip -6 route replace $address dev eth0
                     ! ping -q -c 1 -W 1 $address >/dev/null || exit 7
                     ip -6 neigh show $address dev eth0 | grep -qE 'FAILED|INCOMPLETE'
                 done"
            );
            host.run_sh(format!("--network {network} --cap-add NET_ADMIN"), &script)
                .succeed();
        }
    });
}
