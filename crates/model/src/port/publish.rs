//! `-p`: the grammar, and what it means.

use super::{InvalidPublish, PortRange, Protocol, PublishedPort};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

/// Which host port a container port is to be published on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostPorts {
    /// Any free port of the host's ephemeral range.
    Ephemeral,
    /// The first free port of this range; a single port is a range of one.
    FirstFreeOf(PortRange),
}

/// One `-p`, as it was typed: `[[ip:]host[-end]:]container[-end][/tcp|udp|sctp]`.
///
/// The grammar is Docker's, see `docker run --help` and `docs.docker.com`, including
/// the long form `target=80,published=8080,protocol=tcp`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PublishSpec {
    /// The host address to publish on; none means all, IPv4 and IPv6.
    pub host_ip: Option<IpAddr>,
    host: Option<PortRange>,
    container: PortRange,
    /// The protocol, TCP unless said otherwise.
    pub protocol: Protocol,
}

impl PublishSpec {
    /// Each container port of this spec with where it may be published.
    ///
    /// `8000-8010:80` yields one entry that may take any of eleven host ports,
    /// `8000-8010:80-90` eleven entries that may each take exactly one.
    pub fn entries(&self) -> Vec<(HostPorts, u16)> {
        let single = |port| {
            HostPorts::FirstFreeOf(PortRange {
                first: port,
                last: port,
            })
        };
        match self.host {
            None => self
                .container
                .iter()
                .map(|port| (HostPorts::Ephemeral, port))
                .collect(),
            Some(host) if self.container.count() == 1 => {
                vec![(HostPorts::FirstFreeOf(host), self.container.first)]
            }
            Some(host) => host.iter().map(single).zip(self.container.iter()).collect(),
        }
    }

    /// One of [`PublishSpec::entries`] on its own.
    pub fn entry(&self, host: HostPorts, container_port: u16) -> Self {
        PublishSpec {
            host: match host {
                HostPorts::Ephemeral => None,
                HostPorts::FirstFreeOf(range) => Some(range),
            },
            container: PortRange {
                first: container_port,
                last: container_port,
            },
            ..self.clone()
        }
    }

    /// The request that comes to this very port and no other.
    pub fn exactly(port: &PublishedPort) -> Self {
        let range = |port| PortRange {
            first: port,
            last: port,
        };
        PublishSpec {
            host_ip: Some(port.host_ip),
            host: Some(range(port.host_port)),
            container: range(port.container_port),
            protocol: port.protocol,
        }
    }

    /// An exposed port as `-P` publishes it: on an ephemeral port of all addresses.
    pub fn ephemeral(container_port: u16, protocol: Protocol) -> Self {
        PublishSpec {
            host_ip: None,
            host: None,
            container: PortRange {
                first: container_port,
                last: container_port,
            },
            protocol,
        }
    }
}

impl FromStr for PublishSpec {
    type Err = InvalidPublish;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('=') {
            return parse_long_form(text);
        }
        let (address, host, container) = split_at_colons(text);
        let (container, protocol) = container.split_once('/').unwrap_or((container, "tcp"));
        if container.is_empty() {
            return Err(InvalidPublish::NoPort(text.to_owned()));
        }
        let protocol = protocol.parse()?;
        let host_ip = parse_host_ip(address)?;
        let container_range = parse_container_ports(container)?;
        let host_range = parse_host_ports(host)?;
        if let Some(range) = host_range
            && range.count() != container_range.count()
            && container_range.count() != 1
        {
            return Err(InvalidPublish::Ranges {
                container: container.to_owned(),
                host: host.to_owned(),
            });
        }
        Ok(PublishSpec {
            host_ip,
            host: host_range,
            container: container_range,
            protocol,
        })
    }
}

impl fmt::Display for PublishSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host_ip {
            Some(IpAddr::V4(address)) => write!(f, "{address}:")?,
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:")?,
            None => {}
        }
        match (self.host, self.host_ip) {
            (Some(host), _) => write!(f, "{host}:")?,
            (None, Some(_)) => f.write_str(":")?,
            (None, None) => {}
        }
        write!(f, "{}/{}", self.container, self.protocol)
    }
}

/// The last two colons separate; whatever is before them is an address, perhaps IPv6.
fn split_at_colons(text: &str) -> (&str, &str, &str) {
    match text.rsplit_once(':') {
        None => ("", "", text),
        Some((before, container)) => match before.rsplit_once(':') {
            None => ("", before, container),
            Some((address, host)) => (address, host, container),
        },
    }
}

fn parse_host_ip(text: &str) -> Result<Option<IpAddr>, InvalidPublish> {
    let invalid = || InvalidPublish::HostAddress(text.to_owned());
    if text.is_empty() {
        return Ok(None);
    }
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address: IpAddr = bracketed.unwrap_or(text).parse().map_err(|_| invalid())?;
    // Without brackets, `::1:80` could be cut in several places.
    if address.is_ipv6() != bracketed.is_some() {
        return Err(invalid());
    }
    // Nobody can be at home at an address that means many.
    if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(invalid());
    }
    Ok(Some(address))
}

pub(super) fn parse_container_ports(text: &str) -> Result<PortRange, InvalidPublish> {
    PortRange::parse(text)
        .filter(|range| range.first > 0)
        .ok_or_else(|| InvalidPublish::ContainerPort(text.to_owned()))
}

/// Nothing and `0` both mean: choose one.
fn parse_host_ports(text: &str) -> Result<Option<PortRange>, InvalidPublish> {
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    PortRange::parse(text)
        .filter(|range| range.first > 0)
        .map(Some)
        .ok_or_else(|| InvalidPublish::HostPort(text.to_owned()))
}

fn parse_long_form(text: &str) -> Result<PublishSpec, InvalidPublish> {
    let (mut target, mut published, mut protocol) = ("", "", "tcp");
    for word in text.split(',') {
        match word.split_once('=') {
            Some(("target", value)) => target = value,
            Some(("published", value)) => published = value,
            Some(("protocol", value)) => protocol = value,
            Some(_) | None => return Err(InvalidPublish::LongForm(word.to_owned())),
        }
    }
    format!("{published}:{target}/{protocol}").parse()
}
