//! Frames that no kernel would send by itself, from whoever one likes to be.

use crate::{nonsense, raw};
use std::{
    io::{self, Read},
    net::Ipv4Addr,
    time::{Duration, Instant},
};

const BROADCAST: [u8; 6] = [0xff; 6];

/// Sends one frame three times.
pub(crate) fn forge(interface: &str, words: &[&str]) -> io::Result<()> {
    let frame = match words {
        ["arp", mac, sender_mac, sender, target] => {
            arp(parse_mac(mac)?, parse_mac(sender_mac)?, sender, target)?
        }
        ["udp", mac, to_mac, from, to, port, message] => {
            let packet = udp(address(from)?, address(to)?, port, message)?;
            ethernet(parse_mac(to_mac)?, parse_mac(mac)?, 0x0800, &packet)
        }
        ["plain", mac, to_mac, ethertype, hex] => {
            let ethertype = u16::from_str_radix(ethertype, 16).map_err(|_| nonsense(ethertype))?;
            ethernet(parse_mac(to_mac)?, parse_mac(mac)?, ethertype, &bytes(hex)?)
        }
        _ => return Err(io::Error::other("see the head of probe/main.rs")),
    };
    for _ in 0..3 {
        raw::send_frame(interface, &frame)?;
    }
    Ok(())
}

/// Sends from many MACs that nobody has.
pub(crate) fn flood(interface: &str, count: &str) -> io::Result<()> {
    let count: u32 = count.parse().map_err(|_| nonsense(count))?;
    for number in 0..count {
        let [a, b, c, d] = number.to_be_bytes();
        let frame = ethernet(BROADCAST, [0x06, 0xbd, a, b, c, d], 0x0800, &[0x45; 46]);
        raw::send_frame(interface, &frame)?;
    }
    Ok(())
}

/// Prints every frame that comes in, for some seconds: `to from type bytes`.
pub(crate) fn hear(interface: &str, seconds: &str) -> io::Result<()> {
    let seconds: u64 = seconds.parse().map_err(|_| nonsense(seconds))?;
    let mut ear = std::fs::File::from(raw::open_ear(interface)?);
    rustix::io::ioctl_fionbio(&ear, true)?;
    println!("ready");
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut buffer = [0; 2048];
    while Instant::now() < until {
        match ear.read(&mut buffer) {
            Ok(length) if length >= 14 => {
                let hex: String = buffer[..length]
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                println!(
                    "{} {} {} {}",
                    &hex[..12],
                    &hex[12..24],
                    &hex[24..28],
                    &hex[28..]
                );
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn arp(mac: [u8; 6], sender_mac: [u8; 6], sender: &str, target: &str) -> io::Result<Vec<u8>> {
    // Ethernet, IPv4, an answer: believed even if nobody asked.
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 2];
    packet.extend(sender_mac);
    packet.extend(address(sender)?.octets());
    packet.extend(BROADCAST);
    packet.extend(address(target)?.octets());
    Ok(ethernet(BROADCAST, mac, 0x0806, &packet))
}

fn udp(from: Ipv4Addr, to: Ipv4Addr, port: &str, message: &str) -> io::Result<Vec<u8>> {
    let port: u16 = port.parse().map_err(|_| nonsense(port))?;
    let length = 8 + u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut packet = vec![0x45, 0];
    packet.extend((20 + length).to_be_bytes());
    packet.extend([0, 1, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(4242u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend(length.to_be_bytes());
    // No checksum, which IPv4 allows.
    packet.extend([0, 0]);
    packet.extend(message.as_bytes());
    Ok(packet)
}

/// RFC 1071.
fn checksum(header: &[u8]) -> u16 {
    let words = header
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

fn ethernet(to: [u8; 6], from: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = to.to_vec();
    frame.extend(from);
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

fn address(text: &str) -> io::Result<Ipv4Addr> {
    text.parse().map_err(|_| nonsense(text))
}

fn parse_mac(text: &str) -> io::Result<[u8; 6]> {
    let bytes = bytes(&text.replace(':', ""))?;
    bytes.try_into().map_err(|_| nonsense(text))
}

fn bytes(hex: &str) -> io::Result<Vec<u8>> {
    let digits: Vec<u32> = hex
        .chars()
        .map(|digit| digit.to_digit(16))
        .collect::<Option<_>>()
        .ok_or_else(|| nonsense(hex))?;
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit) as u8)
        .collect())
}
