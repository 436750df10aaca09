//! Beside other firewalls, made as their owners make them: with `nft` and `iptables`.

use crate::lab::{in_new_netns, network, nft, sh, try_sh};
use crate::machine::{Bridged, Hairpin, in_lab};
use crate::probe::{Expect, ask};
use minet_model::{IfName, Protocol::Tcp};
use minet_nat::{
    ChainFamily, Change, Firewall, ForeignChain, Passage, Passing, Restraint, Transit,
    legacy_filter_is_in_use,
};

fn passage() -> Passage {
    Passage {
        bridge: "br-a".parse().unwrap(),
        network: "net-br-a".parse().unwrap(),
    }
}

fn restraint(exits: &[&str]) -> Restraint {
    Restraint {
        bridge: "br-a".parse().unwrap(),
        owner: "net-br-a".parse().unwrap(),
        exits: exits.iter().map(|exit| exit.parse().unwrap()).collect(),
    }
}

fn chain(family: ChainFamily, table: &str, name: &str) -> ForeignChain {
    ForeignChain {
        family,
        table: table.to_owned(),
        name: name.to_owned(),
    }
}

fn docker() -> ForeignChain {
    chain(ChainFamily::Ip, "filter", "FORWARD")
}

fn bridge() -> IfName {
    "br-a".parse().unwrap()
}

fn passes(firewall: &mut Firewall) -> bool {
    firewall.passing(&passage(), &docker()).unwrap() == Passing::Through
}

/// What Docker makes of `FORWARD`, in short, with the rule of an administrator.
const DOCKER: &str = "
    iptables -P FORWARD DROP; iptables -N DOCKER-USER
    iptables -A DOCKER-USER -d 192.0.2.66 -j DROP; iptables -A DOCKER-USER -j RETURN
    iptables -A FORWARD -j DOCKER-USER
    iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT";

/// Everything but minet's own table, without the values of counters.
fn others() -> String {
    sh("nft -s list ruleset | sed '/^table inet minet/,/^}/d'")
}

fn forward() -> String {
    sh("iptables -S FORWARD")
}

#[test]
fn chains_whose_last_word_is_to_drop_are_found() {
    in_new_netns(|| {
        sh(DOCKER);
        nft(
            "table inet site {
                chain out { type filter hook output priority 0; policy drop; }
                chain forward { type filter hook forward priority 5; policy drop; }
                chain rejecting { type filter hook forward priority 6;
                    ct state established accept; counter log reject; }
                chain choosy { type filter hook forward priority 7; oifname \"x\" drop; }
                chain accepting { type filter hook forward priority 8; }
            }
            table ip6 six { chain forward { type filter hook forward priority 0; policy drop; }; }",
        );
        sh("iptables -t mangle -A FORWARD -j REJECT || iptables -t mangle -A FORWARD -j DROP");
        let mut firewall = Firewall::open().unwrap();
        firewall
            .apply(&[Change::InstallTable(Transit::Dropped)])
            .unwrap();
        assert_eq!(
            firewall.foreign_drops(&bridge()).unwrap(),
            [
                docker(),
                chain(ChainFamily::Inet, "site", "forward"),
                chain(ChainFamily::Inet, "site", "rejecting"),
                chain(ChainFamily::Ip6, "six", "forward"),
                chain(ChainFamily::Ip, "mangle", "FORWARD"),
            ]
        );
    });
}

#[test]
fn the_owner_can_read_the_rules_and_has_the_first_word() {
    in_new_netns(|| {
        sh(DOCKER);
        let (before, rules_before) = (forward(), others());
        let mut firewall = Firewall::open().unwrap();
        assert!(!passes(&mut firewall));
        for _ in 0..2 {
            firewall.let_pass(&passage(), &docker()).unwrap();
            let ours = "-m comment --comment \"minet: network net-br-a on br-a\" -j ACCEPT";
            let expected =
                format!("{before}-A FORWARD -i br-a {ours}\n-A FORWARD -o br-a {ours}\n");
            assert_eq!(forward(), expected);
            assert!(passes(&mut firewall));
        }
        // Docker changes the chain as it pleases.
        sh(
            "iptables -I FORWARD -i br-1 -j ACCEPT; iptables -D FORWARD -i br-1 -j ACCEPT; iptables-save",
        );
        for _ in 0..2 {
            firewall.withdraw(&passage(), &docker()).unwrap();
            assert_eq!(others(), rules_before);
        }
    });
}

#[test]
fn half_of_the_rules_is_none_and_a_restored_rule_is_still_ours() {
    in_new_netns(|| {
        sh(DOCKER);
        let before = forward();
        let mut firewall = Firewall::open().unwrap();
        firewall.let_pass(&passage(), &docker()).unwrap();
        let both = forward();
        sh(
            "iptables -D FORWARD -o br-a -m comment --comment 'minet: network net-br-a on br-a' -j ACCEPT",
        );
        assert!(!passes(&mut firewall));
        firewall.let_pass(&passage(), &docker()).unwrap();
        assert_eq!(forward(), both);
        sh("iptables-save >/dev/null; iptables-save | iptables-restore");
        assert_eq!(forward(), both);
        assert!(passes(&mut firewall));
        firewall.withdraw(&passage(), &docker()).unwrap();
        assert_eq!(forward(), before);
    });
}

#[test]
fn the_last_word_of_a_chain_stays_the_last() {
    in_new_netns(|| {
        nft(
            "table inet site { chain forward { type filter hook forward priority 0;
                ip daddr 192.0.2.66 drop; counter reject; }; }",
        );
        let before = others();
        let site = chain(ChainFamily::Inet, "site", "forward");
        let mut firewall = Firewall::open().unwrap();
        firewall.let_pass(&passage(), &site).unwrap();
        let list = others();
        let place = |text: &str| list.find(text).unwrap_or_else(|| panic!("{text}: {list}"));
        assert!(place("192.0.2.66") < place("iifname \"br-a\""));
        assert!(place("iifname \"br-a\"") < place("oifname \"br-a\""));
        assert!(place("oifname \"br-a\"") < place("reject"));
        firewall.withdraw(&passage(), &site).unwrap();
        assert_eq!(others(), before);
    });
}

/// How firewalld 1.3 calls, in short, with `br-z` in a zone that drops.
const FIREWALLD: &str = "
    table inet firewalld {
        chain forward { type filter hook forward priority 10; policy accept;
            ct state established accept; jump zones; reject; }
        chain zones { iifname \"br-z\" goto block; iifname \"br-t*\" goto trusted; goto public; }
        chain policies { }
        chain public { jump policies; ip daddr 192.0.2.66 drop; reject with icmpx admin-prohibited; }
        chain block { jump policies; reject; }
        chain trusted { jump policies; accept; }
    }
    table ip never { chain forward { type filter hook forward priority 0; policy drop; accept; }; }
    table ip over { chain forward { type filter hook forward priority 0; policy drop; goto on; }
        chain on { ip daddr 192.0.2.66 drop; }; }";

#[test]
fn the_last_word_is_found_where_it_stands() {
    in_new_netns(|| {
        nft(FIREWALLD);
        let before = others();
        let mut firewall = Firewall::open().unwrap();
        let public = chain(ChainFamily::Inet, "firewalld", "public");
        let over = chain(ChainFamily::Ip, "over", "on");
        assert_eq!(
            firewall.foreign_drops(&bridge()).unwrap(),
            [public.clone(), over.clone()]
        );
        for chain in [&public, &over] {
            firewall.let_pass(&passage(), chain).unwrap();
            assert_eq!(
                firewall.passing(&passage(), chain).unwrap(),
                Passing::Through
            );
        }
        let list = others();
        let place = |text: &str| list.find(text).unwrap_or_else(|| panic!("{text}: {list}"));
        assert!(place("192.0.2.66") < place("iifname \"br-a\""));
        assert!(place("oifname \"br-a\"") < place("admin-prohibited"));
        for chain in [&public, &over] {
            firewall.withdraw(&passage(), chain).unwrap();
        }
        assert_eq!(others(), before);
    });
}

#[test]
fn whoever_names_the_bridge_has_decided() {
    in_new_netns(|| {
        nft(FIREWALLD);
        let mut firewall = Firewall::open().unwrap();
        let mut drops = |name: &str| {
            let mut drops = firewall.foreign_drops(&name.parse().unwrap()).unwrap();
            drops.retain(|chain| chain.table == "firewalld");
            let refusals = firewall.refusals(&name.parse().unwrap()).unwrap();
            (drops, refusals)
        };
        let [block, public] =
            ["block", "public"].map(|name| chain(ChainFamily::Inet, "firewalld", name));
        // Both are dropped on the way back, which knows no bridge by its name.
        assert_eq!(drops("br-z"), (vec![public.clone()], vec![block]));
        assert_eq!(drops("br-t0"), (vec![public], vec![]));
        sh("nft insert rule inet firewalld forward oifname br-t0 accept");
        assert_eq!(drops("br-t0"), (vec![], vec![]));
    });
}

#[test]
fn rules_that_come_behind_minet_s_get_their_word_again() {
    in_new_netns(|| {
        sh(DOCKER);
        let mut firewall = Firewall::open().unwrap();
        firewall.let_pass(&passage(), &docker()).unwrap();
        sh("iptables -A FORWARD -d 192.0.2.67 -j DROP");
        assert_eq!(
            firewall.passing(&passage(), &docker()).unwrap(),
            Passing::BeforeOthers
        );
        firewall.let_pass(&passage(), &docker()).unwrap();
        assert!(passes(&mut firewall));
        let list = forward();
        let last: Vec<&str> = list.lines().rev().take(3).collect();
        assert!(last[2].contains("192.0.2.67"), "{list}");
        // Another network's rules are no matter.
        let other = Passage {
            bridge: "br-b".parse().unwrap(),
            network: "net-br-b".parse().unwrap(),
        };
        firewall.let_pass(&other, &docker()).unwrap();
        assert!(passes(&mut firewall));
    });
}

#[test]
fn a_table_that_only_its_owner_may_change_is_left_alone() {
    in_new_netns(|| {
        let script = "table inet firewalld { flags owner; chain forward {
            type filter hook forward priority 10; reject; }; }";
        // The table lives as long as the nft that made it, which waits for more.
        sh(&format!(
            "mkfifo /tmp/nft.$$; (exec 9<>/tmp/nft.$$; exec timeout 20 nft -i </tmp/nft.$$ >/dev/null 2>&1) &
             echo '{}' >/tmp/nft.$$; rm /tmp/nft.$$
             n=0; until nft list table inet firewalld >/dev/null 2>&1 || [ $n = 100 ]; do n=$((n+1)); sleep 0.05; done",
            script.replace('\n', " ")
        ));
        let mut firewall = Firewall::open().unwrap();
        let forward = chain(ChainFamily::Inet, "firewalld", "forward");
        assert_eq!(firewall.locked_drops(&bridge()).unwrap(), [forward]);
        assert_eq!(firewall.foreign_drops(&bridge()).unwrap(), []);
    });
}

#[test]
fn a_chain_that_went_away_needs_nothing() {
    in_new_netns(|| {
        let mut firewall = Firewall::open().unwrap();
        sh(DOCKER);
        firewall.let_pass(&passage(), &docker()).unwrap();
        sh("nft delete table ip filter");
        assert!(passes(&mut firewall));
        firewall.let_pass(&passage(), &docker()).unwrap();
        firewall.withdraw(&passage(), &docker()).unwrap();
        assert_eq!(others(), "");
    });
}

#[test]
fn legacy_rules_are_noticed() {
    in_new_netns(|| {
        assert!(!legacy_filter_is_in_use());
        // Not every kernel still has them.
        if try_sh("iptables-legacy -S").status.success() {
            assert!(legacy_filter_is_in_use());
        }
    });
}

/// In the lab, `br-b` is the bridge of somebody else, and `c3` is behind it.
fn beside_docker(rules: &[Change], run: impl FnOnce(&mut Firewall) + Send) {
    let mut all = vec![
        Change::InstallTable(Transit::Untouched),
        Change::AddNetwork(network("br-a", "172.30.1.0/24")),
    ];
    all.extend_from_slice(rules);
    in_lab(Bridged::Unseen, Hairpin::Off, &all, || {
        sh(DOCKER);
        run(&mut Firewall::open().unwrap());
    });
}

#[track_caller]
fn reaches(client: &str, target: &str, server: (&str, u16), expect: Expect) {
    let answered = ask(client, target.parse().unwrap(), server, Tcp, expect).is_some();
    let wanted = matches!(expect, Expect::Answer);
    assert_eq!(answered, wanted, "{client} -> {target}\n{}", others());
}

#[test]
fn who_is_let_pass_reaches_the_world_and_not_the_bridges_of_others() {
    use Expect::{Answer, Silence};
    beside_docker(&[], |firewall| {
        reaches("c1", "192.0.2.9:80", ("lan", 80), Silence);
        firewall.let_pass(&passage(), &docker()).unwrap();
        reaches("c1", "192.0.2.9:80", ("lan", 80), Answer);
        // This is why it takes a restraint as well.
        reaches("c1", "172.30.2.2:80", ("c3", 80), Answer);
        firewall.apply(&[Change::Restrain(restraint(&[]))]).unwrap();
        reaches("c1", "192.0.2.9:80", ("lan", 80), Answer);
        reaches("c1", "172.30.2.2:80", ("c3", 80), Silence);
        // What the bridge's owner publishes is reached.
        nft(
            "table ip others { chain prerouting { type nat hook prerouting priority dstnat;
                ip daddr 192.0.2.1 tcp dport 9090 dnat to 172.30.2.2:80; }; }",
        );
        reaches("c1", "192.0.2.1:9090", ("c3", 80), Answer);
        // Nobody gets in who did not before.
        reaches("c3", "172.30.1.2:80", ("c1", 80), Silence);
        reaches("lan", "172.30.1.2:80", ("c1", 80), Silence);
        firewall.withdraw(&passage(), &docker()).unwrap();
        reaches("c1", "192.0.2.9:80", ("lan", 80), Silence);
    });
}

#[test]
fn a_bridge_that_leads_out_is_no_wall() {
    beside_docker(&[Change::Restrain(restraint(&["br-b"]))], |firewall| {
        firewall.let_pass(&passage(), &docker()).unwrap();
        reaches("c1", "172.30.2.2:80", ("c3", 80), Expect::Answer);
    });
}

#[test]
fn the_rule_of_an_administrator_still_binds() {
    beside_docker(&[Change::Restrain(restraint(&[]))], |firewall| {
        firewall.let_pass(&passage(), &docker()).unwrap();
        sh("ip -n lan addr add 192.0.2.66/24 dev eth0");
        reaches("c1", "192.0.2.66:80", ("lan", 80), Expect::Silence);
    });
}
