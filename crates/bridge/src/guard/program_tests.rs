//! Frames, byte by byte, and what becomes of them.

use super::*;
use minet_model::bpf::simulate;

const MAC: [u8; 6] = [0x02, 0x42, 0xac, 0x11, 0, 2];
const VICTIM: [u8; 6] = [0x02, 0x42, 0xac, 0x11, 0, 3];
const OWN: [u8; 4] = [172, 17, 0, 2];
const ANOTHERS: [u8; 4] = [172, 17, 0, 3];
const OWN6: &str = "fd00::2";

fn identity(addresses: &[&str]) -> Identity {
    Identity {
        mac: MacAddr::from_bytes(MAC).unwrap(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
    }
}

fn passes_with(addresses: &[&str], tag: u32, frame: &[u8]) -> bool {
    let program = program(&identity(addresses)).unwrap();
    let look = |size, at: u32| {
        if at == TAG_PRESENT {
            return Some(tag);
        }
        let width = match size {
            Size::Word => 4,
            Size::Half => 2,
            Size::Byte => 1,
        };
        let bytes = frame.get(at as usize..at as usize + width)?;
        Some(
            bytes
                .iter()
                .fold(0, |value, byte| value << 8 | u32::from(*byte)),
        )
    };
    match simulate(&program, frame.len() as u32, look) {
        PASS => true,
        DROP => false,
        other => panic!("{other}"),
    }
}

fn passes(frame: &[u8]) -> bool {
    passes_with(&["172.17.0.2", OWN6], 0, frame)
}

fn ethernet(source: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(source);
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

fn ipv4(source: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend(source);
    packet.extend([8, 8, 8, 8]);
    packet.extend(payload);
    ethernet(MAC, 0x0800, &packet)
}

fn arp(sender_mac: [u8; 6], sender: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 2];
    packet.extend(sender_mac);
    packet.extend(sender);
    packet.extend([0; 10]);
    ethernet(MAC, 0x0806, &packet)
}

fn ipv6(source: &str, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let source: Ipv6Addr = source.parse().unwrap();
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, next_header, 255];
    packet.extend(source.octets());
    packet.extend([0xff; 16]);
    packet.extend(payload);
    ethernet(MAC, 0x86dd, &packet)
}

fn advertisement(target: &str) -> Vec<u8> {
    let target: Ipv6Addr = target.parse().unwrap();
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(target.octets());
    message
}

#[test]
fn its_own_frames_pass() {
    for (what, frame) in [
        ("tcp", ipv4(OWN, 6, &[0; 20])),
        ("ping", ipv4(OWN, 1, &[8, 0])),
        ("dhcp client", ipv4(OWN, 17, &[0, 68, 0, 67])),
        ("group report", ipv4(OWN, 2, &[0x22, 0])),
        ("arp", arp(MAC, OWN)),
        ("arp probe", arp(MAC, [0; 4])),
        ("ipv6", ipv6(OWN6, 6, &[0; 20])),
        (
            "link-local",
            ipv6("fe80::42:acff:fe11:2", 17, &[0, 1, 0, 2]),
        ),
        ("neighbour solicitation", ipv6("::", 58, &[135, 0])),
        (
            "neighbour advertisement",
            ipv6(OWN6, 58, &advertisement(OWN6)),
        ),
        (
            "group report",
            ipv6("::", 0, &[58, 0, 5, 2, 0, 0, 1, 0, 143, 0]),
        ),
        ("fragment", ipv6(OWN6, 44, &[17, 0, 0, 1])),
    ] {
        assert!(passes(&frame), "{what}");
    }
}

#[test]
fn somebody_elses_do_not() {
    let mut later_fragment = ipv4(ANOTHERS, 17, &[0; 8]);
    later_fragment[21] = 1;
    for (what, frame) in [
        (
            "another MAC",
            ethernet(VICTIM, 0x0800, &ipv4(OWN, 6, &[])[14..]),
        ),
        ("another address", ipv4(ANOTHERS, 6, &[0; 20])),
        ("no address", ipv4([0; 4], 17, &[0, 68, 0, 67])),
        ("the address of a fragment", later_fragment),
        ("gateway by arp", arp(MAC, [172, 17, 0, 1])),
        ("another MAC in arp", arp(VICTIM, OWN)),
        ("short arp", arp(MAC, ANOTHERS)[..41].to_vec()),
        ("short ip", ipv4(OWN, 6, &[])[..33].to_vec()),
        ("nothing", vec![]),
        ("another IPv6 address", ipv6("fd00::3", 6, &[0; 20])),
        (
            "another link-local",
            ipv6("fe80::42:acff:fe11:3", 6, &[0; 20]),
        ),
        (
            "another's advertisement",
            ipv6(OWN6, 58, &advertisement("fd00::1")),
        ),
        ("short advertisement", ipv6(OWN6, 58, &[136, 0, 0, 0])),
    ] {
        assert!(!passes(&frame), "{what}");
    }
}

#[test]
fn a_container_is_no_router_and_no_switch() {
    let bpdu = ethernet(MAC, 0x0026, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]);
    for (what, frame) in [
        ("router advertisement", ipv6(OWN6, 58, &[134, 64])),
        ("redirect", ipv6(OWN6, 58, &[137, 0])),
        ("redirect", ipv4(OWN, 1, &[5, 1])),
        ("group query", ipv4(OWN, 2, &[0x11, 0])),
        ("group query", ipv6(OWN6, 58, &[130, 0])),
        (
            "hidden advertisement",
            ipv6(OWN6, 60, &[58, 0, 1, 4, 0, 0, 0, 0, 134]),
        ),
        (
            "hidden advertisement",
            ipv6(OWN6, 0, &[58, 0, 5, 2, 0, 0, 1, 0, 134]),
        ),
        ("dhcp server", ipv4(OWN, 17, &[0, 67, 0, 68])),
        ("dhcpv6 server", ipv6(OWN6, 17, &[2, 0x23, 2, 0x22])),
        ("spanning tree", bpdu),
        ("vlan tag", ethernet(MAC, 0x8100, &[0, 5, 8, 0])),
        ("lldp", ethernet(MAC, 0x88cc, &[0; 40])),
    ] {
        assert!(!passes(&frame), "{what}");
    }
    let tagged = ipv4(OWN, 6, &[0; 20]);
    assert!(!passes_with(&["172.17.0.2"], 1, &tagged));
}

#[test]
fn without_an_ipv6_address_there_is_no_ipv6() {
    let only_ipv4 = ["172.17.0.2"];
    for frame in [
        ipv6("fe80::42:acff:fe11:2", 17, &[0; 8]),
        ipv6("::", 58, &[133, 0]),
    ] {
        assert!(!passes_with(&only_ipv4, 0, &frame));
    }
}

#[test]
fn every_one_of_several_addresses_is_its_own() {
    let many: Vec<String> = (0..MAX_ADDRESSES)
        .map(|n| format!("fd00::{n:x}7"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for address in &many {
        assert!(
            passes_with(&many, 0, &ipv6(address, 6, &[0; 20])),
            "{address}"
        );
        assert!(passes_with(
            &many,
            0,
            &ipv6(address, 58, &advertisement(address))
        ));
    }
    assert!(!passes_with(&many, 0, &ipv6("fd00::8", 6, &[0; 20])));
    let two = ["172.17.0.2", "172.17.0.9"];
    assert!(passes_with(&two, 0, &ipv4([172, 17, 0, 9], 6, &[0; 20])));
    assert!(passes_with(&two, 0, &arp(MAC, [172, 17, 0, 9])));
    assert!(!passes_with(&two, 0, &arp(MAC, ANOTHERS)));
    let too_many = vec!["10.0.0.1"; MAX_ADDRESSES + 1];
    assert!(program(&identity(&too_many)).is_err());
}

#[test]
fn tc_takes_it_as_text() {
    let program = [Instruction::load_length(), Instruction::answer(2)];
    assert_eq!(as_bytecode(&program), "2,128 0 0 0,6 0 0 2");
}
