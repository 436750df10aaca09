//! `minet doctor`: a machine made wrong on purpose is found to be so.

use minet_tests::TestHost;
use serde_json::Value;

/// All that was found, and the exit code.
fn examine(host: &TestHost) -> (Vec<Value>, i32) {
    let doctor = host.minet("doctor --json");
    let found: Value = serde_json::from_str(doctor.stdout()).expect("JSON");
    (found.as_array().expect("a list").clone(), doctor.code())
}

fn severity(found: &[Value], name: &str) -> String {
    let one = found.iter().find(|one| one["name"] == name);
    let one = one.unwrap_or_else(|| panic!("no examination {name}"));
    one["severity"].as_str().expect("a word").to_owned()
}

#[test]
fn a_fresh_host_is_fine_and_nothing_is_changed() {
    let host = TestHost::new();
    let before = host.snapshot();
    let (found, code) = examine(&host);
    assert!(found.len() >= 20);
    assert_eq!(code, 0, "{found:#?}");
    for name in [
        "namespaces",
        "nftables",
        "bridge and veth",
        "conntrack",
        "seccomp",
    ] {
        assert_eq!(severity(&found, name), "fine", "{found:#?}");
    }
    for one in &found {
        assert_ne!(one["why"], "");
        let serious = one["severity"] == "warning" || one["severity"] == "wrong";
        assert_eq!(one["mend"].is_string(), serious, "{one}");
    }
    before.assert_unchanged(&host);
}

#[test]
fn what_is_wrong_on_purpose_is_found_and_cured_by_what_it_says() {
    let host = TestHost::new();
    let mut web = host.idle("web", "-p 8080:80 -p 40000:81");
    // Its supervisor would be faster than the test.
    web.freeze();
    host.minet("network create other").succeed();
    let (found, code) = examine(&host);
    assert_eq!(code, 0, "{found:#?}");
    assert_eq!(severity(&found, "exposure"), "note");
    assert_eq!(severity(&found, "ephemeral ports"), "warning");
    for (damage, name, bad, cure) in [
        (
            "echo 0 >/proc/sys/net/ipv4/ip_forward",
            "forwarding",
            "wrong",
            "minet",
        ),
        (
            "nft flush chain inet minet guard",
            "plans and kernel",
            "wrong",
            "minet",
        ),
        (
            "iptables -P FORWARD DROP",
            "foreign firewalls",
            "wrong",
            "iptables -P FORWARD ACCEPT",
        ),
        (
            "ip link add virbr0 type bridge; nft add table ip libvirt_network
             nft 'add chain ip libvirt_network forward'; nft 'add element inet minet older { virbr0 }'",
            "other routers",
            "warning",
            "nft delete table ip libvirt_network; ip link delete virbr0",
        ),
        (
            "ip link set minet0 type bridge stp_state 1",
            "spanning tree",
            "warning",
            "ip link set minet0 type bridge stp_state 0",
        ),
        (
            "ip link set lan0 mtu 1400",
            "MTU",
            "warning",
            "ip link set lan0 mtu 1500",
        ),
        (
            "ip route add 172.17.5.0/24 dev lan0",
            "overlapping routes",
            "wrong",
            "ip route delete 172.17.5.0/24 dev lan0",
        ),
        (
            "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter",
            "rp_filter",
            "warning",
            "echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter",
        ),
        (
            "echo nameserver 127.0.0.53 >/etc/resolv.conf",
            "resolv.conf",
            "warning",
            "echo nameserver 192.168.120.1 >/etc/resolv.conf",
        ),
        (
            "mkdir -p /run/NetworkManager",
            "NetworkManager and networkd",
            "warning",
            "rmdir /run/NetworkManager",
        ),
        (
            "mount -t tmpfs -o ro tmpfs /run/minet",
            "disk of the run directory",
            "wrong",
            "umount /run/minet",
        ),
    ] {
        host.sh(damage).succeed();
        let (found, code) = examine(&host);
        assert_eq!(severity(&found, name), bad, "{damage}\n{found:#?}");
        assert_eq!(code, i32::from(bad == "wrong"), "{damage}\n{found:#?}");
        match cure {
            "minet" => drop(host.minet("repair").succeed()),
            cure => drop(host.sh(cure).succeed()),
        }
        let (found, _) = examine(&host);
        assert!(
            ["fine", "note"].contains(&severity(&found, name).as_str()),
            "{cure}\n{found:#?}"
        );
    }
}

#[test]
fn a_small_disk_a_broken_database_and_a_dead_supervisor_are_found() {
    let host = TestHost::new();
    host.sh("mkdir -p /var/lib/minet; mount -t tmpfs -o mode=0700,size=4m tmpfs /var/lib/minet")
        .succeed();
    let (found, _) = examine(&host);
    assert_eq!(severity(&found, "disk of the state"), "warning");
    let web = host.leave("--name web", "exec sleep 1000");
    assert!(!web.is_empty());
    host.sh("kill -9 $(pgrep -o -f 'minet run -d --name web')")
        .succeed();
    let (found, code) = examine(&host);
    assert_eq!(
        (severity(&found, "supervisors").as_str(), code),
        ("wrong", 1)
    );
    host.minet("gc").succeed();
    let (found, _) = examine(&host);
    assert_eq!(severity(&found, "supervisors"), "fine");
    host.sh("rm /var/lib/minet/minet.db-wal /var/lib/minet/minet.db-shm; echo rubbish >/var/lib/minet/minet.db")
        .succeed();
    let (found, code) = examine(&host);
    assert_eq!((severity(&found, "database").as_str(), code), ("wrong", 1));
    let text = host.minet("doctor --quiet").end_with(1);
    assert!(text.is_empty() || text.contains("database"), "{text}");
}
