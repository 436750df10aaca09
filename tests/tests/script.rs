//! `--dry-run --script`: what minet says it would do is what it does.
//!
//! The script runs in one fresh host, minet in another, and then the kernel says the same
//! about both, but for indices, MAC addresses, counters and the container's ID.

use minet_tests::TestHost;
use serde_json::Value;
use std::collections::BTreeMap;

const OPTIONS: &str = "--name web -p 8080:80 -p 127.0.0.1:5353:53/udp --ip 172.17.0.7";

fn dry_run(host: &TestHost, options: &str) -> String {
    host.minet(format!("run --dry-run {options} -- sleep 1000"))
        .succeed()
}

#[test]
fn a_dry_run_prints_the_steps_and_changes_nothing() {
    let host = TestHost::new();
    let before = host.snapshot();
    let plan = dry_run(&host, OPTIONS);
    for word in ["minet0", "172.17.0.7", "8080", "nft", "ip link add"] {
        assert!(
            plan.contains(word),
            "the plan does not mention {word}:\n{plan}"
        );
    }
    dry_run(&host, &format!("--script {OPTIONS}"));
    dry_run(&host, &format!("--script --down {OPTIONS}"));
    before.assert_unchanged(&host);
    assert_eq!(host.minet("ps --all --quiet").succeed(), "");
}

#[test]
fn explain_tells_on_standard_error_what_the_dry_run_promised() {
    let host = TestHost::new();
    let run = host.minet("run --rm --explain -p 8080:80 -- echo hello");
    for word in ["ip link add", "nft", "minet0", "8080"] {
        assert!(run.stderr().contains(word), "{run}");
    }
    assert_eq!(run.succeed(), "hello");
}

#[test]
fn the_script_makes_what_minet_makes() {
    let by_minet = TestHost::new();
    let _web = by_minet.idle("web", OPTIONS.split_once("--name web ").expect("options").1);
    let by_script = TestHost::new();
    let script = dry_run(&by_script, &format!("--script {OPTIONS}"));
    run_script(&by_script, &script);
    let (is, should) = (kernel_state(&by_script), kernel_state(&by_minet));
    assert!(should.len() > 50, "{should:#?}");
    let differences = differences(&should, &is);
    assert!(
        differences.is_empty(),
        "- minet, + script:\n{differences}\nthe script:\n{script}"
    );
}

#[test]
fn the_script_without_a_network_makes_what_minet_makes() {
    let by_minet = TestHost::new();
    let _web = by_minet.idle("web", "--mode none");
    let by_script = TestHost::new();
    let script = dry_run(&by_script, "--script --mode none --name web");
    run_script(&by_script, &script);
    let differences = differences(&kernel_state(&by_minet), &kernel_state(&by_script));
    assert!(
        differences.is_empty(),
        "- minet, + script:\n{differences}\nthe script:\n{script}"
    );
}

#[test]
fn the_script_that_takes_down_is_the_inverse() {
    let host = TestHost::new();
    // `ip netns` makes these, and nobody removes them.
    host.sh("ip netns add first; ip netns delete first")
        .succeed();
    let before = host.snapshot();
    let down = dry_run(&host, &format!("--script --down {OPTIONS}"));
    run_script(&host, &dry_run(&host, &format!("--script {OPTIONS}")));
    assert_ne!(host.snapshot(), before);
    let path = host.file("down", &down).display().to_string();
    host.exec(["sh", &path]).succeed();
    host.sh("sleep 0.1").succeed();
    before.assert_only_the_network_is_left(&host);
}

/// Runs it as a user would: `sh script`. It ends when the network is there.
fn run_script(host: &TestHost, script: &str) {
    let path = host.file("script", script).display().to_string();
    host.exec(["timeout", "20", "sh", "-eu", &path]).succeed();
}

/// What the kernel says, one fact on each line.
fn kernel_state(host: &TestHost) -> Vec<String> {
    let mut facts = Vec::new();
    for place in ["", "-netns web"] {
        for what in [
            "-details link",
            "address",
            "route show table all",
            "neigh show nud permanent",
        ] {
            let json = host.exec(format!("ip {place} -json {what}")).succeed();
            let json: Value =
                serde_json::from_str(if json.is_empty() { "[]" } else { &json }).expect("JSON");
            flatten(&json, &format!("{place} {what}"), &mut facts);
        }
    }
    let table = host.exec("nft --json list table inet minet");
    if table.code() == 0 {
        facts.extend(table_facts(&table.json()["nftables"]));
    }
    let script =
        "grep -rs . /proc/sys/net; ip netns exec web grep -rs . /proc/sys/net | sed 's/^/web /'";
    let sysctls = host
        .exec(["sh", "-c", &format!("{script}; true")])
        .succeed();
    facts.extend(
        sysctls
            .lines()
            .filter(|line| !is_restless(line))
            .map(normal),
    );
    facts.sort();
    facts
}

/// Sysctls that differ between any two hosts, or from one moment to the next.
fn is_restless(sysctl: &str) -> bool {
    let keys = [
        "nf_conntrack_count",
        "netdev_rss_key",
        "base_reachable_time",
        "stable_secret",
    ];
    keys.iter().any(|key| sysctl.contains(key))
}

/// Keys whose values are nobody's choice.
const INCIDENTAL: &[&str] = &[
    "ifindex",
    "link_index",
    "address",
    "link_netnsid",
    "handle",
    "packets",
    "bytes",
    "root_id",
    "bridge_id",
    "designated_root",
    "designated_bridge",
    "id",
    "no",
    "port_id",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "metainfo",
    "lladdr",
];

/// `{"a": {"b": 1}}` becomes the line `a.b = 1`.
fn flatten(value: &Value, path: &str, facts: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let name = map
                .get("ifname")
                .and_then(Value::as_str)
                .unwrap_or_default();
            for (key, value) in map
                .iter()
                .filter(|(key, _)| !INCIDENTAL.contains(&key.as_str()))
            {
                flatten(value, &format!("{path} {name}.{key}"), facts);
            }
        }
        // Elements of sets come in an order of their own.
        Value::Array(list) if list.iter().all(Value::is_object) => {
            list.iter().for_each(|value| flatten(value, path, facts));
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            facts.push(normal(&format!("{path} = {value}")));
        }
    }
}

/// Each chain, set, rule and element of the table is a fact, the rules with their place.
fn table_facts(nftables: &Value) -> Vec<String> {
    let mut facts = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (kind, object) in nftables
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
    {
        let mut object = essential(object);
        for element in object["elem"].take().as_array().into_iter().flatten() {
            facts.push(normal(&format!(
                "nft element of {}: {element}",
                object["name"]
            )));
        }
        let place = places
            .entry(format!("{kind} {}", object["chain"]))
            .or_default();
        *place += usize::from(kind == "rule");
        facts.push(normal(&format!("nft {kind} {place}: {object}")));
    }
    facts
}

/// The value without what is nobody's choice, at any depth.
fn essential(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let chosen = map
                .iter()
                .filter(|(key, _)| !INCIDENTAL.contains(&key.as_str()));
            chosen
                .map(|(key, value)| (key.clone(), essential(value)))
                .collect()
        }
        Value::Array(list) => list.iter().map(essential).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn normal(fact: &str) -> String {
    minet_tests::without_ids(fact)
}

fn differences(should: &[String], is: &[String]) -> String {
    let missing = should
        .iter()
        .filter(|fact| !is.contains(fact))
        .map(|fact| format!("- {fact}\n"));
    let extra = is
        .iter()
        .filter(|fact| !should.contains(fact))
        .map(|fact| format!("+ {fact}\n"));
    missing.chain(extra).collect()
}
