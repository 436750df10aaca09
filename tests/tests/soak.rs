//! Everything that takes too long for every day: each moment at which anything can die or
//! be refused something, and many rounds of everything at once.
//!
//! `cargo xtask soak` runs this; `cargo test` does not. A failure names the scenario and
//! the point, or the seed, with which it comes back.

use minet_tests::{Blow, Crowd, SCENARIOS, TestHost, change_links_under_readers};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the kernel says when it has no memory, no room, no descriptors, no patience, or
/// when somebody else was faster.
const ERRORS: &[&str] = &["ENOBUFS", "ENOSPC", "EMFILE", "EBUSY", "EINTR", "ENOMEM"];

#[test]
fn every_death() {
    strike_all(|_| Blow::Death);
}

/// One error for each point; together they come to every call.
#[test]
fn every_refusal() {
    strike_all(|number| Blow::Error(ERRORS[number % ERRORS.len()]));
}

fn strike_all(blow: impl Fn(usize) -> Blow) {
    for scenario in SCENARIOS {
        let host = TestHost::new();
        let before = host.snapshot();
        let points = scenario.points(&host);
        println!("{}: {} points", scenario.name, points.len());
        for (number, point) in points.iter().enumerate() {
            let blow = blow(number);
            if blow == Blow::Death || point.can_fail() {
                scenario.survives(&host, &before, point, blow);
            }
        }
        host.minet("gc --all").succeed();
        before.assert_unchanged(&host);
    }
}

/// Four thousand changes of a hosts file, with readers of every kind that notice each.
#[test]
fn readers_never_see_a_torn_file() {
    change_links_under_readers(&TestHost::new(), 2000);
}

/// The cables of others count, too: a bridge has 1,023 ports, whoever plugs in.
#[test]
fn a_bridge_that_others_have_filled_is_refused_in_words() {
    let host = TestHost::new();
    host.leave("--name web", "exec sleep 1000");
    let fill = "for i in $(seq 1022); do
            echo link add d$i master minet0 type veth peer name e$i
        done >/run/fill; ip -batch /run/fill";
    host.sh(fill).succeed();
    let names = || host.sh("ls /run/netns /run/minet/containers").succeed();
    let before = names();
    let refused = host.minet("run --rm -- true");
    refused.refused_with(125, &["full"]);
    assert_eq!(names(), before);
    host.sh("ip link del d1").succeed();
    host.minet("run --rm -- true").succeed();
}

/// What ends at once has ended: a thousand times.
#[test]
fn a_thousand_commands_that_end_at_once() {
    let host = TestHost::new();
    host.minet("run --rm -- true").succeed();
    let before = host.snapshot();
    for round in 0..1000 {
        let code = round % 7;
        let run = ["run", "--rm", "-p", "8080:80", "--", "sh", "-c"];
        let exit = format!("exit {code}");
        let ended = host.minet([&run[..], &[exit.as_str()]].concat().as_slice());
        assert_eq!(ended.code(), code, "round {round}\n{ended}");
    }
    before.assert_unchanged(&host);
}

/// A hundred at once, twenty times. The seed is printed; `MINET_SEED` sets it.
#[test]
fn a_crowd() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = std::env::var("MINET_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(now.map_or(0, |now| now.as_secs()));
    let host = TestHost::new();
    let mut crowd = Crowd::new(&host, 100, seed);
    for _ in 0..10 {
        crowd.round();
        crowd.round_with_wiped_rules();
    }
    crowd.leave();
}
