//! Containers that one can leave: start, stop, start again, other names, and the end.

use minet_tests::{HOST, Place, Terminal, TestHost, eventually};
use std::{
    thread,
    time::{Duration, Instant},
};

#[test]
fn a_container_in_the_background_outlives_the_shell_and_its_terminal() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut shell = Terminal::minet(&host, "run -d --name web -- sleep 1000");
    let screen = shell.finish().stdout().trim().to_owned();
    let id = screen.lines().last().unwrap_or_default();
    assert_eq!(
        (id.len(), host.inspect("web")["Id"].as_str()),
        (64, Some(id))
    );
    drop(shell);
    // The terminal has hung up; everybody who belonged to it got a SIGHUP.
    thread::sleep(Duration::from_millis(100));
    assert_eq!(host.minet("ps -q").succeed(), id[..12]);
    let supervisor = host.sh("busybox pidof minet").succeed();
    let cwd = host.exec(["readlink", &format!("/proc/{supervisor}/cwd")]);
    assert_eq!(cwd.succeed(), "/");
    let open = host.sh(&format!("ls -l /proc/{supervisor}/fd")).succeed();
    assert!(
        !open.contains("/dev/pts") && !open.contains("minet.db"),
        "{open}"
    );
    host.minet("rm -f web").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn failures_are_told_by_the_caller_with_dockers_exit_codes() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet("run -d -- /no/such/command")
        .refused_with(127, &["/no/such/command"]);
    host.minet("run -d -- /etc/hosts")
        .refused_with(126, &["/etc/hosts"]);
    host.minet("run -d --ip 10.9.9.9 -- true")
        .refused(&["10.9.9.9"]);
    host.minet("run -d --rm --restart always -- true")
        .refused(&["--restart", "--rm"]);
    host.minet("run --restart always -- true").refused(&["-d"]);
    host.minet("run -d --restart sometimes -- true")
        .refused(&["sometimes", "on-failure"]);
    assert_eq!(host.minet("ps -aq").succeed(), "");
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn stop_asks_and_then_kills() {
    let host = TestHost::new();
    host.leave(
        "--name polite",
        "trap 'exit 7' TERM; while :; do sleep 0.05; done",
    );
    host.leave("--name deaf", "trap '' TERM; while :; do sleep 0.05; done");
    host.leave("--name silent", "exec sleep 1000");
    host.leave(
        "--name special --stop-signal USR1 --stop-timeout 30",
        "trap 'exit 8' USR1; while :; do sleep 0.05; done",
    );
    thread::sleep(Duration::from_millis(300));
    let stopped = host.minet("stop -t 1 polite deaf silent special");
    assert!(stopped.took() > Duration::from_millis(900), "{stopped}");
    assert!(
        stopped.took() < Duration::from_secs(4),
        "all at once\n{stopped}"
    );
    assert_eq!(stopped.succeed(), "polite\ndeaf\nsilent\nspecial");
    // A program that says nothing about SIGTERM is ended by it, number 1 or not.
    let codes = host.minet("wait polite deaf silent special").succeed();
    assert_eq!(codes, "7\n137\n143\n8");
    assert_eq!(
        host.minet("stop polite").succeed(),
        "polite",
        "stopped already"
    );
    host.minet("stop nobody")
        .refused_with(1, &["No such container: nobody"]);
}

#[test]
fn stop_sends_another_signal_if_it_is_told_to() {
    let host = TestHost::new();
    let patient = "trap 'exit 9' USR2; trap '' TERM; while :; do sleep 0.05; done";
    host.leave("--name web --stop-timeout -1", patient);
    host.leave("--name api", patient);
    thread::sleep(Duration::from_millis(300));
    // Never killed: that is what -1 means.
    let waiting = host.spawn_minet("stop web");
    thread::sleep(Duration::from_millis(500));
    assert_eq!(host.inspect("web")["State"]["Running"], true);
    assert_eq!(host.minet("stop -s USR2 web api").succeed(), "web\napi");
    waiting.finish().succeed();
    assert_eq!(host.minet("wait web api").succeed(), "9\n9");
    host.minet("restart -s KILL web").succeed();
}

#[test]
fn what_shall_be_gone_may_be_gone_already() {
    let host = TestHost::new();
    host.leave("--name web", "exec sleep 1000");
    let removed = host.minet("rm -fv nobody web");
    assert!(removed.stderr().contains("No such container: nobody"));
    assert_eq!(removed.succeed(), "web");
    host.minet("rm nobody")
        .refused_with(1, &["No such container: nobody"]);
}

#[test]
fn whoever_waits_learns_how_a_container_ended_that_was_removed() {
    let host = TestHost::new();
    host.leave("--name one", "exec sleep 1000");
    let waiting = host.spawn_minet("wait one");
    thread::sleep(Duration::from_millis(300));
    host.minet("rm -f one").succeed();
    assert_eq!(waiting.finish().succeed(), "137");
}

#[test]
fn commands_have_dockers_longer_names_too() {
    let host = TestHost::new();
    host.minet("container run -d --name web -- sleep 1000")
        .succeed();
    let names = ["container", "ls", "--format", "{{.Names}}"];
    assert_eq!(host.minet(names).succeed(), "web");
    assert_eq!(host.minet("container exec web -- echo hi").succeed(), "hi");
    let name = ["container", "inspect", "-f", "{{.Name}}", "web"];
    assert_eq!(host.minet(name).succeed(), "/web");
    host.minet("container inspect bridge").end_with(1);
    host.minet("container run --no-such-option -- true")
        .refused(&["minet container run --help"]);
    host.minet("container rm -f web").succeed();
}

#[test]
fn whoever_waits_for_a_stop_is_told_what_for() {
    let host = TestHost::new();
    host.leave("--name deaf", "trap '' TERM; while :; do sleep 0.05; done");
    thread::sleep(Duration::from_millis(200));
    let mut terminal = Terminal::minet(&host, "stop -t 2 deaf");
    terminal.wait_for("waiting for deaf");
    terminal.finish().succeed();
}

#[test]
fn a_container_starts_again_as_the_same_one() {
    let host = TestHost::new();
    let before = host.snapshot();
    let id = host.leave(
        "--name web -p 80 -p 8080:81",
        "cat /sys/class/net/eth0/address; exec sleep 1000",
    );
    // So that the next address and port would be others.
    host.leave("--name other -p 80", "exec sleep 1000");
    let address = host.address_of("web");
    let ports = host.minet("port web").succeed();
    // One that is stopped before it has printed its line prints none.
    let printed_lines = |wanted: usize| {
        eventually("its line", || {
            host.minet("logs web").stdout().lines().count() == wanted
        });
    };
    printed_lines(1);
    host.minet("stop web").succeed();
    assert_eq!(host.minet("port web").succeed(), "");
    host.leave("--name third -p 80", "exec sleep 1000");
    for round in 0..3 {
        host.minet("stop web").succeed();
        assert_eq!(host.minet("start web").succeed(), "web");
        assert_eq!(host.minet("start web").succeed(), "web", "it runs already");
        assert_eq!(host.address_of("web"), address);
        assert_eq!(host.minet("port web").succeed(), ports);
        assert_eq!(host.inspect("web")["Id"], id.as_str());
        printed_lines(2 + 2 * round);
        host.minet("restart -t 1 web").succeed();
        printed_lines(3 + 2 * round);
    }
    let printed = host.minet("logs web").succeed();
    let mac = printed.lines().next().unwrap();
    assert!(
        printed.lines().all(|line| line == mac),
        "one MAC address: {printed}"
    );
    host.minet("rm -f web other third").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn a_start_that_fails_leaves_it_as_it_was() {
    let host = TestHost::new();
    host.leave("--name web -p 8080:80", "exec sleep 1000");
    host.minet("stop web").succeed();
    let mut thief = host.idle("thief", "-p 8080:80");
    host.minet("start web").refused_with(1, &["8080", "thief"]);
    assert!(host.minet("ps").succeed().contains("thief"));
    thief.signal("TERM");
    thief.finish().end_with(143);
    host.minet("start web").succeed();
    host.minet("rm web").refused_with(1, &["web", "running"]);
    host.minet("rm -f web thief").succeed();
}

#[test]
fn wait_gives_exit_codes_of_those_too_that_are_gone() {
    let host = TestHost::new();
    // Names that no ID begins with.
    host.leave("--name one", "sleep 0.4; exit 3");
    // One that is forgotten has to be waited for before it ends, on a busy machine, too.
    host.leave("--name two --rm", "sleep 3; exit 4");
    let waiting = host.spawn_minet("wait two");
    assert_eq!(host.minet("wait one").succeed(), "3");
    assert_eq!(waiting.finish().succeed(), "4");
    assert_eq!(host.minet("wait one").succeed(), "3");
    host.minet("wait two")
        .refused_with(1, &["No such container"]);
}

#[test]
fn kill_sends_what_it_is_told_to_send() {
    let host = TestHost::new();
    let script = "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done";
    host.leave("--name web --restart always", script);
    let prints = |text: &str| host.minet("logs web").stdout().contains(text);
    eventually("its trap", || prints("ready"));
    host.minet("kill -s USR1 web").succeed();
    eventually("the signal", || prints("usr1"));
    // Not handled, harmless by default: it must not be taken for a wish to end.
    host.minet("kill -s WINCH web").succeed();
    // Not handled, deadly: the restart policy is for ends of this kind.
    host.minet("kill -s HUP web").succeed();
    eventually("it to be started again", || {
        host.inspect("web")["RestartCount"] == 1
            && host.inspect("web")["State"]["Status"] == "running"
    });
    host.minet("kill web").succeed();
    assert_eq!(host.minet("wait web").succeed(), "137");
    host.minet("kill web")
        .refused_with(1, &["web is not running"]);
    host.minet("kill -s NONSENSE web")
        .refused_with(2, &["NONSENSE"]);
}

#[test]
fn real_time_signals_are_signals() {
    let host = TestHost::new();
    // By number: not every shell knows the names.
    let script = "trap 'echo three' 37; trap 'exit 9' 64; echo ready; while :; do sleep 0.05; done";
    for (name, options) in [("plain", "--stop-signal SIGRTMAX"), ("reaped", "--init")] {
        host.leave(&format!("--name {name} {options}"), script);
        let prints = |text: &str| host.minet(["logs", name]).stdout().contains(text);
        eventually("its trap", || prints("ready"));
        host.minet(["kill", "-s", "SIGRTMIN+3", name]).succeed();
        eventually("the signal", || prints("three"));
    }
    host.minet("stop plain").succeed();
    assert_eq!(host.minet("wait plain").succeed(), "9");
    host.minet("kill -s RTMAX-1 reaped").succeed();
    assert_eq!(host.minet("wait reaped").succeed(), "191");
    host.leave("--name deaf", "exec sleep 1000");
    host.minet("kill -s 34 deaf").succeed();
    assert_eq!(host.minet("wait deaf").succeed(), "162");
    host.minet("kill -s 65 deaf").refused_with(2, &["1 to 64"]);
}

#[test]
fn another_name_is_another_name_everywhere() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.leave("--name web -p 8080:80", "exec sleep 1000");
    host.leave("--name other", "exec sleep 1000");
    let address = host.address_of("web");
    host.minet("rename web web")
        .refused_with(1, &["same name as its current name", "web"]);
    host.minet("rename web site").succeed();
    assert_eq!(host.address_of("site"), address);
    let inside = host.exec("ip netns exec site ip -4 -oneline address show eth0");
    assert!(inside.succeed().contains(&address));
    host.exec("ip netns exec web true").end_with(255);
    host.minet("rename site other")
        .refused_with(1, &["other", "in use"]);
    host.minet("restart -t 0 site").succeed();
    assert_eq!(host.address_of("site"), address);
    host.minet("stop site").succeed();
    host.minet("rename site web").succeed();
    host.minet("start web").succeed();
    assert_eq!(host.address_of("web"), address);
    host.minet("rm -f web other").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn whoever_shares_a_network_follows_its_owners_name() {
    let host = TestHost::new();
    host.leave("--name web", "exec sleep 1000");
    host.leave("--name side --network container:web", "exec sleep 1000");
    host.leave("--name third --network container:side", "exec sleep 1000");
    host.minet("stop -t 0 third").succeed();
    host.minet("rename side sidecar").succeed();
    host.minet("rename web site").succeed();
    host.minet("start third").succeed();
    host.minet("restart -t 0 sidecar").succeed();
    let addresses = host.minet("exec third ip -4 -oneline address").succeed();
    assert!(addresses.contains(&host.address_of("site")), "{addresses}");
}

#[test]
fn containers_are_found_by_the_beginning_of_their_ids_and_several_at_once() {
    let host = TestHost::new();
    let a = host.leave("--name a", "exec sleep 1000");
    let b = host.leave("--name b", "exec sleep 1000");
    let words = ["stop", &a[..10], "b", "nobody", &b];
    let stopped = host.minet(words);
    assert_eq!(stopped.stdout().lines().count(), 3);
    stopped.end_with(1);
    host.minet(["start", &a[..12], &b[..12]]).succeed();
    assert_eq!(host.minet("ps -q").succeed().lines().count(), 2);
    host.minet(["rm", "-f", &a[..6], &b]).succeed();
    assert_eq!(host.minet("ps -aq").succeed(), "");
}

#[test]
fn port_speaks_dockers_format() {
    let host = TestHost::new();
    host.leave(
        "--name web -p 8080:80 -p 127.0.0.1:53:53/udp",
        "exec sleep 1000",
    );
    let all = "53/udp -> 127.0.0.1:53\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080";
    assert_eq!(host.minet("port web").succeed(), all);
    for port in ["80", "80/tcp", "80/TCP"] {
        let printed = host.minet(["port", "web", port]).succeed();
        assert_eq!(printed, "0.0.0.0:8080\n[::]:8080");
    }
    host.minet("port web 7890/udp")
        .refused_with(1, &["no public port '7890/udp' published for web"]);
}

#[test]
fn published_ports_stay_with_the_supervisor_while_the_command_restarts() {
    let host = TestHost::new();
    let serve = format!("{} serve tcp:80 & sleep 1; exit 1", host.probe());
    host.leave("--name web -p 8080:80 --restart always", &serve);
    let question = format!("tcp {HOST}:8080");
    let works = || host.ask(Place::Neighbour, &question).code() == 0;
    eventually("the server", works);
    eventually("its first end", || host.inspect("web")["RestartCount"] != 0);
    host.minet("run --rm -p 8080:80 -- true")
        .refused(&["8080", "web"]);
    eventually("the server again", works);
    host.minet("rm -f web").succeed();
}

#[test]
fn a_supervisor_that_is_asked_to_end_ends_its_container_gracefully() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.leave(
        "--name web",
        "trap 'echo bye; exit 5' TERM; echo hi; while :; do sleep 0.05; done",
    );
    eventually("its trap", || {
        host.minet("logs web").stdout().contains("hi")
    });
    host.sh("kill -TERM $(busybox pidof minet)").succeed();
    assert_eq!(host.minet("wait web").succeed(), "5");
    assert!(host.minet("logs web").succeed().contains("bye"));
    host.minet("rm web").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn a_supervisor_that_is_killed_takes_its_container_along() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.leave("--name web -p 8080:80", "exec sleep 1000");
    host.sh("kill -KILL $(busybox pidof minet)").succeed();
    assert_eq!(host.minet("wait web").succeed(), "137");
    host.minet("start web").succeed();
    host.sh("kill -KILL $(busybox pidof minet)").succeed();
    assert_eq!(host.minet("wait web").succeed(), "137");
    host.minet("rm web").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn exec_can_be_left_too() {
    let host = TestHost::new();
    host.leave("--name web", "exec sleep 1000");
    let deed = host.scratch_dir().join("deed");
    let script = format!("sleep 0.5; echo done >{}", deed.display());
    let left = host.minet(["exec", "-d", "web", "sh", "-c", &script]);
    assert!(left.took() < Duration::from_millis(500), "{left}");
    assert_eq!(left.succeed(), "");
    assert!(!deed.exists());
    eventually("its deed", || deed.exists());
    host.minet("exec -d web /no/such")
        .refused_with(127, &["/no/such"]);
}

#[test]
fn prune_removes_what_has_ended() {
    let host = TestHost::new();
    let before = host.snapshot();
    let ended = host.leave("--name ended", "true");
    host.leave("--name alive", "exec sleep 1000");
    host.minet("wait ended").succeed();
    let asked = host.minet("container prune");
    assert!(asked.succeed().contains("[y/N]"), "nobody said yes");
    assert_eq!(host.minet("ps -aq").succeed().lines().count(), 2);
    let pruned = host.minet("container prune -f").succeed();
    assert_eq!(pruned, format!("Deleted Containers:\n{ended}"));
    assert_eq!(host.minet("ps -aq").succeed().lines().count(), 1);
    host.minet("rm -f alive").succeed();
    before.assert_only_the_network_is_left(&host);
}

#[test]
fn a_hundred_at_once_all_come_up_and_all_go() {
    const MANY: usize = 100;
    let host = TestHost::new();
    // The network is up, so that only containers are measured.
    host.leave("--rm", "true");
    let before = host.snapshot();
    let starts: Vec<_> = (0..MANY)
        .map(|n| {
            let name = format!("c{n}");
            host.spawn_minet([
                "run", "-d", "-p", "80", "--name", &name, "--", "sleep", "1000",
            ])
        })
        .collect();
    let ids: Vec<String> = starts
        .into_iter()
        .map(|run| run.finish().succeed())
        .collect();
    let list = host.minet("ps --format {{.Address}}").succeed();
    let mut addresses: Vec<&str> = list.lines().collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), MANY, "each has its own address");
    let began = Instant::now();
    let removals: Vec<_> = ids
        .iter()
        .map(|id| host.spawn_minet(["rm", "-f", &id[..12]]))
        .collect();
    for removal in removals {
        removal.finish().succeed();
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(host.minet("ps -aq").succeed(), "");
    before.assert_unchanged(&host);
}

#[test]
fn removal_does_not_wait_for_the_supervisor_to_go() {
    let host = TestHost::new();
    let (mut fastest, mut nothing) = (Duration::MAX, Duration::MAX);
    for n in 0..5 {
        host.leave(&format!("--name c{n} -p 80"), "exec sleep 1000");
        nothing = nothing.min(host.minet("ps -q").took());
        let removed = host.minet(format!("rm -f c{n}"));
        fastest = fastest.min(removed.took());
        removed.succeed();
    }
    // A debug build, nsenter and a shell included; what they take on this machine, so busy as
    // it is, shows in a command that does next to nothing.
    let most = nothing + Duration::from_millis(45);
    assert!(fastest < most, "{fastest:?}, and {nothing:?} for nothing");
}
