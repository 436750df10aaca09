use super::Culprit;
use minet_model::{PortRange, Protocol};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
};

/// Why ports could not be held; none is.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Somebody has the port. The text ends in the words that Docker has for it, since
    /// these are what people search for.
    #[error(
        "cannot publish {host}/{protocol}: the port is used by {by}{}{}; {}",
        Whose(.by, host.port()),
        Nearby(*.nearby),
        DockersWords(*.host, *.protocol, .by)
    )]
    InUse {
        /// Address and port.
        host: SocketAddr,
        /// The protocol.
        protocol: Protocol,
        /// Who has it.
        by: Culprit,
        /// A port close to it that was free a moment ago.
        nearby: Option<u16>,
    },
    /// Every port of a range like `8000-8010:80` is taken.
    #[error("cannot publish {address} {range}/{protocol}: all ports are allocated; {first}")]
    RangeInUse {
        /// The address.
        address: IpAddr,
        /// The range that was asked for.
        range: PortRange,
        /// The protocol.
        protocol: Protocol,
        /// What is the matter with its first port.
        first: Box<PortError>,
    },
    /// Every port of the host's ephemeral range is taken.
    #[error(
        "cannot publish a port of {address}/{protocol}: all ports are allocated \
         (net.ipv4.ip_local_port_range without ip_local_reserved_ports)"
    )]
    EphemeralInUse {
        /// The address.
        address: IpAddr,
        /// The protocol.
        protocol: Protocol,
    },
    /// The host does not have the address.
    #[error(
        "cannot publish {host}/{protocol}: cannot assign requested address; this host has {}",
        List(.available)
    )]
    NotOfThisHost {
        /// Address and port.
        host: SocketAddr,
        /// The protocol.
        protocol: Protocol,
        /// The addresses of the same family that the host has.
        available: Vec<IpAddr>,
    },
    /// A port below 1024 without the privilege for it.
    #[error(
        "cannot publish {host}/{protocol}: permission denied; ports below \
         net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE"
    )]
    NotPermitted {
        /// Address and port.
        host: SocketAddr,
        /// The protocol.
        protocol: Protocol,
    },
    /// There is neither DNAT nor a relay for it.
    #[error("cannot publish {0}/sctp: SCTP is published on IPv4 addresses only")]
    SctpOverIpv6(SocketAddr),
    /// More ports than sockets that the process may have.
    #[error(
        "cannot publish {sockets} ports: the limit of open files leaves room for {room} \
         (raise it with ulimit -n)"
    )]
    TooMany {
        /// How many sockets are needed.
        sockets: usize,
        /// How many there may be.
        room: u64,
    },
    /// The limit of open files cannot be read.
    #[error("read the limit of open files")]
    OpenFiles(#[source] io::Error),
    /// Any other error of the socket.
    #[error("cannot publish {host}/{protocol}")]
    Socket {
        /// Address and port.
        host: SocketAddr,
        /// The protocol.
        protocol: Protocol,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Where a process holds ports for guests of its own: how to find out for which.
struct Whose<'a>(&'a Culprit, u16);

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Whose(Culprit::Process { command, .. }, port) = self else {
            return Ok(());
        };
        let tool = match command.as_str() {
            "docker-proxy" | "dockerd" => "docker",
            "conmon" => "podman",
            _ => return Ok(()),
        };
        write!(f, ", for whom: {tool} ps --filter publish={port}")
    }
}

struct Nearby(Option<u16>);

impl fmt::Display for Nearby {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(port) => write!(f, " (free nearby: {port})"),
            None => Ok(()),
        }
    }
}

/// moby's allocator speaks of containers, its `bind` of everybody else.
struct DockersWords<'a>(SocketAddr, Protocol, &'a Culprit);

impl fmt::Display for DockersWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DockersWords(host, protocol, by) = self;
        match by {
            Culprit::Container(_) | Culprit::Itself => {
                write!(f, "Bind for {host} failed: port is already allocated")
            }
            Culprit::Process { .. } | Culprit::Unknown => write!(
                f,
                "failed to bind host port {host}/{protocol}: address already in use"
            ),
        }
    }
}

struct List<'a>(&'a [IpAddr]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no address of this family");
        }
        let texts: Vec<_> = self.0.iter().map(IpAddr::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_use(by: Culprit, nearby: Option<u16>) -> String {
        PortError::InUse {
            host: "0.0.0.0:8080".parse().unwrap(),
            protocol: Protocol::Tcp,
            by,
            nearby,
        }
        .to_string()
    }

    #[test]
    fn a_conflict_names_the_culprit_and_a_way_out() {
        assert_eq!(
            in_use(Culprit::Container("web".to_owned()), Some(8081)),
            "cannot publish 0.0.0.0:8080/tcp: the port is used by container \"web\" \
             (free nearby: 8081); Bind for 0.0.0.0:8080 failed: port is already allocated"
        );
        let nginx = Culprit::Process {
            command: "nginx".to_owned(),
            pid: 812,
            user: "www-data".to_owned(),
        };
        assert_eq!(
            in_use(nginx, None),
            "cannot publish 0.0.0.0:8080/tcp: the port is used by nginx (PID 812, user www-data); \
             failed to bind host port 0.0.0.0:8080/tcp: address already in use"
        );
    }
}
