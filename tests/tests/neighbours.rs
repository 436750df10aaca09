//! Who knows where whom is: the host and its containers need not ask for each other, so a full
//! table of neighbours, which is the machine's, does not come between them.

use minet_tests::{Place, TestHost};

const NETWORK: &str = "--subnet 10.9.0.0/24 --subnet fd00:9::/64";

/// On the host's bridges nobody asks where anybody is, and nobody is answered.
fn silence(host: &TestHost) {
    host.sh("nft add table arp silence
         nft 'add chain arp silence in { type filter hook input priority 0; }'
         nft 'add chain arp silence out { type filter hook output priority 0; }'
         nft 'add rule arp silence in iifname \"mn-*\" counter drop'
         nft 'add rule arp silence out oifname \"mn-*\" counter drop'
         nft add table ip6 silence
         nft 'add chain ip6 silence in { type filter hook input priority 0; }'
         nft 'add chain ip6 silence out { type filter hook output priority 0; }'
         for chain in in out; do
             nft add rule ip6 silence $chain icmpv6 type '{ nd-neighbor-solicit, nd-neighbor-advert }' counter drop
         done")
        .succeed();
}

#[test]
fn the_host_and_its_containers_need_not_ask_for_each_other() {
    let host = TestHost::new();
    host.minet(format!("network create {NETWORK} lab"))
        .succeed();
    host.minet("network create --anti-spoof=false --subnet 10.8.0.0/24 asking")
        .succeed();
    silence(&host);
    let probe = host.probe();
    let _out = host.serve_at(Place::Uplink, "tcp:192.168.120.1:9000");
    let _web = host.serve(
        "--name web --network lab --ip 10.9.0.7 --ip6 fd00:9::7 -p 8080:80",
        "tcp:[::]:80",
    );
    for (place, question) in [
        (Place::Host, "tcp 10.9.0.7:80"),
        (Place::Host, "tcp [fd00:9::7]:80"),
        (Place::Neighbour, "tcp 192.168.120.2:8080"),
    ] {
        host.ask(place, question).succeed();
    }
    let out = "tcp 192.168.120.1:9000";
    host.minet(format!("exec web {probe} ask {out}")).succeed();
    let gateways = "ping -q -c 1 -W 5 10.9.0.1; ping -q -c 1 -W 5 fd00:9::1";
    host.minet(["exec", "web", "sh", "-ec", gateways]).succeed();
    // Whoever may be somebody else may be elsewhere, too: it is asked for, and in vain.
    host.run_sh(
        "--network asking",
        &format!("! timeout 1 {probe} ask {out} || exit 7"),
    )
    .succeed();
    // A container that is plugged in later, and one that is plugged out and in again.
    host.minet("run -d --name late -- sleep 1000").succeed();
    for _ in 0..2 {
        host.minet("network connect --ip 10.9.0.8 --ip6 fd00:9::8 lab late")
            .succeed();
        for address in ["10.9.0.8", "fd00:9::8"] {
            host.exec(format!("ping -q -c 1 -W 5 {address}")).succeed();
        }
        host.minet("network disconnect lab late").succeed();
        let known = host.exec("ip neigh show nud permanent").succeed();
        assert!(!known.contains("10.9.0.8"), "{known}");
        let known = host.exec("ip -6 neigh show nud permanent").succeed();
        assert!(!known.contains("fd00:9::8"), "{known}");
    }
}

#[test]
fn what_the_host_forgets_is_told_again() {
    let host = TestHost::new();
    host.minet(format!("network create {NETWORK} lab"))
        .succeed();
    let _web = host.idle("web", "--network lab --ip 10.9.0.7 --ip6 fd00:9::7");
    assert_eq!(host.minet("check").succeed(), "");
    let known = host.exec("ip neigh show nud permanent").succeed();
    let bridge = known
        .split_whitespace()
        .find(|word| word.starts_with("mn-"))
        .expect("a bridge")
        .to_owned();
    for (forget, address) in [
        (format!("ip neigh del 10.9.0.7 dev {bridge}"), "10.9.0.7"),
        (
            format!(
                "ip neigh replace fd00:9::7 lladdr 02:00:00:00:00:01 nud permanent dev {bridge}"
            ),
            "fd00:9::7",
        ),
    ] {
        host.exec(forget).succeed();
        let check = host.minet("check").end_with(1);
        let found = format!("does not know where {address} of web is");
        assert!(check.contains(&found), "{check}");
        assert_eq!(host.minet("repair").code(), 0);
        assert_eq!(host.minet("check").succeed(), "");
        host.exec(format!("ping -q -c 1 -W 5 {address}")).succeed();
    }
}
