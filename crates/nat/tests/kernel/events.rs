//! Only what others do to minet's own is heard.

use crate::lab::{in_new_netns, network, nft, publication, sh};
use minet_model::Protocol::Tcp;
use minet_nat::{ChainFamily, Change, Firewall, ForeignChain, Passage, RulesetEvents, Transit};

#[test]
fn others_are_heard_and_minet_itself_is_not() {
    in_new_netns(|| {
        let mut events = RulesetEvents::listen().unwrap();
        let mut firewall = Firewall::open().unwrap();
        let web = publication("web", "0.0.0.0:8080", "172.30.1.2:80", Tcp);
        let changes = [
            Change::InstallTable(Transit::Untouched),
            Change::AddNetwork(network("br-a", "172.30.1.0/24")),
            Change::Publish(web.clone()),
        ];
        // The kernel tells the name of the thread.
        std::fs::write("/proc/thread-self/comm", comm()).unwrap();
        firewall.apply(&changes).unwrap();
        assert!(!events.disturbed(), "minet's own changes");
        nft("table inet other { set s { type mark; elements = { 1 }; }; }");
        nft("delete table inet other");
        assert!(!events.disturbed(), "another's table");
        for change in [
            "delete element inet minet publish { tcp . 8080 }",
            "flush chain inet minet guard",
            "flush ruleset",
        ] {
            nft(change);
            assert!(events.disturbed(), "{change}");
            assert!(!events.disturbed(), "once is enough");
        }
    });
}

#[test]
fn a_rule_that_is_lost_in_another_s_chain_is_heard() {
    in_new_netns(|| {
        let passage = Passage {
            bridge: "br-a".parse().unwrap(),
            network: "net".parse().unwrap(),
        };
        let chain = ForeignChain {
            family: ChainFamily::Inet,
            table: "site".to_owned(),
            name: "forward".to_owned(),
        };
        nft(
            "table inet site { chain forward { type filter hook forward priority 0; policy drop; }; }",
        );
        Firewall::open()
            .unwrap()
            .let_pass(&passage, &chain)
            .unwrap();
        let mut events = RulesetEvents::listen().unwrap();
        nft("add rule inet site forward accept");
        assert!(!events.disturbed());
        nft("flush chain inet site forward");
        assert!(events.disturbed());
    });
}

#[test]
fn a_firewall_that_comes_or_drops_is_heard_and_docker_s_daily_work_is_not() {
    in_new_netns(|| {
        let mut events = RulesetEvents::listen().unwrap();
        for (command, heard) in [
            ("iptables -A FORWARD -o docker0 -j ACCEPT", true),
            ("iptables -N DOCKER", false),
            (
                "iptables -A DOCKER -d 172.17.0.2 ! -i docker0 -p tcp --dport 80 -j ACCEPT",
                false,
            ),
            (
                "iptables -t nat -A PREROUTING -p tcp --dport 90 -j DNAT --to 172.17.0.2:80",
                false,
            ),
            ("iptables -I FORWARD -i br-1 ! -o br-1 -j ACCEPT", false),
            ("iptables -I FORWARD -o docker0 -j DOCKER", false),
            ("iptables -P FORWARD DROP", true),
            ("iptables -A FORWARD -j REJECT", true),
            (
                "nft 'add table inet site; add chain inet site forward { type filter hook forward priority 5; }'",
                true,
            ),
            (
                "nft add chain inet site zones; nft add chain inet site input '{ type filter hook input priority 5; policy drop; }'",
                false,
            ),
            ("nft add rule inet site forward jump zones", true),
            ("nft delete table inet site", false),
        ] {
            sh(command);
            assert_eq!(events.disturbed(), heard, "{command}");
        }
    });
}

#[test]
fn what_could_not_be_told_counts_as_a_change() {
    in_new_netns(|| {
        let mut events = RulesetEvents::listen().unwrap();
        let elements: Vec<String> = (1..20_000).map(|number| number.to_string()).collect();
        nft("add table inet other");
        nft("add set inet other s { type mark; }");
        nft(&format!(
            "add element inet other s {{ {} }}",
            elements.join(", ")
        ));
        assert!(events.disturbed());
        assert!(!events.disturbed());
    });
}

fn comm() -> String {
    std::fs::read_to_string("/proc/self/comm").unwrap()
}
