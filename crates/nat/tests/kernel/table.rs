//! Text and kernel must not drift: whichever way the table is made, it is the same.

use crate::lab::{in_new_netns, json, listing, network, nft, publication};
use minet_model::Protocol;
use minet_nat::{Change, Firewall, Masquerade, Neighbours, Reach, Restraint, Transit};

pub(crate) fn everything(transit: Transit) -> Vec<Change> {
    let mut both = network("br-a", "172.30.1.0/24");
    both.subnet6 = Some("fd00:1::/64".parse().unwrap());
    let mut routed = network("br-b", "172.30.2.0/24");
    routed.masquerade = Masquerade::Off;
    routed.neighbours = Neighbours::Apart;
    let mut internal = network("br-c", "172.30.3.0/24");
    internal.reach = Reach::InternalOnly;
    let mut under_an_address = network("br-d", "172.30.4.0/24");
    under_an_address.outbound = Some("192.0.2.9".parse().unwrap());
    under_an_address.subnet6 = Some("fd00:4::/64".parse().unwrap());
    under_an_address.outbound6 = Some("2001:db8::9".parse().unwrap());
    under_an_address.behind = vec![
        "10.20.0.0/16".parse().unwrap(),
        "fd00:20::/64".parse().unwrap(),
    ];
    vec![
        Change::InstallTable(transit),
        Change::AddNetwork(both),
        Change::CloseTransit6,
        Change::AddNetwork(routed),
        Change::AddNetwork(internal),
        Change::AddNetwork(under_an_address),
        Change::Restrain(Restraint {
            bridge: "br-a".parse().unwrap(),
            owner: "net-br-a".parse().unwrap(),
            exits: vec!["br-lan".parse().unwrap()],
        }),
        Change::OpenEdge(minet_nat::Edge {
            from: "172.30.2.3".parse().unwrap(),
            to: "172.30.2.2".parse().unwrap(),
            protocol: Protocol::Udp,
            port: 5353,
            owner: "web".parse().unwrap(),
            owner_id: minet_model::ContainerId::from_bytes([0x3f; 32]),
            source: "dns".parse().unwrap(),
        }),
        Change::Publish(publication(
            "web",
            "0.0.0.0:8080",
            "172.30.1.2:80",
            Protocol::Tcp,
        )),
        Change::Publish(publication(
            "web",
            "[::]:8080",
            "[fd00:1::2]:80",
            Protocol::Tcp,
        )),
        Change::Publish(publication(
            "web",
            "[2001:db8::7]:8443",
            "[fd00:1::2]:443",
            Protocol::Tcp,
        )),
        Change::Publish(publication(
            "dns",
            "0.0.0.0:53",
            "172.30.2.2:5353",
            Protocol::Udp,
        )),
        Change::Publish(publication(
            "phone",
            "0.0.0.0:36412",
            "172.30.2.3:36412",
            Protocol::Sctp,
        )),
        Change::Publish(publication(
            "db",
            "127.0.0.1:5432",
            "172.30.1.3:5432",
            Protocol::Tcp,
        )),
        Change::Publish(publication(
            "db",
            "192.0.2.7:5432",
            "172.30.1.3:5432",
            Protocol::Tcp,
        )),
    ]
}

fn text(changes: &[Change]) -> String {
    let lines = changes.iter().flat_map(Change::to_nft);
    lines.map(|line| line + "\n").collect()
}

fn by_netlink(changes: &[Change]) -> (String, String) {
    in_new_netns(|| {
        Firewall::open().unwrap().apply(changes).unwrap();
        (listing(), json())
    })
}

fn by_text(changes: &[Change]) -> (String, String) {
    in_new_netns(|| {
        nft(&text(changes));
        (listing(), json())
    })
}

#[test]
fn the_text_makes_the_same_table_as_the_messages() {
    for transit in [Transit::Untouched, Transit::Dropped] {
        let changes = everything(transit);
        let (listed_by_text, json_by_text) = by_text(&changes);
        let (listed_by_netlink, json_by_netlink) = by_netlink(&changes);
        similar(&listed_by_text, &listed_by_netlink);
        similar(&json_by_text, &json_by_netlink);
    }
}

#[test]
fn the_text_removes_what_the_messages_remove() {
    let mut changes = everything(Transit::Untouched);
    let only_table = by_netlink(&changes[..1]);
    for change in everything(Transit::Untouched).into_iter().rev() {
        match change {
            Change::AddNetwork(network) => changes.push(Change::RemoveNetwork(network)),
            Change::Restrain(restraint) => changes.push(Change::Release(restraint)),
            Change::OpenEdge(edge) => changes.push(Change::CloseEdge(edge)),
            Change::Publish(publication) => changes.push(Change::Unpublish(publication)),
            Change::CloseTransit6 => changes.push(Change::OpenTransit6),
            Change::InstallTable(_)
            | Change::NameOlder(_)
            | Change::ForgetOlder(_)
            | Change::ReplaceNetwork(..)
            | Change::OpenTransit6
            | Change::RemoveNetwork(_)
            | Change::Release(_)
            | Change::CloseEdge(_)
            | Change::Unpublish(_)
            | Change::RemoveTable => {}
        }
    }
    let (there, back) = changes.split_at(everything(Transit::Untouched).len());
    let removed_by_netlink = in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        firewall.apply(there).unwrap();
        firewall.apply(back).unwrap();
        (listing(), json())
    });
    similar(&removed_by_netlink.0, &only_table.0);
    similar(&removed_by_netlink.1, &only_table.1);
    similar(&by_text(&changes).1, &only_table.1);
}

/// `tests/golden/table.nft` is what a user sees. After a change on purpose:
/// `UPDATE_GOLDEN=1 cargo test -p minet-nat --test kernel`.
#[test]
fn the_listing_reads_as_it_should() {
    reads_as("table.nft", &everything(Transit::Untouched));
}

/// The same, with nothing in it, where minet turned forwarding on.
#[test]
fn the_listing_of_a_table_that_drops_transit_reads_as_it_should() {
    let older = Change::NameOlder(vec!["br0".parse().unwrap()]);
    reads_as(
        "transit.nft",
        &[Change::InstallTable(Transit::Dropped), older],
    );
}

#[track_caller]
fn reads_as(file: &str, changes: &[Change]) {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let (listed, _) = by_netlink(changes);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &listed).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    similar(&listed, &golden);
}

/// Equal, or else the first line that is not.
#[track_caller]
fn similar(left: &str, right: &str) {
    for (left, right) in left.lines().zip(right.lines()) {
        assert_eq!(left, right);
    }
    assert_eq!(left, right);
}
