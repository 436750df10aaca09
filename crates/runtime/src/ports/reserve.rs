//! From `-p` to held sockets: all of them or none.

use super::{
    BindDefaults, Culprit, HeldPort, PortError, Preference, UsedBy, culprit,
    ephemeral::EphemeralPorts, free, limit, overlap, socket,
};
use minet_model::{HostPorts, PortRange, Protocol, PublishSpec, PublishedPort};
use nix::ifaddrs::getifaddrs;
use rustix::io::Errno;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// Holds a host port for every container port of `requests`, in their order.
///
/// A port without an address is held on IPv4 and IPv6 under the same number, see
/// [`BindDefaults`]; `[::]` is left out silently on a host without IPv6. A range takes
/// its first free port. The same `-p` twice is held once. `used_by` is asked about each
/// candidate before the kernel is. Where any port will do, `preference` says which.
///
/// The soft limit of open files may be higher afterwards; give the container's process
/// the one from before.
///
/// # Errors
///
/// See [`PortError`]. Nothing is held then.
pub fn hold(
    requests: &[PublishSpec],
    defaults: BindDefaults,
    used_by: &UsedBy<'_>,
    preference: &Preference<'_>,
) -> Result<Vec<HeldPort>, PortError> {
    let sockets = requests
        .iter()
        .map(|spec| spec.entries().len() * defaults.addresses(spec.host_ip, spec.protocol).len())
        .sum();
    limit::make_room(sockets)?;
    let mut reservation = Reservation {
        used_by,
        preference,
        ephemeral: None,
        held: Vec::with_capacity(sockets),
    };
    for spec in requests {
        let addresses = defaults.addresses(spec.host_ip, spec.protocol);
        for (host_ports, container_port) in spec.entries() {
            let wish = Wish {
                protocol: spec.protocol,
                addresses: &addresses,
                container_port,
            };
            reservation.add(&wish, host_ports)?;
        }
    }
    Ok(reservation.held)
}

/// One container port, and where on the host it shall be.
struct Wish<'a> {
    protocol: Protocol,
    addresses: &'a [IpAddr],
    container_port: u16,
}

/// Why one candidate was not taken. Who is to blame is found out only when it matters.
enum Refusal {
    Taken {
        host: SocketAddr,
        by: Option<Culprit>,
    },
    Failed(PortError),
}

/// What is held so far; dropping it lets go of everything.
struct Reservation<'a> {
    used_by: &'a UsedBy<'a>,
    preference: &'a Preference<'a>,
    ephemeral: Option<EphemeralPorts>,
    held: Vec<HeldPort>,
}

impl Reservation<'_> {
    fn add(&mut self, wish: &Wish<'_>, host_ports: HostPorts) -> Result<(), PortError> {
        match host_ports {
            HostPorts::Ephemeral => self.add_ephemeral(wish),
            HostPorts::FirstFreeOf(range) if range.count() == 1 && self.has(wish, range) => Ok(()),
            HostPorts::FirstFreeOf(range) => self.add_first_free(wish, range),
        }
    }

    /// Whether the very same port is held already.
    fn has(&self, wish: &Wish<'_>, range: PortRange) -> bool {
        let same = |held: &HeldPort| {
            wish.protocol == held.port.protocol
                && wish.container_port == held.port.container_port
                && wish.addresses.first() == Some(&held.port.host_ip)
                && range.iter().eq([held.port.host_port])
        };
        self.held.iter().any(same)
    }

    fn add_ephemeral(&mut self, wish: &Wish<'_>) -> Result<(), PortError> {
        for port in self.had_before(wish) {
            if self.take(wish, port).is_ok() {
                return Ok(());
            }
        }
        let is_kept = self.preference.is_kept;
        let next = |ports: &mut Option<EphemeralPorts>| {
            ports
                .get_or_insert_with(EphemeralPorts::of_this_host)
                .find(|port| !is_kept(wish.protocol, *port))
        };
        while let Some(port) = next(&mut self.ephemeral) {
            if self.is_taken(wish, port)? {
                return Ok(());
            }
        }
        for port in (self.preference.last_resort)(wish.protocol) {
            if self.is_taken(wish, port)? {
                return Ok(());
            }
        }
        Err(PortError::EphemeralInUse {
            address: wish.addresses[0],
            protocol: wish.protocol,
        })
    }

    /// Whether this port could be had, and is.
    fn is_taken(&mut self, wish: &Wish<'_>, port: u16) -> Result<bool, PortError> {
        match self.take(wish, port) {
            Ok(()) => Ok(true),
            Err(Refusal::Taken { .. }) => Ok(false),
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    fn had_before(&self, wish: &Wish<'_>) -> Vec<u16> {
        let same = |port: &&PublishedPort| {
            port.protocol == wish.protocol
                && port.container_port == wish.container_port
                && wish.addresses.first() == Some(&port.host_ip)
        };
        let had = self.preference.had.iter().filter(same);
        had.map(|port| port.host_port).collect()
    }

    fn add_first_free(&mut self, wish: &Wish<'_>, range: PortRange) -> Result<(), PortError> {
        let mut first_refusal = None;
        for port in range.iter() {
            match self.take(wish, port) {
                Ok(()) => return Ok(()),
                Err(Refusal::Taken { host, by }) => {
                    first_refusal.get_or_insert((host, by));
                }
                Err(Refusal::Failed(error)) => return Err(error),
            }
        }
        let (host, by) = first_refusal.expect("a range has at least one port");
        let first = self.explain(wish, host, by);
        match range.count() {
            1 => Err(first),
            _ => Err(PortError::RangeInUse {
                address: wish.addresses[0],
                range,
                protocol: wish.protocol,
                first: Box::new(first),
            }),
        }
    }

    /// Takes one port number on all addresses, or on none.
    fn take(&mut self, wish: &Wish<'_>, host_port: u16) -> Result<(), Refusal> {
        let before = self.held.len();
        for (position, &ip) in wish.addresses.iter().enumerate() {
            match self.take_at(wish, SocketAddr::new(ip, host_port)) {
                Ok(held) => self.held.push(held),
                Err(Attempt::NotAvailable) if position > 0 => {}
                Err(attempt) => {
                    self.held.truncate(before);
                    return Err(attempt.refusal(wish.protocol, SocketAddr::new(ip, host_port)));
                }
            }
        }
        Ok(())
    }

    fn take_at(&self, wish: &Wish<'_>, host: SocketAddr) -> Result<HeldPort, Attempt> {
        if self
            .held
            .iter()
            .any(|held| meets(held, wish.protocol, host))
        {
            return Err(Attempt::Taken(Some(Culprit::Itself)));
        }
        if let Some(name) = (self.used_by)(wish.protocol, host.ip(), host.port()) {
            return Err(Attempt::Taken(Some(Culprit::Container(name))));
        }
        let hold = socket::take(wish.protocol, host).map_err(Attempt::from)?;
        Ok(HeldPort {
            port: PublishedPort {
                protocol: wish.protocol,
                container_port: wish.container_port,
                host_ip: host.ip(),
                host_port: host.port(),
            },
            hold,
        })
    }

    fn explain(&self, wish: &Wish<'_>, host: SocketAddr, by: Option<Culprit>) -> PortError {
        PortError::InUse {
            host,
            protocol: wish.protocol,
            by: by.unwrap_or_else(|| culprit::find(wish.protocol, host)),
            nearby: free::nearby(wish.protocol, wish.addresses, host.port(), self.used_by),
        }
    }
}

/// Whether a held port stands in the way of `host`.
fn meets(held: &HeldPort, protocol: Protocol, host: SocketAddr) -> bool {
    held.port.protocol == protocol
        && held.port.host_port == host.port()
        && overlap(held.port.host_ip, host.ip())
}

/// What came of one socket.
enum Attempt {
    Taken(Option<Culprit>),
    /// The host has no such address, or no IPv6 at all.
    NotAvailable,
    Failed(io::Error),
}

impl From<io::Error> for Attempt {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::ADDRINUSE) => Attempt::Taken(None),
            // No IPv6 in the kernel, or `ipv6.disable=1` at boot; an address that is foreign.
            Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => Attempt::NotAvailable,
            _ => Attempt::Failed(error),
        }
    }
}

impl Attempt {
    fn refusal(self, protocol: Protocol, host: SocketAddr) -> Refusal {
        let error = match self {
            Attempt::Taken(by) => return Refusal::Taken { host, by },
            Attempt::NotAvailable => PortError::NotOfThisHost {
                host,
                protocol,
                available: addresses_like(host.ip()),
            },
            Attempt::Failed(source) => match Errno::from_io_error(&source) {
                Some(Errno::ACCESS) => PortError::NotPermitted { host, protocol },
                Some(Errno::PROTONOSUPPORT) => PortError::SctpOverIpv6(host),
                _ => PortError::Socket {
                    host,
                    protocol,
                    source,
                },
            },
        };
        Refusal::Failed(error)
    }
}

/// The host's addresses of the same family; none if they cannot be read.
fn addresses_like(wanted: IpAddr) -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    let address = |storage: nix::sys::socket::SockaddrStorage| {
        let v4 = storage.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
    };
    interfaces
        .filter_map(|interface| address(interface.address?))
        .filter(|address| address.is_ipv4() == wanted.is_ipv4())
        .collect()
}

#[cfg(test)]
#[path = "reserve_tests.rs"]
mod tests;
