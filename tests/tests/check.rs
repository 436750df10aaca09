//! `minet check`: is what was wished for still so in the kernel?

use minet_tests::TestHost;

#[test]
fn what_was_made_is_as_planned() {
    let host = TestHost::new();
    host.minet("check").succeed();
    let _web = host.idle("web", "-p 8080:80 -p 127.0.0.1:53:53/udp");
    let _other = host.idle("other", "--mode none");
    assert_eq!(host.minet("check").succeed(), "");
    assert_eq!(host.minet("check web").succeed(), "");
    assert_ne!(host.minet("check nobody").code(), 0);
}

#[test]
fn every_change_behind_its_back_is_named() {
    let host = TestHost::new();
    let mut web = host.idle("web", "-p 8080:80");
    // Its supervisor would be faster than the test.
    web.freeze();
    for (change, undo, words) in [
        (
            "ip -netns web link set eth0 down",
            "ip -netns web link set eth0 up; ip -netns web route add default via 172.17.0.1",
            ["web", "eth0"],
        ),
        (
            "ip -netns web route delete default",
            "ip -netns web route add default via 172.17.0.1",
            ["web", "172.17.0.1"],
        ),
        (
            "echo 0 >/proc/sys/net/ipv4/ip_forward",
            "echo 1 >/proc/sys/net/ipv4/ip_forward",
            ["bridge", "forwarding"],
        ),
    ] {
        host.sh(change).succeed();
        let check = host.minet("check");
        assert_eq!(check.code(), 1, "{change}\n{check}");
        for word in words {
            assert!(
                format!("{check}").contains(word),
                "no {word:?} after {change}\n{check}"
            );
        }
        host.sh(undo).succeed();
        assert_eq!(host.minet("check").code(), 0, "{undo}");
    }
    // An element of the same key and value, but nobody's: that is another's work.
    host.sh("nft delete element inet minet publish { tcp . 8080 }")
        .succeed();
    assert!(host.minet("check").stdout().contains("8080"));
    host.sh("nft add element inet minet publish { tcp . 8080 : 172.17.0.2 . 80 }")
        .succeed();
    assert_eq!(host.minet("check").code(), 1);
}

#[test]
fn a_flushed_ruleset_is_noticed_and_installed_again_by_the_next_run() {
    let host = TestHost::new();
    host.minet("run --rm -- true").succeed();
    host.exec("nft flush ruleset").succeed();
    let check = host.minet("check");
    assert_eq!(check.code(), 1, "{check}");
    host.minet("run --rm -- true").succeed();
    host.minet("check").succeed();
}
