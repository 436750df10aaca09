use crate::host::{Namespace, mac, minet0, name};
use minet_bridge::{
    Cause, Removed,
    cable::{self, Cable, Isolation, Readiness, SpanningTree},
    link::{self, PortState},
    switch,
};
use std::time::Duration;

fn cable(host_end: &str) -> Cable {
    Cable {
        host_end: name(host_end),
        container_end: name("eth0"),
        mac: mac("02:42:ac:11:00:02"),
        mtu: 1400,
        bridge: name("minet0"),
        isolation: Isolation::Open,
        alias: "minet:3fa91c20".to_owned(),
    }
}

fn host_with_switch() -> Namespace {
    let mut host = Namespace::new();
    switch::create(&mut host.rtnl, &minet0()).unwrap();
    host
}

#[test]
fn both_ends_are_born_in_place() {
    let mut host = host_with_switch();
    let container = Namespace::new();
    cable::lay(&mut host.rtnl, &cable("mv3fa91c20"), container.fd()).unwrap();

    let outer = &host.ip("link show mv3fa91c20")[0];
    assert_eq!(outer["master"], "minet0");
    assert_eq!(outer["mtu"], 1400);
    assert_eq!(outer["ifalias"], "minet:3fa91c20");
    assert_eq!(outer["inet6_addr_gen_mode"], "none");
    assert_eq!(outer["address"], "fe:42:ac:11:00:02");
    assert!(outer["flags"].as_array().unwrap().contains(&"UP".into()));
    let addresses = &host.ip("address show mv3fa91c20")[0]["addr_info"];
    assert_eq!(addresses.as_array().unwrap().len(), 0);

    assert_eq!(container.names(), ["lo", "eth0"]);
    let inner = &container.ip("link show eth0")[0];
    assert_eq!(inner["address"], "02:42:ac:11:00:02");
    assert_eq!(inner["mtu"], 1400);
    assert_eq!(inner["operstate"], "DOWN");
}

#[test]
fn an_isolated_port_says_so() {
    let mut host = host_with_switch();
    let container = Namespace::new();
    for (end, isolation) in [("mv1", Isolation::Isolated), ("mv2", Isolation::Open)] {
        let cable = Cable {
            container_end: name(end.replace("mv", "eth").as_str()),
            isolation,
            ..cable(end)
        };
        cable::lay(&mut host.rtnl, &cable, container.fd()).unwrap();
        let port = &host.ip(&format!("-d link show {end}"))[0]["linkinfo"]["info_slave_data"];
        assert_eq!(port["isolated"], isolation == Isolation::Isolated);
        assert_eq!(port["hairpin"], true);
    }
}

#[test]
fn cutting_twice_leaves_nothing_at_either_end() {
    let mut host = host_with_switch();
    let container = Namespace::new();
    cable::lay(&mut host.rtnl, &cable("mv1"), container.fd()).unwrap();
    assert_eq!(
        cable::cut(&mut host.rtnl, &name("mv1")).unwrap(),
        Removed::Now
    );
    assert_eq!(
        cable::cut(&mut host.rtnl, &name("mv1")).unwrap(),
        Removed::AlreadyGone
    );
    assert_eq!(host.names(), ["lo", "minet0"]);
    assert_eq!(container.names(), ["lo"]);
}

#[test]
fn a_taken_name_is_named_and_its_owner_untouched() {
    let mut host = host_with_switch();
    host.ip_do("link add mv1 type bridge");
    let container = Namespace::new();
    let error = cable::lay(&mut host.rtnl, &cable("mv1"), container.fd()).unwrap_err();
    assert!(matches!(error.cause(), Cause::Exists(_)));
    assert_eq!(
        error.to_string(),
        "lay cable mv1 to eth0: File exists (the host has an interface mv1)"
    );
    let theirs = &host.ip("link show mv1")[0];
    assert_eq!(theirs["ifalias"], serde_json::Value::Null);
    assert_eq!(theirs["operstate"], "DOWN");

    container.ip_do("link add eth0 type bridge");
    let error = cable::lay(&mut host.rtnl, &cable("mv2"), container.fd()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the container has an interface eth0")
    );
    assert_eq!(host.names(), ["lo", "minet0", "mv1"]);
}

#[test]
fn without_its_switch_there_is_no_cable() {
    let mut host = Namespace::new();
    let container = Namespace::new();
    let error = cable::lay(&mut host.rtnl, &cable("mv1"), container.fd()).unwrap_err();
    assert!(matches!(error.cause(), Cause::NoSuchDevice(_)));
    assert!(error.to_string().contains("no interface minet0"));
    host.ip_do("link add minet0 type veth peer name x");
    let error = cable::lay(&mut host.rtnl, &cable("mv1"), container.fd()).unwrap_err();
    assert!(matches!(error.cause(), Cause::NotABridge { .. }));
}

#[test]
fn it_forwards_as_soon_as_both_ends_are_up() {
    let mut host = host_with_switch();
    let mut container = Namespace::new();
    cable::lay(&mut host.rtnl, &cable("mv1"), container.fd()).unwrap();
    let wait = Duration::from_millis(20);
    assert_eq!(
        cable::wait_until_forwarding(&mut host.rtnl, &name("mv1"), wait).unwrap(),
        Readiness::StillWaiting {
            state: Some(PortState::Disabled),
            stp: SpanningTree::Off
        }
    );
    link::set_up(&mut container.rtnl, &name("eth0")).unwrap();
    assert_eq!(
        cable::wait_until_forwarding(&mut host.rtnl, &name("mv1"), Duration::from_secs(5)).unwrap(),
        Readiness::Forwarding
    );
    cable::cut(&mut host.rtnl, &name("mv1")).unwrap();
    assert!(cable::wait_until_forwarding(&mut host.rtnl, &name("mv1"), wait).is_err());
}

#[test]
fn a_switch_with_spanning_tree_is_told() {
    let mut host = host_with_switch();
    host.ip_do("link set minet0 type bridge stp_state 1");
    let mut container = Namespace::new();
    cable::lay(&mut host.rtnl, &cable("mv1"), container.fd()).unwrap();
    link::set_up(&mut container.rtnl, &name("eth0")).unwrap();
    let readiness =
        cable::wait_until_forwarding(&mut host.rtnl, &name("mv1"), Duration::from_millis(300))
            .unwrap();
    assert!(matches!(
        readiness,
        Readiness::StillWaiting {
            stp: SpanningTree::On,
            ..
        }
    ));
}

#[test]
fn the_1024th_cable_finds_the_switch_full_and_leaves_nothing() {
    let mut host = host_with_switch();
    let container = Namespace::new();
    for number in 0..1023 {
        let cable = Cable {
            container_end: name(&format!("c{number}")),
            ..cable(&format!("mv{number}"))
        };
        cable::lay(&mut host.rtnl, &cable, container.fd()).unwrap();
    }
    let error = cable::lay(&mut host.rtnl, &cable("mv1023"), container.fd()).unwrap_err();
    assert!(matches!(error.cause(), Cause::BridgeFull { .. }));
    assert!(error.to_string().contains("1023 cables"));
    assert!(
        link::find(&mut host.rtnl, &name("mv1023"))
            .unwrap()
            .is_none()
    );
}
