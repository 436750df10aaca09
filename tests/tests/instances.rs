//! Two instances of minet on one host, each with a root of its own, and one table for both.

use minet_tests::{Place, SERVER, TestHost};

/// Forwarding is off, one network of each instance comes, and they go in this order.
fn come_and_go(goes_first: &str, goes_last: &str) {
    let host = TestHost::new();
    let root = host.scratch_dir().join("second");
    let second = format!("--root {}", root.display());
    let minet = |which: &str, words: &str| match which {
        "first" => host.minet(words).succeed(),
        _ => host.minet(format!("{second} {words}")).succeed(),
    };
    let before = host.snapshot();
    minet("first", "network create --subnet 10.77.1.0/24 ours");
    minet("second", "network create --subnet 10.77.2.0/24 ours");
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "1");

    minet(goes_first, "network rm ours");
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "1");
    let _server = host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80"));
    let ask = format!(
        "run --rm --network ours -- {} ask tcp {SERVER}:80",
        host.probe()
    );
    minet(goes_last, &ask);
    let table = host.sh("nft list chain inet minet transit").succeed();
    assert!(table.contains("this host is no router"), "{table}");
    minet(goes_last, "check");

    minet(goes_last, "network rm ours");
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "0");
    before.assert_unchanged(&host);
    // Nothing remembers it: whoever turns it on now is somebody else.
    host.sh("echo 1 >/proc/sys/net/ipv4/ip_forward").succeed();
    for which in ["first", "second"] {
        minet(which, "network create --subnet 10.77.3.0/24 ours");
        minet(which, "network rm ours");
        assert_eq!(host.sysctl("net.ipv4.ip_forward"), "1");
    }
}

#[test]
fn who_turned_forwarding_on_leaves_first_and_the_other_turns_it_off() {
    come_and_go("first", "second");
}

#[test]
fn who_turned_forwarding_on_leaves_last_and_turns_it_off() {
    come_and_go("second", "first");
}
