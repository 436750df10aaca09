//! A host port that minet chose belongs to a name, as an address does.

use minet_tests::{HOST, Place, TestHost};

/// `0.0.0.0:32768` and its like, for a container's port 80.
fn host_port(host: &TestHost, name: &str) -> String {
    let ports = host.minet(["port", name, "80"]).succeed();
    let first = ports.lines().next().expect("a line for port 80").to_owned();
    first.rsplit(':').next().expect("a number").to_owned()
}

#[test]
fn a_name_gets_its_port_again() {
    let host = TestHost::new();
    host.leave("--name web -p 80 --expose 81 -P", "exec sleep 1000");
    host.leave("--name local -p 127.0.0.1::80", "exec sleep 1000");
    let web = host.minet("port web").succeed();
    let local = host_port(&host, "local");
    for name in ["web", "local"] {
        host.minet(["rm", "-f", name]).succeed();
    }
    // Whoever comes in between gets another one.
    host.leave("--name other -p 80", "exec sleep 1000");
    assert_ne!(host_port(&host, "other"), local);
    assert!(!web.contains(&host_port(&host, "other")), "{web}");

    // Of other options, and seen beforehand.
    let rehearsal = host
        .minet("run --dry-run --name local -p 127.0.0.1::80 -- true")
        .succeed();
    assert!(
        rehearsal.contains(&format!("127.0.0.1:{local}->80/tcp")),
        "{rehearsal}"
    );
    host.leave(
        "--name web -p 80 --expose 81 -P --network bridge",
        "exec sleep 1000",
    );
    host.leave("--name local -p 127.0.0.1::80", "exec sleep 1000");
    assert_eq!(host.minet("port web").succeed(), web);
    assert_eq!(host_port(&host, "local"), local);

    // The name takes it along.
    host.minet("rename local here").succeed();
    host.minet("rm -f here").succeed();
    host.leave("--name here -p 127.0.0.1::80", "exec sleep 1000");
    assert_eq!(host_port(&host, "here"), local);

    let list = host.minet("leases").succeed();
    let line = |list: &str, word: &str| {
        let line = list.lines().find(|line| line.contains(word));
        line.unwrap_or_else(|| panic!("no {word} in\n{list}"))
            .to_owned()
    };
    assert!(
        line(&list, &format!("127.0.0.1:{local}/tcp")).contains("here"),
        "{list}"
    );
    host.minet("stop -t 0 here").succeed();
    let list = host.minet("leases").succeed();
    assert!(line(&list, &local).contains("nobody since"), "{list}");
    let json = host.minet("leases --format json").succeed();
    assert!(json.contains(&format!("\"HostPort\":{local}")), "{json}");
    assert!(!host.minet("leases bridge").succeed().contains("HOST PORT"));
}

#[test]
fn after_a_reboot_too() {
    let host = TestHost::new();
    host.leave("--name web -p 80", "exec sleep 1000");
    let port = host_port(&host, "web");
    host.minet("rm -f web").succeed();
    host.minet("gc --all").succeed();
    // What a reboot leaves: the database and nothing else.
    host.sh("rm -r /run/minet").succeed();
    host.leave("--name web -p 80", "exec sleep 1000");
    assert_eq!(host_port(&host, "web"), port);
}

#[test]
fn somebody_elses_port_is_not_waited_for() {
    let host = TestHost::new();
    host.leave("--name web -p 80", "exec sleep 1000");
    let port = host_port(&host, "web");
    host.minet("rm -f web").succeed();
    let other = host.serve_at(Place::Host, &format!("tcp:0.0.0.0:{port}"));
    host.leave("--name web -p 80", "exec sleep 1000");
    let next = host_port(&host, "web");
    assert_ne!(next, port);
    drop(other);
    // From now on it is this one.
    host.minet("rm -f web").succeed();
    host.leave("--name web -p 80", "exec sleep 1000");
    assert_eq!(host_port(&host, "web"), next);
}

#[test]
fn when_ports_run_short_the_one_longest_out_of_use_is_given_away() {
    let host = TestHost::new();
    host.sh("echo 50000 50001 >/proc/sys/net/ipv4/ip_local_port_range")
        .succeed();
    for name in ["first", "second"] {
        host.leave(&format!("--name {name} -p 80"), "exec sleep 1000");
    }
    let first = host_port(&host, "first");
    for name in ["first", "second"] {
        host.minet(["rm", "-f", name]).succeed();
    }
    host.leave("--name third -p 80", "exec sleep 1000");
    assert_eq!(host_port(&host, "third"), first);
    // A made-up name that is gone for good keeps nothing.
    host.minet("run --rm -p 80 -- true").succeed();
    let list = host.minet("leases").succeed();
    assert!(
        list.contains("50000/tcp") != list.contains("50001/tcp"),
        "{list}"
    );
    host.leave("--name second -p 80", "exec sleep 1000");
    host.minet("run -p 80 -- true")
        .refused(&["ip_local_port_range"]);
}

#[test]
fn what_was_unpublished_does_not_come_back() {
    let host = TestHost::new();
    host.leave(
        "--name web -p 8080-8082:80-82 --expose 90 --expose 91 -P",
        "exec sleep 1000",
    );
    host.minet("unpublish web 81").succeed();
    host.minet("unpublish web 0.0.0.0:8082:82").succeed();
    let extra = host.minet("port web 91").succeed();
    host.minet("unpublish web 90").succeed();
    let left = host.minet("port web").succeed();
    assert!(
        !left.contains("8081") && left.contains("[::]:8082"),
        "{left}"
    );
    host.minet("restart -t 0 web").succeed();
    assert_eq!(host.minet("port web").succeed(), left);
    assert_eq!(host.minet("port web 91").succeed(), extra);
    host.leave("--name other -p 8081:80", "exec sleep 1000");
    assert_eq!(host.minet("check").succeed(), "");
    host.lan(format!("busybox nc -w 1 {HOST} 8081")).stdout();
}

#[test]
fn a_port_that_was_published_while_it_ran_is_kept_too() {
    let host = TestHost::new();
    host.leave("--name web", "exec sleep 1000");
    host.minet("publish web 80").succeed();
    let port = host_port(&host, "web");
    host.minet("restart -t 0 web").succeed();
    assert_eq!(host_port(&host, "web"), port);
}
