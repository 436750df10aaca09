//! The types of fields and the values that stand in them.

use super::family::Family;
use ipnetwork::{Ipv4Network, Ipv6Network};
use minet_model::{IfName, MacAddr, Protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The type of one field of a set's key or a map's data.
///
/// The kernel only knows lengths; the type is for whoever reads the table. `nft` stores
/// it as a number (`enum datatypes` in nftables' `include/datatype.h`) and prints by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// An IPv4 address.
    Ipv4Addr,
    /// An IPv6 address.
    Ipv6Addr,
    /// A family of addresses, as `meta nfproto` tells it.
    NfProto,
    /// The protocol number of the IP header.
    InetProto,
    /// A port.
    InetService,
    /// The name of an interface, padded with NUL to 16 bytes.
    Ifname,
    /// A MAC.
    EtherAddr,
}

/// How the bytes of a number are ordered, as `nft` notes it beside a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ByteOrder {
    /// Not one order: the fields of a concatenation each have their own.
    Mixed = 0,
    /// The machine's own.
    Host = 1,
    /// The network's.
    BigEndian = 2,
}

impl DataType {
    /// The word in `type …`.
    pub fn name(self) -> &'static str {
        match self {
            DataType::Ipv4Addr => "ipv4_addr",
            DataType::Ipv6Addr => "ipv6_addr",
            DataType::NfProto => "nf_proto",
            DataType::InetProto => "inet_proto",
            DataType::InetService => "inet_service",
            DataType::Ifname => "ifname",
            DataType::EtherAddr => "ether_addr",
        }
    }

    /// The number by which `nft` knows the type.
    pub fn id(self) -> u32 {
        match self {
            DataType::Ipv4Addr => 7,
            DataType::Ipv6Addr => 8,
            DataType::NfProto => 2,
            DataType::InetProto => 12,
            DataType::InetService => 13,
            DataType::Ifname => 41,
            DataType::EtherAddr => 9,
        }
    }

    /// Bytes of one value, without padding.
    pub fn bytes(self) -> u32 {
        match self {
            DataType::Ipv4Addr => 4,
            DataType::Ipv6Addr => 16,
            DataType::InetProto | DataType::NfProto => 1,
            DataType::InetService => 2,
            DataType::Ifname => 16,
            DataType::EtherAddr => 6,
        }
    }

    /// Bytes that one value takes in a key: registers come in units of four.
    pub fn padded_len(self) -> u32 {
        self.bytes().next_multiple_of(4)
    }

    /// The order of the bytes of one value.
    pub fn byte_order(self) -> ByteOrder {
        match self {
            DataType::Ifname => ByteOrder::Host,
            // `nft` gives it none.
            DataType::NfProto => ByteOrder::Mixed,
            DataType::Ipv4Addr
            | DataType::Ipv6Addr
            | DataType::InetProto
            | DataType::InetService
            | DataType::EtherAddr => ByteOrder::BigEndian,
        }
    }
}

/// `ipv4_addr . inet_service`, as it stands after `type`.
pub fn type_names(fields: &[DataType]) -> String {
    let names: Vec<_> = fields.iter().map(|field| field.name()).collect();
    names.join(" . ")
}

/// The number of a concatenated type: six bits for each field, the first one highest.
pub fn type_id(fields: &[DataType]) -> u32 {
    fields.iter().fold(0, |id, field| id << 6 | field.id())
}

/// Bytes of a concatenation, every field padded to whole registers; a lone field is not.
pub fn concat_len(fields: &[DataType]) -> u32 {
    match fields {
        [one] => one.bytes(),
        several => several.iter().map(|field| field.padded_len()).sum(),
    }
}

/// One field of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One address.
    Ipv4(Ipv4Addr),
    /// All addresses of a subnet, in sets with `flags interval`.
    Ipv4Subnet(Ipv4Network),
    /// One IPv6 address.
    Ipv6(Ipv6Addr),
    /// All addresses of an IPv6 subnet, in sets with `flags interval`.
    Ipv6Subnet(Ipv6Network),
    /// A family.
    NfProto(&'static Family),
    /// A transport protocol.
    Proto(Protocol),
    /// A port.
    Port(u16),
    /// An interface.
    Ifname(IfName),
    /// A MAC.
    Ether(MacAddr),
}

impl From<IpAddr> for Value {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Value::Ipv4(address),
            IpAddr::V6(address) => Value::Ipv6(address),
        }
    }
}

impl Value {
    /// As `nft` writes it.
    pub fn to_nft(&self) -> String {
        match self {
            Value::Ipv4(address) => address.to_string(),
            Value::Ipv4Subnet(subnet) => subnet.to_string(),
            Value::Ipv6(address) => address.to_string(),
            Value::Ipv6Subnet(subnet) => subnet.to_string(),
            Value::NfProto(family) => family.nfproto_nft().to_owned(),
            Value::Proto(protocol) => protocol.to_string(),
            Value::Port(port) => port.to_string(),
            Value::Ifname(name) => format!("\"{name}\""),
            Value::Ether(mac) => mac.to_string(),
        }
    }

    /// The bytes of the value, for a subnet of its first address, unpadded.
    pub fn first_bytes(&self) -> Vec<u8> {
        match self {
            Value::Ipv4(address) => address.octets().to_vec(),
            Value::Ipv4Subnet(subnet) => subnet.network().octets().to_vec(),
            Value::Ipv6(address) => address.octets().to_vec(),
            Value::Ipv6Subnet(subnet) => subnet.network().octets().to_vec(),
            Value::NfProto(family) => vec![family.nfproto],
            Value::Proto(protocol) => vec![protocol.number()],
            Value::Port(port) => port.to_be_bytes().to_vec(),
            Value::Ifname(name) => ifname_bytes(name.as_str()).to_vec(),
            Value::Ether(mac) => mac.bytes().to_vec(),
        }
    }

    /// The bytes of the last value: those of the first but for a subnet.
    pub fn last_bytes(&self) -> Vec<u8> {
        match self {
            Value::Ipv4Subnet(subnet) => subnet.broadcast().octets().to_vec(),
            Value::Ipv6Subnet(subnet) => subnet.broadcast().octets().to_vec(),
            Value::Ipv4(_)
            | Value::Ipv6(_)
            | Value::NfProto(_)
            | Value::Proto(_)
            | Value::Port(_)
            | Value::Ifname(_)
            | Value::Ether(_) => self.first_bytes(),
        }
    }
}

/// A name as the kernel compares it: 16 bytes, padded with NUL.
pub fn ifname_bytes(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

/// The bytes of several values in a row; in a concatenation each fills whole registers.
pub fn concat_bytes(values: &[Value], bytes_of: impl Fn(&Value) -> Vec<u8>) -> Vec<u8> {
    let mut concat = Vec::new();
    for value in values {
        concat.extend(bytes_of(value));
        if values.len() > 1 {
            concat.resize(concat.len().next_multiple_of(4), 0);
        }
    }
    concat
}

/// `tcp . 8080`.
pub(super) fn concat_nft(values: &[Value]) -> String {
    let texts: Vec<_> = values.iter().map(Value::to_nft).collect();
    texts.join(" . ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_packed_as_nft_packs_them() {
        use DataType::*;
        assert_eq!(type_id(&[InetProto, InetService]), 0x30d);
        assert_eq!(type_id(&[Ipv4Addr, InetProto, InetService]), 0x730d);
        assert_eq!(type_id(&[Ipv4Addr, Ifname]), 0x1e9);
        assert_eq!(concat_len(&[Ipv4Addr, InetProto, InetService]), 12);
        assert_eq!(concat_len(&[Ifname]), 16);
    }

    #[test]
    fn every_field_of_a_concatenation_fills_whole_registers() {
        let key = [Value::Proto(Protocol::Tcp), Value::Port(8080)];
        assert_eq!(
            concat_bytes(&key, Value::first_bytes),
            [6, 0, 0, 0, 0x1f, 0x90, 0, 0]
        );
        assert_eq!(concat_nft(&key), "tcp . 8080");
    }

    #[test]
    fn a_subnet_has_a_first_and_a_last_address() {
        let subnet = Value::Ipv4Subnet("172.17.0.0/16".parse().unwrap());
        assert_eq!(subnet.first_bytes(), [172, 17, 0, 0]);
        assert_eq!(subnet.last_bytes(), [172, 17, 255, 255]);
    }
}
