//! What a user asked for with `minet network create`.

use crate::{AddressRange, IfName, Ipv6Spec, NetworkName, StaticRoute};
use ipnetwork::Ipv4Network;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Whether connections leave a network under the host's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Masquerade {
    /// They do: nobody outside needs a route to the network.
    #[default]
    On,
    /// They keep the container's address; somebody else routes the answers.
    Off,
}

/// How far a network reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Reach {
    /// To the host's other networks' published ports, and into the world.
    #[default]
    Outside,
    /// Not beyond its own bridge (`--internal`); published ports are dead, too.
    InternalOnly,
}

/// Whether the containers of one network may talk to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Neighbours {
    /// They may.
    #[default]
    Talk,
    /// They may not (`icc=false`). The table only judges what is routed; frames that stay
    /// on the bridge are stopped by `isolated on` on its ports.
    ///
    /// Each other's published ports they reach only where
    /// `net.bridge.bridge-nf-call-iptables` is 0: with 1 the kernel redirects a frame
    /// while it is still on the bridge, and then the isolated port stops it too.
    Apart,
    /// They reach nobody, neither each other nor the host nor the world, but along links
    /// (`--link-only`). From outside they are reached at their published ports.
    Linked,
}

/// Which bridge a network is to have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BridgeChoice {
    /// One that minet makes, and names after the network's identity.
    #[default]
    Own,
    /// One that minet makes under this name.
    Named(IfName),
    /// One that is there already and belongs to somebody else.
    Existing(IfName),
}

/// A network as it was asked for; what is not given is chosen when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// What users call it.
    pub name: NetworkName,
    /// `--subnet`; none means the first free one of the pools.
    pub subnet: Option<Ipv4Network>,
    /// `--gateway`: the host's own address on it; none means the first of the subnet.
    pub gateway: Option<Ipv4Addr>,
    /// Where containers send what is for nobody on the bridge; none means to the host.
    #[serde(default)]
    pub default_gateway: Option<Ipv4Addr>,
    /// `--ip-range`: containers get their addresses from this part of the subnet.
    pub ip_range: Option<AddressRange>,
    /// `--aux-address`: addresses that no container gets, by what they are for.
    pub reserved: BTreeMap<String, Ipv4Addr>,
    /// `--ipv6`: its IPv6 half, if it has one.
    #[serde(default)]
    pub ipv6: Option<Ipv6Spec>,
    /// `--mtu`; none means that of the uplink.
    pub mtu: Option<u32>,
    /// Its bridge.
    pub bridge: BridgeChoice,
    /// `--masquerade`.
    pub masquerade: Masquerade,
    /// `--internal`.
    pub reach: Reach,
    /// `--icc`.
    pub neighbours: Neighbours,
    /// How many cables a bridge of it takes; none means [`crate::BRIDGE_PORTS`].
    #[serde(default)]
    pub bridge_ports: Option<u16>,
    /// `--shard`.
    #[serde(default)]
    pub span: Span,
    /// `--limit-connections`.
    #[serde(default)]
    pub connections: Connections,
    /// `--anti-spoof`, for containers that say nothing themselves.
    #[serde(default)]
    pub spoofing: Spoofing,
    /// `--outbound-address`: the host's address under which its connections leave; none means
    /// that of the interface by which they do.
    #[serde(default)]
    pub outbound_address: Option<Ipv4Addr>,
    /// The same for IPv6.
    #[serde(default)]
    pub outbound_address6: Option<Ipv6Addr>,
    /// Where a port of a container goes that leaves by this network, and that is published
    /// without an address; none means what the configuration says.
    #[serde(default)]
    pub publish_at: Option<IpAddr>,
    /// What the interfaces inside are called, with a number behind it; `eth` if nothing is said.
    #[serde(default)]
    pub interface_prefix: Option<String>,
    /// `--route`, in the order in which they were given.
    #[serde(default)]
    pub routes: Vec<StaticRoute>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `--opt`, as they were written, for `inspect`.
    pub options: BTreeMap<String, String>,
}

/// Over how many bridges a network goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Span {
    /// Its own, and no more containers than that has ports for.
    #[default]
    OneBridge,
    /// As many as its containers need, joined by trunks.
    Shards,
}

/// How many connections a container may have opened at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Connections {
    /// Some thousands, so that one cannot take the host's whole table of connections.
    #[default]
    Limited,
    /// Any number, for proxies and measurements.
    Unlimited,
}

/// Whether a container may send with MACs and addresses that are not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Spoofing {
    /// It may not: a guard at its cable drops what it is not.
    #[default]
    Prevented,
    /// It may, for addresses that move between containers, or switches of its own.
    Allowed,
}

impl NetworkSpec {
    /// A network of which nothing is asked but its name.
    pub fn named(name: NetworkName) -> Self {
        NetworkSpec {
            name,
            subnet: None,
            gateway: None,
            default_gateway: None,
            ip_range: None,
            reserved: BTreeMap::new(),
            ipv6: None,
            mtu: None,
            bridge: BridgeChoice::Own,
            masquerade: Masquerade::On,
            reach: Reach::Outside,
            neighbours: Neighbours::Talk,
            bridge_ports: None,
            span: Span::OneBridge,
            connections: Connections::Limited,
            spoofing: Spoofing::Prevented,
            outbound_address: None,
            outbound_address6: None,
            publish_at: None,
            interface_prefix: None,
            routes: Vec::new(),
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
        }
    }

    /// The host's addresses under which its connections leave, if that was asked for.
    pub fn outbound_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let (four, six) = (self.outbound_address, self.outbound_address6);
        four.map(IpAddr::V4).into_iter().chain(six.map(IpAddr::V6))
    }
}

/// Whether an interface can have this MTU: the least is RFC 791's, the most is a veth's.
pub fn is_mtu(mtu: u32) -> bool {
    (68..=65_535).contains(&mtu)
}
