//! Many at once: nobody gets what another has.

use minet_tests::{Crowd, HOST, Place, TestHost};
use std::collections::BTreeSet;

/// Starts so many that none has ended before the last one is up.
fn start_at_once(count: usize) {
    let host = TestHost::new();
    let before = host.snapshot();
    let script =
        "ip -o -4 address show eth0; cat /sys/class/net/eth0/address; echo up; exec sleep 1000";
    let start = |n| {
        let (name, port) = (format!("c{n}"), format!("{}:80", 8000 + n));
        host.spawn_minet([
            "run", "--rm", "--name", &name, "-p", &port, "--", "sh", "-c", script,
        ])
    };
    let mut runs: Vec<_> = (0..count).map(start).collect();
    let mut seen = BTreeSet::new();
    for run in &mut runs {
        run.wait_for("up");
        let output = run.stdout();
        let own = output
            .split_whitespace()
            .filter(|word| word.contains("/16") || word.contains("02:"));
        for word in own {
            assert!(seen.insert(word.to_owned()), "{word} was given twice");
        }
    }
    assert_eq!(
        seen.len(),
        2 * count,
        "an address and a MAC address for each: {seen:?}"
    );
    let list = host.minet("ps -q").succeed();
    assert_eq!(list.lines().collect::<BTreeSet<_>>().len(), count);
    for run in &mut runs {
        run.signal("TERM");
    }
    for run in runs {
        run.finish().end_with(143);
    }
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn two_at_once_get_different_addresses() {
    start_at_once(2);
}

#[test]
fn twenty_at_once_get_different_addresses() {
    start_at_once(20);
}

#[test]
fn of_two_with_one_name_exactly_one_wins() {
    let host = TestHost::new();
    for _ in 0..5 {
        let command = "run --rm --name web -- sleep 0.3";
        let runs = [0; 4]
            .map(|_| host.spawn_minet(command))
            .map(|run| run.finish());
        let won = runs.iter().filter(|run| run.code() == 0).count();
        assert_eq!(won, 1, "{} {} {} {}", runs[0], runs[1], runs[2], runs[3]);
        for run in runs {
            if run.code() != 0 {
                run.refused(&["web", "already in use"]);
            }
        }
    }
}

#[test]
fn of_two_with_one_port_exactly_one_wins() {
    let host = TestHost::new();
    let before = host.snapshot();
    for _ in 0..5 {
        let command = "run --rm -p 8080:80 -- sleep 0.3";
        let runs = [0; 4]
            .map(|_| host.spawn_minet(command))
            .map(|run| run.finish());
        let won = runs.iter().filter(|run| run.code() == 0).count();
        assert_eq!(won, 1, "{} {} {} {}", runs[0], runs[1], runs[2], runs[3]);
    }
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn starting_and_ending_side_by_side_leaves_nothing() {
    let host = TestHost::new();
    let before = host.snapshot();
    for _ in 0..5 {
        let runs: Vec<_> = (0..10)
            .map(|_| host.spawn_minet("run --rm -p 80 -- true"))
            .collect();
        for run in runs {
            run.finish().succeed();
        }
    }
    before.assert_only_the_network_is_left(&host);
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
    assert_eq!(
        host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
            .code(),
        1
    );
}

/// `cargo xtask soak` does the same with a hundred, for longer, from other seeds.
#[test]
fn a_crowd_that_comes_goes_moves_and_crashes_is_as_the_model_says() {
    let host = TestHost::new();
    let mut crowd = Crowd::new(&host, 12, 7);
    for _ in 0..3 {
        crowd.round();
        crowd.round_with_wiped_rules();
    }
    crowd.leave();
}
