//! A container that lies about who it is, with the capability to do so, and a neighbour that
//! would believe it.

use minet_tests::{Running, TestHost, eventually};

const GATEWAY: &str = "172.17.0.1";

/// A victim that serves UDP port 53, an attacker with raw sockets, and who they are.
struct Lab<'h> {
    host: &'h TestHost,
    victim: Running<'h>,
    _attacker: Running<'h>,
    victims: Who,
    attackers: Who,
    gateways: Who,
}

struct Who {
    mac: String,
    address: String,
}

impl<'h> Lab<'h> {
    fn new(host: &'h TestHost, attackers_network: &str) -> Self {
        let victim = host.serve("--name victim", "udp:53");
        let options = format!("{attackers_network} --cap-add NET_RAW --cap-add NET_ADMIN");
        let _attacker = host.idle("attacker", options);
        let who = |name: &str| Who {
            mac: host.inspect(name)["NetworkSettings"]["MacAddress"]
                .as_str()
                .expect("a MAC")
                .to_owned(),
            address: host.address_of(name),
        };
        let gateway = host
            .exec("cat /sys/class/net/minet0/address")
            .stdout()
            .trim()
            .to_owned();
        Lab {
            victim,
            _attacker,
            victims: who("victim"),
            attackers: who("attacker"),
            gateways: Who {
                mac: gateway,
                address: GATEWAY.to_owned(),
            },
            host,
        }
    }

    /// Something that the attacker executes; its own kernel must let it.
    fn attack(&self, command: &str) {
        let probe = self.host.probe();
        self.host
            .minet(format!("exec attacker -- {probe} {command}"))
            .succeed();
    }

    /// An ARP answer from the attacker's MAC, or another, that says who has an address.
    fn claim(&self, mac: &str, sender_mac: &str, address: &str, to: &str) {
        self.attack(&format!("forge eth0 arp {mac} {sender_mac} {address} {to}"));
    }

    /// A datagram to the victim.
    fn send(&self, mac: &str, from: &str, message: &str) {
        let Who { mac: to, address } = &self.victims;
        self.attack(&format!(
            "forge eth0 udp {mac} {to} {from} {address} 53 {message}"
        ));
    }

    /// Whom the victim believes to have the gateway's address.
    fn victims_gateway(&self) -> String {
        let script = format!("ip neighbour show {GATEWAY} | sed 's/.*lladdr //; s/ .*//'");
        self.host
            .minet(["exec", "victim", "--", "sh", "-c", &script])
            .succeed()
    }

    /// Makes the victim look for the gateway, so that it has an entry to be changed.
    fn acquaint(&self) {
        let probe = self.host.probe();
        self.host
            .minet(format!("exec victim -- {probe} ping {GATEWAY}"))
            .succeed();
        assert_eq!(self.victims_gateway(), self.gateways.mac);
    }
}

#[test]
fn the_address_of_another_cannot_be_taken() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let mut lab = Lab::new(host, "");
        lab.acquaint();
        let (own, victim) = (&lab.attackers, &lab.victims);
        lab.claim(&own.mac, &own.mac, GATEWAY, &victim.address);
        lab.claim(
            &lab.gateways.mac,
            &lab.gateways.mac,
            GATEWAY,
            &victim.address,
        );
        lab.claim(&own.mac, &own.mac, &victim.address, GATEWAY);
        lab.claim(&own.mac, &victim.mac, &own.address, GATEWAY);
        lab.send(&own.mac, GATEWAY, "evil-gateway");
        lab.send(&own.mac, "172.17.0.77", "evil-unused");
        lab.send(&lab.gateways.mac, &own.address, "evil-mac");
        lab.send(&own.mac, &own.address, "good");
        lab.victim.wait_for("good");
        let heard = lab.victim.stdout();
        assert!(!heard.contains("evil"), "{heard}");
        assert_eq!(lab.victims_gateway(), lab.gateways.mac);
        let hosts_view = host
            .exec(format!("ip neighbour show {}", lab.victims.address))
            .succeed();
        assert!(!hosts_view.contains(&lab.attackers.mac), "{hosts_view}");
    });
}

#[test]
fn an_address_given_by_hand_does_not_work() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let mut lab = Lab::new(host, "");
        let victim = lab.victims.address.clone();
        let throw = format!("{} throw {victim}:53", host.probe());
        let script = format!(
            "{throw} good; ip address add 172.17.0.99/16 dev eth0;
         ip route add {victim} dev eth0 src 172.17.0.99; {throw} evil;
         ip link set eth0 address 02:42:ac:11:00:63; ip route flush cache;
         ip route delete {victim}; {throw} evil-mac || :"
        );
        host.minet(["exec", "attacker", "--", "sh", "-c", &script])
            .succeed();
        lab.victim.wait_for("good");
        assert!(
            !lab.victim.stdout().contains("evil"),
            "{}",
            lab.victim.stdout()
        );
    });
}

#[test]
fn the_bridge_learns_no_mac_but_the_containers() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let lab = Lab::new(host, "");
        let ports = || host.exec("bridge fdb show br minet0").succeed();
        let of_victim = |ports: &str| {
            let mac = lab.victims.mac.clone();
            let mut lines = ports.lines().filter(move |line| line.starts_with(&mac));
            lines.next().map(str::to_owned)
        };
        lab.acquaint();
        let before = of_victim(&ports());
        lab.attack("flood eth0 2000");
        lab.attack(&format!(
            "forge eth0 plain {} ff:ff:ff:ff:ff:ff 0800 45",
            lab.victims.mac
        ));
        // The frames are through the cable when the command has ended.
        let after = ports();
        assert!(!after.contains("06:bd:"), "{after}");
        assert_eq!(of_victim(&after), before);
    });
}

#[test]
fn a_container_is_neither_router_nor_switch_nor_dhcp_server() {
    TestHost::whether_frames_are_judged_or_not(|host| {
        let lab = Lab::new(host, "");
        let _witness = host.idle("witness", "--cap-add NET_RAW");
        let mut ear = host.spawn_minet(format!("exec witness -- {} hear eth0 20", host.probe()));
        ear.wait_for("ready");
        let own = &lab.attackers.mac;
        let everybody = "ff:ff:ff:ff:ff:ff";
        let marked = |what: &str| format!("{what}badbadbadbad");
        for (to, ethertype, payload) in [
            // A BPDU: for bridges, 802.2, "I am the root".
            (
                "01:80:c2:00:00:00",
                "0026",
                marked("424203000000000000000000"),
            ),
            // To a MAC that a bridge does not keep to itself.
            (everybody, "0026", marked("424203000000000000000000")),
            // A router advertisement, type 134 of ICMPv6, from a link-local address.
            (
                everybody,
                "86dd",
                marked(
                    "6000000000103affFE80000000000000004200000000000AFF0200000000000000000000000000018600000040",
                ),
            ),
            // A tag of VLAN 5.
            (everybody, "8100", marked("000508004500")),
            // LLDP.
            (everybody, "88cc", marked("0207")),
        ] {
            lab.attack(&format!(
                "forge eth0 plain {own} {to} {ethertype} {payload}"
            ));
        }
        // The same from itself, of a kind that is allowed.
        lab.claim(own, own, &lab.attackers.address, "172.17.0.200");
        let good: String = lab
            .attackers
            .address
            .split('.')
            .map(|number| format!("{:02x}", number.parse::<u8>().expect("a number")))
            .collect();
        ear.wait_for(&good);
        assert!(!ear.stdout().contains("badbadbad"), "{}", ear.stdout());
    });
}

#[test]
fn whoever_needs_it_may_be_somebody_else() {
    let host = TestHost::new();
    let mut lab = Lab::new(&host, "--network name=bridge,anti-spoof=false");
    lab.acquaint();
    lab.send(&lab.attackers.mac, "172.17.0.77", "virtual");
    lab.victim.wait_for("virtual");
    let _third = host.idle("third", "");
    let third = host.address_of("third");
    let (own, victim) = (&lab.attackers, &lab.victims);
    let believed = || {
        let probe = host.probe();
        let script = format!(
            "{probe} ping {third} >/dev/null || :; ip neighbour show {third} | sed 's/.*lladdr //; s/ .*//'"
        );
        host.minet(["exec", "victim", "--", "sh", "-c", &script])
            .succeed()
    };
    // The attack itself works where it is allowed: so the other tests test something. An
    // entry that was just confirmed is kept for a moment.
    eventually("the victim believes the attacker", || {
        believed();
        lab.claim(&own.mac, &own.mac, &third, &victim.address);
        believed() == own.mac
    });
    // But for the gateway, of which it was told beforehand.
    for _ in 0..3 {
        lab.claim(&own.mac, &own.mac, GATEWAY, &victim.address);
        assert_eq!(lab.victims_gateway(), lab.gateways.mac);
    }
}

#[test]
fn a_network_can_be_without_guards() {
    let host = TestHost::new();
    let before = host.snapshot();
    host.minet("network create --anti-spoof=false --subnet 10.9.0.0/24 free")
        .succeed();
    let shown = host.minet("network inspect free").json();
    assert_eq!(shown[0]["AntiSpoof"], false);
    let guards = || {
        host.sh("for dev in $(ip -o link | grep -o 'veth[^@]*@' | tr -d @); do tc filter show dev $dev ingress; done")
            .succeed()
    };
    {
        let _db = host.idle("db", "--network free");
        assert_eq!(guards(), "");
        host.minet("network connect --anti-spoof bridge db")
            .succeed();
        assert!(guards().contains("bytecode"), "{}", guards());
    }
    host.minet("rm -f db").code();
    host.minet("network rm free").succeed();
    host.minet("gc --all").succeed();
    before.assert_unchanged(&host);
}

#[test]
fn a_guard_that_is_gone_is_noticed() {
    let host = TestHost::new();
    let _web = host.idle("web", "");
    host.minet("check").succeed();
    let cable = host.inspect("web")["NetworkSettings"]["VethName"]
        .as_str()
        .expect("a cable")
        .to_owned();
    host.exec(format!("tc qdisc delete dev {cable} ingress"))
        .succeed();
    let check = host.minet("check");
    assert_eq!(check.code(), 1, "{check}");
    assert!(check.stdout().contains("guard"), "{check}");
    host.minet("repair").code();
    host.minet("check").succeed();
}
