//! A machine with neighbours and containers, made of namespaces.
//!
//! ```text
//!   lan 192.0.2.9 ------ 192.0.2.1 ---- the host ---- br-a 172.30.1.1 ---- c1 .2, c2 .3
//!   wan 198.51.100.9 --- 198.51.100.1 -/        \--- br-b 172.30.2.1 ---- c3 .2
//! ```

use crate::lab::sh;
use minet_nat::{Change, Firewall};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::thread;

pub(crate) const LAN: &str = "192.0.2.9";
pub(crate) const HOST: &str = "192.0.2.1";
pub(crate) const GATEWAY: &str = "172.30.1.1";
pub(crate) const C2: &str = "172.30.1.3";
pub(crate) const C3: &str = "172.30.2.2";

/// Whether bridged frames go through the table as well (`bridge-nf-call-iptables`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bridged {
    Unseen,
    Seen,
}

/// Whether a bridge port gives frames back to where they came from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hairpin {
    On,
    Off,
}

/// A machine with a neighbour and three containers, in namespaces and mounts of its own.
pub(crate) fn in_lab(
    bridged: Bridged,
    hairpin: Hairpin,
    rules: &[Change],
    run: impl FnOnce() + Send,
) {
    let enter = || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
            .expect("these tests need root (or unshare --user --map-root-user) for namespaces");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("private mounts");
        let nothing = MsFlags::empty();
        mount(Some("run"), "/run", Some("tmpfs"), nothing, None::<&str>).expect("a /run");
        sh("mkdir /run/netns; touch /run/netns/host; ip link set lo up");
        // Not by process number: /proc may belong to an outer PID namespace.
        sh("mount --bind /proc/self/ns/net /run/netns/host");
        build(bridged, hairpin);
        let mut firewall = Firewall::open().expect("open");
        firewall.apply(rules).expect("apply");
        sh("for b in br-a br-b; do echo 1 > /proc/sys/net/ipv4/conf/$b/route_localnet; done");
        run();
    };
    let result = thread::scope(|scope| scope.spawn(enter).join());
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn build(bridged: Bridged, hairpin: Hairpin) {
    sh(r#"
        for n in lan wan c1 c2 c3; do ip netns add $n; ip -n $n link set lo up; done
        ip link add lan0 type veth peer name eth0 netns lan
        ip addr add 192.0.2.1/24 dev lan0; ip link set lan0 up
        ip -n lan addr add 192.0.2.9/24 dev eth0; ip -n lan link set eth0 up
        ip link add wan0 type veth peer name eth0 netns wan
        ip addr add 198.51.100.1/24 dev wan0; ip link set wan0 up
        ip -n wan addr add 198.51.100.9/24 dev eth0; ip -n wan link set eth0 up
        ip -n wan route add 192.0.2.0/24 via 198.51.100.1
        ip -n lan route add 198.51.100.0/24 via 192.0.2.1
        # The neighbour takes this host for a router to everything that it must not reach.
        ip -n lan route add 172.30.0.0/16 via 192.0.2.1
        network() { # bridge, subnet
            ip link add $1 address $(printf '02:42:%02x:%02x:%02x:01' $(echo $2 | tr . ' ')) type bridge; ip addr add $2.1/24 dev $1; ip link set $1 up; }
        cable() { # container, bridge, subnet, last number
            ip link add v$1 type veth peer name eth0 netns $1
            ip link set v$1 master $2 up
            ip -n $1 addr add $3.$4/24 dev eth0; ip -n $1 link set eth0 up
            ip -n $1 route add default via $3.1; }
        network br-a 172.30.1; network br-b 172.30.2
        cable c1 br-a 172.30.1 2; cable c2 br-a 172.30.1 3; cable c3 br-b 172.30.2 2
        echo 1 > /proc/sys/net/ipv4/ip_forward
    "#);
    let seen = match bridged {
        Bridged::Unseen => "0",
        Bridged::Seen => "1",
    };
    sh(&format!(
        "sysctl -qw net.bridge.bridge-nf-call-iptables={seen}"
    ));
    match hairpin {
        Hairpin::On => {
            sh("for c in c1 c2 c3; do bridge link set dev v$c hairpin on; done");
        }
        Hairpin::Off => {}
    }
}
