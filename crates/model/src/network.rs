use crate::{IfName, InstanceTag, Ipv6Subnet, NetworkId, NetworkSpec};
use ipnetwork::Ipv4Network;
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr, str::FromStr};

/// The name of a network: the same alphabet as a container's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(String);

/// Why a text is not the name of a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid network name {0:?}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, and at most 128 characters"
)]
pub struct InvalidNetworkName(String);

impl NetworkName {
    /// The network that every installation has, called `bridge` as in Docker.
    pub fn default_bridge() -> Self {
        NetworkName("bridge".to_owned())
    }

    /// Whether every installation has it, so that it can be neither made nor removed.
    pub fn is_predefined(&self) -> bool {
        matches!(self.as_str(), "bridge" | "host" | "none" | "default")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NetworkName {
    type Err = InvalidNetworkName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.parse::<crate::ContainerName>() {
            Ok(_) if !name.starts_with('/') => Ok(NetworkName(name.to_owned())),
            Ok(_) | Err(_) => Err(InvalidNetworkName(name.to_owned())),
        }
    }
}

impl TryFrom<String> for NetworkName {
    type Error = InvalidNetworkName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> String {
        name.0
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bridge network as it should be: a switch, its subnet and the host's address on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeNetwork {
    /// What users call it.
    pub name: NetworkName,
    /// Its identity, which no rename changes.
    pub id: NetworkId,
    /// The Linux bridge, `minet0` for the default network.
    pub bridge: IfName,
    /// Where its containers' addresses come from, without host bits.
    pub subnet: Ipv4Network,
    /// The host's own address on the bridge, and the containers' default gateway.
    pub gateway: Ipv4Addr,
    /// The same in IPv6, where the network has it.
    #[serde(default)]
    pub ipv6: Option<Ipv6Subnet>,
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
    /// Which instance's it is, where that is not the usual one.
    #[serde(default)]
    pub instance: Option<InstanceTag>,
    /// What was asked for when it was created.
    pub asked: NetworkSpec,
}

impl BridgeNetwork {
    /// The gateway with the prefix length of the subnet, as `ip addr add` takes it.
    pub fn gateway_with_prefix(&self) -> Ipv4Network {
        self.with_prefix(self.gateway)
    }

    /// An address of this network with the prefix length of the subnet.
    pub fn with_prefix(&self, address: Ipv4Addr) -> Ipv4Network {
        Ipv4Network::new(address, self.subnet.prefix())
            .expect("a prefix length taken from a network is valid")
    }

    /// What minet writes on its bridges, by which it knows them again.
    pub fn label(&self) -> String {
        InstanceTag::label(
            self.instance.as_ref(),
            &format!("minet network {}", self.name),
        )
    }

    /// Whether minet made the bridge, and therefore removes it.
    pub fn has_own_bridge(&self) -> bool {
        !matches!(self.asked.bridge, crate::BridgeChoice::Existing(_))
    }
}
