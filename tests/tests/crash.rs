//! A sample of all the moments at which a command, or the supervisor that it leaves, can
//! die or be refused something by the kernel. `cargo xtask soak` tries every one.

use minet_tests::{Blow, Point, SCENARIOS, TestHost};
use std::{collections::BTreeSet, iter};

/// How many points of each scenario are struck.
const SAMPLE: usize = 6;

/// What the kernel says when it has no memory, no room, no descriptors, no patience, or
/// when somebody else was faster.
const ERRORS: &[&str] = &["ENOBUFS", "ENOSPC", "EMFILE", "EBUSY", "EINTR", "ENOMEM"];

/// Strikes some points of the scenarios, the same ones each time.
fn strike_some(of: &[&str], mut blows: impl Iterator<Item = Blow>) {
    let mut chance = fastrand::Rng::with_seed(20_240_229);
    for scenario in SCENARIOS.iter().filter(|one| of.contains(&one.name)) {
        let host = TestHost::new();
        let before = host.snapshot();
        let points = scenario.points(&host);
        for blow in blows.by_ref().take(SAMPLE) {
            let point = choose(&mut chance, &points, blow);
            scenario.survives(&host, &before, point, blow);
        }
        host.minet("gc --all").succeed();
        before.assert_unchanged(&host);
    }
}

/// First a system call and then one of its moments, or SQLite's many locks would be all.
fn choose<'p>(chance: &mut fastrand::Rng, points: &'p [Point], blow: Blow) -> &'p Point {
    let possible = |point: &&Point| blow == Blow::Death || point.can_fail();
    let calls: BTreeSet<&str> = points.iter().filter(possible).map(Point::call).collect();
    let call = chance.choice(calls).expect("a command makes system calls");
    let moments = points.iter().filter(|point| point.call() == call);
    chance
        .choice(moments.collect::<Vec<_>>())
        .expect("a call is made")
}

fn deaths() -> impl Iterator<Item = Blow> {
    iter::repeat(Blow::Death)
}

fn errors() -> impl Iterator<Item = Blow> {
    ERRORS.iter().cycle().map(|error| Blow::Error(error))
}

const CONTAINERS: &[&str] = &["run", "start", "stop", "rm"];
const SUPERVISOR: &[&str] = &["a supervisor, from its birth to its end"];
const NETWORKS: &[&str] = &[
    "network create and rm",
    "network connect",
    "network disconnect",
    "network disconnect, the last",
    "network set",
];
const REST: &[&str] = &[
    "publish",
    "publish --take",
    "unpublish",
    "link",
    "link past a reader",
    "rename",
    "gc",
];

#[test]
fn every_scenario_is_struck() {
    let struck = [CONTAINERS, SUPERVISOR, NETWORKS, REST].concat();
    for scenario in SCENARIOS {
        assert!(struck.contains(&scenario.name), "{}", scenario.name);
    }
}

#[test]
fn a_killed_command_leaves_nothing() {
    strike_some(CONTAINERS, deaths());
}

#[test]
fn a_killed_supervisor_leaves_nothing() {
    strike_some(SUPERVISOR, deaths());
}

#[test]
fn a_killed_change_of_a_network_is_put_right() {
    strike_some(NETWORKS, deaths());
}

#[test]
fn a_killed_publication_is_put_right() {
    strike_some(REST, deaths());
}

#[test]
fn what_the_kernel_refuses_a_command_leaves_nothing() {
    strike_some(CONTAINERS, errors());
}

#[test]
fn what_the_kernel_refuses_a_supervisor_leaves_nothing() {
    strike_some(SUPERVISOR, errors());
}

#[test]
fn what_the_kernel_refuses_a_network_is_put_right() {
    strike_some(NETWORKS, errors());
    strike_some(REST, errors());
}
