//! One network on several bridges: its containers do not notice.

use minet_tests::{HOST, Place, SERVER, TestHost};

/// A network with three cables to a bridge and seven containers: on three bridges.
fn crowd(host: &TestHost, options: &str) -> Vec<String> {
    host.minet(format!(
        "network create --shard --opt minet.bridge.ports=3 {options} crowd"
    ))
    .succeed();
    let probe = host.probe();
    (1..=7)
        .map(|number| {
            let published = if number == 7 { "-p 8080:80" } else { "" };
            host.minet(format!(
                "run -d --name c{number} --network crowd {published} -- {probe} serve tcp:80 udp:5000"
            ))
            .succeed();
            let inspect = host.inspect(&format!("c{number}"));
            let address = &inspect["NetworkSettings"]["Networks"]["crowd"]["IPAddress"];
            address.as_str().expect("an address").to_owned()
        })
        .collect()
}

/// Whether a container gets an answer from there.
fn reaches(host: &TestHost, container: &str, question: &str) -> bool {
    let probe = host.probe();
    let command = format!("exec {container} timeout 2 {probe} ask {question}");
    host.minet(command).code() == 0
}

fn all_reach_each_other(host: &TestHost, addresses: &[String]) {
    for from in [1, 4, 7] {
        for to in [1, 2, 4, 5, 7] {
            let address = &addresses[to - 1];
            for question in [format!("tcp {address}:80"), format!("udp {address}:5000")] {
                let is_itself = from == to;
                assert!(
                    is_itself || reaches(host, &format!("c{from}"), &question),
                    "c{from} to c{to}: {question}"
                );
            }
        }
    }
}

fn stop_all(host: &TestHost) {
    host.minet("rm -f c1 c2 c3 c4 c5 c6 c7").succeed();
    host.minet("network rm crowd").succeed();
}

#[test]
fn seven_containers_on_three_bridges_are_one_network() {
    let host = TestHost::new();
    let before = host.snapshot();
    let addresses = crowd(&host, "");
    let inspect = host.minet("network inspect crowd").json();
    let shards = inspect[0]["Shards"].as_array().expect("a list").len();
    assert_eq!(shards, 3, "{inspect}");
    all_reach_each_other(&host, &addresses);
    // The gateway, the world, and what is published.
    let mut gateway = host.serve_at(Place::Host, "tcp:172.18.0.1:9000");
    let server = host.serve_at(Place::Uplink, "tcp:9001");
    for from in ["c1", "c4", "c7"] {
        assert!(reaches(&host, from, "tcp 172.18.0.1:9000"), "{from}");
        assert!(
            reaches(&host, from, &format!("tcp {SERVER}:9001")),
            "{from}"
        );
    }
    for from in ["c1", "c4"] {
        assert!(reaches(&host, from, &format!("tcp {HOST}:8080")), "{from}");
    }
    host.ask(Place::Neighbour, &format!("tcp {HOST}:8080"))
        .succeed();
    drop(server);
    gateway.signal("KILL");
    gateway.finish();
    stop_all(&host);
    before.assert_unchanged(&host);
}

#[test]
fn a_further_bridge_that_was_deleted_is_made_again() {
    let host = TestHost::new();
    let addresses = crowd(&host, "");
    let id = host.minet("network inspect crowd").json()[0]["Id"].clone();
    let shard = format!("mnx-{}.1", &id.as_str().unwrap()[..8]);
    host.exec(["ip", "link", "del", &shard]).succeed();
    host.minet("repair").succeed();
    host.minet("check").succeed();
    all_reach_each_other(&host, &addresses);
    stop_all(&host);
}

#[test]
fn without_icc_containers_of_different_bridges_are_apart_too() {
    let host = TestHost::new();
    let addresses = crowd(&host, "--icc=false");
    let gateway = host.serve_at(Place::Host, "tcp:172.18.0.1:9000");
    for (from, to) in [(1, 2), (1, 4), (4, 1), (4, 5), (4, 7), (7, 4)] {
        let question = format!("tcp {}:80", addresses[to - 1]);
        assert!(
            !reaches(&host, &format!("c{from}"), &question),
            "c{from} reaches c{to}"
        );
    }
    for from in ["c1", "c4", "c7"] {
        assert!(reaches(&host, from, "tcp 172.18.0.1:9000"), "{from}");
    }
    drop(gateway);
    stop_all(&host);
}

#[test]
fn the_first_on_a_further_bridge_says_what_it_makes() {
    let host = TestHost::new();
    host.minet("network create --opt minet.bridge.ports=1 crowd")
        .succeed();
    host.leave("--name one --network crowd", "sleep 1000");
    host.minet("run --rm --network crowd -- true")
        .refused_with(125, &["network crowd is full", "network set --shard crowd"]);
    host.minet("network set --shard crowd").succeed();
    let script = host
        .minet("run --dry-run --script --network crowd -- true")
        .succeed();
    for line in ["mnu-", "type bridge_slave isolated off", "arp off"] {
        assert!(script.contains(line), "{line}: {script}");
    }
    host.leave("--name two --network crowd", "sleep 1000");
    let mtu = "for end in /sys/class/net/mn[xtu]-*; do cat $end/mtu; done | sort -u";
    host.minet("network set --mtu 1400 crowd").succeed();
    assert_eq!(host.sh(mtu).succeed(), "1400");
    let differences = host.minet("check");
    differences.succeed();
}

#[test]
fn anothers_bridge_is_not_joined_to_others() {
    let host = TestHost::new();
    host.sh("ip link add br9 type bridge; ip addr add 10.9.8.1/24 dev br9; ip link set br9 up")
        .succeed();
    host.minet("network create --shard --bridge br9 a")
        .refused_with(1, &["--shard", "--bridge", "contradict"]);
}
