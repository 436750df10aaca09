//! What a container may not do, and what it does not inherit.

use minet_tests::{TestHost, minet};

const MODES: [&str; 3] = ["bridge", "none", "host"];

fn status(host: &TestHost, options: &str, key: &str) -> String {
    let line = host
        .run_sh(options, &format!("grep ^{key}: /proc/self/status"))
        .succeed();
    line.split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn capabilities_are_dockers_without_raw_sockets() {
    let host = TestHost::new();
    for mode in MODES {
        let options = format!("--mode {mode}");
        for set in ["CapPrm", "CapEff", "CapBnd"] {
            assert_eq!(
                status(&host, &options, set),
                "00000000a80405fb",
                "{mode} {set}"
            );
        }
        for set in ["CapInh", "CapAmb"] {
            assert_eq!(
                status(&host, &options, set),
                "0000000000000000",
                "{mode} {set}"
            );
        }
        assert_eq!(status(&host, &options, "NoNewPrivs"), "1", "{mode}");
    }
}

#[test]
fn capabilities_can_be_added_and_dropped() {
    let host = TestHost::new();
    for (options, set) in [
        ("--cap-add NET_ADMIN", "00000000a80415fb"),
        ("--cap-add cap_net_raw", "00000000a80425fb"),
        ("--cap-drop ALL", "0000000000000000"),
        (
            "--cap-drop ALL --cap-add NET_BIND_SERVICE",
            "0000000000000400",
        ),
        ("--cap-drop CHOWN", "00000000a80405fa"),
    ] {
        assert_eq!(status(&host, options, "CapEff"), set, "{options}");
        assert_eq!(status(&host, options, "CapBnd"), set, "{options}");
    }
    let all = u64::from_str_radix(&status(&host, "--cap-add ALL", "CapEff"), 16).expect("a mask");
    assert!(all.count_ones() > 35, "{all:x}");
}

#[test]
fn ping_works_without_raw_sockets() {
    let host = TestHost::new();
    let ping = |options: &str, to: &str| {
        let command = format!("run --rm {options} -- {} ping {to}", host.probe());
        host.minet(command).succeed()
    };
    ping("", "172.17.0.1");
    ping("", "203.0.113.7");
    ping("--mode none", "127.0.0.1");
    if host.has_other_users() {
        ping("-u nobody", "172.17.0.1");
    }
    assert_ne!(
        host.run_sh("", "busybox arping -c 1 -I eth0 172.17.0.1")
            .code(),
        0
    );
    host.run_sh(
        "--cap-add NET_RAW",
        "busybox arping -c 1 -I eth0 172.17.0.1",
    )
    .succeed();
}

#[test]
fn only_three_descriptors_are_inherited() {
    let host = TestHost::new();
    let minet = minet().display();
    let inherit = "exec 5</etc 6</etc/passwd 9>/run/lock/x;";
    for mode in MODES {
        let list = "busybox ls /proc/self/fd";
        let seen = host
            .sh(&format!(
                "{inherit} {minet} run --rm --mode {mode} -- {list}"
            ))
            .succeed();
        // The fourth is the listed directory itself.
        assert_eq!(
            seen.split_whitespace().collect::<Vec<_>>(),
            ["0", "1", "2", "3"],
            "{mode}"
        );
    }
    let _web = host.idle("web", "");
    let seen = host
        .sh(&format!(
            "{inherit} {minet} exec web -- busybox ls /proc/self/fd"
        ))
        .succeed();
    assert_eq!(
        seen.split_whitespace().collect::<Vec<_>>(),
        ["0", "1", "2", "3"]
    );
}

#[test]
fn the_supervisor_does_not_keep_descriptors_either() {
    let host = TestHost::new();
    host.sh("mkdir /run/held; mount -t tmpfs tmpfs /run/held; touch /run/held/x")
        .succeed();
    let minet = minet().display();
    let script = format!(
        "exec 7</run/held/x; exec {minet} run --rm --name web -- sh -c 'echo ready; exec sleep 1000'"
    );
    let mut run = host.spawn(minet_tests::Place::Host, ["sh", "-c", &script]);
    run.wait_for("ready");
    let pid = run.pid();
    let open = host.sh(&format!("ls -l /proc/{pid}/fd")).succeed();
    assert!(!open.contains("/run/held"), "{open}");
}

#[test]
fn kernel_parameters_cannot_be_written() {
    let host = TestHost::new();
    for mode in MODES {
        for file in [
            "/proc/sys/kernel/core_pattern",
            "/proc/sys/net/ipv4/ip_forward",
            "/proc/sysrq-trigger",
        ] {
            let run = host.run_sh(["--mode", mode], &format!("echo 0 >{file}"));
            assert_ne!(run.code(), 0, "{mode}: {file} was written");
        }
    }
    let run = host.run_sh("", "mkdir /sys/fs/x || echo >/sys/class/net/eth0/mtu");
    assert_ne!(run.code(), 0, "{run}");
}

#[test]
fn there_is_no_abstract_socket_to_connect_to() {
    let host = TestHost::new();
    let _web = host.idle("web", "-p 8080:80");
    let sockets = host.sh("grep ' @' /proc/net/unix || :").succeed();
    assert!(!sockets.contains("minet"), "{sockets}");
}

#[test]
fn minets_state_is_roots_alone() {
    let host = TestHost::new();
    let _web = host.idle("web", "-e SECRET=1");
    let readable = host
        .sh("find /run/minet /var/lib/minet -maxdepth 0 -perm /077")
        .succeed();
    assert_eq!(readable, "", "others may look into these");
    if host.has_other_users() {
        let script = "find /run/minet /var/lib/minet -readable 2>/dev/null || :";
        let seen = host.exec([
            "setpriv",
            "--reuid=65534",
            "--clear-groups",
            "sh",
            "-c",
            script,
        ]);
        assert_eq!(seen.succeed(), "");
    }
}

#[test]
fn the_path_is_not_searched_for_helpers() {
    let host = TestHost::new();
    let evil_dir = host.scratch_dir().join("evil");
    std::fs::create_dir(&evil_dir).expect("create a directory");
    for tool in [
        "ip",
        "nft",
        "iptables",
        "sysctl",
        "nsenter",
        "mount",
        "unshare",
        "conntrack",
        "sh",
    ] {
        let path = host
            .file(&format!("evil/{tool}"), "#!/bin/sh\necho $0 >>/run/evil\n")
            .display()
            .to_string();
        host.exec(["chmod", "+x", &path]).succeed();
    }
    let (minet, evil) = (minet().display(), evil_dir.display());
    host.sh(&format!(
        "PATH={evil} {minet} run --rm -p 8080:80 -- /bin/true"
    ))
    .succeed();
    host.sh(&format!("PATH={evil} {minet} gc --all")).succeed();
    host.sh("test ! -e /run/evil").succeed();
}
