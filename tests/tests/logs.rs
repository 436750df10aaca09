//! What a container in the background prints, and how it is read.

use minet_tests::TestHost;
use std::{
    thread,
    time::{Duration, Instant},
};

#[track_caller]
fn log_files(host: &TestHost, name: &str) -> Vec<u64> {
    let path = host.inspect(name)["LogPath"].as_str().unwrap().to_owned();
    let sizes = host.sh(&format!("stat -c %s {path}*")).succeed();
    sizes.lines().map(|size| size.parse().unwrap()).collect()
}

#[test]
fn standard_output_and_standard_error_are_kept_apart() {
    let host = TestHost::new();
    let script = "printf 'one\\ntwo\\n'; echo bad >&2; printf 'no end'";
    host.leave("--name web", script);
    host.minet("wait web").succeed();
    let printed = host.minet("logs web");
    assert_eq!(printed.stdout(), "one\ntwo\nno end");
    assert_eq!(printed.stderr(), "bad\n");
    let path = host.inspect("web")["LogPath"].as_str().unwrap().to_owned();
    let raw = host.exec(["cat", &path]).succeed();
    let first: serde_json::Value = serde_json::from_str(raw.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["log"], &first["stream"]),
        (&"one\n".into(), &"stdout".into())
    );
    assert!(first["time"].as_str().unwrap().ends_with('Z'));
    host.minet("rm web").succeed();
    host.exec(["ls", &path]).end_with(2);
}

#[test]
fn the_end_of_a_log_can_be_asked_for() {
    let host = TestHost::new();
    host.leave(
        "--name web",
        "for i in 1 2 3 4 5; do echo $i; done; sleep 1.5; echo 6",
    );
    host.minet("wait web").succeed();
    assert_eq!(host.minet("logs --tail 2 web").succeed(), "5\n6");
    assert_eq!(host.minet("logs -n 0 web").succeed(), "");
    assert_eq!(
        host.minet("logs --tail all web").succeed().lines().count(),
        6
    );
    assert_eq!(
        host.minet("logs --since 1h web").succeed().lines().count(),
        6
    );
    assert_eq!(host.minet("logs --since 1s web").succeed(), "6");
    assert_eq!(host.minet("logs --since 2099-01-01 web").succeed(), "");
    assert_eq!(
        host.minet("logs --until 0s --tail -1 web")
            .succeed()
            .lines()
            .count(),
        6
    );
    assert_eq!(host.minet("logs --until 1s web").succeed(), "1\n2\n3\n4\n5");
    assert_eq!(host.minet("logs --until 1s -n 2 web").succeed(), "4\n5");
    assert_eq!(host.minet("logs --until 1h web").succeed(), "");
    let dated = host.minet("logs -t --tail 1 web").succeed();
    let (time, text) = dated.split_once(' ').unwrap();
    assert!(
        text == "6" && time.len() == "2026-01-31T12:00:00.123456789Z".len() && time.ends_with('Z'),
        "{dated}"
    );
    assert_eq!(host.minet(["logs", "--since", time, "web"]).succeed(), "6");
    host.minet("logs --since yesterday web")
        .refused_with(2, &["yesterday"]);
    host.minet("logs nobody")
        .refused_with(1, &["No such container"]);
}

#[test]
fn a_container_in_the_foreground_has_no_log() {
    let host = TestHost::new();
    host.minet("run --name fg -- echo hello").succeed();
    host.minet("logs fg").refused_with(1, &["fg", "foreground"]);
    host.minet("start fg").succeed();
    host.minet("wait fg").succeed();
    assert_eq!(host.minet("logs fg").succeed(), "hello");
}

#[test]
fn the_output_of_a_terminal_is_logged() {
    let host = TestHost::new();
    host.leave(
        "-t --name web",
        "test -t 1 && echo terminal; test -t 2 && echo so >&2",
    );
    host.minet("wait web").succeed();
    let printed = host.minet("logs web");
    assert_eq!(printed.stdout(), "terminal\r\nso\r\n");
    assert_eq!(printed.stderr(), "");
}

#[test]
fn an_open_standard_input_stays_open() {
    let host = TestHost::new();
    host.leave("--name closed", "cat; echo end");
    host.leave("-i --name open", "cat; echo end");
    assert_eq!(host.minet("wait closed").succeed(), "0");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(host.inspect("open")["State"]["Running"], true);
}

#[test]
fn following_ends_when_the_time_has_come() {
    let host = TestHost::new();
    host.leave("--name web", "while :; do echo tick; sleep 0.05; done");
    let begun = Instant::now();
    let printed = host.minet("logs -f --until -1s web").succeed();
    assert!(printed.contains("tick"));
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_secs(5),
        "{took:?}"
    );
    let begun = Instant::now();
    host.minet("logs -f --until 1h web").succeed();
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[test]
fn following_shows_what_comes_until_the_end() {
    let host = TestHost::new();
    host.leave(
        "--name web",
        "i=0; while [ $i -lt 20 ]; do echo $i; i=$((i+1)); sleep 0.05; done",
    );
    let mut follower = host.spawn_minet("logs -f web");
    follower.wait_for("3\n");
    assert_eq!(
        host.inspect("web")["State"]["Running"],
        true,
        "it is followed as it runs"
    );
    let all: String = (0..20).map(|i| format!("{i}\n")).collect();
    assert_eq!(follower.finish().stdout(), all);
    assert_eq!(host.minet("logs -f web").stdout(), all, "it has ended");
}

#[test]
fn following_goes_on_across_files_and_loses_nothing() {
    let host = TestHost::new();
    // The pauses let a follower on a busy machine keep up: what it has not read when the
    // oldest file goes is gone.
    let script = "sleep 0.3; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1));
        [ $((i % 300)) -ne 0 ] || sleep 0.1; done";
    host.leave(
        "--name web --log-opt max-size=20k --log-opt max-file=5",
        script,
    );
    let follower = host.spawn_minet("logs -f web");
    let all: String = (0..3000).map(|i| format!("line {i}\n")).collect();
    assert_eq!(follower.finish().stdout(), all);
    let sizes = log_files(&host, "web");
    assert_eq!(sizes.len(), 5);
    assert!(sizes.iter().all(|size| *size <= 20 << 10), "{sizes:?}");
    let kept = host.minet("logs web").succeed();
    assert!(kept.ends_with("line 2999") && kept.lines().count() < 3000);
}

#[test]
fn following_goes_on_when_the_command_starts_again() {
    let host = TestHost::new();
    host.leave(
        "--name web --restart on-failure:2",
        "sleep 0.2; echo life; exit 1",
    );
    let follower = host.spawn_minet("logs -f web");
    assert_eq!(follower.finish().stdout(), "life\nlife\nlife\n");
}

#[test]
fn nobody_who_prints_without_end_fills_memory_or_disk_or_cannot_be_stopped() {
    let host = TestHost::new();
    host.leave(
        "--name chatty --log-opt max-size=100k --log-opt max-file=2",
        "yes",
    );
    let anonymous = || {
        let script = "grep Anonymous: /proc/$(busybox pidof minet)/smaps_rollup";
        let line = host.sh(script).succeed();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    thread::sleep(Duration::from_millis(500));
    let early = anonymous();
    thread::sleep(Duration::from_secs(3));
    let late = anonymous();
    assert!(late < early + 200, "from {early} KiB to {late} KiB");
    let sizes = log_files(&host, "chatty");
    assert!(sizes.iter().sum::<u64>() <= 200 << 10, "{sizes:?}");
    let began = Instant::now();
    host.minet("stop chatty").succeed();
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_line_without_end_does_not_fill_memory() {
    let host = TestHost::new();
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo";
    host.leave("--name web", script);
    host.minet("wait web").succeed();
    let printed = host.minet("logs web");
    assert_eq!(printed.stdout().len(), 3_000_001);
    assert!(printed.stdout().trim_end().bytes().all(|byte| byte == b'x'));
}

#[test]
fn nonsense_options_are_refused() {
    let host = TestHost::new();
    host.minet("run -d --log-opt max-size=no -- true")
        .refused(&["max-size=no"]);
    host.minet("run -d --log-opt colour=red -- true")
        .refused(&["colour=red"]);
}
