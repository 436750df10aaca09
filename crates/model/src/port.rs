use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// A transport protocol whose ports can be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Transmission Control Protocol, RFC 9293.
    Tcp,
    /// User Datagram Protocol, RFC 768.
    Udp,
    /// Stream Control Transmission Protocol, RFC 9260.
    Sctp,
}

impl Protocol {
    /// The number in the IP header (IANA protocol numbers).
    pub fn number(self) -> u8 {
        match self {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Sctp => 132,
        }
    }

    /// The lower-case name that `-p`, nftables and `/etc/services` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }
}

impl FromStr for Protocol {
    type Err = InvalidPublish;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(Protocol::Tcp),
            "udp" => Ok(Protocol::Udp),
            "sctp" => Ok(Protocol::Sctp),
            _ => Err(InvalidPublish::Protocol(text.to_owned())),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One port or several in a row, `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The range `first..=last`, if it is one.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (first <= last).then_some(PortRange { first, last })
    }

    /// Reads `80` or `80-90`.
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(parse_port(first)?, parse_port(last)?)
    }

    /// How many ports there are, at least 1.
    pub fn count(self) -> usize {
        usize::from(self.last - self.first) + 1
    }

    /// The ports in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }
}

/// A decimal number in 0..=65535 and nothing else, not even a sign.
fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

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

/// Why a text is not a port to publish or to expose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublish {
    /// Nothing where the container port should stand.
    #[error("no port specified: {0}<empty>")]
    NoPort(String),
    /// Not tcp, udp or sctp.
    #[error("invalid proto: {0}")]
    Protocol(String),
    /// Not an IPv4 address or an IPv6 address in brackets.
    #[error("invalid IP address: {0}")]
    HostAddress(String),
    /// Not a port or a range of ports.
    #[error("invalid containerPort: {0}")]
    ContainerPort(String),
    /// Not a port or a range of ports.
    #[error("invalid hostPort: {0}")]
    HostPort(String),
    /// Ranges of different lengths.
    #[error("invalid ranges specified for container and host Ports: {container} and {host}")]
    Ranges {
        /// The range behind the colon.
        container: String,
        /// The range before it.
        host: String,
    },
    /// A word of the long form that is not `key=value`, or not a known key.
    #[error(
        "invalid publish opts format (should be name=value but got '{0}'; the names are target, published, protocol)"
    )]
    LongForm(String),
    /// `--expose` with something that is no port.
    #[error("invalid port format for --expose: {0}")]
    Expose(String),
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
    Ok(Some(address))
}

fn parse_container_ports(text: &str) -> Result<PortRange, InvalidPublish> {
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

/// The ports that a container says it serves, `--expose 80[-90][/proto]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExposedPorts {
    /// The ports inside the container.
    pub ports: PortRange,
    /// The protocol, TCP unless said otherwise.
    pub protocol: Protocol,
}

impl FromStr for ExposedPorts {
    type Err = InvalidPublish;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |_| InvalidPublish::Expose(text.to_owned());
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        Ok(ExposedPorts {
            ports: parse_container_ports(ports).map_err(invalid)?,
            protocol: protocol.parse()?,
        })
    }
}

/// A host port that is, or is to be, published: every choice has been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublishedPort {
    /// The protocol of both ports.
    pub protocol: Protocol,
    /// The port inside the container.
    pub container_port: u16,
    /// The host's address; unspecified (`0.0.0.0`, `::`) means every one of that family.
    pub host_ip: IpAddr,
    /// The port on the host.
    pub host_port: u16,
}

impl PublishedPort {
    /// Where clients connect to.
    pub fn host(&self) -> SocketAddr {
        SocketAddr::new(self.host_ip, self.host_port)
    }
}

impl fmt::Display for PublishedPort {
    /// As `docker ps` prints it: `0.0.0.0:8080->80/tcp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}->{}/{}",
            self.host(),
            self.container_port,
            self.protocol
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` means: on this address, these host ports for these container ports.
    #[track_caller]
    fn means(text: &str, address: Option<&str>, entries: &[(&str, u16)], protocol: Protocol) {
        let spec: PublishSpec = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        let host = |(ports, container)| match ports {
            HostPorts::Ephemeral => ("any".to_owned(), container),
            HostPorts::FirstFreeOf(range) => (range.to_string(), container),
        };
        let got: Vec<_> = spec.entries().into_iter().map(host).collect();
        let want: Vec<_> = entries.iter().map(|(h, c)| ((*h).to_owned(), *c)).collect();
        assert_eq!(got, want, "{text}");
        assert_eq!(
            spec.host_ip.map(|ip| ip.to_string()).as_deref(),
            address,
            "{text}"
        );
        assert_eq!(spec.protocol, protocol, "{text}");
        assert_eq!(
            spec.to_string().parse::<PublishSpec>().unwrap(),
            spec,
            "{text}"
        );
    }

    #[test]
    fn the_grammar_of_publish() {
        use Protocol::*;
        means("80", None, &[("any", 80)], Tcp);
        means("80/udp", None, &[("any", 80)], Udp);
        means("80/TCP", None, &[("any", 80)], Tcp);
        means("0:80", None, &[("any", 80)], Tcp);
        means(":80", None, &[("any", 80)], Tcp);
        means("8080:80", None, &[("8080", 80)], Tcp);
        means("8080:80/sctp", None, &[("8080", 80)], Sctp);
        means("127.0.0.1:8080:80", Some("127.0.0.1"), &[("8080", 80)], Tcp);
        means("127.0.0.1::80", Some("127.0.0.1"), &[("any", 80)], Tcp);
        means("[::1]:8080:80/udp", Some("::1"), &[("8080", 80)], Udp);
        means(
            "[2001:db8::7]::80",
            Some("2001:db8::7"),
            &[("any", 80)],
            Tcp,
        );
        means("8000-8010:80", None, &[("8000-8010", 80)], Tcp);
        means(
            "8000-8002:80-82",
            None,
            &[("8000", 80), ("8001", 81), ("8002", 82)],
            Tcp,
        );
        means("80-82", None, &[("any", 80), ("any", 81), ("any", 82)], Tcp);
        means("65535:65535", None, &[("65535", 65535)], Tcp);
        means(
            "target=80,published=8080,protocol=udp",
            None,
            &[("8080", 80)],
            Udp,
        );
        means("target=80", None, &[("any", 80)], Tcp);
    }

    #[test]
    fn what_is_wrong_is_named_as_docker_names_it() {
        for (text, error) in [
            ("", "no port specified: <empty>"),
            (
                "127.0.0.1:8080:",
                "no port specified: 127.0.0.1:8080:<empty>",
            ),
            ("8080:/tcp", "no port specified: 8080:/tcp<empty>"),
            ("80/foo", "invalid proto: foo"),
            ("80/", "invalid proto: "),
            ("300.1.1.1:8080:80", "invalid IP address: 300.1.1.1"),
            ("localhost:8080:80", "invalid IP address: localhost"),
            ("::1:8080:80", "invalid IP address: ::1"),
            ("[127.0.0.1]:8080:80", "invalid IP address: [127.0.0.1]"),
            ("[::1:8080:80", "invalid IP address: [::1"),
            ("abc", "invalid containerPort: abc"),
            ("0", "invalid containerPort: 0"),
            ("65536", "invalid containerPort: 65536"),
            ("+80", "invalid containerPort: +80"),
            ("-80", "invalid containerPort: -80"),
            ("90-80", "invalid containerPort: 90-80"),
            ("abc:80", "invalid hostPort: abc"),
            ("70000:80", "invalid hostPort: 70000"),
            ("8010-8000:80", "invalid hostPort: 8010-8000"),
            ("0-10:80", "invalid hostPort: 0-10"),
            (
                "8000:80-81",
                "invalid ranges specified for container and host Ports: 80-81 and 8000",
            ),
            (
                "8000-8001:80-85",
                "invalid ranges specified for container and host Ports: 80-85 and 8000-8001",
            ),
        ] {
            assert_eq!(
                text.parse::<PublishSpec>().unwrap_err().to_string(),
                error,
                "{text:?}"
            );
        }
        assert!("target=80,publish=1".parse::<PublishSpec>().is_err());
    }

    #[test]
    fn exposed_ports_have_no_host_side() {
        let exposed: ExposedPorts = "80-90/udp".parse().unwrap();
        assert_eq!(
            (exposed.ports.count(), exposed.protocol),
            (11, Protocol::Udp)
        );
        for text in ["", "8080:80", "x", "80/foo", "0"] {
            assert!(text.parse::<ExposedPorts>().is_err(), "{text}");
        }
    }

    #[test]
    fn published_ports_print_as_docker_prints_them() {
        let port = PublishedPort {
            protocol: Protocol::Tcp,
            container_port: 80,
            host_ip: "::".parse().unwrap(),
            host_port: 8080,
        };
        assert_eq!(port.to_string(), "[::]:8080->80/tcp");
    }
}
