//! What differs between address families, as data.

use super::value::DataType;

/// An address family: everything that a rule about addresses has to know.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The word before `saddr`.
    pub keyword: &'static str,
    /// `NFPROTO_…`, which `meta nfproto` yields in a table of family inet.
    pub nfproto: u8,
    /// The type of its addresses.
    pub address: DataType,
    /// Where the source address begins in the network header, in bytes.
    pub saddr_offset: u32,
    /// Where the destination address begins.
    pub daddr_offset: u32,
    /// The loopback addresses as `nft` writes them.
    pub loopback_nft: &'static str,
    /// The leading bytes that all of them share.
    pub loopback_bytes: &'static [u8],
    /// What its sets and maps are called: the shared name and this.
    pub suffix: &'static str,
}

/// IP version 4, RFC 791.
pub static IPV4: Family = Family {
    keyword: "ip",
    nfproto: 2,
    address: DataType::Ipv4Addr,
    saddr_offset: 12,
    daddr_offset: 16,
    loopback_nft: "127.0.0.0/8",
    loopback_bytes: &[127],
    suffix: "",
};

/// The families that the table is made for, in the order of their rules.
pub static FAMILIES: [&Family; 1] = [&IPV4];

impl Family {
    /// The name of this family's set or map.
    pub fn set(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }
}
