//! `minet repair`: what somebody changed behind minet's back is found by `check` and made
//! so again, and no container is restarted.

use minet_tests::{HOST, NEIGHBOUR, Place, Running, SERVER, TestHost};

/// A host with a server beyond its router, and a container `web` that serves port 80, which
/// is published, and 81, which is not.
fn with_web(host: &TestHost) -> (Running<'_>, Running<'_>) {
    let server = host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80"));
    let mut web = host.serve("--name web -p 8080:80 -p 127.0.0.1:81:81", "tcp:80 tcp:81");
    // Its supervisor would be faster than the test.
    web.freeze();
    (server, web)
}

/// Reached from outside and from the host, reaching out, and closed where it was closed.
#[track_caller]
fn all_is_well(host: &TestHost, after: &str) {
    let published = format!("tcp {HOST}:8080");
    let asked = host.ask(Place::Neighbour, &published);
    assert_eq!(asked.succeed(), NEIGHBOUR, "after {after}");
    host.ask(Place::Host, "tcp 127.0.0.1:8080").succeed();
    let out = format!("exec web -- {} ask tcp {SERVER}:80", host.probe());
    assert_eq!(host.minet(out.as_str()).succeed(), HOST, "after {after}");
    // Nothing is left to mend.
    assert_eq!(host.minet("repair").succeed(), "", "after {after}");
}

/// Breaks something; `check` must name it and `repair` mend it.
#[track_caller]
fn mend(host: &TestHost, damage: &str, named: &str) {
    host.sh(damage).succeed();
    let check = host.minet("check").end_with(1);
    assert!(check.contains(named), "{named:?} after {damage}\n{check}");
    let repair = host.minet("repair");
    assert_eq!(repair.code(), 0, "after {damage}\n{repair}");
    all_is_well(host, damage);
}

#[test]
fn what_was_done_to_the_table_is_mended() {
    let host = TestHost::new();
    let (_server, mut web) = with_web(&host);
    all_is_well(&host, "the start");
    for (damage, named) in [
        ("nft flush ruleset", "table inet minet is missing"),
        (
            "nft flush chain inet minet guard",
            "chain guard: 8 of its 8 rules missing",
        ),
        (
            "nft insert rule inet minet forward drop",
            "chain forward: 1 rules too many",
        ),
        (
            "nft flush chain inet minet output; nft delete chain inet minet output",
            "chain output is missing",
        ),
        (
            "nft flush set inet minet masqueraded",
            "not in table inet minet: masqueraded { 172.17.0.0/16 }",
        ),
        (
            "nft flush map inet minet publish",
            "8080->80/tcp does not lead to web",
        ),
        (
            "nft delete element inet minet publish { tcp . 8080 }
             nft add element inet minet publish { tcp . 8080 : 172.17.0.9 . 80 }",
            "8080->80/tcp does not lead to web",
        ),
        (
            "nft 'add element inet minet publish { tcp . 99 comment \"gone (0123456789ab): 99 -> 80/tcp\" : 172.17.0.2 . 80 }'",
            "an element of container gone (0123456789ab) in publish (172.17.0.2)",
        ),
    ] {
        mend(&host, damage, named);
    }
    assert!(!web.has_ended());
}

#[test]
fn what_was_done_to_the_interfaces_is_mended() {
    let host = TestHost::new();
    let (_server, mut web) = with_web(&host);
    let _none = host.idle("none", "--mode none");
    let veth = "$(ip -o link show type veth | sed -n 's/.*\\(veth[0-9a-f]*\\)@.*/\\1/p')";
    for (damage, named) in [
        ("ip link delete minet0", "bridge minet0 is missing"),
        ("ip link set minet0 down", "bridge minet0 is down"),
        (
            "ip link set minet0 address 02:00:00:00:00:99",
            "bridge minet0 has another MAC than 02:42:ac:11:00:01",
        ),
        (
            "ip address flush dev minet0",
            "bridge minet0 does not have the address 172.17.0.1/16",
        ),
        (
            "echo 0 >/proc/sys/net/ipv4/conf/minet0/route_localnet",
            "route_localnet",
        ),
        (
            "echo 0 >/proc/sys/net/ipv4/ip_forward",
            "IPv4 forwarding is off",
        ),
        (&format!("ip link set {veth} nomaster"), "is not on minet0"),
        (&format!("ip link set {veth} down"), "is down"),
        (&format!("ip link delete {veth}"), "is missing"),
        ("ip -n web route delete default", "the default route"),
        (
            "ip -n web address flush dev eth0",
            "does not have the address",
        ),
        ("ip -n web link set eth0 down", "eth0 is missing or down"),
        ("rm /run/netns/web", "leads to no namespace"),
        (
            "nft flush ruleset; ip link delete minet0; echo 0 >/proc/sys/net/ipv4/ip_forward",
            "bridge minet0 is missing",
        ),
    ] {
        mend(&host, damage, named);
    }
    assert!(!web.has_ended());
}

#[test]
fn one_container_is_mended_and_the_others_are_not_looked_at() {
    let host = TestHost::new();
    let mut web = host.idle("web", "-p 8080:80");
    web.freeze();
    let _db = host.idle("db", "-p 5432:5432");
    host.sh("nft flush map inet minet publish").succeed();
    assert!(host.minet("repair db").succeed().contains("5432"));
    let check = host.minet("check").end_with(1);
    assert!(check.contains("8080") && !check.contains("5432"), "{check}");
    host.minet("repair nobody").end_with(1);
}

#[test]
fn a_host_that_stops_passing_packets_on_is_told_so_and_becomes_no_router() {
    let host = TestHost::new();
    host.sh("echo 1 >/proc/sys/net/ipv4/ip_forward").succeed();
    let (_server, _web) = with_web(&host);
    let route = format!("ip route add {SERVER} via {HOST}");
    host.lan(route.as_str()).succeed();
    let transit = format!("tcp {SERVER}:80");
    host.sh("echo 0 >/proc/sys/net/ipv4/ip_forward").succeed();
    assert!(
        host.minet("check")
            .end_with(1)
            .contains("forwarding is off")
    );
    let told = host.minet("repair").succeed();
    assert!(told.contains("minet turned it on"), "{told}");
    all_is_well(&host, "forwarding was turned off");
    host.ask(Place::Neighbour, &transit).end_with(1);
}

#[test]
fn all_of_it_is_told_as_json() {
    let host = TestHost::new();
    let mut web = host.idle("web", "-p 8080:80");
    web.freeze();
    assert_eq!(host.minet("check --json").json(), serde_json::json!([]));
    host.sh("nft flush map inet minet publish; ip link set minet0 down")
        .succeed();
    let check = host.minet("check --json");
    assert_eq!(check.code(), 1);
    let first = &parse(check.stdout())[0];
    assert_eq!(first["owner"], "network bridge");
    assert_eq!(first["found"], "bridge minet0 is down");
    let repaired = host.minet("repair --json").json();
    assert_eq!(
        repaired["mended"].as_array().unwrap().len(),
        3,
        "{repaired}"
    );
    assert_eq!(repaired["resisting"], serde_json::json!([]));
    let gc = host.minet("gc --json").json();
    assert_eq!(gc["containers"], serde_json::json!([]), "{gc}");
}

#[test]
fn what_cannot_be_mended_is_said() {
    let host = TestHost::new();
    let mut web = host.idle("web", "");
    web.freeze();
    // Somebody else's bridge has taken the place of minet's.
    host.sh("ip link delete minet0; ip link add minet0 type bridge; ip link set minet0 alias mine")
        .succeed();
    let repair = host.minet("repair");
    assert_eq!(repair.code(), 1, "{repair}");
    assert!(
        repair.stderr().contains("cannot mend network bridge"),
        "{repair}"
    );
    let json = host.minet("repair --json");
    assert_eq!(json.code(), 1);
    assert_ne!(parse(json.stdout())["resisting"], serde_json::json!([]));
}

/// The output of a command that also tells by its exit code.
fn parse(text: impl AsRef<str>) -> serde_json::Value {
    serde_json::from_str(text.as_ref()).expect("JSON")
}

/// A repair that meets the end of a container brings nothing of it back, at which its next
/// life would stumble.
#[test]
fn a_restart_is_not_disturbed_by_repairs() {
    const RESTARTS: usize = 25;
    let host = TestHost::new();
    host.leave(
        "--name web",
        "trap 'exit 0' TERM; while :; do sleep 0.01; done",
    );
    let minet = minet_tests::minet().display();
    let go = host.file("go", "");
    let repairs = ["repair", "repair web"].map(|repair| {
        let script = format!(
            "while [ -e {} ]; do {minet} {repair} || true; done",
            go.display()
        );
        host.spawn(Place::Host, ["sh", "-c", &script])
    });
    for _ in 0..RESTARTS {
        host.minet("restart -t 5 web").succeed();
        host.minet("exec web test -s /etc/hosts").succeed();
        let hosts = host.inspect("web")["HostsPath"].as_str().map(str::to_owned);
        host.sh(&format!("test -s {}", hosts.expect("a path")))
            .succeed();
    }
    std::fs::remove_file(&go).expect("end the repairs");
    for repair in repairs {
        repair.finish();
    }
    host.minet("check").succeed();
}
