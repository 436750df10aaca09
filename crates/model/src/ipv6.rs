//! The IPv6 half of a network: what was asked for, and what it is.

use crate::AddressRange6;
use ipnetwork::Ipv6Network;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::Ipv6Addr};

/// What was asked of a network's IPv6; what is not given is chosen when it is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Spec {
    /// `--subnet`; none means a unique local /64 (RFC 4193).
    pub subnet: Option<Ipv6Network>,
    /// `--gateway`: the host's own address on it; none means the first of the subnet.
    pub gateway: Option<Ipv6Addr>,
    /// Where containers send what is for nobody on the bridge; none means to the host.
    #[serde(default)]
    pub default_gateway: Option<Ipv6Addr>,
    /// `--ip-range`: containers get their addresses from this part of the subnet.
    pub ip_range: Option<AddressRange6>,
    /// `--aux-address`: addresses that no container gets, by what they are for.
    pub reserved: BTreeMap<String, Ipv6Addr>,
}

/// The IPv6 subnet of a network, and the host's own address on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Subnet {
    /// Where its containers' addresses come from, without host bits.
    pub subnet: Ipv6Network,
    /// The host's own address on the bridge, and the containers' default gateway.
    pub gateway: Ipv6Addr,
}

impl Ipv6Subnet {
    /// The gateway with the prefix length of the subnet, as `ip addr add` takes it.
    pub fn gateway_with_prefix(&self) -> Ipv6Network {
        self.with_prefix(self.gateway)
    }

    /// An address of this network with the prefix length of the subnet.
    pub fn with_prefix(&self, address: Ipv6Addr) -> Ipv6Network {
        Ipv6Network::new(address, self.subnet.prefix())
            .expect("a prefix length taken from a network is valid")
    }
}
