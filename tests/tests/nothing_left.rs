//! However it ends, nothing stays; at the latest after the next command.
//!
//! The rule that `Snapshot` checks is written at the head of `harness/snapshot.rs`.

use minet_tests::{Snapshot, TestHost};
use std::{thread, time::Duration};

#[track_caller]
fn assert_gc_takes_the_rest(host: &TestHost, before: &Snapshot) {
    before.assert_only_the_network_is_left(host);
    host.minet("gc --all").succeed();
    before.assert_unchanged(host);
}

#[test]
fn a_command_that_exits_leaves_nothing() {
    let host = TestHost::new();
    let before = host.snapshot();
    for options in [
        "",
        "--mode none",
        "--mode host",
        "-p 8080:80 -p 53/udp",
        "--init",
        "--read-only",
    ] {
        host.minet(format!("run --rm {options} -- true")).succeed();
        before.assert_only_the_network_is_left(&host);
    }
    assert_eq!(host.minet("ps --all --quiet").succeed(), "");
    assert_gc_takes_the_rest(&host, &before);
}

#[test]
fn without_rm_the_name_stays_until_it_is_removed() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet([
        "run", "--name", "web", "-p", "8080:80", "--", "sh", "-c", "exit 3",
    ])
    .end_with(3);
    assert!(host.minet("ps --all").succeed().contains("web"));
    assert!(!host.minet("ps").succeed().contains("web"));
    // Its port, address, cable and namespace do not.
    before.assert_only_the_network_is_left(&host);
    host.minet("run --rm -p 8080:80 -- true").succeed();
    host.minet("rm web").succeed();
    assert_eq!(host.minet("ps --all --quiet").succeed(), "");
    assert_gc_takes_the_rest(&host, &before);
}

#[test]
fn the_switch_stays_on_until_gc_and_comes_back() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet("run --rm -- true").succeed();
    host.exec("ip link show minet0").succeed();
    host.exec("nft list table inet minet").succeed();
    assert_gc_takes_the_rest(&host, &before);
    host.minet("gc --all").succeed();
    host.minet("run --rm -- true").succeed();
    assert_gc_takes_the_rest(&host, &before);
}

#[test]
fn gc_does_not_touch_what_runs() {
    let host = TestHost::new();
    let mut web = host.serve("--name web -p 8080:80", "tcp:80");
    let before = host.snapshot();
    host.minet("gc").succeed();
    host.minet("gc --all").code();
    before.assert_unchanged(&host);
    assert!(!web.has_ended());
    host.ask(minet_tests::Place::Neighbour, "tcp 192.168.120.2:8080")
        .succeed();
}

#[test]
fn a_failure_after_any_step_undoes_all_steps_before() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut steps = 0;
    loop {
        let after = steps.to_string();
        let options = [
            "run",
            "--rm",
            "--fail-after",
            &after,
            "--name",
            "doomed",
            "-p",
            "8080:80",
            "-p",
            "8080:80/udp",
            "--",
            "true",
        ];
        let run = host.minet(&options[..]);
        if run.code() == 0 {
            break;
        }
        run.refused(&[]);
        assert_eq!(
            host.minet("ps --all --quiet").succeed(),
            "",
            "after step {steps}"
        );
        assert_gc_takes_the_rest(&host, &before);
        steps += 1;
        assert!(steps < 100, "no plan is that long");
    }
    // Namespace, lo, bridge, cable, address, route, table, ports, files: at the least.
    assert!(steps >= 8, "the plan had {steps} steps");
}

#[test]
fn a_failure_next_to_another_container_leaves_that_alone() {
    let host = TestHost::new();
    let _web = host.serve("--name web -p 8080:80", "tcp:80");
    let before = host.snapshot();
    for after in 0..100 {
        let run = host.minet(format!("run --rm --fail-after {after} -p 8081:80 -- true"));
        let last = run.code() == 0;
        before.assert_unchanged(&host);
        if last {
            break;
        }
    }
    host.ask(minet_tests::Place::Neighbour, "tcp 192.168.120.2:8080")
        .succeed();
}

#[test]
fn sigkill_at_any_moment_leaves_nothing_after_the_next_command() {
    let host = TestHost::new();
    let before = host.snapshot();
    for n in 0..40 {
        let name = format!("doomed{n}");
        let mut run = host.spawn_minet(format!("run --rm --name {name} -p 8080:80 -- sleep 1000"));
        run.pid();
        thread::sleep(Duration::from_millis(n));
        run.signal("KILL");
        run.finish().end_with(137);
        assert_eq!(
            host.minet("ps --all --quiet").succeed(),
            "",
            "killed after {n} ms"
        );
        before.assert_only_the_network_is_left(&host);
        if n % 8 == 7 {
            assert_gc_takes_the_rest(&host, &before);
        }
    }
}

#[test]
fn sigkill_takes_the_container_with_it() {
    let host = TestHost::new();
    let mut web = host.serve("--rm --name web -p 8080:80", "tcp:80");
    let pid = host.inspect("web")["State"]["Pid"].to_string();
    web.signal("KILL");
    web.finish();
    host.sh(&format!(
        "for n in $(seq 100); do test -e /proc/{pid} || exit 0; sleep 0.01; done; exit 1"
    ))
    .succeed();
    // The next command need not know what happened: this one takes name and port again.
    let _next = host.serve("--rm --name web -p 8080:80", "tcp:80");
    host.ask(minet_tests::Place::Neighbour, "tcp 192.168.120.2:8080")
        .succeed();
}

#[test]
fn signals_end_it_cleanly() {
    let host = TestHost::new();
    let before = host.snapshot();
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut web = host.idle("web", "--rm -p 8080:80");
        web.signal(signal);
        web.finish().end_with(code);
        before.assert_only_the_network_is_left(&host);
    }
    assert_gc_takes_the_rest(&host, &before);
}

#[test]
fn a_signal_while_it_starts_leaves_nothing() {
    let host = TestHost::new();
    let before = host.snapshot();
    for n in 0..20 {
        let mut run = host.spawn_minet("run --rm -p 8080:80 -- sleep 1000");
        run.pid();
        thread::sleep(Duration::from_millis(n));
        run.signal("TERM");
        run.finish().end_with(143);
    }
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn a_reboot_is_noticed() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut web = host.idle("web", "-p 8080:80");
    let pid = host.inspect("web")["State"]["Pid"].to_string();
    // What a power cut leaves: the database, and nothing else.
    web.signal("KILL");
    web.finish();
    host.sh(&format!(
        "kill -9 {pid} 2>/dev/null || :; sleep 0.1
         for mount in $(grep -o ' /run/[^ ]*' /proc/mounts | sort -r); do umount -l $mount || :; done
         rm -rf /run/minet /run/netns; nft flush ruleset; ip link delete minet0
         echo 0 >/proc/sys/net/ipv4/ip_forward
         uuidgen=4f3a0000-0000-4000-8000-000000000000; echo $uuidgen >/run/boot_id
         mount --bind /run/boot_id /proc/sys/kernel/random/boot_id"
    ))
    .succeed();
    host.minet("run --rm -p 8080:80 -- true").succeed();
    assert!(!host.minet("ps").succeed().contains("web"));
    host.minet("rm -f web").succeed();
    host.minet("gc --all").succeed();
    host.sh("umount /proc/sys/kernel/random/boot_id; rm /run/boot_id")
        .succeed();
    before.assert_unchanged(&host);
}
