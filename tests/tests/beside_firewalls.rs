//! Beside the real ufw and firewalld: whoever comes first, whatever is reloaded.

use minet_tests::{
    Firewalld, Forward, HOST, HOST_V6, INTRUDER, Place, Round, Running, SERVER, TestHost, Ufw,
    eventually,
};
use std::time::{Duration, Instant};

/// Two seconds are promised; all tests at once are more than a machine has processors for.
const PROMISED: Duration = Duration::from_secs(6);

/// What others have, without counters and without minet's table.
const OTHERS: &str =
    "nft --stateless list ruleset | sed '/^table inet minet/,/^}/d; s/packets.*bytes [0-9]*//'";

fn web(host: &TestHost) -> Running<'_> {
    host.serve("--name web -p 8080:80 -p 5353:53/udp", "tcp:80 udp:53")
}

fn server(host: &TestHost) -> Running<'_> {
    host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80 udp:{SERVER}:53"))
}

fn by_web() -> String {
    format!("{} exec web --", minet_tests::minet().display())
}

/// Out, and in by every published port.
#[track_caller]
fn all_paths_are_open(host: &TestHost, when: &str) {
    let mut round = Round::new(host);
    let by_web = by_web();
    for (protocol, out, port) in [("tcp", 80, 8080), ("udp", 53, 5353)] {
        let out = format!("{protocol} {SERVER}:{out}");
        let at = |address: &str| format!("{protocol} {address}:{port}");
        round.answered(Place::Host, &by_web, &[&out, &at(HOST)]);
        round.answered(Place::Neighbour, "", &[&at(HOST)]);
        round.answered(
            Place::Host,
            "",
            &[&at(HOST), &at("127.0.0.1"), &at("[::1]")],
        );
    }
    round.finish(when);
}

/// Does something to another firewall, and waits until minet has followed.
#[track_caller]
fn after(host: &TestHost, what: &str, act: impl FnOnce()) {
    act();
    let changed = Instant::now();
    loop {
        let asked = Instant::now();
        let check = host.minet("check");
        if check.code() == 0 {
            break;
        }
        assert!(asked - changed < PROMISED, "after {what}:\n{check}");
    }
    all_paths_are_open(host, what);
}

#[track_caller]
fn leave(host: &TestHost, web: Running<'_>) {
    host.minet("rm -f web").succeed();
    web.finish();
    host.minet("gc --all").succeed();
}

/// What `minet doctor` found, and the words in it.
#[track_caller]
fn doctor_says(host: &TestHost, name: &str, severity: &str, words: &[&str]) {
    let doctor = host.minet("doctor --json");
    let found: serde_json::Value = serde_json::from_str(doctor.stdout()).expect("JSON");
    let list = found.as_array().expect("a list");
    let one = list.iter().find(|one| one["name"] == name).expect(name);
    assert_eq!(one["severity"], severity, "{one}");
    let text = format!("{} {}", one["found"], one["mend"]);
    for word in words {
        assert!(text.contains(word), "{word}: {one}");
    }
}

#[test]
fn ufw_that_drops_is_passed_whenever_it_comes() {
    let host = TestHost::new();
    let _server = server(&host);
    let ufw = Ufw::configure(&host, Forward::Drop);
    let mut web = web(&host);
    after(&host, "its first start", || {
        drop(ufw.run("enable").succeed())
    });
    doctor_says(&host, "foreign firewalls", "note", &["ip filter FORWARD"]);
    after(&host, "a reload", || drop(ufw.run("reload").succeed()));
    after(&host, "its end", || drop(ufw.run("disable").succeed()));
    after(&host, "another start", || drop(ufw.run("enable").succeed()));
    after(&host, "a flush of everything", || {
        host.sh("nft flush ruleset").succeed();
    });
    assert!(!web.has_ended());
    leave(&host, web);
    let left = host.sh(OTHERS).succeed();
    assert!(!left.contains("minet"), "{left}");
}

#[test]
fn ufw_that_rejects_does_so_in_a_chain_of_its_own() {
    let host = TestHost::new();
    let _server = server(&host);
    let ufw = Ufw::configure(&host, Forward::Reject);
    ufw.run("enable").succeed();
    let before = host.sh(OTHERS).succeed();
    let web = web(&host);
    let chain = "ip filter ufw-reject-forward of another firewall drops";
    assert!(web.stderr().contains(chain), "{}", web.stderr());
    all_paths_are_open(&host, "with ufw from the beginning");
    leave(&host, web);
    assert_eq!(host.sh(OTHERS).succeed(), before);
}

#[test]
fn what_ufw_forbids_stays_forbidden_and_doctor_says_how_to_let_ipv6_in() {
    let host = TestHost::new();
    let server = server(&host);
    let ufw = Ufw::configure(&host, Forward::Drop);
    ufw.run("enable").succeed();
    let web = web(&host);
    // A rule of the owner's for particular packets comes before minet's.
    ufw.run(&format!("route deny to {SERVER} port 80 proto tcp"))
        .succeed();
    let out = format!(
        "exec web -- {} ask tcp {SERVER}:80 {INTRUDER}",
        host.probe()
    );
    host.minet(out.as_str()).end_with(1);
    assert!(!server.stdout().contains(INTRUDER));
    // And one that is appended behind them gets there with the next repair.
    host.sh(&format!("iptables -A FORWARD -d {SERVER} -p udp -j DROP"))
        .succeed();
    let found = host.minet("check").end_with(1);
    assert!(found.contains("stand behind those for minet0"), "{found}");
    host.minet("repair").succeed();
    host.minet("check").succeed();
    let out = format!(
        "exec web -- {} ask udp {SERVER}:53 {INTRUDER}",
        host.probe()
    );
    host.minet(out.as_str()).end_with(1);
    assert!(!server.stdout().contains(INTRUDER));

    // IPv6 clients are relayed: they come to the host itself, which ufw guards.
    let question = format!("tcp [{HOST_V6}]:8080");
    host.ask(Place::Neighbour, &question).end_with(1);
    let remedy = "ufw allow 8080/tcp";
    doctor_says(
        &host,
        "relayed ports",
        "note",
        &["ip6 filter INPUT", remedy],
    );
    host.exec(remedy).succeed();
    host.ask(Place::Neighbour, &question).succeed();
    leave(&host, web);
}

#[test]
fn firewalld_is_passed_whenever_it_comes() {
    let host = TestHost::new();
    let _server = server(&host);
    let first = web(&host);
    let mut firewalld = None;
    after(&host, "its start", || {
        firewalld = Some(Firewalld::start(&host));
    });
    let firewalld = firewalld.expect("it was started");
    doctor_says(
        &host,
        "foreign firewalls",
        "note",
        &["inet firewalld filter_FWD_public"],
    );
    after(&host, "a reload", || {
        firewalld.run("--reload").succeed();
    });
    after(&host, "another default zone", || {
        firewalld.run("--set-default-zone=home").succeed();
    });
    after(&host, "a complete reload", || {
        firewalld.run("--complete-reload").succeed();
    });
    leave(&host, first);
    let left = host.sh(OTHERS).succeed();
    assert!(!left.contains("minet"), "{left}");

    let second = web(&host);
    let place = "inet firewalld filter_FWD_home of another firewall drops what it does not know";
    assert!(second.stderr().contains(place), "{}", second.stderr());
    all_paths_are_open(&host, "with firewalld from the beginning");
    leave(&host, second);
    assert_eq!(host.sh(OTHERS).succeed(), left);
}

#[test]
fn a_zone_that_minet_s_bridge_was_put_into_decides() {
    let host = TestHost::new();
    let server = server(&host);
    let firewalld = Firewalld::start(&host);
    let web = web(&host);
    after(&host, "the zone that trusts", || {
        firewalld
            .run("--zone=trusted --change-interface=minet0")
            .succeed();
    });
    firewalld
        .run("--zone=block --change-interface=minet0")
        .succeed();
    let out = format!(
        "exec web -- {} ask tcp {SERVER}:80 {INTRUDER}",
        host.probe()
    );
    host.minet("repair").succeed();
    host.minet(out.as_str()).end_with(1);
    assert!(!server.stdout().contains(INTRUDER));
    doctor_says(
        &host,
        "foreign firewalls",
        "note",
        &[
            "filter_FWD_block drops what network bridge sends",
            "somebody wants it so",
        ],
    );
    firewalld
        .run("--zone=block --remove-interface=minet0")
        .succeed();

    let question = format!("tcp [{HOST_V6}]:8080");
    host.ask(Place::Neighbour, &question).end_with(1);
    let remedy = "firewall-cmd --permanent --add-port=8080/tcp";
    doctor_says(
        &host,
        "relayed ports",
        "note",
        &[remedy, "firewall-cmd --reload"],
    );
    host.exec(remedy).succeed();
    after(&host, "a reload", || {
        host.exec("firewall-cmd --reload").succeed();
    });
    host.ask(Place::Neighbour, &question).succeed();
    leave(&host, web);
}

#[test]
fn a_firewalld_that_locks_its_table_is_told_what_to_do() {
    let host = TestHost::new();
    // As firewalld 2 makes it: a process holds the table, and nobody else may change it.
    let table = "add table inet firewalld { flags owner; }; \
        add chain inet firewalld forward { type filter hook forward priority 10; }; \
        add rule inet firewalld forward ct status dnat accept; \
        add rule inet firewalld forward ct state established accept; \
        add rule inet firewalld forward reject";
    let hold = format!("(echo '{table}'; sleep 1000) | nft -i");
    let _owner = host.spawn(Place::Host, ["sh", "-c", &hold]);
    eventually("the table", || {
        let rules = host.exec("nft list table inet firewalld");
        rules.stdout().contains("reject")
    });
    let web = web(&host);
    let remedy =
        "firewall-cmd --permanent --zone=trusted --add-interface=minet0 && firewall-cmd --reload";
    assert!(web.stderr().contains(remedy), "{}", web.stderr());
    let found = host.minet("check").end_with(1);
    assert!(found.contains(remedy), "{found}");
    doctor_says(&host, "foreign firewalls", "wrong", &[remedy]);
    leave(&host, web);
}

#[test]
fn the_command_for_a_locked_firewalld_lets_a_network_pass() {
    let host = TestHost::new();
    let _server = server(&host);
    let firewalld = Firewalld::start(&host);
    let mut web = web(&host);
    firewalld
        .run("--permanent --zone=trusted --add-interface=minet0")
        .succeed();
    firewalld.run("--reload").succeed();
    // Nothing but that command lets it pass.
    web.freeze();
    host.sh(
        "for chain in $(nft list chains | sed -n 's/.*chain \\(filter_FWD[a-z_]*\\) .*/\\1/p'); do
            nft -a list chain inet firewalld $chain | sed -n 's/.*comment \"minet: .*# handle //p' |
            while read -r handle; do nft delete rule inet firewalld $chain handle $handle; done
        done",
    )
    .succeed();
    let mut round = Round::new(&host);
    let out = [format!("tcp {SERVER}:80"), format!("udp {SERVER}:53")];
    round.answered(Place::Host, &by_web(), &[&out[0], &out[1]]);
    let published = [format!("tcp {HOST}:8080"), format!("udp {HOST}:5353")];
    round.answered(Place::Neighbour, "", &[&published[0], &published[1]]);
    round.finish("in the zone that trusts");
}

#[test]
fn networks_with_ipv6_pass_the_chains_for_it_too() {
    let host = TestHost::new();
    let ufw = Ufw::configure(&host, Forward::Drop);
    host.sh("echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        .succeed();
    host.minet("network create --ipv6 six").succeed();
    let web = host.serve("--name web --network six -p 8080:80", "tcp:[::]:80");
    after_both(&host, || drop(ufw.run("enable").succeed()));
    let chains = host.sh("nft list chain ip6 filter FORWARD").succeed();
    assert!(chains.contains("minet: network six on"), "{chains}");
    after_both(&host, || drop(ufw.run("reload").succeed()));
    leave(&host, web);
    let left = host.sh(OTHERS).succeed();
    assert!(!left.contains("minet"), "{left}");
}

/// The port is reached in both families, within the time that is promised.
#[track_caller]
fn after_both(host: &TestHost, act: impl FnOnce()) {
    act();
    let changed = Instant::now();
    while host.minet("check").code() != 0 {
        assert!(changed.elapsed() < PROMISED, "{}", host.minet("check"));
    }
    let mut round = Round::new(host);
    let questions = [format!("tcp {HOST}:8080"), format!("tcp [{HOST_V6}]:8080")];
    round.answered(Place::Neighbour, "", &[&questions[0], &questions[1]]);
    round.finish("both families");
}

#[test]
fn a_bridge_that_becomes_the_way_out_is_opened() {
    let host = TestHost::new();
    let _server = server(&host);
    let web = web(&host);
    after(&host, "a bridge around the card", || {
        host.sh(
            "ip link add br-lan type bridge; ip link set br-lan addrgenmode none up
             ip address flush dev lan0; ip link set lan0 master br-lan
             ip address add 192.168.120.2/24 dev br-lan; ip route add default via 192.168.120.1
             echo 0 >/proc/sys/net/ipv6/conf/br-lan/accept_dad",
        )
        .succeed();
    });
    let exits = host.sh("nft list set inet minet exits").succeed();
    assert!(exits.contains("\"minet0\" . \"br-lan\""), "{exits}");
    leave(&host, web);
}
