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
    /// Whether a loopback address can be led out by an interface (`route_localnet`).
    pub loopback: Loopback,
    /// The addresses that mean something on one link only, and that are never passed on.
    pub link_local: Option<LinkLocal>,
    /// What its sets and maps are called: the shared name and this.
    pub suffix: &'static str,
}

/// What the kernel lets happen to the host's own loopback addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loopback {
    /// A connection to one of them can be led elsewhere.
    Leads,
    /// It ends on the host: what is published there is relayed.
    Stays,
}

/// A prefix that is not a whole number of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct LinkLocal {
    /// As `nft` writes it.
    pub nft: &'static str,
    /// Which bits count.
    pub mask: [u8; 16],
    /// What they are.
    pub prefix: [u8; 16],
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
    loopback: Loopback::Leads,
    link_local: None,
    suffix: "",
};

/// IP version 6, RFC 8200.
pub static IPV6: Family = Family {
    keyword: "ip6",
    nfproto: 10,
    address: DataType::Ipv6Addr,
    saddr_offset: 8,
    daddr_offset: 24,
    loopback_nft: "::1",
    loopback_bytes: &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    loopback: Loopback::Stays,
    link_local: Some(LinkLocal {
        nft: "fe80::/10",
        mask: [0xff, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        prefix: [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    }),
    suffix: "6",
};

/// The families that the table is made for, in the order of their rules.
pub static FAMILIES: [&Family; 2] = [&IPV4, &IPV6];

impl Family {
    /// As `meta nfproto` is written.
    pub fn nfproto_nft(&self) -> &'static str {
        match self.nfproto {
            2 => "ipv4",
            _ => "ipv6",
        }
    }

    /// The name of this family's set or map.
    pub fn set(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }
}
