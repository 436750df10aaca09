use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr, str::FromStr};

/// A unicast Ethernet address.
///
/// The group bit (lowest bit of the first byte) is never set: a card with a multicast
/// address cannot receive replies, and the kernel refuses it (`is_valid_ether_addr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddr([u8; 6]);

/// Why a text is not a usable Ethernet address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMacAddr {
    /// Not six hexadecimal bytes separated by colons or dashes.
    #[error("{0:?} is not a MAC address (write it like 02:42:ac:11:00:02)")]
    Malformed(String),
    /// The group bit is set, or all bytes are zero.
    #[error("{0} is a multicast or zero MAC address, which no card can own")]
    NotUnicast(String),
}

impl MacAddr {
    /// An address from its six bytes, if it is a unicast one.
    pub fn from_bytes(bytes: [u8; 6]) -> Result<Self, InvalidMacAddr> {
        let mac = MacAddr(bytes);
        if bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(InvalidMacAddr::NotUnicast(mac.to_string()));
        }
        Ok(mac)
    }

    /// The address that belongs to an IPv4 address: `02:42` and its four bytes.
    ///
    /// Two containers never share an IPv4 address on a network, so they never share
    /// this; and a neighbour that remembers the pair from an earlier container is right
    /// about the next one. `02` marks it as locally administered (IEEE 802, U/L bit).
    pub fn for_ipv4(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        MacAddr([0x02, 0x42, a, b, c, d])
    }

    /// The six bytes in wire order.
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for MacAddr {
    type Err = InvalidMacAddr;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || InvalidMacAddr::Malformed(text.to_owned());
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut bytes = [0; 6];
        let mut parts = text.split(separator);
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(malformed)?;
            let hex = part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
            *byte = hex
                .then(|| u8::from_str_radix(part, 16).ok())
                .flatten()
                .ok_or_else(malformed)?;
        }
        if parts.next().is_some() {
            return Err(malformed());
        }
        Self::from_bytes(bytes)
    }
}

impl TryFrom<String> for MacAddr {
    type Error = InvalidMacAddr;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddr> for String {
    fn from(mac: MacAddr) -> String {
        mac.to_string()
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings() {
        let mac: MacAddr = "02:42:AC:11:00:02".parse().unwrap();
        assert_eq!(mac, "02-42-ac-11-00-02".parse().unwrap());
        assert_eq!(mac.to_string(), "02:42:ac:11:00:02");
        assert_eq!(mac, MacAddr::for_ipv4(Ipv4Addr::new(172, 17, 0, 2)));
    }

    #[test]
    fn refuses_malformed_and_multicast() {
        for text in [
            "",
            "02:42",
            "02:42:ac:11:00:0g",
            "02:42:ac:11:00:02:03",
            "0242ac110002",
            "+2:42:ac:11:00:02",
        ] {
            assert!(
                matches!(text.parse::<MacAddr>(), Err(InvalidMacAddr::Malformed(_))),
                "{text}"
            );
        }
        for text in [
            "01:00:5e:00:00:01",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
        ] {
            assert!(
                matches!(text.parse::<MacAddr>(), Err(InvalidMacAddr::NotUnicast(_))),
                "{text}"
            );
        }
    }
}
