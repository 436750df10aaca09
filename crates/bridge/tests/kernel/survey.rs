use crate::host::{Namespace, minet0, name, subnet};
use ipnetwork::IpNetwork;
use minet_bridge::{
    Cause, Rtnl, address, link,
    survey::{self, Survey},
    switch,
};
use std::{net::Ipv4Addr, thread};

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

/// Enough for many datagrams.
const MANY: usize = 1500;

#[test]
fn a_list_of_many_datagrams_arrives_whole() {
    let mut host = host_with_uplink();
    many(&host, "route add 10.{}.0/24 dev lan0");
    let survey = survey::survey(&mut host.rtnl).unwrap();
    let seen = survey
        .routes
        .iter()
        .filter(|route| is_one(&route.destination));
    assert_eq!(seen.count(), MANY);
    // The socket is as good as new afterwards.
    switch::create(&mut host.rtnl, &minet0()).unwrap();
}

/// Whoever does not look at `NLM_F_DUMP_INTR` misses some of these addresses in nearly
/// every list. The kernel itself forgets the flag for a moment: it takes an address off
/// its list first and moves the counter that shows it afterwards (`inet_del_ifa`), so that
/// a list which ends in between is short without a word. That is rare.
#[test]
fn a_list_that_changes_meanwhile_is_whole_or_an_error() {
    let mut host = host_with_uplink();
    // Those that go meanwhile stand in front, so that each shifts all that follow.
    many(&host, "address add 10.20{}.1/24 dev lan0");
    many(&host, "address add 10.{}.1/24 dev lan0");
    let mut churn = host.run(|| Rtnl::open().unwrap());
    thread::scope(|scope| {
        let churning = scope.spawn(move || {
            for number in 0..MANY {
                let address = format!("10.20{}.{}.1/24", number / 256, number % 256);
                address::remove(&mut churn, &name("lan0"), subnet(&address)).unwrap();
            }
        });
        let (mut lists, mut short) = (0, 0);
        while !churning.is_finished() {
            lists += 1;
            match survey::survey(&mut host.rtnl) {
                Ok(survey) => short += usize::from(those_addresses(&survey) != MANY),
                Err(error) => {
                    assert!(matches!(error.cause(), Cause::Unsteady { .. }), "{error}");
                }
            }
        }
        assert!(
            short <= 1 + lists / 20,
            "{short} of {lists} lists were short"
        );
    });
    let survey = survey::survey(&mut host.rtnl).unwrap();
    assert_eq!(those_addresses(&survey), MANY);
}

/// Runs one `ip` command for each of many subnets below 10.0.0.0/8.
fn many(host: &Namespace, command: &str) {
    let batch: String = (0..MANY)
        .map(|number| command.replace("{}", &format!("{}.{}", number / 256, number % 256)) + "\n")
        .collect();
    let file = std::env::temp_dir().join(format!(
        "minet-batch-{}-{:?}",
        std::process::id(),
        thread::current().id()
    ));
    std::fs::write(&file, batch).unwrap();
    host.ip_do(&format!("-batch {}", file.display()));
    std::fs::remove_file(&file).unwrap();
}

fn is_one(network: &IpNetwork) -> bool {
    match network {
        IpNetwork::V4(network) => {
            let [first, second, ..] = network.ip().octets();
            network.prefix() == 24 && first == 10 && second < 200
        }
        IpNetwork::V6(_) => false,
    }
}

fn those_addresses(survey: &Survey) -> usize {
    survey
        .addresses
        .iter()
        .filter(|(_, network)| is_one(network))
        .count()
}
