//! `minet gc` and `minet check`, and what nobody's plan knows any more.

use minet_tests::{Place, TestHost, eventually};

/// Debris as a crash could have left it; `tag` is what another instance writes behind.
fn litter(host: &TestHost, number: u8, tag: &str) {
    host.sh(&format!(
        "ip link add mn-0000000{number} type bridge
         ip link set mn-0000000{number} alias 'minet network gone{tag}'
         ip link add mnx-0000000{number}.1 type bridge
         ip link set mnx-0000000{number}.1 alias 'minet network gone{tag}'
         ip link add veth0000000{number} master mn-0000000{number} type veth peer name litter{number}
         ip link set veth0000000{number} alias 'minet container gone eth0{tag}'"
    ))
    .succeed();
}

fn strays(host: &TestHost, options: &str) -> Vec<String> {
    let swept = host.minet(format!("{options} gc --json")).json();
    let texts = |key: &str| {
        let list = swept[key].as_array().expect("a list").iter();
        list.map(|text| text.as_str().expect("a text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts("left_behind"), [""; 0], "{swept}");
    assert_eq!(texts("kept"), [""; 0], "{swept}");
    texts("strays")
}

#[test]
fn what_nobody_knows_is_listed_and_removed() {
    let host = TestHost::new();
    // As another firewall would have it.
    host.sh("nft add table ip filter
         nft 'add chain ip filter FORWARD { type filter hook forward priority 0; policy accept; }'
         nft 'add rule ip filter FORWARD iifname br0 accept comment \"my own: network gone on mn-00000001\"'")
        .succeed();
    let _web = host.idle("web", "");
    host.minet("run --name old -- true").succeed();
    host.leave("--name job", "true");
    let before = host.snapshot();
    litter(&host, 1, "");
    let id = "f".repeat(64);
    host.sh(&format!(
        "nft 'add rule ip filter FORWARD iifname \"mn-0000000f\" counter accept comment \"minet: network gone on mn-0000000f\"'
         nft 'add rule ip filter FORWARD oifname \"mn-0000000f\" counter accept comment \"minet: network gone on mn-0000000f\"'
         ln -s /proc/999999/fd/7 /run/netns/gone
         ln -s /proc/999999/fd/8 /run/minet/containers/{id}
         mkdir -p /var/lib/minet/containers/{id}; echo x >/var/lib/minet/containers/{id}/log.json
         touch /run/netns/another; ln -s /proc/self/ns/net /run/netns/third"
    ))
    .succeed();
    let expected = [
        "interface veth00000001, the cable to eth0 of container gone",
        "interface mn-00000001 of network gone",
        "interface mnx-00000001.1 of network gone",
        "the name of a namespace, /run/netns/gone",
        &format!("generated files of a container, /run/minet/containers/{id}"),
        &format!("the log of a container, /var/lib/minet/containers/{id}"),
        "the rule \"minet: network gone on mn-0000000f\" in ip filter FORWARD",
    ];
    let check = host.minet("check").end_with(1);
    for text in expected {
        let line = format!(
            "this machine: hold what is planned, and nothing else: {text} is nobody's (minet gc removes it)"
        );
        assert!(check.lines().any(|known| known == line), "{line}\n{check}");
    }
    let mut removed = strays(&host, "");
    let mut expected = expected.map(str::to_owned);
    removed.sort();
    expected.sort();
    assert_eq!(removed, expected);
    assert_eq!(strays(&host, ""), [""; 0]);
    host.sh("rm /run/netns/another /run/netns/third").succeed();
    before.assert_unchanged(&host);
    host.minet("check").succeed();
    host.minet("logs job").succeed();
}

#[test]
fn another_instance_s_things_are_left_alone() {
    let host = TestHost::new();
    let root = host.scratch_dir().join("second").display().to_string();
    let second = format!("--root {root}");
    host.minet("run --rm -- true").succeed();
    host.minet(format!("{second} network create lab")).succeed();
    host.minet(format!(
        "{second} run -d --name web --network lab -- sleep 1000"
    ))
    .succeed();
    let inspect = host.minet(format!("{second} inspect web")).json();
    let veth = &inspect[0]["NetworkSettings"]["Networks"]["lab"]["VethName"];
    let show = format!("cat /sys/class/net/{}/ifalias", veth.as_str().unwrap());
    let alias = host.exec(show.as_str()).succeed();
    let tag = alias.strip_prefix("minet container web eth0").unwrap();
    assert!(tag.starts_with(" #"), "{alias}");
    // What it has, and what it has lost.
    litter(&host, 2, tag);
    litter(&host, 3, " #00000000");
    let before = host.snapshot();
    host.minet("check").succeed();
    assert_eq!(strays(&host, ""), [""; 0]);
    before.assert_unchanged(&host);
    let lost = strays(&host, &second);
    assert_eq!(lost.len(), 3, "{lost:?}");
    assert!(
        lost.iter().all(|text| text.contains("00000002")),
        "{lost:?}"
    );
    host.minet(format!("{second} exec web -- true")).succeed();
    host.minet(format!("{second} check")).succeed();
}

#[test]
fn what_is_in_use_is_told_and_stays_until_it_is_not() {
    let host = TestHost::new();
    let before = host.snapshot();
    let mut web = host.serve("--name web -p 8080:80", "tcp:80");
    // The store is lost, and with it all knowledge.
    host.sh("rm -r /var/lib/minet").succeed();
    let swept = host.minet("gc --json").json();
    let kept = swept["kept"].as_array().expect("a list");
    for what in [
        "cable to eth0 of container web",
        "interface minet0",
        "/run/netns/web",
        "generated files",
    ] {
        let told = kept
            .iter()
            .any(|text| text.as_str().is_some_and(|text| text.contains(what)));
        assert!(told, "{what}: {swept:#}");
    }
    let told = host.minet("check").end_with(1);
    assert!(
        told.contains("in use, by somebody whom this store does not know"),
        "{told}"
    );
    assert!(!web.has_ended());
    host.ask(Place::Host, "tcp 172.17.0.2:80").succeed();
    web.signal("KILL");
    assert_ne!(web.finish().code(), 0);
    eventually("everything to be nobody's", || {
        host.minet("gc --json").json()["kept"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    host.minet("gc --all").succeed();
    host.minet("check").succeed();
    // What the store alone knew, of the table and of forwarding, is made and taken down anew.
    host.minet("run --rm -- true").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}
