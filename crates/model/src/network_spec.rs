//! What a user asked for with `minet network create`.

use crate::{IfName, Ipv6Spec, NetworkName, StaticRoute, room::is_port_count};
use ipnetwork::Ipv4Network;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, net::Ipv4Addr, ops::RangeInclusive, str::FromStr};

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
    /// `--route`, in the order in which they were given.
    #[serde(default)]
    pub routes: Vec<StaticRoute>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `--opt`, as they were written, for `inspect`.
    pub options: BTreeMap<String, String>,
}

/// Why an option of a network cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetworkOption {
    /// A key that minet does not know.
    #[error(
        "unknown network option {0:?}: minet knows com.docker.network.bridge.name, .bridge.enable_ip_masquerade, .bridge.enable_icc, com.docker.network.enable_ipv6, com.docker.network.host_ipv4, com.docker.network.driver.mtu and minet.bridge.ports"
    )]
    UnknownKey(String),
    /// A value that does not fit the key.
    #[error("invalid value {value:?} of network option {key}: {expected}")]
    Value {
        /// The key.
        key: String,
        /// What was written.
        value: String,
        /// What can be written there.
        expected: &'static str,
    },
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
            routes: Vec::new(),
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
        }
    }

    /// Understands one of Docker's driver options, `-o KEY=VALUE`.
    pub fn set_option(&mut self, key: &str, value: &str) -> Result<(), InvalidNetworkOption> {
        let invalid = |expected| InvalidNetworkOption::Value {
            key: key.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let switch = || match value {
            "" | "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(invalid("true or false")),
        };
        match key {
            "com.docker.network.bridge.name" => {
                let name = value.parse();
                self.bridge = BridgeChoice::Named(
                    name.map_err(|_| invalid("a name that an interface can have"))?,
                );
            }
            "com.docker.network.bridge.enable_ip_masquerade" => {
                self.masquerade = match switch()? {
                    true => Masquerade::On,
                    false => Masquerade::Off,
                };
            }
            "com.docker.network.bridge.enable_icc" => {
                self.neighbours = match switch()? {
                    true => Neighbours::Talk,
                    false => Neighbours::Apart,
                };
            }
            "com.docker.network.host_ipv4" => {
                let address = value.parse();
                self.outbound_address =
                    Some(address.map_err(|_| invalid("an IPv4 address of this host"))?);
            }
            "com.docker.network.enable_ipv6" => {
                self.ipv6 = match switch()? {
                    true => Some(self.ipv6.take().unwrap_or_default()),
                    false => None,
                };
            }
            "com.docker.network.driver.mtu" => {
                let mtu = value.parse().ok().filter(|mtu| is_mtu(*mtu));
                self.mtu = Some(mtu.ok_or_else(|| invalid("68 to 65535"))?);
            }
            "minet.bridge.ports" => {
                let ports = value.parse().ok().filter(|ports| is_port_count(*ports));
                self.bridge_ports =
                    Some(ports.ok_or_else(|| invalid("1 to 1023, the ports of a Linux bridge"))?);
            }
            _ => return Err(InvalidNetworkOption::UnknownKey(key.to_owned())),
        }
        self.options.insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Whether an interface can have this MTU: the least is RFC 791's, the most is a veth's.
pub fn is_mtu(mtu: u32) -> bool {
    (68..=65_535).contains(&mtu)
}

/// `10.0.0.0/25`, or `10.0.0.100-10.0.0.150`: the addresses from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    first: Ipv4Addr,
    last: Ipv4Addr,
}

/// Why a text is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid range {0:?}: write 10.0.0.0/25 or 10.0.0.100-10.0.0.150")]
pub struct InvalidAddressRange(String);

impl AddressRange {
    /// First and last address.
    pub fn bounds(self) -> RangeInclusive<Ipv4Addr> {
        self.first..=self.last
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAddressRange(text.to_owned());
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (
                first.parse().map_err(|_| invalid())?,
                last.parse().map_err(|_| invalid())?,
            ),
            None => {
                let network: Ipv4Network = text.parse().map_err(|_| invalid())?;
                (network.network(), network.broadcast())
            }
        };
        match first <= last {
            true => Ok(AddressRange { first, last }),
            false => Err(invalid()),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first.to_bits(), self.last.to_bits());
        // A block of a power of two at a multiple of its size is written as such.
        let differing = 32 - (first ^ last).leading_zeros();
        let ones = u32::MAX
            .checked_shl(differing)
            .map_or(u32::MAX, |high| !high);
        match first & ones == 0 && last & ones == ones {
            true => write!(f, "{}/{}", self.first, 32 - differing),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = InvalidAddressRange;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> String {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_back_what_they_print() {
        for text in [
            "10.0.0.0/25",
            "10.0.0.100-10.0.0.150",
            "10.0.0.7/32",
            "0.0.0.0/0",
            "10.0.0.1-10.0.0.2",
        ] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
        for text in ["", "10.0.0.9-10.0.0.1", "a-b", "10.0.0.0/33"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn dockers_options_are_understood() {
        let mut spec = NetworkSpec::named("a".parse().unwrap());
        spec.set_option("com.docker.network.bridge.enable_icc", "false")
            .unwrap();
        spec.set_option("com.docker.network.driver.mtu", "1400")
            .unwrap();
        spec.set_option("com.docker.network.enable_ipv6", "true")
            .unwrap();
        assert_eq!((spec.neighbours, spec.mtu), (Neighbours::Apart, Some(1400)));
        assert!(spec.ipv6.is_some());
        for (key, value) in [
            ("com.docker.network.bridge.enable_icc", "perhaps"),
            ("com.docker.network.driver.mtu", "9"),
            ("com.docker.network.host_ipv4", "here"),
            ("com.docker.network.bridge.name", "a name"),
            ("minet.bridge.ports", "0"),
            ("minet.bridge.ports", "1024"),
            ("com.docker.network.nonsense", "1"),
        ] {
            assert!(spec.set_option(key, value).is_err(), "{key}={value}");
        }
    }
}
