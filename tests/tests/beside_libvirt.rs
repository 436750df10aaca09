//! Beside the real libvirt: its machines and minet's containers on one host.

use minet_tests::{HOST, INTRUDER, Libvirt, Place, Round, Running, SERVER, TestHost};

/// What others have, without counters and without minet's table.
const OTHERS: &str = "nft --stateless list ruleset | sed '/^table inet minet/,/^}/d'";

#[track_caller]
fn everybody_asks(host: &TestHost, libvirt: &Libvirt<'_>, web: &Running<'_>) {
    let machine = Libvirt::MACHINE;
    let server = libvirt.serve("tcp:80 udp:53");
    host.lan(format!("ip route replace 192.168.122.0/24 via {HOST}"))
        .succeed();
    let mut round = Round::new(host);
    let by_machine = "ip netns exec machine";
    let by_web = format!("{} exec web --", minet_tests::minet().display());
    round.answered(Place::Host, &by_web, &[&format!("tcp {SERVER}:80")]);
    round.answered(Place::Neighbour, "", &[&format!("tcp {HOST}:8080")]);
    let ours = host.address_of("web");
    round.answered(
        Place::Host,
        by_machine,
        &[&format!("tcp {SERVER}:80"), &format!("tcp {HOST}:8080")],
    );
    round.answered(Place::Host, "", &[&format!("tcp {machine}:80")]);
    let to_machine = [format!("tcp {machine}:80"), format!("udp {machine}:53")];
    let to_machine = to_machine.each_ref().map(|question| question.as_str());
    round.refused(Place::Host, &by_web, &to_machine);
    round.refused(Place::Neighbour, "", &to_machine);
    let to_ours = [format!("tcp {ours}:80"), format!("udp {ours}:53")];
    let to_ours = to_ours.each_ref().map(|question| question.as_str());
    round.refused(Place::Host, by_machine, &to_ours);
    round.finish("who reaches whom");
    assert!(!(web.stdout() + &server.stdout()).contains(INTRUDER));
    host.minet("check").succeed();
    host.minet("doctor --quiet").succeed();
}

#[test]
fn libvirt_first_all_are_reached_and_apart() {
    let host = TestHost::new();
    let _server = host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80"));
    let libvirt = Libvirt::start(&host);
    let before = host.sh(OTHERS).succeed();
    let web = host.serve("--name web -p 8080:80", "tcp:80 udp:53");
    everybody_asks(&host, &libvirt, &web);
    host.minet("rm -f web").succeed();
    web.finish();
    host.minet("gc --all").succeed();
    assert_eq!(host.sh(OTHERS).succeed(), before);
    libvirt.ask(&format!("tcp {SERVER}:80")).succeed();
}

#[test]
fn minet_first_all_are_reached_and_apart() {
    let host = TestHost::new();
    let _server = host.serve_at(Place::Uplink, &format!("tcp:{SERVER}:80"));
    let web = host.serve("--name web -p 8080:80", "tcp:80 udp:53");
    let libvirt = Libvirt::start(&host);
    let before = host.sh(OTHERS).succeed();
    everybody_asks(&host, &libvirt, &web);
    host.minet("rm -f web").succeed();
    web.finish();
    host.minet("gc --all").succeed();
    assert_eq!(host.sh(OTHERS).succeed(), before);
    libvirt.ask(&format!("tcp {SERVER}:80")).succeed();
    libvirt.virsh("net-destroy default").succeed();
    host.minet("gc").succeed();
    assert_eq!(host.sysctl("net.ipv4.ip_forward"), "0");
}
