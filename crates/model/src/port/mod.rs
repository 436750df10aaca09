//! Ports: what `-p` and `--expose` say, and what they come to.

mod protocol;
mod publish;
mod range;
#[cfg(test)]
mod tests;

pub use protocol::Protocol;
pub use publish::{HostPorts, PublishSpec};
pub use range::PortRange;

use publish::parse_container_ports;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

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
