//! What is rarely so long, so many or so fast.

use minet_tests::{SERVER, TestHost};

const IDLE: &str = "exec sleep 1000";

/// Longer than a netlink attribute can be (65,531 bytes); the kernel never hears of it.
#[test]
fn a_label_of_any_length_comes_back_as_it_was() {
    let host = TestHost::new();
    let label = "x".repeat(70_000);
    let words = ["run", "-d", "--name", "web", "-p", "8080:80", "--label"];
    let label_word = format!("long={label}");
    let run = [&words[..], &[&label_word, "--", "sleep", "1000"]].concat();
    host.minet(run.as_slice()).succeed();
    assert_eq!(host.inspect("web")["Config"]["Labels"]["long"], *label);
    assert_eq!(host.minet("check").succeed(), "");
    host.minet("rm -f web").succeed();
}

/// One that runs, is killed without a word, and whose numbers are other processes' then.
#[test]
fn whoever_has_the_number_now_is_neither_killed_nor_entered() {
    let host = TestHost::new();
    host.leave("--name web", IDLE);
    let init = host.inspect("web")["State"]["Pid"].to_string();
    // `pid_namespaces(7)`: the next process gets the number after this one.
    let again = format!(
        "supervisor=$(awk '/^PPid/ {{print $2}}' /proc/{init}/status)
        kill -KILL $supervisor
        while [ -e /proc/{init} ]; do sleep 0.01; done
        for try in $(seq 50); do
            echo $(({init} - 1)) >/proc/sys/kernel/ns_last_pid
            sleep 1000 >/dev/null 2>&1 </dev/null & bystander=$!
            [ $bystander != {init} ] || exit 0
            kill $bystander
        done
        exit 1"
    );
    host.sh(&again).succeed();
    for line in ["exec web true", "kill web", "top web"] {
        let said = host.minet(line);
        assert_ne!(said.code(), 0, "{said}");
    }
    host.minet("stop web").succeed();
    host.minet("rm -f web").succeed();
    let bystander = host.sh(&format!("tr '\\0' ' ' </proc/{init}/cmdline"));
    assert_eq!(bystander.succeed(), "sleep 1000 ");
}

/// The kernel says `NLM_F_DUMP_INTR` when a list has changed while it was read.
#[test]
fn lists_that_change_while_they_are_read_are_read_again() {
    let host = TestHost::new();
    let many = "for i in $(seq 100); do echo link add d$i type veth peer name e$i; done >/run/many
        ip -batch /run/many
        while ip link add x type veth peer name y; do ip link del x; sleep 0.002; done";
    let mut changes = host.spawn(minet_tests::Place::Host, ["sh", "-c", many]);
    host.leave("--name web", IDLE);
    for round in 0..12 {
        host.minet(format!("network create net{round}")).succeed();
        assert_eq!(host.minet("check").code(), 0);
        assert!(host.minet("veth").succeed().contains("web"));
    }
    assert!(!changes.has_ended());
}

/// A container that sends without end is taken away: its own address never leaves.
#[test]
fn nothing_leaves_under_a_containers_address_while_it_is_taken_away() {
    let host = TestHost::new();
    let watch = "table inet watch {
        chain in {
            type filter hook prerouting priority raw
            ip saddr 172.17.0.0/16 counter
            ip saddr 192.168.120.2 counter
        }
    }";
    host.uplink(["nft", watch]).succeed();
    for round in 0..5 {
        let flood = format!("while :; do echo x >/dev/udp/{SERVER}/9; done");
        host.leave(
            &format!("--name loud{round}"),
            &format!("bash -c '{flood}'"),
        );
        std::thread::sleep(std::time::Duration::from_millis(300));
        host.minet(format!("rm -f loud{round}")).succeed();
    }
    let seen = host.uplink("nft list table inet watch").succeed();
    let packets = |source: &str| {
        let line = seen.lines().find(|line| line.contains(source));
        let mut words = line.expect("a counter").split_whitespace();
        words.find(|word| *word == "packets");
        words.next().and_then(|count| count.parse::<u64>().ok())
    };
    assert!(packets("192.168.120.2") > Some(100), "{seen}");
    assert_eq!(packets("172.17.0.0/16"), Some(0), "{seen}");
}

/// Where `/proc/sys` may not be written to, as in a container of others.
#[test]
fn a_read_only_proc_sys_is_no_obstacle_or_is_named() {
    let host = TestHost::new();
    host.sh("mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys")
        .succeed();
    let before = host.snapshot();
    let run = host.minet("run --rm -- true");
    match run.code() {
        0 => {}
        _ => {
            run.refused_with(125, &["sysctl", "Read-only file system"]);
            before.assert_unchanged(&host);
        }
    }
}
