//! The program of a guard: a frame's headers, read from the outside in.

use minet_model::{
    MacAddr,
    bpf::{Comparison, Instruction, Place, Size},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who a container is on its cable: the only sender it may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The MAC of its end.
    pub mac: MacAddr,
    /// Its addresses. Without an IPv6 address among them, IPv6 is not spoken at all.
    pub addresses: Vec<IpAddr>,
}

/// More addresses than a program has room for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} addresses on one cable; a guard knows at most {MAX_ADDRESSES}")]
pub struct TooManyAddresses(usize);

/// A jump reaches 255 instructions, and an IPv6 address takes 16.
const MAX_ADDRESSES: usize = 6;

/// `TC_ACT_OK` and `TC_ACT_SHOT` in `linux/pkt_cls.h`.
const PASS: u32 = 0;
const DROP: u32 = 2;

/// `SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT`: whether the frame had a tag. The kernel has
/// taken it off by now and keeps it beside the frame.
const TAG_PRESENT: u32 = 0xffff_f000 + 48;

/// Where the headers begin: after two MACs and the type.
const NETWORK: u32 = 14;
/// After an IPv6 header.
const AFTER_IPV6: u32 = NETWORK + 40;

/// Where a jump goes.
#[derive(Clone, Copy)]
enum To {
    Next,
    /// Over this many instructions.
    Over(usize),
    Pass,
    Drop,
}

/// An instruction whose ends are still words.
#[derive(Clone, Copy)]
enum Line {
    Plain(Instruction),
    If(Comparison, u32, To, To),
    Go(To),
}

/// The program that lets nothing pass but what this container may send.
///
/// # Errors
///
/// More than six addresses.
pub fn program(identity: &Identity) -> Result<Vec<Instruction>, TooManyAddresses> {
    if identity.addresses.len() > MAX_ADDRESSES {
        return Err(TooManyAddresses(identity.addresses.len()));
    }
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for address in &identity.addresses {
        match address {
            IpAddr::V4(address) => ipv4.push(*address),
            IpAddr::V6(address) => ipv6.push(*address),
        }
    }
    let mut lines = frame(identity.mac);
    for (ethertype, section) in [
        (libc::ETH_P_IP, internet(&ipv4)),
        (libc::ETH_P_ARP, arp(identity.mac, &ipv4)),
        (libc::ETH_P_IPV6, internet6(identity.mac, &ipv6)),
    ] {
        let over = To::Over(section.len());
        lines.push(Line::If(
            Comparison::Equal,
            ethertype as u32,
            To::Next,
            over,
        ));
        lines.extend(section);
    }
    // Spanning tree, LLDP, tags within tags, and whatever else.
    lines.push(Line::Go(To::Drop));
    Ok(resolve(&lines))
}

/// For `tc … bpf bytecode`: the count, then code, jumps and value of each instruction.
pub fn as_bytecode(program: &[Instruction]) -> String {
    let mut text = program.len().to_string();
    for Instruction {
        code,
        if_true,
        if_false,
        value,
    } in program
    {
        text.push_str(&format!(",{code} {if_true} {if_false} {value}"));
    }
    text
}

/// Length, tag and source; leaves the type in the accumulator.
fn frame(mac: MacAddr) -> Vec<Line> {
    let mut lines = at_least(NETWORK);
    lines.push(load(Size::Word, TAG_PRESENT));
    lines.push(must_be(0));
    lines.extend(must_be_mac(6, mac));
    lines.push(load(Size::Half, 12));
    lines
}

/// The source is ours; no redirects, no queries for groups (they make a bridge believe
/// that a router is here), no answers of a DHCP server.
fn internet(own: &[Ipv4Addr]) -> Vec<Line> {
    const ICMP_REDIRECT: u32 = 5;
    const IGMP_QUERY: u32 = 0x11;
    let after_header = |offset| Place::AfterIndex(NETWORK + offset);
    let mut lines = at_least(NETWORK + 20);
    lines.push(load(Size::Word, NETWORK + 12));
    for (left, address) in own.iter().enumerate().map(|(n, a)| (own.len() - n, a)) {
        lines.push(equal(address.to_bits(), To::Over(left), To::Next));
    }
    lines.push(Line::Go(To::Drop));
    // What follows the first fragment has no header of its own.
    lines.push(load(Size::Half, NETWORK + 6));
    lines.push(Line::If(Comparison::AnyBit, 0x1fff, To::Pass, To::Next));
    lines.push(Line::Plain(Instruction::index_ipv4_header(NETWORK)));
    lines.push(load(Size::Byte, NETWORK + 9));
    for (protocol, kind) in [
        (libc::IPPROTO_ICMP, ICMP_REDIRECT),
        (libc::IPPROTO_IGMP, IGMP_QUERY),
    ] {
        lines.extend([
            equal(protocol as u32, To::Next, To::Over(2)),
            Line::Plain(Instruction::load(Size::Byte, after_header(0))),
            equal(kind, To::Drop, To::Pass),
        ]);
    }
    lines.extend([
        equal(libc::IPPROTO_UDP as u32, To::Next, To::Pass),
        Line::Plain(Instruction::load(Size::Half, after_header(0))),
        equal(67, To::Next, To::Pass),
        Line::Plain(Instruction::load(Size::Half, after_header(2))),
        equal(68, To::Drop, To::Pass),
    ]);
    lines
}

/// Ethernet and IPv4, our MAC, our address; or no address yet, which asks whether one is
/// free (RFC 5227) and teaches nobody anything.
fn arp(mac: MacAddr, own: &[Ipv4Addr]) -> Vec<Line> {
    let mut lines = at_least(NETWORK + 28);
    lines.push(load(Size::Word, NETWORK));
    lines.push(must_be(0x0001_0800));
    lines.push(load(Size::Half, NETWORK + 4));
    lines.push(must_be(0x0604));
    lines.extend(must_be_mac(NETWORK + 8, mac));
    lines.push(load(Size::Word, NETWORK + 14));
    lines.push(equal(0, To::Pass, To::Next));
    for address in own {
        lines.push(equal(address.to_bits(), To::Pass, To::Next));
    }
    lines.push(Line::Go(To::Drop));
    lines
}

/// The source is ours, our link-local one, or none; no router advertisements, redirects or
/// queries for groups, no answer for another's address, no answers of a DHCP server; and no
/// extension headers to hide these behind, but for reports of groups.
fn internet6(mac: MacAddr, own: &[Ipv6Addr]) -> Vec<Line> {
    const ROUTER_ADVERTISEMENT: u32 = 134;
    const NEIGHBOUR_ADVERTISEMENT: u32 = 136;
    const REDIRECT: u32 = 137;
    const GROUP_QUERY: u32 = 130;
    const GROUP_REPORTS: [u32; 3] = [131, 132, 143];
    /// Hop by hop, routing, destination, mobility.
    const EXTENSIONS: [u32; 4] = [0, 43, 60, 135];
    if own.is_empty() {
        return vec![Line::Go(To::Drop)];
    }
    let mut addresses = own.to_vec();
    addresses.push(link_local(mac));
    let own = addresses.clone();
    addresses.push(Ipv6Addr::UNSPECIFIED);

    let mut lines = at_least(AFTER_IPV6);
    lines.extend(must_be_one_of(NETWORK + 8, &addresses));
    lines.push(load(Size::Byte, NETWORK + 6));

    let mut icmp = vec![load(Size::Byte, AFTER_IPV6)];
    for kind in [ROUTER_ADVERTISEMENT, REDIRECT, GROUP_QUERY] {
        icmp.push(equal(kind, To::Drop, To::Next));
    }
    icmp.push(equal(NEIGHBOUR_ADVERTISEMENT, To::Next, To::Pass));
    icmp.extend(at_least(AFTER_IPV6 + 24));
    icmp.extend(must_be_one_of(AFTER_IPV6 + 8, &own));
    icmp.push(Line::Go(To::Pass));
    lines.push(equal(
        libc::IPPROTO_ICMPV6 as u32,
        To::Next,
        To::Over(icmp.len()),
    ));
    lines.extend(icmp);

    let mut report = vec![
        load(Size::Byte, AFTER_IPV6),
        must_be(libc::IPPROTO_ICMPV6 as u32),
        load(Size::Byte, AFTER_IPV6 + 1),
        must_be(0),
        load(Size::Byte, AFTER_IPV6 + 8),
    ];
    report.extend(GROUP_REPORTS.map(|kind| equal(kind, To::Pass, To::Next)));
    report.push(Line::Go(To::Drop));
    lines.push(equal(0, To::Next, To::Over(report.len())));
    lines.extend(report);

    lines.extend(EXTENSIONS.map(|extension| equal(extension, To::Drop, To::Next)));
    lines.extend([
        equal(libc::IPPROTO_UDP as u32, To::Next, To::Pass),
        load(Size::Half, AFTER_IPV6),
        equal(547, To::Next, To::Pass),
        load(Size::Half, AFTER_IPV6 + 2),
        equal(546, To::Drop, To::Pass),
    ]);
    lines
}

/// The address that the kernel makes of a MAC, RFC 4291 appendix A.
fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.bytes();
    Ipv6Addr::from([
        0xfe,
        0x80,
        0,
        0,
        0,
        0,
        0,
        0,
        a ^ 2,
        b,
        c,
        0xff,
        0xfe,
        d,
        e,
        f,
    ])
}

fn load(size: Size, offset: u32) -> Line {
    Line::Plain(Instruction::load(size, Place::At(offset)))
}

fn equal(value: u32, so: To, otherwise: To) -> Line {
    Line::If(Comparison::Equal, value, so, otherwise)
}

fn must_be(value: u32) -> Line {
    equal(value, To::Next, To::Drop)
}

/// Too short for its headers is too short to pass.
fn at_least(length: u32) -> Vec<Line> {
    vec![
        Line::Plain(Instruction::load_length()),
        Line::If(Comparison::GreaterOrEqual, length, To::Next, To::Drop),
    ]
}

fn must_be_mac(offset: u32, mac: MacAddr) -> [Line; 4] {
    let [a, b, c, d, e, f] = mac.bytes();
    [
        load(Size::Word, offset),
        must_be(u32::from_be_bytes([a, b, c, d])),
        load(Size::Half, offset + 4),
        must_be(u32::from(u16::from_be_bytes([e, f]))),
    ]
}

/// The 16 bytes at an offset are one of these addresses.
fn must_be_one_of(offset: u32, addresses: &[Ipv6Addr]) -> Vec<Line> {
    let mut lines = Vec::new();
    for address in addresses.iter().rev() {
        let rest = lines.len();
        let words: Vec<u32> = address
            .octets()
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        let mut one = Vec::new();
        for (number, word) in words.into_iter().enumerate() {
            // The comparison, and the loads and comparisons of the words that follow.
            let left = 2 * (3 - number);
            let place = offset + 4 * u32::try_from(number).expect("four words");
            one.push(load(Size::Word, place));
            // The last word: over the other addresses.
            let found = if number == 3 {
                To::Over(rest)
            } else {
                To::Next
            };
            let differs = if rest == 0 { To::Drop } else { To::Over(left) };
            one.push(equal(word, found, differs));
        }
        one.extend(lines);
        lines = one;
    }
    lines
}

/// Numbers for the words: the two last instructions are the answers.
fn resolve(lines: &[Line]) -> Vec<Instruction> {
    let pass = lines.len();
    let distance = |from: usize, to: To| match to {
        To::Next => 0,
        To::Over(lines) => lines,
        To::Pass => pass - from - 1,
        To::Drop => pass - from,
    };
    let short = |distance| u8::try_from(distance).expect("the addresses are limited for this");
    let mut program: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| match *line {
            Line::Plain(instruction) => instruction,
            Line::If(comparison, value, so, otherwise) => Instruction::jump(
                comparison,
                value,
                short(distance(at, so)),
                short(distance(at, otherwise)),
            ),
            Line::Go(to) => Instruction::jump_always(
                u32::try_from(distance(at, to)).expect("a program is short"),
            ),
        })
        .collect();
    program.extend([Instruction::answer(PASS), Instruction::answer(DROP)]);
    program
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
