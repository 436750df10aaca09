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

/// What Docker masks and makes read-only, as far as this kernel has it.
const COVERED: &str = r#"
    fail() { echo "$1: $2"; }
    mode_of() { awk -v path="$1" '$5 == path { mode = $6 } END { print mode }' /proc/self/mountinfo; }
    for path in acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats; do
        path=/proc/$path
        test -e $path || continue
        test -n "$(mode_of $path)" || fail $path "is not masked"
        if test -d $path; then test -z "$(ls -A $path)"; else test -z "$(head -c 1 $path)"; fi ||
            fail $path "shows something"
    done
    for path in /sys/firmware /sys/devices/virtual/powercap /sys/devices/system/cpu/cpu*/thermal_throttle; do
        test ! -d $path || test -z "$(ls -A $path)" || fail $path "shows something"
    done
    for path in bus fs irq sys sysrq-trigger; do
        path=/proc/$path
        test -e $path || continue
        case $(mode_of $path) in ro|ro,*) ;; *) fail $path "can be written" ;; esac
    done
    case $(mode_of /sys) in ro|ro,*) ;; *) fail /sys "can be written" ;; esac
    echo checked
"#;

#[test]
fn the_kernels_secrets_are_covered() {
    let host = TestHost::new();
    for mode in MODES {
        let seen = host.run_sh(["--mode", mode], COVERED).succeed();
        assert_eq!(seen, "checked", "{mode}");
    }
    // Root of a user namespace meets mounts that it may not touch, and the same holds.
    let minet = minet().display();
    let script = format!(
        "mount -t proc proc /proc; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib
         {minet} run --rm --mode none -- sh -euc \"$COVERED\""
    );
    let unshare = "unshare --user --map-root-user --net --mount --pid --fork --kill-child";
    let variable = format!("COVERED={COVERED}");
    let command = [
        &["env", &variable][..],
        &unshare.split_whitespace().collect::<Vec<_>>(),
        &["sh", "-euc", &script],
    ]
    .concat();
    assert_eq!(host.exec(command.as_slice()).succeed(), "checked");
}

/// CVE-2016-9962: what joins a container has its caller's files open for a moment. Here the
/// moment lasts a second, and the container does nothing but look.
#[test]
fn who_joins_a_container_cannot_be_looked_into() {
    let host = TestHost::new();
    let watch = r#"
        readlink /proc/1/exe /proc/1/fd/0 >/dev/null && echo ready
        while :; do
            for process in /proc/[0-9]*; do
                read -r name <$process/comm || continue
                test "$name" = minet || continue
                seen=
                for file in exe cwd root fd/0 fd/1 fd/2 fd/3 fd/4; do
                    readlink $process/$file && seen="$seen $file"
                done
                head -c 1 $process/environ && seen="$seen environ"
                cat <$process/fd/1 && seen="$seen fd"
                # Once it has become the command, it may be looked into.
                read -r name <$process/comm && test "$name" = minet || continue
                test -z "$seen" || echo $seen >>/run/seen
                test -e $process && echo looked
            done
        done"#;
    let mut web = host.spawn_minet(["run", "--name", "web", "--", "sh", "-c", watch]);
    web.wait_for("ready");
    let slowly = "strace -f -qq -o /dev/null -e trace=execve -e inject=execve:delay_enter=1000000";
    let command = format!("{slowly} {} exec web -- /bin/true", minet().display());
    host.exec(command).succeed();
    web.wait_for("looked");
    let seen = host.sh("test ! -e /run/seen || cat /run/seen").succeed();
    assert_eq!(seen, "");
}

/// There is no control endpoint to be reached, by whatever address (CVE-2025-9074).
#[test]
fn minet_listens_to_nobody() {
    let host = TestHost::new();
    let sockets = "for table in tcp tcp6 udp udp6 raw raw6 packet; do
            awk -v table=$table '{ print table, $2, $3, $4 }' /proc/net/$table
        done";
    let before = host.sh(sockets).succeed();
    let _web = host.idle("web", "");
    assert_eq!(host.sh(sockets).succeed(), before);
}

#[test]
fn state_that_others_could_have_changed_is_not_believed() {
    let host = TestHost::new();
    host.minet("ps").succeed();
    for dir in ["/var/lib/minet", "/run/minet"] {
        let mode = || host.exec(["stat", "-c", "%a", dir]).succeed();
        host.exec(["chmod", "0755", dir]).succeed();
        host.minet("ps").succeed();
        assert_eq!(mode(), "700", "{dir}");
        for open in ["0770", "1777"] {
            host.exec(["chmod", open, dir]).succeed();
            let words = [dir, "others than root may write", open, "chmod 0700"];
            host.minet("ps").refused_with(1, &words);
            host.minet("run --rm -- true").refused(&words);
        }
        host.exec(["chmod", "0700", dir]).succeed();
        if host.has_other_users() {
            host.exec(["chown", "65534", dir]).succeed();
            host.minet("ps")
                .refused_with(1, &[dir, "belongs to user 65534", "chown 0"]);
            host.exec(["chown", "0", dir]).succeed();
        }
        host.minet("ps").succeed();
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

/// What the kernel says of a process, by the key of the line.
fn proc_status(host: &TestHost, pid: &str, key: &str) -> String {
    let file = format!("/proc/{pid}/status");
    let status = host.exec(["cat", &file]).succeed();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{key}:")));
    line.unwrap_or_else(|| panic!("{key} is not in {status}"))
        .trim()
        .to_owned()
}

/// The process that reads a container's questions, if there is one.
fn reader(host: &TestHost) -> Option<String> {
    let found = host.exec("busybox pidof minet-names");
    (found.code() == 0).then(|| found.succeed())
}

#[test]
fn who_reads_a_containers_questions_has_nothing() {
    let host = TestHost::new();
    let mut web = host.idle("web", "");
    let ask = || host.minet("exec web -- dig +short +tries=3 +time=2 web");
    assert_eq!(reader(&host), None, "before anybody has asked");
    let address = ask().succeed();
    let pid = reader(&host).expect("somebody reads");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let capabilities = proc_status(&host, &pid, set);
        assert_eq!(capabilities, "0000000000000000", "{set}");
    }
    assert_eq!(proc_status(&host, &pid, "NoNewPrivs"), "1");
    assert_eq!(proc_status(&host, &pid, "Seccomp"), "2");
    assert_eq!(proc_status(&host, &pid, "PPid"), web.pid().to_string());
    let files = host.sh(&format!("readlink /proc/{pid}/fd/*")).succeed();
    for file in files.lines() {
        let harmless = ["/dev/null", "socket:[", "anon_inode:[event"];
        assert!(
            harmless.iter().any(|kind| file.starts_with(kind)),
            "{file} is open\n{files}"
        );
    }
    // One that dies, of what it has read perhaps, is followed by another.
    host.exec(["kill", "-KILL", &pid]).succeed();
    assert_eq!(ask().succeed(), address);
    let next = reader(&host).expect("another one");
    assert_ne!(next, pid);
    // And none outlives its supervisor, or its container.
    web.signal("KILL");
    assert_ne!(web.finish().code(), 0);
    minet_tests::eventually("the reader to go", || reader(&host).is_none());
    host.minet("rm web").succeed();
    let _web = host.idle("web", "");
    ask().succeed();
    host.minet("rm -f web").succeed();
    assert_eq!(reader(&host), None);
}

#[test]
fn a_supervisor_keeps_what_it_needs() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    let supervisor_of = |name: &str| {
        let pid = host.inspect(name)["State"]["Pid"].to_string();
        proc_status(&host, &pid, "PPid")
    };
    let pid = supervisor_of("web");
    let given_up = [
        ("CAP_IPC_LOCK", 14),
        ("CAP_SYS_MODULE", 16),
        ("CAP_SYS_RAWIO", 17),
        ("CAP_SYS_BOOT", 22),
        ("CAP_SYS_TIME", 25),
        ("CAP_SYSLOG", 34),
        ("CAP_BPF", 39),
    ];
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        let mask = proc_status(&host, &pid, set);
        let mask = u64::from_str_radix(&mask, 16).expect("a mask");
        for (name, bit) in given_up {
            assert_eq!(mask >> bit & 1, 0, "{name} in {set}");
        }
    }
    assert_eq!(proc_status(&host, &pid, "NoNewPrivs"), "1");
    // A container has in each of its lives what it was given.
    let lives = "grep -E '^(CapEff|NoNewPrivs)' /proc/self/status | tr '\\n' ' '; echo";
    host.leave(
        "--name clock --restart on-failure:2 --cap-add SYS_TIME --security-opt no-new-privileges=false",
        &format!("{lives}; exit 1"),
    );
    minet_tests::eventually("its third life to end", || {
        host.minet("wait clock").code() == 0
            && host.minet("logs clock").succeed().lines().count() == 3
    });
    let said = host.minet("logs clock").succeed();
    for life in said.lines() {
        assert_eq!(life.trim(), "CapEff:	00000000aa0405fb NoNewPrivs:	0");
    }
}
