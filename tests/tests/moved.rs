//! Addresses changed by hand inside containers: who hears of it, and at whose cost.

use minet_tests::{TestHost, eventually};

const IDLE: &str = "exec sleep 1000";

/// A host on which `web` knows `db`.
fn linked(before: &str) -> TestHost {
    let host = TestHost::new();
    host.minet("network create --subnet 10.9.0.0/24 lab")
        .succeed();
    if !before.is_empty() {
        host.leave(&format!("--name {before}"), IDLE);
    }
    host.leave("--name db --network lab --ip 10.9.0.5", IDLE);
    host.leave("--name web --network lab --link db", IDLE);
    host
}

fn change(host: &TestHost, from: &str, to: &str) {
    let line =
        format!("ip -n db address del {from}/24 dev eth0; ip -n db address add {to}/24 dev eth0");
    host.sh(&line).succeed();
}

fn knows(host: &TestHost, address: &str) -> bool {
    let hosts = host.minet("exec web cat /etc/hosts").succeed();
    hosts.contains(&format!("{address}\tdb"))
}

/// The kernel walks the list of all that listen, in whatever namespace, for each thing that
/// it announces in any.
#[test]
fn one_listens_for_all_and_another_takes_its_place() {
    let host = linked("first");
    change(&host, "10.9.0.5", "10.9.0.6");
    eventually("what the first one has heard", || knows(&host, "10.9.0.6"));
    for name in ["first", "db", "web"] {
        let groups = host.sh(&format!(
            "ip netns exec {name} awk 'NR > 1 {{ print $4 }}' /proc/net/netlink"
        ));
        for group in groups.succeed().lines() {
            assert_eq!(group, "00000000", "{name}");
        }
    }
    let init = host.inspect("first")["State"]["Pid"].to_string();
    host.sh(&format!(
        "kill -KILL $(awk '/^PPid/ {{print $2}}' /proc/{init}/status)"
    ))
    .succeed();
    eventually("that another one listens", || {
        let listeners = host.sh("awk '$2 == 0 && $4 != \"00000000\"' /proc/net/netlink");
        // It opens two sockets, the one for addresses last.
        listeners.succeed().lines().count() == 2
    });
    change(&host, "10.9.0.6", "10.9.0.7");
    eventually("what the second one has heard", || knows(&host, "10.9.0.7"));
}

#[test]
fn what_a_command_changes_first_of_all_is_noticed() {
    let host = TestHost::new();
    let move_away = "ip address flush dev eth0; ip address add 172.17.0.200/16 dev eth0
        exec sleep 1000";
    host.leave("--name db --cap-add NET_ADMIN", move_away);
    host.leave("--name web --link db", IDLE);
    eventually("the new address", || knows(&host, "172.17.0.200"));
}

/// More than anybody can hear at once.
#[test]
fn who_changes_its_addresses_without_end_drowns_nobody_else() {
    let host = linked("");
    host.leave("--name loud --network lab --cap-add NET_ADMIN", IDLE);
    let noise = "i=0; while [ $i -lt 20000 ]; do i=$((i + 1))
            echo address add 10.8.$((i / 250)).$((i % 250 + 1))/32 dev eth0
            echo address del 10.8.$((i / 250)).$((i % 250 + 1))/32 dev eth0
        done >/run/noise; minet exec -i loud ip -batch - </run/noise";
    let minet = minet_tests::minet().display().to_string();
    host.sh(&noise.replace("minet exec", &format!("{minet} exec")))
        .succeed();
    change(&host, "10.9.0.5", "10.9.0.6");
    eventually("the quiet one's new address", || knows(&host, "10.9.0.6"));
}
