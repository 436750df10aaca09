//! A bridge's ports run out: said before, refused in words, and never by the kernel.

use minet_tests::TestHost;

#[test]
fn the_last_cables_are_told_and_the_next_is_refused() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet("network create --opt minet.bridge.ports=3 small")
        .succeed();
    for name in ["one", "two"] {
        let told = host.minet(format!(
            "run -d --name {name} --network small -- sleep 1000"
        ));
        assert!(!told.stderr().contains("WARNING"), "{}", told.stderr());
        told.succeed();
    }
    let third = host.minet("run -d --name three --network small -- sleep 1000");
    assert!(
        third.stderr().contains("network small has 3 cables"),
        "{}",
        third.stderr()
    );
    third.succeed();
    let words = ["network small is full", "network set --shard small"];
    host.minet("run --rm --network small -- true")
        .refused_with(125, &words);
    // Plugged in later is plugged in all the same.
    host.leave("--name four", "sleep 1000");
    host.minet("network connect small four")
        .refused_with(1, &words);
    host.minet("stop -t 0 three").succeed();
    let fourth = host.minet("network connect small four");
    assert!(fourth.stderr().contains("WARNING"), "{}", fourth.stderr());
    fourth.succeed();
    host.minet("start three").refused_with(1, &words);
    // What ended has made room, and what left too.
    host.minet("network disconnect small four").succeed();
    host.minet("start three").succeed();
    host.minet("rm -f one two three four").succeed();
    host.minet("gc --all").succeed();
    host.minet("network rm small").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_bridge_has_as_many_ports_as_the_kernel_gives_it() {
    let host = TestHost::new();
    for wrong in ["0", "1024", "many"] {
        host.minet(format!("network create -o minet.bridge.ports={wrong} a"))
            .refused_with(1, &["minet.bridge.ports", "1 to 1023"]);
    }
}
