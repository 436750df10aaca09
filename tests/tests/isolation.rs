//! What must not be reachable: attacks from the LAN and out of a container.
//!
//! The oracle is what arrived at the victim: an attacker without an answer may still have
//! delivered. Each attack is accompanied by a message that has to arrive.

use minet_tests::{HOST, NEIGHBOUR, Place, Running, SERVER, TestHost};

pub(crate) fn throw(host: &TestHost, place: Place, to: &str, message: &str) {
    host.spawn(place, format!("{} throw {to} {message}", host.probe()))
        .finish();
}

#[track_caller]
pub(crate) fn assert_heard(victim: &mut Running<'_>, good: &str, evil: &str) {
    victim.wait_for(good);
    assert!(!victim.stdout().contains(evil), "{}", victim.stdout());
}

#[test]
fn a_route_to_the_containers_leads_a_neighbour_nowhere() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let mut web = host.serve("--name web -p 8080:80/udp", "udp:80 udp:81");
        host.lan(format!("ip route add 172.17.0.0/16 via {HOST}"))
            .succeed();
        let address = host.address_of("web");
        throw(
            host,
            Place::Neighbour,
            &format!("{address}:80"),
            "evil-published",
        );
        throw(
            host,
            Place::Neighbour,
            &format!("{address}:81"),
            "evil-unpublished",
        );
        throw(host, Place::Neighbour, "172.17.0.1:81", "evil-gateway");
        assert_ne!(
            host.lan(format!("busybox ping -c 1 -W 1 {address}")).code(),
            0
        );
        throw(host, Place::Neighbour, &format!("{HOST}:8080"), "good");
        assert_heard(&mut web, "good", "evil");
    });
}

#[test]
fn a_route_to_127_0_0_1_leads_a_neighbour_nowhere() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let mut web = host.serve("-p 127.0.0.1:8080:80/udp", "udp:80");
        let mut local = host.serve_at(Place::Host, "udp:127.0.0.1:9000");
        let script = format!(
            "ip route delete local 127.0.0.0/8 dev lo table local
         ip route delete local 127.0.0.1 dev lo table local
         ip route add 127.0.0.1/32 via {HOST}
         echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet"
        );
        host.lan(["sh", "-euc", &script]).succeed();
        throw(host, Place::Neighbour, "127.0.0.1:8080", "evil-published");
        throw(host, Place::Neighbour, "127.0.0.1:9000", "evil-local");
        throw(host, Place::Host, "127.0.0.1:8080", "good");
        throw(host, Place::Host, "127.0.0.1:9000", "good");
        assert_heard(&mut web, "good", "evil");
        assert_heard(&mut local, "good", "evil");
    });
}

#[test]
fn a_container_does_not_reach_the_hosts_loopback() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let mut local = host.serve_at(Place::Host, "udp:127.0.0.1:9000");
        let _web = host.serve("-p 127.0.0.1:8080:80", "tcp:80");
        let script = format!(
            "ip route delete local 127.0.0.0/8 dev lo table local
         ip route delete local 127.0.0.1 dev lo table local
         ip route add 127.0.0.1/32 via 172.17.0.1
         {} throw 127.0.0.1:9000 evil",
            host.probe()
        );
        let options = "--cap-add NET_ADMIN --sysctl net.ipv4.conf.all.route_localnet=1";
        host.run_sh(options, &script).succeed();
        throw(host, Place::Host, "127.0.0.1:9000", "good");
        assert_heard(&mut local, "good", "evil");
    });
}

#[test]
fn a_container_cannot_send_as_somebody_else() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let mut server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
        host.uplink(format!("ip route add 9.9.9.9/32 via {HOST}"))
            .succeed();
        let script = format!(
            "{probe} throw {SERVER}:53 good
         ip address add 9.9.9.9/32 dev lo
         ip route replace default via 172.17.0.1 src 9.9.9.9
         {probe} throw {SERVER}:53 evil",
            probe = host.probe()
        );
        host.run_sh("--cap-add NET_ADMIN", &script).succeed();
        assert_heard(&mut server, "good", "evil");
    });
}

/// The neighbour sends to a server beyond the router, but by way of the host.
fn transit(host: &TestHost, message: &str) {
    host.lan(format!("ip route replace {SERVER} via {HOST}"))
        .succeed();
    throw(host, Place::Neighbour, &format!("{SERVER}:53"), message);
    host.lan(format!("ip route delete {SERVER}")).succeed();
}

#[test]
fn the_host_does_not_become_a_router_for_others() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        host.exec("ip address add 198.51.100.2/24 dev lan0")
            .succeed();
        host.sh("echo 0 >/proc/sys/net/ipv4/conf/lan0/send_redirects")
            .succeed();
        let mut server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
        transit(host, "evil-before");
        let _web = host.idle("web", "");
        transit(host, "evil-after");
        throw(host, Place::Neighbour, &format!("{SERVER}:53"), "good");
        assert_heard(&mut server, "good", "evil");
    });
}

#[test]
fn neither_old_bridges_nor_new_tunnels_are_routed_between() {
    let host = TestHost::new();
    // The neighbour's card on a bridge of the host's own, as hosts of virtual machines are.
    let before = format!(
        "ip link add br0 type bridge; ip link set br0 up; ip link set lan0 master br0
         ip address flush dev lan0; ip address add {HOST}/24 dev br0
         ip route add default via 192.168.120.1
         ip link add br1 type bridge; ip link set br1 up; ip address add 10.96.0.1/24 dev br1
         echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects
         echo 0 >/proc/sys/net/ipv4/conf/br0/send_redirects"
    );
    host.sh(&before).succeed();
    let mut server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
    let _web = host.idle("web", "");
    let before = dropped_transit(&host);
    throw_to(&host, "10.96.0.7");
    assert!(dropped_transit(&host) > before);
    // What another container tool makes later does pass, on its own responsibility.
    let tool = format!(
        "ip link add tool0 type bridge; ip address add 10.99.0.1/24 dev tool0; ip link set tool0 up
         mkdir -p /run/netns; ip netns add guest; ip link add g0 type veth peer name eth0 netns guest
         ip link set g0 master tool0 up; ip -n guest address add 10.99.0.2/24 dev eth0
         ip -n guest link set eth0 up; ip -n guest route add default via 10.99.0.1
         nft add table ip tool; nft 'add chain ip tool out {{ type nat hook postrouting priority 100; }}'
         nft add rule ip tool out ip saddr 10.99.0.0/24 masquerade
         ip netns exec guest {} throw {SERVER}:53 good-of-the-tool",
        host.probe()
    );
    host.sh(&tool).succeed();
    server.wait_for("good-of-the-tool");
    // A tunnel that comes later does not.
    let tunnel = "
        ip tuntap add dev tun9 mode tun; ip address add 10.98.0.1/24 dev tun9; ip link set tun9 up
        nft add table ip seen; nft 'add chain ip seen forward { type filter hook forward priority 10; }'
        nft add rule ip seen forward oifname tun9 counter";
    host.sh(tunnel).succeed();
    let before = dropped_transit(&host);
    throw_to(&host, "10.98.0.7");
    assert!(dropped_transit(&host) > before);
    let seen = host.sh("nft list table ip seen").succeed();
    assert!(seen.contains("counter packets 0"), "{seen}");
    throw(&host, Place::Neighbour, &format!("{SERVER}:53"), "good");
    assert_heard(&mut server, "good", "evil");
}

/// Two namespaces on a bridge that is not minet's: whether one reaches the other, by IPv4
/// and IPv6.
fn bridge_two(host: &TestHost, bridge: &str) {
    let script = format!(
        "mkdir -p /run/netns; ip link add {bridge} type bridge; ip link set {bridge} up
         for n in 1 2; do
             ip netns add {bridge}$n
             ip link add {bridge}p$n type veth peer name eth0 netns {bridge}$n
             ip link set {bridge}p$n master {bridge} up
             ip -n {bridge}$n address add 10.98.0.$n/24 dev eth0
             ip -n {bridge}$n address add fd09::$n/64 dev eth0 nodad
             ip -n {bridge}$n link set eth0 up
         done"
    );
    host.sh(&script).succeed();
}

fn assert_neighbours_talk(host: &TestHost, bridge: &str) {
    for address in ["10.98.0.2", "fd09::2"] {
        host.sh(&format!(
            "ip netns exec {bridge}1 ping -q -c 3 -i 0.2 -w 10 {address}"
        ))
        .succeed();
    }
}

#[test]
fn frames_inside_bridges_of_others_pass_a_host_that_filters_them() {
    let host = TestHost::new();
    host.sh("cd /proc/sys/net/bridge; echo 1 >bridge-nf-call-iptables; echo 1 >bridge-nf-call-ip6tables")
        .succeed();
    bridge_two(&host, "old");
    assert_neighbours_talk(&host, "old");
    let _web = host.idle("web", "");
    assert_neighbours_talk(&host, "old");
    host.minet("network create --ipv6 six").succeed();
    let _six = host.idle("six", "--network six");
    bridge_two(&host, "new");
    assert_neighbours_talk(&host, "old");
    assert_neighbours_talk(&host, "new");
}

fn dropped_transit(host: &TestHost) -> u32 {
    let list =
        "nft list chain inet minet transit | sed -n 's/.*counter packets \\([0-9]*\\) .*/\\1/p'";
    host.sh(list).succeed().parse().unwrap()
}

/// The neighbour sends to an address behind another interface of the host.
fn throw_to(host: &TestHost, address: &str) {
    host.lan(format!("ip route replace {address} via {HOST}"))
        .succeed();
    throw(host, Place::Neighbour, &format!("{address}:53"), "evil");
    host.lan(format!("ip route delete {address}")).succeed();
}

#[test]
fn a_host_that_was_a_router_remains_one() {
    let host = TestHost::new();
    host.sh("echo 1 >/proc/sys/net/ipv4/ip_forward").succeed();
    let mut server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
    let _web = host.idle("web", "");
    transit(&host, "through-the-host");
    server.wait_for("through-the-host");
    assert!(server.stdout().contains(NEIGHBOUR), "{}", server.stdout());
    host.minet("rm -f web").succeed();
    host.minet("gc --all").succeed();
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "1");
}

#[test]
fn a_published_port_does_not_capture_what_goes_elsewhere() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let web = host.serve("-p 53:53/udp", "udp:53");
        let mut neighbour = host.serve_at(Place::Neighbour, "udp:53");
        let probe = host.probe();
        host.minet(format!(
            "run --rm -- {probe} ask udp {NEIGHBOUR}:53 elsewhere"
        ))
        .succeed();
        host.ask(Place::Host, &format!("udp {NEIGHBOUR}:53 elsewhere-too"))
            .succeed();
        neighbour.wait_for("elsewhere-too");
        assert!(!web.stdout().contains("elsewhere"), "{}", web.stdout());
    });
}

#[test]
fn an_address_of_its_own_and_all_addresses_cannot_be_mixed_up() {
    let host = TestHost::new();
    let _first = host.serve("--name first -p 127.0.0.2:8080:80", "tcp:80");
    // The wildcard would include 127.0.0.2.
    host.minet("run --name second -p 8080:80 -- true")
        .refused(&["8080", "first"]);
    let _third = host.serve("-p 127.0.0.3:8080:81", "tcp:81");
    host.ask(Place::Host, "tcp 127.0.0.2:8080").succeed();
    host.ask(Place::Host, "tcp 127.0.0.3:8080").succeed();
}

/// The host has addresses that are none of a container's business, and by default it would
/// tell its MAC for all of them, on every interface.
#[test]
fn the_host_answers_arp_for_its_address_on_that_network_alone() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        // As little as a careless administrator leaves behind for new interfaces.
        host.sh("cd /proc/sys/net/ipv4/conf/default
             echo 1 >proxy_arp; echo 1 >accept_source_route")
            .succeed();
        host.minet("network create --subnet 10.99.0.0/24 other")
            .succeed();
        let _other = host.idle("other", "--network other");
        let _web = host.idle("web", "--cap-add NET_RAW");
        let answers_within = |seconds: u8, address: &str| {
            let arping = format!("exec web -- busybox arping -f -w {seconds} -I eth0 {address}");
            host.minet(arping).code() == 0
        };
        assert!(answers_within(10, "172.17.0.1"));
        for address in ["10.99.0.1", HOST, NEIGHBOUR, SERVER] {
            assert!(!answers_within(1, address), "{address}");
        }
        for key in ["send_redirects", "accept_redirects", "accept_source_route"] {
            assert_eq!(host.sysctl(&format!("net.ipv4.conf.minet0.{key}")), "0");
        }
        // And this is what keeps it silent.
        host.sh("echo 0 >/proc/sys/net/ipv4/conf/minet0/arp_ignore")
            .succeed();
        assert!(answers_within(10, HOST));
    });
}
