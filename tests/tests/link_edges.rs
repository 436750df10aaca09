//! Links as the only way from one container to another: `--icc=false` and `--link-only`.
//!
//! The oracle is what arrives, over TCP and UDP, with frames judged on the bridge and not.

use minet_tests::{Running, TestHost, eventually};

struct Lab {
    host: TestHost,
    db: String,
    db6: String,
}

impl Lab {
    /// A network, and on it `web`, which has a link to `db`, and `other`, which has none.
    fn new(kind: &str, brnf: &str) -> Self {
        let host = TestHost::new();
        host.sh(&format!(
            "modprobe br_netfilter 2>/dev/null || true
             echo {brnf} >/proc/sys/net/bridge/bridge-nf-call-iptables
             echo {brnf} >/proc/sys/net/bridge/bridge-nf-call-ip6tables"
        ))
        .succeed();
        let subnets = "--subnet 10.9.0.0/24 --subnet fd00:9::/64";
        host.minet(format!("network create {kind} {subnets} lab"))
            .succeed();
        host.leave("--name web --network lab --link db", "exec sleep 1000");
        host.leave("--name other --network lab", "exec sleep 1000");
        Lab {
            host,
            db: "10.9.0.77".to_owned(),
            db6: "[fd00:9::77]".to_owned(),
        }
    }

    fn serve(&self) -> Running<'_> {
        let addresses = "--ip 10.9.0.77 --ip6 fd00:9::77";
        let options = format!("--name db --network lab {addresses} --expose 80 --expose 53/udp");
        self.host
            .serve(options, "tcp:[::]:80 udp:[::]:53 tcp:[::]:81")
    }

    fn reaches(&self, container: &str, question: &str) -> bool {
        let command = format!(
            "exec {container} timeout 2 {} ask {question}",
            self.host.probe()
        );
        self.host.minet(command).code() == 0
    }
}

impl Lab {
    /// What is dropped is found out by waiting, so all of it waits at once.
    #[track_caller]
    fn nobody_reaches(&self, asked: &[(&str, String)]) {
        let ask = |(container, question): &(&str, String)| {
            let probe = self.host.probe();
            let words = format!("exec {container} timeout 1 {probe} ask {question}");
            self.host.spawn_minet(words)
        };
        let asking: Vec<Running<'_>> = asked.iter().map(ask).collect();
        for (running, asked) in asking.into_iter().zip(asked) {
            assert_ne!(running.finish().code(), 0, "{asked:?}");
        }
    }
}

fn only_along_links(kind: &str, brnf: &str) {
    let lab = Lab::new(kind, brnf);
    let both = [&lab.db, &lab.db6];
    let of_each = |container: &'static str, question: &str| -> Vec<(&'static str, String)> {
        let at = |db: &&String| (container, question.replace("db", db));
        both.iter().map(at).collect()
    };
    {
        let _db = lab.serve();
        for (_, question) in [of_each("web", "tcp db:80"), of_each("web", "udp db:53")].concat() {
            assert!(lab.reaches("web", &question), "{question}");
        }
        // Its name leads to either.
        let hosts = lab.host.minet("exec web -- cat /etc/hosts").succeed();
        for address in ["10.9.0.77", "fd00:9::77"] {
            assert!(hosts.contains(&format!("{address}\tdb")), "{hosts}");
        }
        // The first is a port that is not exposed.
        let asked = [
            of_each("web", "tcp db:81"),
            of_each("other", "tcp db:80"),
            of_each("other", "udp db:53"),
        ];
        lab.nobody_reaches(&asked.concat());
        assert_eq!(lab.host.minet("check").succeed(), "");

        lab.host.minet("unlink db").succeed();
        lab.nobody_reaches(&[of_each("web", "tcp db:80"), of_each("web", "udp db:53")].concat());
        lab.host.minet("link db web").succeed();
        for (_, question) in of_each("web", "tcp db:80") {
            assert!(lab.reaches("web", &question), "{question}");
        }
    }
    // Whoever gets the address next is not reached by a link to another.
    lab.host.minet("rm -f db").succeed();
    let _next = lab.host.serve(
        "--name next --network lab --ip 10.9.0.77 --ip6 fd00:9::77 --expose 80",
        "tcp:[::]:80",
    );
    lab.nobody_reaches(&of_each("web", "tcp db:80"));
}

#[test]
fn without_icc_links_open_the_way() {
    only_along_links("--icc=false", "0");
}

#[test]
fn without_icc_links_open_the_way_where_frames_are_judged() {
    only_along_links("--icc=false", "1");
}

#[test]
fn on_a_link_only_network_links_open_the_way() {
    only_along_links("--link-only", "0");
}

#[test]
fn on_a_link_only_network_links_open_the_way_where_frames_are_judged() {
    only_along_links("--link-only", "1");
}

#[test]
fn an_open_connection_ends_with_its_link() {
    let lab = Lab::new("--icc=false", "0");
    lab.host.leave(
        "--name db --network lab --expose 80",
        "exec python3 -u -c '
import socket
server = socket.create_server((\"\", 80))
peer, _ = server.accept()
while True:
    print(peer.recv(99).decode(), flush=True)'",
    );
    lab.host.leave(
        "--name talker --network lab --link db",
        "exec python3 -u -c '
import socket, time
for _ in range(100):
    try:
        peer = socket.create_connection((\"db\", 80), timeout=2)
        break
    except OSError:
        time.sleep(0.05)
number = 0
while True:
    peer.send(b\"word %d\" % number)
    number += 1
    time.sleep(0.02)'",
    );
    let heard = || lab.host.minet("logs db").succeed();
    eventually("the first words", || heard().contains("word"));
    lab.host.minet("unlink db talker").succeed();
    let then = heard();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let later = heard();
    // What was on its way when the link was taken back may still have come.
    let words = |text: &str| text.matches("word").count();
    assert!(words(&later) <= words(&then) + 1, "{then}\n---\n{later}");
}

/// A network that changes takes its containers along.
#[test]
fn neighbours_that_are_kept_apart_while_they_run_meet_along_links() {
    let lab = Lab::new("", "1");
    let _db = lab.serve();
    let questions = [format!("tcp {}:80", lab.db), format!("tcp {}:80", lab.db6)];
    let all_reach = |containers: &[&str]| {
        for (container, question) in containers
            .iter()
            .flat_map(|container| questions.iter().map(move |question| (container, question)))
        {
            assert!(lab.reaches(container, question), "{container} {question}");
        }
    };
    let proxies = || lab.host.exec("ip -6 neigh show proxy").succeed();
    all_reach(&["web", "other"]);
    assert_eq!(proxies(), "");
    lab.host.minet("network set --icc=false lab").succeed();
    all_reach(&["web"]);
    lab.nobody_reaches(&questions.clone().map(|question| ("other", question)));
    assert_eq!(lab.host.minet("check").succeed(), "");
    assert!(proxies().contains("fd00:9::77"), "{}", proxies());
    // Nobody else's address is answered for.
    assert_eq!(proxies().lines().count(), 3, "{}", proxies());
    lab.host
        .sh("ip -6 neigh del proxy fd00:9::77 dev $(ip -6 neigh show proxy | sed -n 's/.*dev \\([^ ]*\\).*/\\1/p' | head -1)")
        .succeed();
    let check = lab.host.minet("check").end_with(1);
    assert!(
        check.contains("nobody answers for fd00:9::77 of db"),
        "{check}"
    );
    assert_eq!(lab.host.minet("repair").code(), 0);
    all_reach(&["web"]);
    lab.host.minet("network set --icc=true lab").succeed();
    all_reach(&["web", "other"]);
    assert_eq!(proxies(), "");
    assert_eq!(lab.host.minet("check").succeed(), "");
}

#[test]
fn a_link_only_network_reaches_neither_the_host_nor_the_world() {
    let lab = Lab::new("--link-only", "0");
    let host = &lab.host;
    let _here = host.serve_at(minet_tests::Place::Host, "tcp:9000");
    let _there = host.serve_at(minet_tests::Place::Uplink, "tcp:9000");
    let targets = ["10.9.0.1:9000", "192.168.120.2:9000", "192.168.120.1:9000"];
    lab.nobody_reaches(&targets.map(|target| ("web", format!("tcp {target}"))));
    // What is published is reached from outside all the same.
    let _www = host.serve("--name www --network lab -p 8080:80", "tcp:80");
    host.ask(minet_tests::Place::Neighbour, "tcp 192.168.120.2:8080")
        .succeed();
    lab.nobody_reaches(&[("other", "tcp 192.168.120.2:8080".to_owned())]);
}

/// The way leads from where the receiver is to where the source is.
#[test]
fn an_edge_follows_addresses_that_are_changed_by_hand() {
    let lab = Lab::new("--link-only", "0");
    let mut db = lab.serve();
    assert!(lab.reaches("web", "tcp 10.9.0.77:80"));
    let moved = |container: &str, from: &str, to: &str| {
        let script = format!(
            "ip -n {container} address delete {from}/24 dev eth0
             ip -n {container} address add {to}/24 dev eth0
             ip -n {container} route add default via 10.9.0.1"
        );
        lab.host.sh(&script).succeed();
    };
    let web = lab.host.inspect("web")["NetworkSettings"]["Networks"]["lab"]["IPAddress"].clone();
    moved("web", web.as_str().expect("an address"), "10.9.0.88");
    eventually("the way from there", || {
        lab.reaches("web", "tcp 10.9.0.77:80")
    });
    moved("db", "10.9.0.77", "10.9.0.99");
    eventually("the way to there", || {
        lab.reaches("web", "tcp 10.9.0.99:80")
    });
    assert!(!lab.reaches("other", "tcp 10.9.0.99:80"));
    let edges = lab.host.sh("nft list set inet minet edges").succeed();
    assert!(edges.contains("10.9.0.88 . 10.9.0.99"), "{edges}");
    assert!(!edges.contains("10.9.0.77"), "{edges}");
    assert!(!db.has_ended());
    lab.host.minet("check").succeed();
}
