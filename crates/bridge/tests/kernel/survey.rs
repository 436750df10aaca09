use crate::host::{Namespace, minet0, name, subnet};
use minet_bridge::{link, survey, switch};
use std::net::Ipv4Addr;

/// A host with a cable to a router, as the office sees it.
fn host_with_uplink() -> Namespace {
    let host = Namespace::new();
    for command in [
        "link set lo up",
        "link add lan0 mtu 1450 type veth peer name router",
        "link set router up",
        "link set lan0 up",
        "address add 192.168.7.9/24 dev lan0",
        "route add default via 192.168.7.1 dev lan0 metric 100",
    ] {
        host.ip_do(command);
    }
    host
}

#[test]
fn every_table_and_both_families_are_seen() {
    let mut host = host_with_uplink();
    host.ip_do("route add 10.8.0.0/16 dev lan0 table 51820");
    host.ip_do("route add blackhole 10.9.0.0/16");
    host.ip_do("-6 route add 2001:db8::/32 dev lan0 table 100");
    let survey = survey::survey(&mut host.rtnl).unwrap();
    assert_eq!(
        survey.occupied(),
        [
            "10.8.0.0/16",
            "10.9.0.0/16",
            "127.0.0.0/8",
            "192.168.7.0/24"
        ]
        .map(subnet)
    );
    let has = |destination: &str| {
        survey
            .routes
            .iter()
            .any(|route| route.destination.to_string() == destination)
    };
    assert!(has("2001:db8::/32"));
    assert!(has("0.0.0.0/0"));
    let lan0 = link::find(&mut host.rtnl, &name("lan0")).unwrap().unwrap();
    assert!(
        survey
            .addresses
            .contains(&(lan0.index, "192.168.7.9/24".parse().unwrap()))
    );
}

#[test]
fn the_uplink_is_the_default_route_of_the_lowest_metric() {
    let mut host = host_with_uplink();
    let uplink = survey::uplink(&mut host.rtnl).unwrap().unwrap();
    assert_eq!(uplink.name, name("lan0"));
    assert_eq!(uplink.mtu, 1450);
    assert_eq!(uplink.address, Some(Ipv4Addr::new(192, 168, 7, 9)));

    host.ip_do("link add wg0 type veth peer name far");
    host.ip_do("address add 10.5.0.2/24 dev wg0");
    host.ip_do("link set wg0 up");
    host.ip_do("route add default via 10.5.0.1 dev wg0 metric 50 mtu 1420");
    let uplink = survey::uplink(&mut host.rtnl).unwrap().unwrap();
    assert_eq!(uplink.name, name("wg0"));
    assert_eq!(uplink.mtu, 1420);
    assert_eq!(uplink.address, Some(Ipv4Addr::new(10, 5, 0, 2)));
}

#[test]
fn a_host_without_a_way_out_has_no_uplink() {
    let mut host = Namespace::new();
    assert_eq!(survey::uplink(&mut host.rtnl).unwrap(), None);
    assert_eq!(survey::survey(&mut host.rtnl).unwrap().occupied(), []);
}

#[test]
fn a_list_of_many_datagrams_arrives_whole() {
    let mut host = host_with_uplink();
    let routes = 3000;
    let batch: String = (0..routes)
        .map(|number| {
            format!(
                "route add 10.{}.{}.0/24 dev lan0\n",
                number / 256,
                number % 256
            )
        })
        .collect();
    let file = std::env::temp_dir().join(format!("minet-routes-{}", std::process::id()));
    std::fs::write(&file, batch).unwrap();
    host.ip_do(&format!("-batch {}", file.display()));
    std::fs::remove_file(&file).unwrap();

    let survey = survey::survey(&mut host.rtnl).unwrap();
    let seen = survey
        .occupied()
        .iter()
        .filter(|subnet| subnet.ip().octets()[0] == 10)
        .count();
    assert_eq!(seen, routes);
    // The socket is as good as new afterwards.
    switch::create(&mut host.rtnl, &minet0()).unwrap();
}
