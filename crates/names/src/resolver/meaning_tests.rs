use super::*;
use crate::resolver::World;

/// web and db on `red`, db2 asleep there; both dbs are called `store`; cache on `blue`.
pub(in crate::resolver) fn world(networks: &[&str]) -> World {
    let bearer = |container: &str, network: &str, why, last: Option<u8>| Bearer {
        container: container.to_owned(),
        network: network.to_owned(),
        why,
        running: last.is_some(),
        addresses: last
            .map(|last| IpAddr::from([10, 0, 0, last]))
            .into_iter()
            .collect(),
    };
    let name = |name: &str, bearer| (name.to_owned(), bearer);
    World {
        networks: networks
            .iter()
            .map(|network| SharedNetwork {
                name: (*network).to_owned(),
                gateways: vec![[10, 0, 0, 1].into()],
            })
            .collect(),
        names: vec![
            name("web", bearer("web", "red", Why::Name, Some(2))),
            name("web", bearer("web", "blue", Why::Name, Some(22))),
            name("www", bearer("web", "red", Why::Hostname, Some(2))),
            name("db", bearer("DB", "red", Why::Name, Some(3))),
            name("store", bearer("DB", "red", Why::Alias, Some(3))),
            name("db2", bearer("db2", "red", Why::Name, None)),
            name("store", bearer("db2", "red", Why::Alias, None)),
            name("store", bearer("web", "red", Why::Alias, Some(2))),
            name("a.b", bearer("a.b", "red", Why::Name, Some(9))),
        ],
        links: vec![
            ("mysql".to_owned(), "DB".to_owned()),
            ("web".to_owned(), "db".to_owned()),
            ("waits".to_owned(), "nobody-yet".to_owned()),
        ],
        ipv4_alone: Vec::new(),
    }
}

fn asked(networks: &[&str], name: &str) -> Meaning {
    let mut world = world(networks);
    world.links.clear();
    meaning(&mut world, name).unwrap()
}

fn told(meaning: Meaning) -> Vec<String> {
    match meaning {
        Meaning::Known(reasons) => reasons
            .iter()
            .map(|r| format!("{} on {}: {}", r.container, r.network, r.why.as_str()))
            .collect(),
        Meaning::Pointer(names) => names,
        Meaning::Asleep => vec!["asleep".to_owned()],
        Meaning::Unknown => vec!["unknown".to_owned()],
    }
}

#[track_caller]
fn means(networks: &[&str], name: &str, want: &[&str]) {
    assert_eq!(told(asked(networks, name)), want, "{name}");
}

#[test]
fn whoever_shares_a_network_is_known() {
    means(&["red"], "web", &["web on red: name"]);
    means(&["red"], "WEB.", &["web on red: name"]);
    means(&["red"], "db", &["DB on red: name"]);
    means(&["red"], "www", &["web on red: hostname"]);
    means(&["blue"], "www", &["unknown"]);
    means(&["blue"], "db", &["unknown"]);
    means(&[], "web", &["unknown"]);
    means(
        &["red", "blue"],
        "web",
        &["web on red: name", "web on blue: name"],
    );
}

#[test]
fn the_network_may_stand_behind_the_name() {
    means(&["red", "blue"], "web.blue", &["web on blue: name"]);
    means(&["red", "blue"], "Web.Red", &["web on red: name"]);
    means(&["red"], "a.b.red", &["a.b on red: name"]);
    means(&["red"], "a.b", &["a.b on red: name"]);
    means(&["red"], "web.blue", &["unknown"]);
    means(&["red"], ".red", &["unknown"]);
    means(&["red"], "red", &["unknown"]);
    means(&["red"], "webred", &["unknown"]);
}

#[test]
fn who_sleeps_is_neither_answered_nor_asked_for_outside() {
    means(
        &["red"],
        "store",
        &["DB on red: alias", "web on red: alias"],
    );
    means(&["red"], "db2", &["asleep"]);
    means(&["red"], "db2.red", &["asleep"]);
}

#[test]
fn a_link_has_the_last_word() {
    let mut world = world(&["red"]);
    let mut means = |name: &str| told(meaning(&mut world, name).unwrap());
    assert_eq!(means("mysql"), ["DB on red: link"]);
    assert_eq!(means("web"), ["DB on red: link"]);
    assert_eq!(means("waits"), ["asleep"]);
    // Docker answers to it with the network behind it, too.
    assert_eq!(means("MySQL.red"), ["DB on red: link"]);
    assert_eq!(means("web.red"), ["DB on red: link"]);
    assert_eq!(means("mysql.blue"), ["unknown"]);
    assert_eq!(means("waits.red"), ["unknown"]);
}

#[test]
fn a_network_behind_an_alias_is_the_source_s() {
    let mut world = world(&["red", "blue"]);
    let mut means = |name: &str| told(meaning(&mut world, name).unwrap());
    // The source is not on blue, and somebody else of that name is.
    assert_eq!(means("web.blue"), ["web on blue: name"]);
    assert_eq!(means("web"), ["DB on red: link"]);
}

/// A link from a container that an older minet has started may open none for IPv6.
#[test]
fn a_link_leads_where_the_way_is_open() {
    let both = ["10.0.0.3", "fd00::3"].map(|address| address.parse().unwrap());
    for (ipv4_alone, want) in [(None, &both[..]), (Some("red"), &both[..1])] {
        let mut world = world(&["red"]);
        world.ipv4_alone = ipv4_alone.map(str::to_owned).into_iter().collect();
        let db = world.names.iter_mut().find(|(name, _)| name == "db");
        db.unwrap().1.addresses = both.to_vec();
        let Meaning::Known(reasons) = meaning(&mut world, "mysql").unwrap() else {
            panic!("{ipv4_alone:?}");
        };
        assert_eq!(reasons[0].addresses, want, "{ipv4_alone:?}");
    }
}

#[test]
fn addresses_lead_back_to_names() {
    means(&["red"], "2.0.0.10.in-addr.arpa", &["web.red"]);
    means(&["red"], "22.0.0.10.in-addr.arpa", &["unknown"]);
    means(&["red"], "1.0.0.10.IN-ADDR.arpa.", &[HOST_NAME]);
    means(&["red"], "0.0.10.in-addr.arpa", &["unknown"]);
    means(&["red"], HOST_NAME, &[&format!("{HOST_NAME} on red: host")]);
    means(&[], HOST_NAME, &["asleep"]);
}

#[test]
fn pointers_of_both_families_are_whole_addresses() {
    let address = |name: &str| address_of_pointer(name).map(|address| address.to_string());
    assert_eq!(address("4.3.2.1.in-addr.arpa").as_deref(), Some("1.2.3.4"));
    let zeros = "0.".repeat(23);
    let name = format!("1.{zeros}8.b.d.0.1.0.0.2.ip6.arpa");
    assert_eq!(address(&name).as_deref(), Some("2001:db8::1"));
    for name in [
        "in-addr.arpa",
        ".in-addr.arpa",
        "256.3.2.1.in-addr.arpa",
        "5.4.3.2.1.in-addr.arpa",
        "1.ip6.arpa",
        &format!("1.{zeros}8.b.d.0.1.0.0.22.ip6.arpa"),
        "a.b",
    ] {
        assert_eq!(address(name), None, "{name}");
    }
}
