//! What a transaction promises.

use crate::lab::{in_new_netns, listing, network, nft, publication, sh};
use caps::{CapSet, Capability};
use minet_model::Protocol::{Tcp, Udp};
use minet_nat::{Change, Error, Firewall, Installed, Publication, Transit};
use std::thread;

fn web() -> Publication {
    publication("web", "0.0.0.0:8080", "172.30.1.2:80", Tcp)
}

fn on_localhost() -> Publication {
    publication("web", "127.0.0.1:8081", "172.30.1.2:80", Tcp)
}

fn installed(publication: &Publication) -> Installed {
    Installed {
        port: publication.port,
        container: publication.container,
        owner: Some(publication.owner.as_str().to_owned()),
        owner_id: Some(publication.owner_id.short().to_owned()),
    }
}

/// A table with one network and one port.
fn with_table<T: Send>(run: impl FnOnce(&mut Firewall) -> T + Send) -> T {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        let changes = [
            Change::InstallTable(Transit::Untouched),
            Change::AddNetwork(network("br-a", "172.30.1.0/24")),
            Change::Publish(web()),
        ];
        firewall.apply(&changes).unwrap();
        run(&mut firewall)
    })
}

#[test]
fn doing_it_twice_is_doing_it_once() {
    with_table(|firewall| {
        let once = listing();
        let changes = [
            Change::InstallTable(Transit::Dropped),
            Change::AddNetwork(network("br-a", "172.30.1.0/24")),
            Change::Publish(web()),
        ];
        firewall.apply(&changes).unwrap();
        assert_eq!(listing(), once);
    });
}

#[test]
fn whether_there_is_a_table_can_be_asked() {
    with_table(|firewall| {
        assert!(firewall.table_is_installed().unwrap());
        firewall.apply(&[Change::RemoveTable]).unwrap();
        assert!(!firewall.table_is_installed().unwrap());
    });
}

/// The order within a transaction counts, not what was there before.
#[test]
fn a_table_may_come_and_go_in_one_transaction() {
    with_table(|firewall| {
        let install = || Change::InstallTable(Transit::Untouched);
        firewall
            .apply(&[
                install(),
                Change::RemoveTable,
                install(),
                Change::RemoveTable,
            ])
            .unwrap();
        assert_eq!(sh("nft list ruleset"), "");
        firewall.apply(&[Change::RemoveTable, install()]).unwrap();
        assert!(firewall.table_is_installed().unwrap());
    });
}

#[test]
fn removing_twice_leaves_nothing_and_succeeds() {
    with_table(|firewall| {
        let changes = [
            Change::Unpublish(web()),
            Change::Unpublish(on_localhost()),
            Change::RemoveNetwork(network("br-a", "172.30.1.0/24")),
            Change::RemoveNetwork(network("br-b", "172.30.2.0/24")),
        ];
        for _ in 0..2 {
            firewall.apply(&changes).unwrap();
            assert!(!listing().contains("elements"));
        }
        for _ in 0..2 {
            firewall.apply(&[Change::RemoveTable]).unwrap();
            assert_eq!(sh("nft list ruleset"), "");
        }
        firewall.apply(&changes).unwrap();
    });
}

#[test]
fn one_missing_element_does_not_keep_the_others() {
    with_table(|firewall| {
        nft("delete element inet minet within { \"br-a\" . \"br-a\" }");
        let changes = [
            Change::Unpublish(on_localhost()),
            Change::Unpublish(web()),
            Change::RemoveNetwork(network("br-a", "172.30.1.0/24")),
        ];
        firewall.apply(&changes).unwrap();
        assert!(!listing().contains("elements"));
    });
}

#[test]
fn a_taken_port_names_its_owner_and_changes_nothing() {
    with_table(|firewall| {
        let before = listing();
        let thief = publication("thief", "0.0.0.0:8080", "172.30.1.9:80", Tcp);
        let other = publication("thief", "0.0.0.0:9090", "172.30.1.9:80", Tcp);
        let changes = [Change::Publish(other), Change::Publish(thief.clone())];
        let error = firewall.apply(&changes).unwrap_err();
        let Error::PortTaken { port, owner } = &error else {
            panic!("{error:?}");
        };
        assert_eq!((*port, owner.as_deref()), (thief.port, Some("web")));
        assert_eq!(
            error.to_string(),
            "publish 0.0.0.0:8080->80/tcp: the port is already published by web"
        );
        assert_eq!(listing(), before);
        // The same port of another protocol or on one address is another port.
        firewall
            .apply(&[
                Change::Publish(publication("dns", "0.0.0.0:8080", "172.30.1.9:80", Udp)),
                Change::Publish(publication("dns", "127.0.0.1:8080", "172.30.1.9:80", Tcp)),
            ])
            .unwrap();
    });
}

#[test]
fn the_port_of_another_is_not_unpublished() {
    with_table(|firewall| {
        // The same container address, as after a restart of something else under it.
        let same_address = publication("new", "0.0.0.0:8080", "172.30.1.2:80", Tcp);
        let elsewhere = publication("old", "0.0.0.0:8080", "172.30.1.7:80", Tcp);
        for stranger in [same_address, elsewhere] {
            firewall.apply(&[Change::Unpublish(stranger)]).unwrap();
            let found = firewall.publication(&web().port).unwrap();
            assert_eq!(found, Some(installed(&web())));
        }
    });
}

#[test]
fn without_a_table_nothing_is_there_and_nothing_can_be_added() {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        let bridge = "br-a".parse().unwrap();
        assert!(!firewall.network_is_installed(&bridge).unwrap());
        assert_eq!(firewall.publication(&web().port).unwrap(), None);
        assert_eq!(firewall.networks().unwrap(), []);
        assert_eq!(firewall.publications().unwrap(), []);
        for change in [
            Change::Publish(web()),
            Change::AddNetwork(network("br-a", "172.30.1.0/24")),
        ] {
            let error = firewall.apply(&[change]).unwrap_err();
            assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
        }
        assert_eq!(sh("nft list ruleset"), "");
    });
}

#[test]
fn what_is_in_the_table_can_be_asked() {
    with_table(|firewall| {
        firewall
            .apply(&[
                Change::Publish(on_localhost()),
                Change::AddNetwork(network("br-b", "172.30.2.0/24")),
            ])
            .unwrap();
        assert!(
            firewall
                .network_is_installed(&"br-a".parse().unwrap())
                .unwrap()
        );
        assert!(
            !firewall
                .network_is_installed(&"br-c".parse().unwrap())
                .unwrap()
        );
        let mut networks = firewall.networks().unwrap();
        networks.sort();
        assert_eq!(networks, ["br-a".parse().unwrap(), "br-b".parse().unwrap()]);
        let publications = firewall.publications().unwrap();
        assert_eq!(
            publications,
            [installed(&web()), installed(&on_localhost())]
        );
        let found = firewall.publication(&on_localhost().port).unwrap();
        assert_eq!(found, Some(installed(&on_localhost())));
        // An element that somebody else added has no owner.
        nft("add element inet minet publish { tcp . 99 : 172.30.1.2 . 80 }");
        let mut port = web().port;
        port.host_port = 99;
        let found = firewall.publication(&port).unwrap().unwrap();
        assert_eq!((found.owner, found.owner_id), (None, None));
    });
}

#[test]
fn three_thousand_ports_are_one_transaction() {
    with_table(|firewall| {
        let port = |n: u16| publication("many", &format!("0.0.0.0:{n}"), "172.30.1.2:80", Tcp);
        let ports = || (10_000..13_000).map(port);
        let mut publish: Vec<_> = ports().map(Change::Publish).collect();
        // All or nothing, however many pages it takes: the last one is another's.
        let thief = publication("thief", "0.0.0.0:8080", "172.30.1.9:80", Tcp);
        publish.push(Change::Publish(thief));
        let error = firewall.apply(&publish).unwrap_err();
        assert!(matches!(error, Error::PortTaken { .. }), "{error:?}");
        assert_eq!(firewall.publications().unwrap(), [installed(&web())]);
        publish.pop();
        for _ in 0..2 {
            firewall.apply(&publish).unwrap();
            assert_eq!(firewall.publications().unwrap().len(), 3001);
        }
        let unpublish: Vec<_> = ports().map(Change::Unpublish).collect();
        firewall.apply(&unpublish).unwrap();
        assert_eq!(firewall.publications().unwrap(), [installed(&web())]);
    });
}

#[test]
fn of_many_at_once_one_gets_the_port() {
    with_table(|firewall| {
        let rival = |n: u8| publication(&format!("rival{n}"), "0.0.0.0:9090", "172.30.1.2:80", Tcp);
        let own = |n: u8| {
            publication(
                "own",
                &format!("0.0.0.0:{}", 9100 + u16::from(n)),
                "172.30.1.3:80",
                Udp,
            )
        };
        // Threads are born into the namespace of the one that makes them.
        let compete = |n| {
            move || {
                let mut firewall = Firewall::open().unwrap();
                for _ in 0..20 {
                    firewall.apply(&[Change::Publish(own(n))]).unwrap();
                    firewall.apply(&[Change::Unpublish(own(n))]).unwrap();
                }
                match firewall.apply(&[Change::Publish(rival(n))]) {
                    Ok(()) => 1,
                    Err(Error::PortTaken { .. }) => 0,
                    Err(error) => panic!("{error:?}"),
                }
            }
        };
        let winners: u32 = thread::scope(|scope| {
            let rivals: Vec<_> = (0..8).map(|n| scope.spawn(compete(n))).collect();
            rivals.into_iter().map(|rival| rival.join().unwrap()).sum()
        });
        assert_eq!(winners, 1);
        // Whoever lost cannot take it from whoever won.
        let winner = firewall.publication(&rival(0).port).unwrap().unwrap();
        let all: Vec<_> = (0..8).map(rival).collect();
        let (won, lost): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|rival| Some(rival.owner.as_str()) == winner.owner.as_deref());
        let removals: Vec<_> = lost.into_iter().map(Change::Unpublish).collect();
        firewall.apply(&removals).unwrap();
        assert_eq!(
            firewall.publication(&winner.port).unwrap(),
            Some(winner.clone())
        );
        firewall
            .apply(&[Change::Unpublish(won[0].clone())])
            .unwrap();
        assert_eq!(firewall.publications().unwrap(), [installed(&web())]);
    });
}

#[test]
fn a_damaged_table_is_made_anew_in_one_transaction() {
    with_table(|firewall| {
        let whole = listing();
        nft("flush chain inet minet guard; flush set inet minet bridges");
        firewall
            .apply(&[
                Change::RemoveTable,
                Change::InstallTable(Transit::Untouched),
                Change::AddNetwork(network("br-a", "172.30.1.0/24")),
                Change::Publish(web()),
            ])
            .unwrap();
        assert_eq!(listing(), whole);
    });
}

#[test]
fn without_privilege_it_is_said() {
    with_table(|firewall| {
        caps::drop(None, CapSet::Effective, Capability::CAP_NET_ADMIN).unwrap();
        let error = firewall.apply(&[Change::Unpublish(web())]).unwrap_err();
        assert!(matches!(error, Error::NotPermitted { .. }), "{error:?}");
        let error = firewall.apply(&[Change::RemoveTable]).unwrap_err();
        assert!(matches!(error, Error::NotPermitted { .. }), "{error:?}");
        let error = firewall.flush_conntrack(Udp, 53, None).unwrap_err();
        assert!(matches!(error, Error::NotPermitted { .. }), "{error:?}");
    });
}

#[test]
fn no_port_leads_to_another_family() {
    with_table(|firewall| {
        let ipv6 = publication("web", "[::1]:8080", "172.30.1.2:80", Tcp);
        let error = firewall
            .apply(&[Change::Publish(ipv6.clone())])
            .unwrap_err();
        assert!(matches!(error, Error::OtherFamily { .. }), "{error:?}");
        firewall.apply(&[Change::Unpublish(ipv6)]).unwrap();
    });
}

#[test]
fn an_overlapping_subnet_is_refused() {
    with_table(|firewall| {
        let error = firewall
            .apply(&[Change::AddNetwork(network("br-b", "172.30.0.0/16"))])
            .unwrap_err();
        assert!(matches!(error, Error::Overlap { .. }), "{error:?}");
    });
}

#[test]
fn an_ipv6_port_is_published_and_read_back() {
    with_table(|firewall| {
        let ports = [
            publication("web", "[::]:8080", "[fd00::2]:80", Tcp),
            publication("web", "[2001:db8::1]:8080", "[fd00::2]:81", Tcp),
        ];
        let changes: Vec<_> = ports.iter().cloned().map(Change::Publish).collect();
        for _ in 0..2 {
            firewall.apply(&changes).unwrap();
        }
        for port in &ports {
            let found = firewall.publication(&port.port).unwrap();
            assert_eq!(found, Some(installed(port)));
        }
        assert_eq!(firewall.publications().unwrap().len(), 3);
        let other = publication("db", "[::]:8080", "[fd00::3]:80", Tcp);
        let error = firewall.apply(&[Change::Publish(other)]).unwrap_err();
        assert!(matches!(error, Error::PortTaken { .. }), "{error:?}");
        let changes: Vec<_> = ports.into_iter().map(Change::Unpublish).collect();
        for _ in 0..2 {
            firewall.apply(&changes).unwrap();
        }
        assert_eq!(firewall.publications().unwrap(), [installed(&web())]);
    });
}

#[test]
fn networks_with_ipv6_are_told_apart() {
    with_table(|firewall| {
        let mut both = network("br-a", "172.30.1.0/24");
        both.subnet6 = Some("fd00:1::/64".parse().unwrap());
        let changes = [
            Change::AddNetwork(both.clone()),
            Change::AddNetwork(network("br-b", "172.30.2.0/24")),
            Change::CloseTransit6,
        ];
        for _ in 0..2 {
            firewall.apply(&changes).unwrap();
        }
        assert_eq!(firewall.networks6().unwrap(), ["br-a".parse().unwrap()]);
        assert_eq!(firewall.networks().unwrap().len(), 2);
        for _ in 0..2 {
            firewall
                .apply(&[Change::RemoveNetwork(both.clone()), Change::OpenTransit6])
                .unwrap();
        }
        assert_eq!(firewall.networks6().unwrap(), []);
    });
}
