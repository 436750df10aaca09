//! Whatever somebody did to the table is found, and mended without losing an element.

use crate::lab::{in_new_netns, listing, network, nft, publication, sh};
use crate::table::everything;
use minet_model::Protocol::Tcp;
use minet_nat::{Anatomy, Change, Expected, Firewall, Owner, Transit};

fn as_it_should_be(transit: Transit) -> Anatomy {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        firewall.apply(&[Change::InstallTable(transit)]).unwrap();
        firewall.anatomy().unwrap()
    })
}

#[test]
fn each_change_of_the_table_is_found_and_mended() {
    let should = as_it_should_be(Transit::Dropped);
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        firewall.apply(&everything(Transit::Dropped)).unwrap();
        let whole = listing();
        assert_eq!(
            firewall.anatomy().unwrap().differences(&should),
            [""; 0],
            "elements do not count"
        );
        for (damage, found) in [
            (
                "flush chain inet minet guard",
                "chain guard: 8 of its 8 rules missing",
            ),
            (
                "insert rule inet minet forward accept",
                "chain forward: 1 rules too many",
            ),
            (
                "flush chain inet minet prerouting; delete chain inet minet prerouting",
                "chain prerouting is missing",
            ),
            (
                "add chain inet minet input { policy drop; }",
                "chain input has another hook, type or policy",
            ),
            ("add chain inet minet mine", "chain mine is not minet's"),
            (
                "add set inet minet mine { type mark; }",
                "set mine is not minet's",
            ),
            (
                "flush table inet minet; delete set inet minet internal; \
                 add set inet minet internal { type mark; }",
                "set internal is another",
            ),
        ] {
            nft(&damage.replace("; ", "\n").replace("{ policy", "{policy"));
            let differences = firewall.anatomy().unwrap().differences(&should);
            assert!(
                differences.iter().any(|difference| difference == found),
                "{damage}: {differences:?}"
            );
            firewall.mend_table(Transit::Dropped).unwrap();
            assert_eq!(firewall.anatomy().unwrap().differences(&should), [""; 0]);
            if found != "set internal is another" {
                assert_eq!(listing(), whole, "after {damage}");
            }
        }
    });
}

#[test]
fn a_table_that_is_gone_is_made_and_another_s_is_not_touched() {
    let should = as_it_should_be(Transit::Untouched);
    in_new_netns(|| {
        nft("table inet other { chain c { accept; }; }");
        let other = sh("nft list table inet other");
        let mut firewall = Firewall::open().unwrap();
        assert_eq!(
            firewall.anatomy().unwrap().differences(&should),
            ["table inet minet is missing"]
        );
        firewall.mend_table(Transit::Untouched).unwrap();
        assert_eq!(firewall.anatomy().unwrap().differences(&should), [""; 0]);
        assert_eq!(sh("nft list table inet other"), other);
    });
}

#[test]
fn what_is_missing_is_named_and_a_port_comes_back_from_whoever_took_it() {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        let web = publication("web", "0.0.0.0:8080", "172.30.1.2:80", Tcp);
        let changes = [
            Change::InstallTable(Transit::Untouched),
            Change::AddNetwork(network("br-a", "172.30.1.0/24")),
            Change::Publish(web.clone()),
        ];
        firewall.apply(&changes).unwrap();
        assert_eq!(firewall.lacks(&changes).unwrap(), [""; 0]);
        nft("delete element inet minet within { br-a . br-a }
             delete element inet minet hidden { 172.30.1.0/24 }
             delete element inet minet publish { tcp . 8080 }
             add element inet minet publish { tcp . 8080 : 172.30.1.9 . 80 }");
        assert_eq!(
            firewall.lacks(&changes).unwrap(),
            [
                "hidden { 172.30.1.0/24 }",
                "within { \"br-a\" . \"br-a\" }",
                "publish { tcp . 8080 }"
            ]
        );
        firewall.apply(&changes[1..2]).unwrap();
        firewall.republish(std::slice::from_ref(&web)).unwrap();
        assert_eq!(firewall.lacks(&changes).unwrap(), [""; 0]);
        firewall.republish(&[web]).unwrap();
    });
}

#[test]
fn every_element_says_whose_it_is_and_can_be_discarded() {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        let all = everything(Transit::Untouched);
        firewall.apply(&all).unwrap();
        nft("add element inet minet hidden { 10.9.0.0/24 }
             add element inet minet bridges { br-x }");
        let expected = Expected::of(&all);
        let standing = firewall.standing().unwrap();
        let (known, strange): (Vec<_>, Vec<_>) =
            standing.iter().partition(|one| expected.includes(one));
        assert_eq!(strange.len(), 2, "{strange:?}");
        assert!(strange.iter().all(|one| one.owner == Owner::Unknown));
        // That a family is closed is the host's affair, and nobody's in particular.
        let owned = |one: &&&minet_nat::Standing| one.set != "closed";
        let mut owned = known.iter().filter(owned);
        assert!(owned.all(|one| one.owner != Owner::Unknown));
        let web = known.iter().find(|one| one.set == "publish").unwrap();
        assert!(matches!(&web.owner, Owner::Container(..)), "{web:?}");
        firewall.discard(&standing).unwrap();
        firewall.discard(&standing).unwrap();
        assert_eq!(firewall.standing().unwrap(), []);
    });
}
