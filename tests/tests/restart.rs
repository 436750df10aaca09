//! Restart policies, and what runs again after a reboot.

use minet_tests::{Snapshot, TestHost, eventually};
use std::{
    thread,
    time::{Duration, Instant},
};

fn restarts(host: &TestHost, name: &str) -> i64 {
    host.inspect(name)["RestartCount"].as_i64().unwrap()
}

fn status(host: &TestHost, name: &str) -> String {
    host.inspect(name)["State"]["Status"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_program_that_crashes_is_started_again_with_growing_pauses() {
    let host = TestHost::new();
    let began = Instant::now();
    host.leave("--name web --restart on-failure:4", "echo life; exit 3");
    assert_eq!(host.minet("wait web").succeed(), "3");
    // 100 + 200 + 400 + 800 ms.
    let took = began.elapsed();
    assert!(took > Duration::from_millis(1500), "{took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(host.minet("logs web").succeed().lines().count(), 5);
    assert_eq!(
        (restarts(&host, "web"), status(&host, "web")),
        (4, "exited".to_owned())
    );
    let policy = &host.inspect("web")["HostConfig"]["RestartPolicy"];
    assert_eq!(
        *policy,
        serde_json::json!({ "Name": "on-failure", "MaximumRetryCount": 4 })
    );
}

#[test]
fn success_is_no_failure() {
    let host = TestHost::new();
    host.leave("--name once --restart on-failure", "exit 0");
    host.leave("--name again --restart always", "exit 0");
    assert_eq!(host.minet("wait once").succeed(), "0");
    assert_eq!(restarts(&host, "once"), 0);
    eventually("always means always", || restarts(&host, "again") > 1);
    host.minet("rm -f once again").succeed();
}

#[test]
fn the_network_stays_while_the_command_is_started_again() {
    let host = TestHost::new();
    let script = "readlink /proc/self/ns/net; ip -o -4 addr show eth0 | grep -o 'inet [^ ]*'; sleep 0.1; exit 1";
    host.leave("--name web --restart on-failure:2", script);
    host.minet("wait web").succeed();
    let printed = host.minet("logs web").succeed();
    let lives: Vec<&str> = printed.lines().collect();
    assert_eq!(lives.len(), 6, "{printed}");
    assert!(lives.chunks(2).all(|life| life == &lives[..2]), "{printed}");
}

#[test]
fn a_guest_keeps_its_network_while_its_host_is_started_again() {
    let host = TestHost::new();
    host.leave("--name web --restart always", "sleep 2; exit 1");
    host.leave("--name guest --mode container:web", "exec sleep 1000");
    eventually("a restart", || {
        restarts(&host, "web") > 0 && status(&host, "web") == "running"
    });
    host.minet("exec guest ip addr show eth0").succeed();
    host.leave(
        "--name crasher --mode container:web --restart on-failure:2",
        "ip -o addr show eth0; exit 1",
    );
    host.minet("wait crasher").succeed();
    assert!(host.minet("logs crasher").succeed().lines().count() >= 3);
    host.minet("rm -f crasher guest web").succeed();
}

#[test]
fn what_a_user_ends_stays_ended() {
    let host = TestHost::new();
    let before = host.snapshot();
    for end in ["stop -t 0", "kill", "rm -f"] {
        host.leave("--name calm --restart always", "exec sleep 1000");
        // In the middle of a pause, or of a start.
        host.leave("--name mad --restart always", "exit 1");
        thread::sleep(Duration::from_millis(250));
        let ended = host.minet(format!("{end} calm"));
        assert_eq!(ended.succeed(), "calm");
        if end != "kill" {
            let ended = host.minet(format!("{end} mad"));
            assert!(ended.took() < Duration::from_secs(2), "{ended}");
            ended.succeed();
        }
        thread::sleep(Duration::from_millis(300));
        let running = host.minet("ps --format {{.Names}}").succeed();
        assert!(!running.contains("calm"), "{end}: {running}");
        assert!(end == "kill" || running.is_empty(), "{end}: {running}");
        for name in ["calm", "mad"] {
            host.minet(["rm", "-f", name]).code();
        }
    }
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn while_it_waits_it_says_so() {
    let host = TestHost::new();
    host.leave("--name mad --restart always", "exit 7");
    eventually("a long pause", || restarts(&host, "mad") >= 4);
    eventually("the pause", || status(&host, "mad") == "restarting");
    assert!(host.minet("ps").succeed().contains("Restarting (7)"));
    assert_eq!(
        host.minet("ps -q --filter status=restarting")
            .succeed()
            .lines()
            .count(),
        1
    );
    host.minet("exec mad true").refused(&["mad", "not running"]);
    host.minet("rm mad").refused_with(1, &["mad", "running"]);
    host.minet("rm -f mad").succeed();
}

/// All processes are gone, `/run` is empty, the kernel knows nothing, and is another one.
fn reboot(host: &TestHost) {
    let boot = host.file("boot_id", "11111111-2222-3333-4444-555555555555\n");
    host.sh(&format!(
        "pidof minet | xargs -r kill -KILL
         sleep 0.3
         umount /run && mount -t tmpfs -o mode=755 tmpfs /run
         ip link del minet0; nft flush ruleset; echo 0 >/proc/sys/net/ipv4/ip_forward
         mount --bind {} /proc/sys/kernel/random/boot_id",
        boot.display()
    ))
    .succeed();
}

#[test]
fn after_a_reboot_restore_starts_what_should_run() {
    let host = TestHost::new();
    host.leave("--name always -p 80 --restart always", "exec sleep 1000");
    host.leave(
        "--name unless -p 8080:80 --restart unless-stopped",
        "exec sleep 1000",
    );
    host.leave("--name fails --restart on-failure", "exec sleep 1000");
    host.leave("--name never", "exec sleep 1000");
    host.leave("--name always-stopped --restart always", "exec sleep 1000");
    host.leave(
        "--name unless-stopped --restart unless-stopped",
        "exec sleep 1000",
    );
    host.leave("--name finished --restart on-failure:1", "exit 1");
    host.leave(
        "--name guest --mode container:always --restart always",
        "exec sleep 1000",
    );
    host.leave("--rm --name fleeting", "exec sleep 1000");
    host.minet("stop always-stopped unless-stopped").succeed();
    host.minet("wait finished").succeed();
    let addresses = || ["always", "unless", "fails"].map(|name| host.address_of(name));
    let (before, ports) = (addresses(), host.minet("port always").succeed());
    reboot(&host);
    assert_eq!(
        host.minet("ps -q").succeed(),
        "",
        "nothing is taken for alive"
    );
    host.minet("restore").succeed();
    let running = host.minet("ps --format {{.Names}}").succeed();
    let mut running: Vec<&str> = running.lines().collect();
    running.sort_unstable();
    assert_eq!(
        running,
        ["always", "always-stopped", "fails", "guest", "unless"]
    );
    assert_eq!(addresses(), before);
    assert_eq!(host.minet("port always").succeed(), ports);
    assert_eq!(
        host.minet("restore").succeed(),
        "",
        "all that should run runs"
    );
    assert_eq!(host.minet("ps -aq --filter name=fleeting").succeed(), "");
    host.minet("exec guest ip addr show eth0").succeed();
    let all = host.minet("ps -aq").succeed();
    let rest: Vec<&str> = all.lines().collect();
    let _ = host.minet("rm -f guest").succeed();
    let names = "always unless fails never always-stopped unless-stopped finished";
    host.minet(format!("rm -f {names}")).succeed();
    assert_eq!(rest.len(), 8);
    assert_nothing_runs(&host, &host.snapshot());
}

#[track_caller]
fn assert_nothing_runs(host: &TestHost, now: &Snapshot) {
    assert_eq!(host.minet("ps -aq").succeed(), "");
    host.minet("gc").succeed();
    now.assert_unchanged(host);
}

#[test]
fn a_shutdown_is_nobodys_wish_to_end() {
    let host = TestHost::new();
    host.leave(
        "--name web --restart unless-stopped",
        "trap 'exit 0' TERM; while :; do sleep 0.05; done",
    );
    thread::sleep(Duration::from_millis(200));
    host.sh("kill -TERM $(pidof minet)").succeed();
    host.minet("wait web").succeed();
    reboot(&host);
    host.minet("restore").succeed();
    assert_eq!(status(&host, "web"), "running");
}

#[test]
fn rows_of_another_boot_stand_in_nobodys_way() {
    let host = TestHost::new();
    host.leave("--name web -p 8080:80", "exec sleep 1000");
    let address = host.address_of("web");
    reboot(&host);
    host.leave("--name thief -p 8080:80", "exec sleep 1000");
    assert_ne!(host.address_of("thief"), address, "it belongs to a name");
    host.minet("start web").refused_with(1, &["8080", "thief"]);
    host.minet("rm -f thief").succeed();
    host.minet("start web").succeed();
    assert_eq!(host.address_of("web"), address);
    host.minet("rm -f web").succeed();
}
