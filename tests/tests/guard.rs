//! Supervisors notice what somebody takes away, and it is there again within two seconds;
//! one of them does it, and the others do not even wake.

use minet_tests::{HOST, NEIGHBOUR, Place, TestHost, eventually};
use std::time::{Duration, Instant};

/// Two seconds are promised, and a fraction of one is usual; all tests at once are more than
/// a machine has processors for.
const PROMISED: Duration = Duration::from_secs(6);

#[track_caller]
fn heals(host: &TestHost, damage: &str) {
    host.sh(damage).succeed();
    let broken = Instant::now();
    loop {
        let asked = Instant::now();
        let check = host.minet("check");
        if check.code() == 0 {
            break;
        }
        let took = asked - broken;
        assert!(took < PROMISED, "{took:?} after {damage}:\n{check}");
    }
    let answer = host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"));
    assert_eq!(answer.succeed(), NEIGHBOUR, "after {damage}");
}

#[test]
fn what_is_taken_away_comes_back_within_two_seconds() {
    let host = TestHost::new();
    let mut web = host.serve("--name web -p 8080:80", "tcp:80");
    let veth = "$(ip -o link show type veth | sed -n 's/.*\\(veth[0-9a-f]*\\)@.*/\\1/p')";
    for damage in [
        "nft flush ruleset",
        "nft flush map inet minet publish",
        "nft delete rule inet minet forward handle $(nft -a list chain inet minet forward | sed -n 's/.*neighbours\" # handle //p')",
        "ip link delete minet0",
        "ip link set minet0 down",
        "ip link set minet0 address 02:00:00:00:00:99",
        "ip address flush dev minet0",
        "echo 0 >/proc/sys/net/ipv4/ip_forward",
        &format!("ip link delete {veth}"),
        &format!("ip link set {veth} nomaster"),
        "nft flush ruleset; ip link delete minet0; echo 0 >/proc/sys/net/ipv4/ip_forward",
    ] {
        heals(&host, damage);
    }
    assert!(!web.has_ended());
    host.minet("rm -f web").succeed();
    web.finish();
    // What is gone on purpose stays gone.
    let standing = host.sh("nft list table inet minet").succeed();
    assert!(!standing.contains("8080"), "{standing}");
}

#[test]
fn the_next_one_takes_the_guard_s_place() {
    let host = TestHost::new();
    host.leave("--name first", "exec sleep 1000");
    host.leave("--name second", "exec sleep 1000");
    let web = host.serve("--name web -p 8080:80", "tcp:80");
    heals(&host, "nft flush ruleset");
    host.minet("rm -f first").succeed();
    heals(&host, "nft flush ruleset");
    // Killed, it leaves its place all the same.
    host.sh("kill -9 $(pgrep -o -f 'minet run -d --name second')")
        .succeed();
    heals(&host, "ip link delete minet0");
    host.minet("rm -f web").succeed();
    web.finish();
}

#[test]
fn one_of_many_mends_and_nobody_wakes_for_minet_s_own_changes() {
    let host = TestHost::new();
    let web = host.serve("--name web -p 8080:80", "tcp:80");
    for i in 1..=5 {
        host.leave(&format!("--name c{i} -p 909{i}:80"), "exec sleep 1000");
    }
    // The voluntary switches of each supervisor but the first, which is the guard.
    let switches = || {
        host.sh("for p in $(pgrep -f 'minet run -d --name c[1-5]'); do
                grep ^voluntary /proc/$p/status; done")
            .succeed()
    };
    eventually("the supervisors to come to rest", || {
        let before = switches();
        std::thread::sleep(Duration::from_millis(100));
        before == switches()
    });
    let before = switches();
    assert_eq!(before.lines().count(), 5, "{before}");
    host.minet("run --rm -p 9999:80 -- true").succeed();
    heals(&host, "nft flush ruleset");
    assert_eq!(switches(), before);
    host.minet("rm -f web").succeed();
    web.finish();
}
