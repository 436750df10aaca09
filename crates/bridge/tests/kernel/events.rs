//! What is heard when somebody takes something away, and what is not.

use crate::host::{Namespace, name};
use minet_bridge::events::{Heard, LinkEvents};

#[test]
fn what_is_taken_away_is_heard_and_what_comes_is_not() {
    let host = Namespace::new();
    let mut events = host.run(LinkEvents::listen).expect("listen");
    for (change, heard) in [
        ("link add br0 up type bridge", false),
        ("address add 10.1.0.1/24 dev br0", false),
        ("route add 10.2.0.0/16 via 10.1.0.2", false),
        ("route add default via 10.1.0.2", true),
        ("route add 128.0.0.0/1 via 10.1.0.2", true),
        ("route delete default", true),
        ("link add v0 master br0 up type veth peer name v1", false),
        ("link set v1 up", false),
        ("address flush dev br0", true),
        ("link set br0 down", true),
        ("link set br0 up", false),
        ("link delete br0", true),
        ("link add d0 type veth peer name d1", false),
        ("link delete d0", false),
    ] {
        host.ip_do(change);
        assert_eq!(events.hear().host, heard, "{change}");
    }
    let forward = |value: &str| {
        // Below /proc/sys/net, each thread sees the namespace that it is in.
        host.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", value))
            .expect("write");
    };
    forward("1");
    assert!(!events.hear().host);
    forward("0");
    assert!(events.hear().host);
}

#[test]
fn a_cable_that_goes_is_named() {
    let host = Namespace::new();
    host.ip_do("link add br0 up type bridge");
    host.ip_do("link add v0 master br0 up type veth peer name v1");
    host.ip_do("link set v0 alias mine");
    let mut events = host.run(LinkEvents::listen).expect("listen");
    for change in ["link set v0 nomaster", "link set v0 down", "link delete v0"] {
        host.ip_do(change);
        let cables = events.hear().cables;
        let cable = cables.first().unwrap_or_else(|| panic!("{change}"));
        assert_eq!(cable.host_end, name("v0"), "{change}");
        assert_eq!(cable.alias, "mine", "{change}");
    }
    assert_eq!(events.hear(), Heard::default());
}
