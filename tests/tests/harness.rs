//! The throw-away host itself: what the other tests rely on.

use minet_tests::{HOST, HOST_V6, NEIGHBOUR, NEIGHBOUR_V6, Place, SERVER, TestHost};

#[test]
fn the_neighbour_and_the_server_reach_the_host() {
    let host = TestHost::new();
    let mut server = host.serve_at(Place::Host, "tcp:80 udp:80 tcp:[::]:81");
    for protocol in ["tcp", "udp"] {
        let from = |place| host.ask(place, &format!("{protocol} {HOST}:80")).succeed();
        assert_eq!(from(Place::Neighbour), NEIGHBOUR);
        assert_eq!(from(Place::Host), HOST);
    }
    let question = format!("tcp [{HOST_V6}]:81");
    assert_eq!(
        host.ask(Place::Neighbour, &question).succeed(),
        NEIGHBOUR_V6
    );
    server.wait_for("udp 80 from 192.168.120.3: hello");
}

#[test]
fn the_server_answers_the_host_and_has_no_route_to_containers() {
    let host = TestHost::new();
    let _server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
    assert_eq!(
        host.ask(Place::Host, &format!("udp {SERVER}:53")).succeed(),
        HOST
    );
    let routes = host.uplink("ip route").succeed();
    assert!(!routes.contains("172."), "{routes}");
    assert_eq!(host.ask(Place::Host, &format!("udp {SERVER}:54")).code(), 1);
}

#[test]
fn nothing_but_the_hosts_own_is_visible_inside() {
    let host = TestHost::new();
    let links = host.exec("ls /sys/class/net").succeed();
    assert_eq!(links.split_whitespace().collect::<Vec<_>>(), ["lan0", "lo"]);
    assert_eq!(host.exec("hostname").succeed(), "throwaway");
    assert_eq!(
        host.exec("ls /run /var/lib").succeed(),
        "/run:\nlock\nmount\n\n/var/lib:"
    );
    assert_eq!(host.exec(["sh", "-c", "echo $$; exit 3"]).code(), 3);
    assert_eq!(host.exec(["sh", "-c", "kill -9 $$"]).code(), 137);
}

#[test]
fn a_snapshot_sees_what_is_left_and_orphans_are_reaped() {
    let host = TestHost::new();
    let before = host.snapshot();
    before.assert_unchanged(&host);
    host.sh("sh -c 'sleep 0.01 & :'; sleep 0.1").succeed();
    before.assert_unchanged(&host);
    for (change, undo) in [
        (
            "ip netns add blue",
            "ip netns delete blue; umount /run/netns; rmdir /run/netns",
        ),
        ("ip link add red type bridge", "ip link delete red"),
        (
            "ip address add 10.1.1.1/32 dev lo",
            "ip address delete 10.1.1.1/32 dev lo",
        ),
        ("nft add table inet green", "nft delete table inet green"),
        (
            "echo 1 >/proc/sys/net/ipv4/ip_forward",
            "echo 0 >/proc/sys/net/ipv4/ip_forward",
        ),
        (
            "sleep 1000 >/dev/null 2>&1 & echo $! >/run/pid",
            "kill -9 $(cat /run/pid); rm /run/pid",
        ),
        ("touch /run/x", "rm /run/x"),
    ] {
        host.sh(change).succeed();
        assert_ne!(host.snapshot(), before, "{change} was not seen");
        host.sh(undo).succeed();
        // The namespace of a link dies when the kernel finds the time.
        host.sh("sleep 0.05").succeed();
        before.assert_unchanged(&host);
    }
}

#[test]
fn twenty_hosts_side_by_side_do_not_meet() {
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let host = TestHost::new();
                let _server = host.serve_at(Place::Host, "tcp:80");
                let answer = host.ask(Place::Neighbour, &format!("tcp {HOST}:80"));
                assert_eq!(answer.succeed(), NEIGHBOUR);
            });
        }
    });
}
