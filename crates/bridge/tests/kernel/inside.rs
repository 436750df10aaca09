use crate::host::{Namespace, mac, minet0, name, subnet};
use minet_bridge::{
    Cause, Made, Removed, address,
    announce::{self, announce},
    cable::{self, Cable},
    inside::{self, Inside},
    link, route,
    settings::{self, Ipv4Setting},
    switch,
};
use minet_model::IfName;
use nix::sys::{
    socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket,
        sockopt,
    },
    time::{TimeVal, TimeValLike},
};
use std::{
    net::{IpAddr, Ipv4Addr},
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
};

const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 17, 0, 1);

/// A host with a switch, and a container plugged in, still dark inside.
fn plugged(host: &mut Namespace, last_byte: u8) -> Namespace {
    let container = Namespace::new();
    let cable = Cable {
        host_end: name(&format!("mv{last_byte}")),
        container_end: IfName::eth(0),
        mac: mac(&format!("02:42:ac:11:00:{last_byte:02x}")),
        mtu: 1400,
        bridge: name("minet0"),
        alias: "minet:test".to_owned(),
    };
    cable::lay(&mut host.rtnl, &cable, container.fd()).unwrap();
    container
}

fn host_with_switch() -> Namespace {
    let mut host = Namespace::new();
    switch::create(&mut host.rtnl, &minet0()).unwrap();
    host
}

fn wished(last_byte: u8) -> Inside {
    Inside {
        interface: IfName::eth(0),
        address: subnet(&format!("172.17.0.{last_byte}/16")),
        gateway: Some(GATEWAY),
    }
}

fn judge(container: &Namespace) {
    let links = container.ip("address show");
    assert_eq!(links[0]["operstate"], "UNKNOWN", "lo is up");
    assert_eq!(links[1]["addr_info"][0]["local"], "172.17.0.2");
    assert_eq!(links[1]["addr_info"][0]["prefixlen"], 16);
    assert_eq!(
        links[1]["addr_info"].as_array().map(Vec::len),
        Some(1),
        "no IPv6 address"
    );
    let route = &container.ip("route show default")[0];
    assert_eq!(route["gateway"], "172.17.0.1");
    assert_eq!(route["dev"], "eth0");
}

#[test]
fn the_inside_comes_up_in_one_send_and_again() {
    let mut host = host_with_switch();
    let mut container = plugged(&mut host, 2);
    inside::bring_up(&mut container.rtnl, &wished(2)).unwrap();
    judge(&container);
    inside::bring_up(&mut container.rtnl, &wished(2)).unwrap();
    judge(&container);
}

#[test]
fn the_inside_comes_up_step_by_step_and_each_step_twice() {
    let mut host = host_with_switch();
    let mut container = plugged(&mut host, 2);
    let rtnl = &mut container.rtnl;
    let (eth0, own) = (IfName::eth(0), subnet("172.17.0.2/16"));

    let early = route::add_default(rtnl, GATEWAY, &eth0).unwrap_err();
    assert!(
        early
            .to_string()
            .starts_with("add default route via 172.17.0.1 on interface eth0: ")
    );
    for expected in [Made::Now, Made::Already] {
        link::set_up(rtnl, &IfName::loopback()).unwrap();
        settings::withhold_ipv6_address(rtnl, &eth0).unwrap();
        assert_eq!(address::add(rtnl, &eth0, own).unwrap(), expected);
        link::set_up(rtnl, &eth0).unwrap();
        assert_eq!(route::add_default(rtnl, GATEWAY, &eth0).unwrap(), expected);
    }
    judge(&container);

    let rtnl = &mut container.rtnl;
    let default = route::find_default(rtnl).unwrap().unwrap();
    assert_eq!(default.gateway, Some(IpAddr::V4(GATEWAY)));
    let other = route::add_default(rtnl, Ipv4Addr::new(172, 17, 0, 9), &eth0).unwrap_err();
    assert!(matches!(other.cause(), Cause::Exists(_)));

    assert_eq!(address::remove(rtnl, &eth0, own).unwrap(), Removed::Now);
    assert_eq!(
        address::remove(rtnl, &eth0, own).unwrap(),
        Removed::AlreadyGone
    );
    assert_eq!(
        address::remove(rtnl, &name("gone"), own).unwrap(),
        Removed::AlreadyGone
    );
    assert_eq!(address::list(rtnl, &eth0).unwrap(), []);
}

#[test]
fn a_setting_by_netlink_is_the_file_below_proc_sys() {
    let mut host = host_with_switch();
    let interface = name("minet0");
    for (setting, file) in [
        (Ipv4Setting::ArpNotify, "arp_notify"),
        (Ipv4Setting::RouteLocalnet, "route_localnet"),
    ] {
        settings::set_ipv4(&mut host.rtnl, &interface, setting, 1).unwrap();
        let path = format!("/proc/sys/net/ipv4/conf/minet0/{file}");
        let value = host.run(|| std::fs::read_to_string(path).unwrap());
        assert_eq!(value, "1\n", "{file}");
    }
    let gone = settings::set_ipv4(&mut host.rtnl, &name("gone"), Ipv4Setting::ArpNotify, 1);
    assert!(matches!(gone.unwrap_err().cause(), Cause::NoSuchDevice(_)));
}

#[test]
fn the_kernel_gives_its_reason_in_words() {
    let mut container = Namespace::new();
    container.ip_do("link add eth0 type bridge");
    let error = route::add_default(&mut container.rtnl, GATEWAY, &IfName::eth(0)).unwrap_err();
    let Cause::Refused(refusal) = error.cause() else {
        panic!("{error}");
    };
    assert!(refusal.reason.is_some(), "{error}");
}

#[test]
fn an_announcement_crosses_the_switch() {
    let mut host = host_with_switch();
    let mut speaker = plugged(&mut host, 2);
    let mut listener = plugged(&mut host, 3);
    inside::bring_up(&mut speaker.rtnl, &wished(2)).unwrap();
    inside::bring_up(&mut listener.rtnl, &wished(3)).unwrap();
    for end in ["mv2", "mv3"] {
        cable::wait_until_forwarding(&mut host.rtnl, &name(end), Duration::from_secs(5)).unwrap();
    }
    let ear = listener.run(arp_ear);
    // What the switching on itself announced, if it was heard at all.
    while hear(&ear, TimeVal::milliseconds(100)).is_some() {}

    settings::set_ipv4(
        &mut speaker.rtnl,
        &IfName::eth(0),
        Ipv4Setting::ArpNotify,
        0,
    )
    .unwrap();
    announce(&mut speaker.rtnl, &IfName::eth(0), mac("02:42:ac:11:00:02")).unwrap();
    assert_eq!(hear(&ear, TimeVal::milliseconds(200)), None, "not allowed");

    announce::enable(&mut speaker.rtnl, &IfName::eth(0)).unwrap();
    announce(&mut speaker.rtnl, &IfName::eth(0), mac("02:42:ac:11:00:02")).unwrap();

    let frame = hear(&ear, TimeVal::seconds(2)).expect("an announcement within two seconds");
    let own_mac = mac("02:42:ac:11:00:02").bytes();
    assert_eq!(frame[0..6], [0xff; 6], "to everybody");
    assert_eq!(frame[6..12], own_mac);
    assert_eq!(frame[22..28], own_mac, "sender's Ethernet address");
    assert_eq!(frame[28..32], [172, 17, 0, 2], "sender's address");
    assert_eq!(frame[38..42], [172, 17, 0, 2], "asked for: the same");
}

/// A packet socket in the namespace of the calling thread.
fn arp_ear() -> OwnedFd {
    socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::EthAll,
    )
    .expect("open a packet socket")
}

/// The next ARP frame, or nothing if the line is silent for so long.
fn hear(ear: &OwnedFd, patience: TimeVal) -> Option<[u8; 42]> {
    setsockopt(ear, sockopt::ReceiveTimeout, &patience).expect("set a timeout");
    // Other protocols talk too; bounded, should they never stop.
    for _ in 0..100 {
        let mut frame = [0; 42];
        recv(ear.as_raw_fd(), &mut frame, MsgFlags::empty()).ok()?;
        if frame[12..14] == [0x08, 0x06] {
            return Some(frame);
        }
    }
    None
}
