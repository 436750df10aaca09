//! `minet run --mode …`: what a process finds in each of the networks it may get.

use minet_tests::{HOST, NEIGHBOUR, Place, SERVER, TestHost};

/// All modes that need nothing else to exist.
const MODES: [&str; 3] = ["bridge", "none", "host"];

#[test]
fn bridge_is_the_default_and_gives_lo_and_eth0() {
    let host = TestHost::new();
    let addresses = host.minet("run --rm -- ip -brief -4 address").succeed();
    let words: Vec<&str> = addresses.split_whitespace().collect();
    let [lo, _, "127.0.0.1/8", eth0, "UP", "172.17.0.2/16"] = words[..] else {
        panic!("{addresses}");
    };
    assert_eq!(lo, "lo");
    assert!(eth0.starts_with("eth0@"), "{addresses}");
    let routes = host.minet("run --rm -- ip -4 route").succeed();
    assert_eq!(
        routes.lines().next().map(str::trim_end),
        Some("default via 172.17.0.1 dev eth0")
    );
    assert_eq!(routes.lines().count(), 2, "{routes}");
}

#[test]
fn network_and_net_are_other_words_for_mode() {
    let host = TestHost::new();
    for option in ["--mode", "--network", "--net"] {
        let links = host.minet(["run", "--rm", option, "none", "--", "ls", "/sys/class/net"]);
        assert_eq!(links.succeed(), "lo", "{option}");
    }
}

#[test]
fn a_bridge_network_without_ipv6_is_quiet_about_it() {
    let host = TestHost::new();
    let addresses = host.run_sh("", "cat /proc/net/if_inet6").succeed();
    assert!(
        addresses.lines().all(|line| line.ends_with(" lo")),
        "{addresses}"
    );
    assert_eq!(host.run_sh("", "ip -6 route show default").succeed(), "");
    let _web = host.idle("web", "");
    let bridge = host.exec("ip -brief -6 address show dev minet0").succeed();
    assert!(
        !bridge.contains("fe80"),
        "the host's end speaks IPv6: {bridge}"
    );
}

#[test]
fn the_mtu_is_the_uplinks() {
    let host = TestHost::new();
    host.exec("ip link set lan0 mtu 1400").succeed();
    let mtu = "cat /sys/class/net/eth0/mtu";
    assert_eq!(host.run_sh("", mtu).succeed(), "1400");
    assert_eq!(host.exec("cat /sys/class/net/minet0/mtu").succeed(), "1400");
}

#[test]
fn the_first_free_pool_is_taken() {
    let host = TestHost::new();
    host.exec("ip route add 172.17.8.0/24 via 192.168.120.1")
        .succeed();
    host.exec("ip address add 172.18.255.1/32 dev lo").succeed();
    let addresses = host
        .minet("run --rm -- ip -brief -4 address show eth0")
        .succeed();
    assert!(addresses.contains("172.19.0.2/16"), "{addresses}");
}

#[test]
fn none_gives_a_loopback_that_is_up_and_nothing_else() {
    let host = TestHost::new();
    let script = "ls /sys/class/net; cat /sys/class/net/lo/operstate; ip -brief -4 address";
    let seen = host.run_sh("--mode none", script).succeed();
    let words: Vec<&str> = seen.split_whitespace().collect();
    assert_eq!(words, ["lo", "unknown", "lo", "UNKNOWN", "127.0.0.1/8"]);
    assert_eq!(host.run_sh("--mode none", "ip route").succeed(), "");
    assert!(
        host.exec("ip link show minet0").code() != 0,
        "no bridge is needed for this"
    );
}

#[test]
fn host_is_the_hosts_own_network() {
    let host = TestHost::new();
    let before = host.snapshot();
    let namespace = "readlink /proc/self/ns/net";
    assert_eq!(
        host.run_sh("--mode host", namespace).succeed(),
        host.sh(namespace).succeed()
    );
    assert_eq!(
        host.run_sh("--mode host", "hostname").succeed(),
        "throwaway"
    );
    let hosts = "cat /etc/hosts";
    assert_eq!(
        host.run_sh("--mode host", hosts).succeed(),
        host.sh(hosts).succeed()
    );
    let mut server = host.serve("--rm --mode host", "tcp:80");
    assert_eq!(
        host.ask(Place::Neighbour, &format!("tcp {HOST}:80"))
            .succeed(),
        NEIGHBOUR
    );
    server.signal("TERM");
    server.finish();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn in_host_mode_published_ports_are_discarded_with_a_warning() {
    let host = TestHost::new();
    let run = host.minet("run --rm --mode host -p 8080:80 -- ss -Hltn");
    let warning = "Published ports are discarded when using host network mode";
    assert!(run.stderr().contains(warning), "{run}");
    assert_eq!(run.succeed(), "");
}

#[test]
fn everything_but_the_network_is_private_in_every_mode() {
    let host = TestHost::new();
    let namespaces = "for kind in mnt pid uts ipc; do readlink /proc/self/ns/$kind; done";
    let outside = host.sh(namespaces).succeed();
    for mode in MODES {
        let inside = host.run_sh(["--mode", mode], namespaces).succeed();
        assert_eq!(inside.lines().count(), 4);
        for line in inside.lines() {
            assert!(!outside.contains(line), "{mode}: {line} is the host's own");
        }
        let processes = host
            .run_sh(["--mode", mode], "echo $$ /proc/[0-9]*")
            .succeed();
        assert_eq!(processes, "1 /proc/1", "{mode}: /proc shows others");
        host.run_sh(
            ["--mode", mode, "--cap-add", "SYS_ADMIN"],
            "mount -t tmpfs none /mnt; touch /mnt/x",
        )
        .succeed();
        assert!(
            host.sh("test ! -e /mnt/x").code() == 0,
            "{mode}: a mount is seen outside"
        );
    }
}

#[test]
fn container_mode_shares_network_and_names_but_not_processes() {
    let host = TestHost::new();
    let _web = host.idle("web", "--add-host db:10.9.9.9 --dns 192.0.2.53");
    let script =
        "readlink /proc/self/ns/net; hostname; cat /etc/hosts /etc/resolv.conf /etc/hostname";
    let first = host
        .minet(["exec", "web", "--", "sh", "-c", script])
        .succeed();
    let second = host.run_sh("--mode container:web", script).succeed();
    assert_eq!(second, first);
    assert!(
        second.contains("10.9.9.9\tdb") && second.contains("192.0.2.53"),
        "{second}"
    );
    let pid = "readlink /proc/self/ns/pid";
    let first = host.minet(["exec", "web", "--", "sh", "-c", pid]).succeed();
    assert_ne!(host.run_sh("--mode container:web", pid).succeed(), first);
}

#[test]
fn two_containers_of_one_network_namespace_meet_on_loopback() {
    let host = TestHost::new();
    let _web = host.serve("--name web -p 8080:81", "tcp:127.0.0.1:80");
    let ask = format!(
        "run --rm --mode container:web -- {} ask tcp 127.0.0.1:80",
        host.probe()
    );
    assert_eq!(host.minet(ask).succeed(), "127.0.0.1");
    // A published port of the first may be served by the second.
    let _side = host.serve("--mode container:web", "tcp:81");
    assert_eq!(
        host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
            .succeed(),
        NEIGHBOUR
    );
}

#[test]
fn the_namespace_lives_as_long_as_anybody_uses_it() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut web = host.idle("web", "--rm");
    let address = host.address_of("web");
    let script = "echo joined; read line <$0; ip -brief -4 address show eth0; exec $1 ask udp $2";
    let gate = host.scratch_dir().join("gate");
    host.exec(["mkfifo", &gate.display().to_string()]).succeed();
    let mut side = host.spawn_minet([
        "run",
        "--rm",
        "--name",
        "side",
        "--mode",
        "container:web",
        "--",
        "sh",
        "-c",
        script,
        &gate.display().to_string(),
        &host.probe(),
        &format!("{SERVER}:53"),
    ]);
    side.wait_for("joined");
    let refused = host.minet("rm -f web");
    assert!(
        refused
            .stderr()
            .contains("other containers use its network"),
        "{refused}"
    );
    web.signal("TERM");
    web.finish().end_with(143);
    // The address is still in use, so nobody else gets it.
    let other = host
        .minet("run --rm -- ip -brief -4 address show eth0")
        .succeed();
    assert!(!other.contains(&address), "{other}");
    let _server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
    host.sh(&format!("echo go >{}", gate.display())).succeed();
    let seen = side.finish().succeed();
    assert!(seen.contains(&address) && seen.ends_with(HOST), "{seen}");
    host.minet("ps").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn container_mode_needs_a_running_container() {
    let host = TestHost::new();
    host.minet("run --mode container:web -- true")
        .refused(&["web"]);
    host.minet("run --name web -- true").succeed();
    host.minet("run --mode container:web -- true").refused(&[
        "cannot join network namespace of a non running container",
        "web",
    ]);
}

#[test]
fn options_of_a_network_of_its_own_conflict_with_a_shared_one() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    let before = host.snapshot();
    for (option, text) in [
        (
            "-h name",
            "conflicting options: hostname and the network mode",
        ),
        (
            "--dns 1.1.1.1",
            "conflicting options: dns and the network mode",
        ),
        (
            "--add-host a:1.2.3.4",
            "conflicting options: custom host-to-IP mapping and the network mode",
        ),
        (
            "--mac-address 02:00:00:00:00:09",
            "conflicting options: mac-address and the network mode",
        ),
        (
            "-p 80",
            "conflicting options: port publishing and the container type network mode",
        ),
        (
            "-P",
            "conflicting options: port publishing and the container type network mode",
        ),
        (
            "--expose 80",
            "conflicting options: port exposing and the container type network mode",
        ),
        ("--ip 172.17.0.9", "--ip"),
        ("--sysctl net.ipv4.ip_forward=1", "sysctl"),
    ] {
        host.minet(format!("run --mode container:web {option} -- true"))
            .refused(&[text]);
    }
    before.assert_unchanged(&host);
}

#[test]
fn ns_joins_a_namespace_that_is_not_minets() {
    let host = TestHost::new();
    host.sh("ip netns add blue; ip -netns blue link add red type bridge")
        .succeed();
    let before = host.snapshot();
    let seen = host.run_sh(
        "--mode ns:/run/netns/blue",
        "ls /sys/class/net; stat -Lc %i /proc/self/ns/net",
    );
    let inode = host.exec("stat -Lc %i /run/netns/blue").succeed();
    assert_eq!(seen.succeed(), format!("lo\nred\n{inode}"));
    host.minet("ps").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn ns_refuses_what_is_no_network_namespace() {
    let host = TestHost::new();
    for path in ["/nonexistent", "/etc/passwd", "/proc/self/ns/pid", "/run"] {
        host.minet(format!("run --mode ns:{path} -- true"))
            .refused(&[path]);
    }
    host.minet("run --mode ns:relative -- true")
        .refused(&["relative"]);
}

#[test]
fn who_shares_a_network_is_removed_in_whatever_order() {
    let host = TestHost::new();
    for order in ["web guest other", "guest other web", "other web guest"] {
        host.leave("--name web", "exec sleep 1000");
        for guest in ["guest", "other"] {
            host.leave(
                &format!("--name {guest} --mode container:web"),
                "exec sleep 1000",
            );
        }
        // Not while somebody stays who uses it.
        let refused = host.minet("rm -f web other");
        assert_eq!(
            (refused.code(), refused.stdout()),
            (
                1, "other
"
            )
        );
        assert!(refused.stderr().contains("\"web\""), "{refused}");
        host.leave("--name other --mode container:web", "exec sleep 1000");
        let gone = host.minet(format!("rm -f {order}")).succeed();
        assert_eq!(gone.replace('\n', " "), order);
        assert_eq!(host.minet("ps -aq").succeed(), "");
    }
}
