//! The configuration file: every key does what it says, mistakes are told, and the default
//! network follows a change.

use minet_tests::{HOST, Place, TestHost};

/// The file of Docker's that people have: the keys of networks, and others.
const DAEMON_JSON: &str = include_str!("../../crates/config/src/daemon.json");

/// Writes a configuration, and returns the option that names it.
fn config(host: &TestHost, name: &str, text: &str) -> String {
    format!("--config {}", host.file(name, text).display())
}

/// The IPv4 address that a container gets that says nothing of its network.
#[track_caller]
fn address(host: &TestHost, options: &str) -> String {
    let line = format!("{options} run --rm -- ip -4 -brief address show dev eth0");
    let text = host.minet(line).succeed();
    text.split_whitespace()
        .nth(2)
        .expect("an address")
        .to_owned()
}

#[test]
fn dockers_daemon_json_is_obeyed_as_it_is() {
    let host = TestHost::new();
    let file = config(&host, "daemon.json", DAEMON_JSON);
    let web = host.minet(format!("{file} run -d --name web -p 8080:80 -- sleep 100"));
    web.succeed();
    assert_eq!(host.address_of("web"), "172.26.5.0");
    let ports = host.minet("port web").succeed();
    assert_eq!(ports, "80/tcp -> 127.0.0.1:8080");
    let exec = |command: &str| host.minet(format!("exec web {command}")).succeed();
    assert!(exec("ip link show dev eth0").contains("mtu 1450"));
    assert!(exec("ip route").contains("default via 172.26.0.1"));
    let resolv = exec("cat /etc/resolv.conf");
    for line in [
        "# ExtServers: [9.9.9.9 1.1.1.1]",
        "search example.org",
        "options ndots:2",
    ] {
        assert!(
            resolv.lines().any(|other| other == line),
            "{line} in {resolv}"
        );
    }
    host.minet(format!("{file} network create backend"))
        .succeed();
    let backend = host.minet("network inspect backend").json();
    assert_eq!(backend[0]["IPAM"]["Config"][0]["Subnet"], "10.200.0.0/24");
    assert_eq!(backend[0]["Mtu"], 1400);
    // What the command line says counts more.
    host.minet(format!(
        "{file} network create --mtu 1300 --subnet 10.9.0.0/24 other"
    ))
    .succeed();
    assert_eq!(host.minet("network inspect other").json()[0]["Mtu"], 1300);
    host.minet(format!("{file} publish web 0.0.0.0:9090:90"))
        .succeed();
    assert!(host.minet("port web 90").succeed().contains("0.0.0.0:9090"));

    let shown = host.minet(format!("{file} config show --json")).json();
    assert_eq!(shown["Settings"]["bip"]["Value"], "172.26.0.1/16");
    assert_eq!(shown["Settings"]["bip"]["Source"], "file");
    assert_eq!(shown["Settings"]["icc"]["Source"], "file");
    assert_eq!(shown["Settings"]["bridge"]["Value"], "minet0");
    assert_eq!(shown["Settings"]["bridge"]["Source"], "automatic");
    for key in ["log-driver", "storage-driver", "hosts", "userland-proxy"] {
        assert!(shown["LeftAlone"][key].is_string(), "{key} in {shown:#}");
    }
}

#[test]
fn the_default_network_can_be_on_an_existing_bridge() {
    let host = TestHost::new();
    host.sh("ip link add br9 address 02:00:00:00:00:09 type bridge; sysctl -qw net.ipv6.conf.br9.disable_ipv6=1; ip addr add 10.9.8.1/24 dev br9; ip link set br9 up")
        .succeed();
    let before = host.snapshot();
    let file = config(
        &host,
        "br9.toml",
        "bridge = 'br9'\nfixed-cidr = '10.9.8.128/25'\ndefault-gateway = '10.9.8.129'\n",
    );
    // The first of the range is free, the second is the gateway's.
    assert_eq!(address(&host, &file), "10.9.8.128/24");
    assert_eq!(address(&host, &file), "10.9.8.130/24");
    let script = "ip route; cat /etc/hosts";
    let told = host
        .minet([
            "--config",
            file.strip_prefix("--config ").unwrap(),
            "run",
            "--rm",
            "--add-host",
            "host:host-gateway",
            "--",
            "sh",
            "-c",
            script,
        ])
        .succeed();
    assert!(told.contains("default via 10.9.8.129"), "{told}");
    assert!(told.contains("10.9.8.1\thost"), "{told}");
    host.minet(format!("{file} run --ip 10.9.8.129 -- true"))
        .refused(&["10.9.8.129 is reserved"]);
    let shown = host.minet(format!("{file} config show")).succeed();
    assert!(shown.contains("br9"), "{shown}");
    host.minet(format!("{file} gc --all")).succeed();
    before.assert_unchanged(&host);
    // As dockerd -b does, but for the half minute of which nobody knew.
    host.sh("ip link set br9 type bridge stp_state 1").succeed();
    let said = host.minet(format!("{file} run --rm -- true"));
    let command = "turn it off: ip link set br9 type bridge stp_state 0";
    assert_eq!(said.stderr().matches(command).count(), 1, "{said}");
    said.succeed();
    host.minet(format!("{file} gc --all")).succeed();
    host.exec("ip link show br9").succeed();
    host.exec("ip link del br9").succeed();
    host.minet(format!("{file} run -- true"))
        .refused(&["br9 must be created manually"]);
}

#[test]
fn a_mistake_is_told_before_anything_is_changed() {
    let host = TestHost::new();
    let before = host.snapshot();
    for (text, words) in [
        (
            "bip = '172.30.0.0/16'",
            "did you mean bip = \"172.30.0.1/16\"?",
        ),
        (
            "bip = '172.30.0.1/16'\nfixed-cidr = '172.31.0.0/24'",
            "c.toml:2: fixed-cidr: 172.31.0.0/24 does not lie in 172.30.0.0/16",
        ),
        (
            "bip = '172.30.0.1/16'\ndefault-gateway = '172.31.0.1'",
            "c.toml:2: default-gateway: 172.31.0.1 does not lie in 172.30.0.0/16",
        ),
        (
            "default_gateway = '1.2.3.4'",
            "did you mean \"default-gateway\"?",
        ),
        ("icc = 'no'", "icc takes true or false"),
        ("mtu = ", "c.toml:1: this is no TOML"),
        (
            "{\"iptables\": false}",
            "iptables: false asks for no firewall rules",
        ),
        (
            "bip = '192.168.120.1/24'",
            "Pool overlaps with other one on this address space",
        ),
    ] {
        let file = config(&host, "c.toml", text);
        host.minet(format!("{file} run -- true")).refused(&[words]);
        host.minet(format!("{file} run -d -- true"))
            .refused(&[words]);
    }
    let file = config(&host, "c.toml", "bip = 1");
    let path = host.scratch_dir().join("c.toml");
    host.minet(["config", "check", path.to_str().unwrap()])
        .refused_with(1, &["c.toml:1: bip takes a text in quotes"]);
    host.minet(format!("{file} network create a"))
        .refused_with(1, &["bip takes a text in quotes"]);
    host.minet("--config /nonexistent run -- true")
        .refused(&["/nonexistent: the configuration cannot be read"]);
    // Who wants to look or to clean up is not kept from it.
    for command in ["ps", "network ls", "gc --all"] {
        host.minet(format!("{file} {command}")).succeed();
    }
    before.assert_unchanged(&host);
}

#[test]
fn a_changed_bip_moves_the_default_network_when_nobody_is_on_it() {
    let host = TestHost::new();
    let before = host.snapshot();
    let wide = config(&host, "wide.toml", "bip = '10.30.0.1/16'\n");
    let narrow = config(&host, "narrow.toml", "bip = '10.30.0.1/24'\n");
    let away = config(&host, "away.toml", "bip = '10.40.0.9/24'\nmtu = 1400\n");
    for (name, at) in [("near", "10.30.0.7"), ("far", "10.30.9.9")] {
        host.minet(format!("{wide} run --name {name} --ip {at} -- true"))
            .succeed();
    }
    host.minet("inspect far").succeed();
    // Those that still fit stay whose they are, the others are forgotten.
    assert_eq!(address(&host, &narrow), "10.30.0.2/24");
    let leases = host.minet("leases").succeed();
    assert!(
        leases.contains("10.30.0.7") && leases.contains("near"),
        "{leases}"
    );
    assert!(!leases.contains("10.30.9.9"), "{leases}");
    assert_eq!(address(&host, &away), "10.40.0.1/24");
    let bridge = host.exec("ip addr show dev minet0").succeed();
    assert!(bridge.contains("10.40.0.9/24"), "{bridge}");
    assert!(bridge.contains("mtu 1400"), "{bridge}");
    assert!(!bridge.contains("10.30."), "{bridge}");
    // Without any file, the network is where it always is.
    assert_eq!(address(&host, ""), "172.17.0.2/16");
    host.minet("rm near far").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn who_stands_in_the_way_of_a_change_is_said() {
    let host = TestHost::new();
    let one = config(&host, "one.toml", "bip = '10.30.0.1/16'\nicc = true\n");
    let other = config(&host, "other.toml", "bip = '10.40.0.1/16'\nicc = false\n");
    for name in ["web", "db"] {
        host.minet(format!("{one} run -d --name {name} -- sleep 100"))
            .succeed();
    }
    for run in ["run", "run -d", "run --dry-run"] {
        host.minet(format!("{other} {run} -- true")).refused(&[
            "other.toml",
            "subnet from 10.30.0.0/16 to 10.40.0.0/16",
            "icc from true to false",
            "minet stop web db",
        ]);
    }
    let shown = host.minet(format!("{other} config show")).succeed();
    assert!(shown.contains("when no container runs on it"), "{shown}");
    assert!(shown.contains("now web, db do"), "{shown}");
    // Those that are there go on, and so does who says the same as before.
    assert_eq!(
        host.minet("exec web ip -4 -br addr show dev eth0").code(),
        0
    );
    assert_eq!(address(&host, &one), "10.30.0.4/16");
    host.minet("rm -f web").succeed();
    host.minet(format!("{other} run -- true"))
        .refused(&["minet stop db"]);
    host.minet("rm -f db").succeed();
    assert_eq!(address(&host, &other), "10.40.0.2/16");
}

#[test]
fn two_runs_with_different_files_each_get_their_network() {
    let host = TestHost::new();
    let one = config(&host, "one.toml", "bip = '10.30.0.1/16'\n");
    let other = config(&host, "other.toml", "bip = '10.40.0.1/16'\n");
    for _ in 0..2 {
        assert!(address(&host, &one).starts_with("10.30."));
        assert!(address(&host, &other).starts_with("10.40."));
    }
    // At the same time one of them waits or is refused; nothing is left half-made.
    let (first, second) = (
        host.spawn_minet(format!("{one} run --rm -- sleep 0.2")),
        host.spawn_minet(format!("{other} run --rm -- sleep 0.2")),
    );
    let (first, second) = (first.finish(), second.finish());
    assert!(first.code() == 0 || second.code() == 0, "{first}{second}");
    for finished in [first, second] {
        if finished.code() != 0 {
            finished.refused(&["cannot be changed"]);
        }
    }
    assert!(address(&host, &one).starts_with("10.30."));
    host.minet("check").succeed();
}

#[test]
fn without_a_default_network_a_container_has_a_loopback() {
    let host = TestHost::new();
    let none = config(&host, "none.toml", "bridge = 'none'\n");
    let links = host
        .minet(format!("{none} run --rm -- ip -br link"))
        .succeed();
    assert_eq!(links.lines().count(), 1, "{links}");
    host.minet(format!("{none} run -p 80 -- true"))
        .refused(&["name one with --network"]);
    host.minet(format!("{none} run --network bridge -- true"))
        .refused(&["network bridge not found", "none.toml"]);
    let list = host.minet(format!("{none} network ls")).succeed();
    assert!(!list.contains("bridge   bridge"), "{list}");
    host.minet(format!("{none} network create own")).succeed();
    let own = host.minet(format!("{none} run --rm --network own -- ip -br link"));
    assert_eq!(own.succeed().lines().count(), 2);
}

#[test]
fn forwarding_that_is_not_minets_to_turn_on_stays_off() {
    let host = TestHost::new();
    let leave = config(&host, "leave.toml", "ip-forward = false\n");
    let run = host.minet(format!("{leave} run --rm -- ping -c1 -W2 172.17.0.1"));
    assert!(
        run.stderr().contains("IPv4 forwarding is disabled"),
        "{run}"
    );
    assert!(
        run.stderr().contains("sysctl -w net.ipv4.ip_forward=1"),
        "{run}"
    );
    run.succeed();
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "0");
    let create = host.minet(format!("{leave} network create own"));
    assert!(create.stderr().contains("is disabled"), "{create}");
    create.succeed();
    // The second one stands on what is there, and says it too.
    let probe = host.probe();
    let out = host.minet(format!(
        "{leave} run --rm -- timeout 2 {probe} ask tcp 203.0.113.7:80"
    ));
    assert!(out.stderr().contains("is disabled"), "{out}");
    assert_ne!(out.code(), 0);
    // Once the administrator has turned it on, all is as ever; it is not turned off again.
    host.exec("sysctl -qw net.ipv4.ip_forward=1").succeed();
    let _server = host.serve_at(Place::Uplink, "tcp:80");
    let out = host.minet(format!(
        "{leave} run --rm -- {probe} ask tcp 203.0.113.7:80"
    ));
    assert!(!out.stderr().contains("WARNING"), "{out}");
    assert!(out.succeed().contains(HOST));
    host.minet(format!("{leave} gc --all")).succeed();
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "1");
}

#[test]
fn neighbours_and_masquerade_follow_the_file() {
    let host = TestHost::new();
    let apart = config(
        &host,
        "apart.toml",
        "icc = false\nip-masq = false\nbip = '10.9.0.1/24'\n",
    );
    let probe = host.probe();
    host.minet(format!("{apart} run -d --name web -- {probe} serve tcp:80"))
        .succeed();
    let ask = format!("run --rm -- timeout 2 {probe} ask tcp");
    let neighbour = host.minet(format!("{apart} {ask} 10.9.0.2:80"));
    assert_ne!(neighbour.code(), 0, "{neighbour}");
    host.uplink("ip route add 10.9.0.0/24 via 192.168.120.2")
        .succeed();
    let _server = host.serve_at(Place::Uplink, "tcp:80");
    let seen = host
        .minet(format!("{apart} {ask} 203.0.113.7:80"))
        .succeed();
    assert!(seen.contains("10.9.0."), "{seen}");
}

#[test]
fn the_file_is_found_in_three_places() {
    let host = TestHost::new();
    let path = host.file("env.toml", "bip = '10.50.0.1/24'\n");
    let minet = minet_tests::minet();
    let minet = minet.display();
    let script = format!(
        "MINET_CONFIG={} {minet} run --rm -- ip -4 -br a show dev eth0",
        path.display()
    );
    assert!(host.sh(&script).succeed().contains("10.50.0.2/24"));
    host.minet("gc --all").succeed();
    // With a root of its own, an instance has a file of its own.
    let root = host.scratch_dir().join("root");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("config.toml"), "bip = '10.60.0.1/24'\n").unwrap();
    let root = format!("--root {}", root.display());
    assert_eq!(address(&host, &root), "10.60.0.2/24");
    let shown = host.minet(format!("{root} config show")).succeed();
    assert!(shown.contains("root/config.toml:bip"), "{shown}");
    host.minet(format!("{root} gc --all")).succeed();
    // A path that is relative is one of the caller's.
    let script = format!(
        "cd {}; {minet} --config env.toml run -d --rm -- sleep 100",
        host.scratch_dir().display()
    );
    host.sh(&script).succeed();
    let shown = host.minet("config show").succeed();
    assert!(
        shown.contains("There is no /etc/minet/config.toml"),
        "{shown}"
    );
}

#[test]
fn the_default_network_has_ipv6_if_the_file_says_so() {
    let host = TestHost::new();
    let six = config(
        &host,
        "six.toml",
        "ipv6 = true\nbip6 = 'fd00:30::1/64'\nfixed-cidr-v6 = 'fd00:30::8000/113'\n\
         default-gateway-v6 = 'fd00:30::9'\n\
         default-address-pools = [{ base = 'fd01:2::/48', size = 64 }]\n",
    );
    let show = "ip -6 -brief address show dev eth0; ip -6 route show default";
    let shown = host
        .minet(format!("{six} run -d --name web -- sleep 100"))
        .code();
    assert_eq!(shown, 0);
    let inside = host.minet(["exec", "web", "sh", "-c", show]).succeed();
    assert!(inside.contains("fd00:30::8"), "{inside}");
    assert!(inside.contains("default via fd00:30::9"), "{inside}");
    let bridge = host.exec("ip -6 addr show dev minet0").succeed();
    assert!(bridge.contains("fd00:30::1/64"), "{bridge}");
    host.minet(format!("{six} network create --ipv6 dual"))
        .succeed();
    let dual = host.minet("network inspect dual").succeed();
    assert!(dual.contains("fd01:2::/64"), "{dual}");
    // IPv4 pools are as they were.
    assert!(dual.contains("172.18.0.0/16"), "{dual}");
    host.minet("run -- true")
        .refused(&["ipv6 from fd00:30::/64 to none", "minet stop web"]);
    let shown = host.minet(format!("{six} config show")).succeed();
    assert!(shown.contains("six.toml:bip6"), "{shown}");
}
