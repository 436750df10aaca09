//! What was chosen for a container, beside what its user asked for.

use ipnetwork::Ipv4Network;
use minet_model::{ContainerId, IfName, MacAddr, NetworkName, PublishedPort};
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, path::PathBuf};

/// The choices that stay with a container: stored with it, shown by `inspect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The hostname inside.
    pub hostname: String,
    /// Where its generated hosts, resolv.conf and hostname are.
    pub etc_dir: PathBuf,
    /// The name of its namespace in the file system; none where it has none of its own.
    pub netns_link: Option<PathBuf>,
    /// Its cable; none in the modes without one.
    pub attachment: Option<Attachment>,
    /// Whether its name was made up, so that nobody will ask for it again.
    pub name_is_made_up: bool,
    /// Its host ports; those that nobody chose are tried first when it starts again.
    #[serde(default)]
    pub ports: Vec<PublishedPort>,
}

/// A container's place on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The network.
    pub network: NetworkName,
    /// Its switch.
    pub bridge: IfName,
    /// The container's address, with the prefix length of the network.
    pub address: Ipv4Network,
    /// The host's address on the bridge.
    pub gateway: Ipv4Addr,
    /// The container's MAC.
    pub mac: MacAddr,
    /// The interface inside.
    pub interface: IfName,
    /// The other end of its cable, on the host.
    pub host_end: IfName,
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
}

impl Settings {
    /// Its address, where it has a cable.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.attachment
            .as_ref()
            .map(|attachment| attachment.address.ip())
    }

    /// The attachment of a container on `network` with this address.
    pub fn attach(
        id: &ContainerId,
        network: &minet_model::BridgeNetwork,
        address: Ipv4Addr,
        mac: MacAddr,
    ) -> Attachment {
        Attachment {
            network: network.name.clone(),
            bridge: network.bridge.clone(),
            address: network.with_prefix(address),
            gateway: network.gateway,
            mac,
            interface: IfName::eth(0),
            host_end: id.veth(0),
            mtu: network.mtu,
        }
    }
}
