//! What was chosen for a container, beside what its user asked for.

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use minet_model::{
    ContainerId, IfName, InstanceTag, MacAddr, Neighbours, NetworkName, Reach, Spoofing,
    StaticRoute,
};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

/// The choices that stay with a container: stored with it, shown by `inspect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The hostname inside.
    pub hostname: String,
    /// Where its generated hosts, resolv.conf and hostname are.
    pub etc_dir: PathBuf,
    /// Which hosts file it sees.
    #[serde(default)]
    pub hosts: SeenHosts,
    /// The name of its namespace in the file system; none where it has none of its own.
    pub netns_link: Option<PathBuf>,
    /// Its cables, in the order of the networks; none in the modes without any.
    pub attachments: Vec<Attachment>,
    /// The network that leads out; none if all of them are internal.
    pub gateway_network: Option<NetworkName>,
    /// The network that leads out for IPv6; none if none with IPv6 does.
    #[serde(default)]
    pub gateway_network6: Option<NetworkName>,
    /// Whether its name was made up, so that nobody will ask for it again.
    pub name_is_made_up: bool,
}

/// Which hosts file the processes of a container see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SeenHosts {
    /// The generated one.
    #[default]
    Generated,
    /// The one in its root directory; none is generated (`--no-hosts`).
    OfItsRoot,
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
    /// Where the default route leads: the host's address on the bridge, if nobody else is
    /// the network's gateway.
    pub gateway: Ipv4Addr,
    /// The host's address on the bridge; none in the settings of an older minet, where it
    /// was the gateway.
    #[serde(default)]
    pub host: Option<Ipv4Addr>,
    /// The same in IPv6, on a network that has it.
    #[serde(default)]
    pub ipv6: Option<Attachment6>,
    /// The container's MAC.
    pub mac: MacAddr,
    /// The interface inside.
    pub interface: IfName,
    /// The other end of its cable, on the host.
    pub host_end: IfName,
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
    /// The ways that it has there besides the default route.
    #[serde(default)]
    pub routes: Vec<StaticRoute>,
    /// How far the network reaches.
    pub reach: Reach,
    /// Whether it may talk to the others there.
    pub neighbours: Neighbours,
    /// Whether it may send as somebody else there.
    #[serde(default)]
    pub spoofing: Spoofing,
    /// Which network gives the default route: the one with the highest of these.
    pub gw_priority: i32,
    /// Other names that the network's containers may call it by.
    pub aliases: Vec<String>,
    /// The host's place on the network; none in the settings of an older minet.
    #[serde(default)]
    pub host_place: Option<HostPlace>,
    /// Which instance's cable it is, where that is not the usual one.
    #[serde(default)]
    pub instance: Option<InstanceTag>,
}

/// Where the host is plugged into a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPlace {
    /// The network's first bridge.
    pub bridge: IfName,
    /// Its MAC, if it is minet's and keeps it.
    pub mac: Option<MacAddr>,
    /// The host's addresses there.
    pub addresses: Vec<IpAddr>,
}

/// The IPv6 half of a container's place on a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment6 {
    /// The container's address, with the prefix length of the network.
    pub address: Ipv6Network,
    /// The host's address on the bridge.
    pub gateway: Ipv6Addr,
}

impl Attachment {
    /// The container's addresses on the network, with its prefix lengths.
    pub fn addresses(&self) -> impl Iterator<Item = IpNetwork> {
        let ipv6 = self.ipv6.map(|place| IpNetwork::V6(place.address));
        [IpNetwork::V4(self.address)].into_iter().chain(ipv6)
    }
}

impl Settings {
    /// Those of a container that is not there: it is on no network.
    pub(crate) fn of_nobody() -> Self {
        Settings {
            hostname: String::new(),
            etc_dir: PathBuf::new(),
            hosts: SeenHosts::default(),
            netns_link: None,
            attachments: Vec::new(),
            gateway_network: None,
            gateway_network6: None,
            name_is_made_up: false,
        }
    }

    /// The address that its published ports lead to, where it has one.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.way_out().map(|attachment| attachment.address.ip())
    }

    /// The cable that leads out: to its gateway goes what is for no neighbour, and to its
    /// address lead the published ports.
    pub fn way_out(&self) -> Option<&Attachment> {
        self.attachment_to(self.gateway_network.as_ref()?)
    }

    /// The cable that leads out for IPv6, and the place on it.
    pub fn way_out6(&self) -> Option<(&Attachment, Attachment6)> {
        let attachment = self.attachment_to(self.gateway_network6.as_ref()?)?;
        Some((attachment, attachment.ipv6?))
    }

    /// The IPv6 address that its published ports lead to, where it has one.
    pub(crate) fn address6(&self) -> Option<Ipv6Addr> {
        self.way_out6().map(|(_, place)| place.address.ip())
    }

    /// Decides by which networks it leaves from now on. A way that leads out stays what it
    /// is, unless one of a higher priority has come: nobody's connections are cut for a name
    /// that comes earlier in the alphabet.
    pub(crate) fn settle_ways_out(&mut self) {
        let way6 = self.way_out6().map(|(attachment, _)| attachment);
        let settled6 = settled(way6, self.best_way_out6().as_ref(), self);
        self.gateway_network = settled(self.way_out(), self.best_way_out().as_ref(), self);
        self.gateway_network6 = settled6;
    }

    /// The network that is the best way out: the highest priority wins, then the first name
    /// in the alphabet; an internal network leads nowhere.
    pub(crate) fn best_way_out(&self) -> Option<NetworkName> {
        best(self.attachments.iter())
    }

    /// The same among those that have IPv6.
    pub(crate) fn best_way_out6(&self) -> Option<NetworkName> {
        let with_ipv6 = |attachment: &&Attachment| attachment.ipv6.is_some();
        best(self.attachments.iter().filter(with_ipv6))
    }

    /// The cable whose address stands for the container where only one is shown.
    pub fn main_attachment(&self) -> Option<&Attachment> {
        self.way_out().or(self.attachments.first())
    }

    /// The cable to this network.
    pub fn attachment_to(&self, network: &NetworkName) -> Option<&Attachment> {
        self.attachments
            .iter()
            .find(|attachment| attachment.network == *network)
    }

    /// Names for one more cable's ends: the lowest numbers that are free behind the prefix.
    pub(crate) fn free_ends(&self, id: &ContainerId, prefix: Option<&str>) -> (IfName, IfName) {
        let taken = |inside: &IfName| self.attachments.iter().any(|a| a.interface == *inside);
        let laid = |host_end: &IfName| self.attachments.iter().any(|a| a.host_end == *host_end);
        let numbered = |number| match prefix.map(|prefix| format!("{prefix}{number}").parse()) {
            Some(Ok(name)) => name,
            Some(Err(_)) | None => IfName::eth(number),
        };
        let inside = (0..=u16::MAX).map(numbered).find(|name| !taken(name));
        let host_end = (0..100)
            .map(|index| id.veth(index))
            .find(|name| !laid(name));
        (
            inside.unwrap_or_else(|| IfName::eth(u16::MAX)),
            host_end.unwrap_or_else(|| id.veth(99)),
        )
    }
}

fn settled(
    now: Option<&Attachment>,
    best: Option<&NetworkName>,
    settings: &Settings,
) -> Option<NetworkName> {
    let best = settings.attachment_to(best?)?;
    let stays =
        |now: &&Attachment| now.reach == Reach::Outside && now.gw_priority >= best.gw_priority;
    Some(now.filter(stays).unwrap_or(best).network.clone())
}

fn best<'a>(attachments: impl Iterator<Item = &'a Attachment>) -> Option<NetworkName> {
    attachments
        .filter(|attachment| attachment.reach == Reach::Outside)
        .max_by_key(|attachment| (attachment.gw_priority, Reverse(&attachment.network)))
        .map(|attachment| attachment.network.clone())
}
