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
