//! Which servers are asked what the container's own network does not know.

use crate::resolv::{FALLBACK, ResolvConf};
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, SocketAddr, SocketAddrV6},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// As many as the C library reads (`MAXNS` in `<resolv.h>`).
const MOST: usize = 3;

/// Where the host's servers are listed.
pub const HOST_SERVERS: &str = "/etc/resolv.conf";

/// How long another server stands in for the first one after that failed to answer.
const STAND_IN: Duration = Duration::from_secs(30);

/// From which namespace a server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// The host's, so that its own 127.0.0.53 is reached.
    Host,
    /// The container's: `--dns 127.0.0.1` is a server of its own.
    Container,
}

/// A name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where it answers.
    pub address: SocketAddr,
    /// From where it is asked.
    pub access: Access,
}

/// The servers of one container, and who of them answers.
#[derive(Debug, Default)]
pub struct Upstreams {
    servers: Vec<Server>,
    /// Who is asked first.
    first: AtomicUsize,
    /// Since when it is not the first in the list.
    since: Mutex<Option<Instant>>,
}

impl Upstreams {
    /// The servers that the user chose with `--dns`; the container's own resolver, which
    /// would ask itself, is left out.
    pub fn chosen(servers: &[IpAddr]) -> Self {
        let servers = servers.iter().filter(|&&server| server != super::ADDRESS);
        let server = |address: &IpAddr| Server {
            address: SocketAddr::new(*address, 53),
            access: Access::Container,
        };
        Upstreams::of(servers.map(server).collect())
    }

    /// The servers of the host, as its resolv.conf lists them; if it lists none, the
    /// public ones that Docker falls back to.
    pub fn of_host(resolv_conf: &str, zone_index: impl Fn(&str) -> Option<u32>) -> Self {
        let conf = ResolvConf::parse(resolv_conf);
        let server = |server: &crate::resolv::Nameserver| {
            let address = match (server.address, &server.zone) {
                (IpAddr::V6(address), Some(zone)) => {
                    SocketAddrV6::new(address, 53, 0, zone_index(zone.as_str())?).into()
                }
                (address, _) => SocketAddr::new(address, 53),
            };
            Some(Server {
                address,
                access: Access::Host,
            })
        };
        let mut servers: Vec<Server> = conf.nameservers.iter().filter_map(server).collect();
        if servers.is_empty() {
            servers.extend(FALLBACK.map(|address| Server {
                address: SocketAddr::new(address.into(), 53),
                access: Access::Host,
            }));
        }
        Upstreams::of(servers)
    }

    /// These, in this order.
    pub fn of(mut servers: Vec<Server>) -> Self {
        servers.truncate(MOST);
        Upstreams {
            servers,
            ..Upstreams::default()
        }
    }

    /// All of them, in the order of the list.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// All of them, in the order in which they are to be asked now.
    pub fn turns(&self) -> Vec<Server> {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() >= STAND_IN) {
            *since = None;
            self.first.store(0, Ordering::Relaxed);
        }
        let mut servers = self.servers.clone();
        if !servers.is_empty() {
            let first = self.first.load(Ordering::Relaxed) % servers.len();
            servers.rotate_left(first);
        }
        servers
    }

    /// This one did not answer: for a while the next one is asked first.
    pub fn failed(&self, server: Server) {
        let Some(at) = self.servers.iter().position(|known| *known == server) else {
            return;
        };
        let next = (at + 1) % self.servers.len();
        let was = self
            .first
            .compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
        if was.is_ok() {
            let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
            *since = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(upstreams: &Upstreams) -> Vec<String> {
        let turns = upstreams.turns();
        turns.iter().map(|s| s.address.ip().to_string()).collect()
    }

    #[test]
    fn at_most_three_of_the_hosts_servers_loopback_included() {
        let text = "nameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserver fe80::2%gone\n\
                    nameserver 10.0.0.3\nnameserver 10.0.0.4\n";
        let index = |zone: &str| (zone == "eth0").then_some(7);
        let upstreams = Upstreams::of_host(text, index);
        assert_eq!(addresses(&upstreams), ["127.0.0.53", "fe80::1", "10.0.0.3"]);
        let scope = upstreams.servers()[1].address;
        assert_eq!(scope, "[fe80::1%7]:53".parse().unwrap());
        assert_eq!(
            addresses(&Upstreams::of_host("", index)),
            ["8.8.8.8", "8.8.4.4"]
        );
    }

    #[test]
    fn nobody_asks_itself() {
        let chosen =
            Upstreams::chosen(&[super::super::ADDRESS.into(), "127.0.0.1".parse().unwrap()]);
        assert_eq!(addresses(&chosen), ["127.0.0.1"]);
    }

    #[test]
    fn who_fails_is_asked_last_for_a_while() {
        let servers: Vec<IpAddr> = ["10.0.0.1", "10.0.0.2"].map(|a| a.parse().unwrap()).into();
        let upstreams = Upstreams::chosen(&servers);
        upstreams.failed(upstreams.servers()[0]);
        assert_eq!(addresses(&upstreams), ["10.0.0.2", "10.0.0.1"]);
        // Several questions find out at the same time.
        upstreams.failed(upstreams.servers()[0]);
        assert_eq!(addresses(&upstreams), ["10.0.0.2", "10.0.0.1"]);
        upstreams.failed(upstreams.servers()[1]);
        assert_eq!(addresses(&upstreams), ["10.0.0.1", "10.0.0.2"]);
    }
}
