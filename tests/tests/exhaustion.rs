//! A container that takes all it can get, and others that need some of it.

use minet_tests::{HOST, HOST_V6, Place, SERVER, TestHost};

/// What one container may have opened, `MOST_CONNECTIONS` in `nat/src/table/chains.rs`.
const LIMIT: usize = 8192;

fn connections(host: &TestHost) -> usize {
    host.sysctl("net.netfilter.nf_conntrack_count")
        .trim()
        .parse()
        .expect("a number")
}

/// Opens connections out of a container that lives on, so that none of them is forgotten.
fn spray(host: &TestHost, container: &str, to: &str) -> usize {
    let before = connections(host);
    let probe = host.probe();
    let sent = host.minet(format!("exec {container} -- {probe} spray {to}:9 9000"));
    // The drop is behind the cable: to the container, all were sent.
    assert_eq!(sent.succeed(), "9000");
    connections(host) - before
}

#[test]
fn one_container_does_not_fill_the_table_of_connections() {
    let host = TestHost::new();
    let mut server = host.serve_at(Place::Uplink, "udp:203.0.113.7:53");
    let _victim = host.idle("victim", "");
    let _attacker = host.idle("attacker", "");
    let opened = spray(&host, "attacker", SERVER);
    assert!((LIMIT - 10..LIMIT + 100).contains(&opened), "{opened}");
    // To the host itself would be another way to fill it.
    let opened = spray(&host, "attacker", HOST);
    assert!(opened < 100, "{opened}");
    let probe = host.probe();
    host.minet(format!("exec victim -- {probe} ask udp {SERVER}:53 good"))
        .succeed();
    server.wait_for("good");
}

#[test]
fn a_network_may_be_without_a_limit() {
    let host = TestHost::new();
    host.minet("network create --limit-connections=false proxies")
        .succeed();
    let _proxy = host.idle("proxy", "--network proxies");
    let opened = spray(&host, "proxy", SERVER);
    assert!(opened >= 8990, "{opened}");
}

#[test]
fn a_read_only_container_cannot_fill_the_hosts_memory() {
    let host = TestHost::new();
    let script = "for file in hosts resolv.conf hostname; do
            (echo x >/etc/$file) 2>&1 || :
        done";
    let refused = host.run_sh("--read-only", script).succeed();
    assert_eq!(refused.matches("Read-only file system").count(), 3);
}

#[test]
fn idle_clients_of_an_ipv6_port_do_not_starve_the_others() {
    let host = TestHost::new();
    // As little as a shell may have been given.
    let script = format!(
        "ulimit -n 256; exec {} run --rm -p 8080:80 -p 8080:80/udp -- {} serve tcp:80 udp:80",
        minet_tests::minet().display(),
        host.probe()
    );
    let mut web = host.spawn(Place::Host, ["sh", "-c", &script]);
    web.wait_for("ready");
    let address = format!("[{HOST_V6}]:8080");
    // Many UDP clients, each once, and a neighbour that connects and says nothing.
    host.lan(format!("{} spray {address} 400", host.probe()))
        .succeed();
    let mut idlers = host.spawn(
        Place::Neighbour,
        format!("{} idle {address} 100", host.probe()),
    );
    idlers.wait_for("connected");
    for question in ["udp", "tcp"] {
        host.ask(Place::Host, &format!("{question} {address}"))
            .succeed();
    }
    web.signal("TERM");
}

/// Whether processes here may be made less likely to be ended when memory runs out than they
/// were: `CAP_SYS_RESOURCE`, number 24, in the first user namespace.
fn may_protect(host: &TestHost) -> bool {
    let status = host.sh("grep ^CapEff: /proc/self/status").succeed();
    let mask = status.split_whitespace().nth(1).expect("a mask");
    let mask = u64::from_str_radix(mask, 16).expect("a mask");
    mask & (1 << 24) != 0 && host.has_other_users()
}

#[test]
fn memory_runs_out_for_the_container_first() {
    let host = TestHost::new();
    let score_of = |pid: &str| -> String {
        let file = format!("/proc/{pid}/oom_score_adj");
        host.exec(["cat", &file]).succeed()
    };
    let minet = minet_tests::minet().display();
    // Whoever starts it may be more likely to be ended itself.
    host.sh(&format!(
        "echo 300 >/proc/self/oom_score_adj; {minet} run -d --name web -- sleep 1000"
    ))
    .succeed();
    host.leave("--name first --oom-score-adj 700", "exec sleep 1000");
    let pid_of = |name: &str| host.inspect(name)["State"]["Pid"].to_string();
    assert_eq!(score_of(&pid_of("web")), "0");
    assert_eq!(score_of(&pid_of("first")), "700");
    assert_eq!(host.inspect("first")["HostConfig"]["OomScoreAdj"], 700);
    // What exec brings in is as likely as the container's own.
    let exec = host.minet("exec first -- cat /proc/self/oom_score_adj");
    assert_eq!(exec.succeed(), "700");
    // Its score is the container's to make worse, and not better.
    let better = "(echo -400 >/proc/self/oom_score_adj) 2>&1 || :; cat /proc/self/oom_score_adj";
    let tried = host.run_sh("", better).succeed();
    assert!(tried.contains("echo: I/O error"), "{tried}");
    assert!(tried.ends_with("\n0"), "{tried}");
    if may_protect(&host) {
        let status = host.exec(["cat", &format!("/proc/{}/status", pid_of("web"))]);
        let status = status.succeed();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        assert_eq!(score_of(parent.expect("a supervisor").trim()), "-500");
        let own = host.run_sh("--oom-score-adj -7", "cat /proc/self/oom_score_adj");
        assert_eq!(own.succeed(), "-7");
    } else {
        let refused = host.run_sh("--oom-score-adj -7", "true");
        refused.refused(&["set the OOM score to -7", "Permission denied"]);
        // That the supervisor does what it can is seen in what it asks of the kernel.
        let asked = host.sh(&format!(
            "strace -f -qq -e trace=write {minet} run --rm -- true 2>&1 | grep -c '\"-500\"'"
        ));
        assert_eq!(asked.succeed(), "1");
    }
}
