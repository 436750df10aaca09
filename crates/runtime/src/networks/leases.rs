//! `minet leases`: who holds, or last held, which address and which host port.

use crate::{Error, Runtime, time::rfc3339};
use minet_model::{ContainerId, MacAddr, NetworkName, PublishedPort};
use minet_state::LeaseHolder;
use std::net::{Ipv4Addr, Ipv6Addr};

/// One address that somebody has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLease {
    /// The network.
    pub network: NetworkName,
    /// The address.
    pub address: Ipv4Addr,
    /// The IPv6 address beside it, on a network that has IPv6.
    pub address6: Option<Ipv6Addr>,
    /// The MAC that goes with it.
    pub mac: MacAddr,
    /// The container's name; none for an address that belongs to no name any more.
    pub name: Option<String>,
    /// The container that uses it now.
    pub holder: Option<ContainerId>,
    /// Since when nobody does, as RFC 3339; none while somebody does.
    pub released: Option<String>,
}

/// One host port that minet chose for a name, and chooses for it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPort {
    /// The host's side and the container's port.
    pub port: PublishedPort,
    /// Whose it is.
    pub name: String,
    /// The container that publishes it now.
    pub holder: Option<ContainerId>,
    /// Since when nobody does, as RFC 3339; none while somebody does.
    pub released: Option<String>,
}

impl Runtime {
    /// Every host port that a name keeps, by number.
    pub fn kept_ports(&mut self) -> Result<Vec<ListedPort>, Error> {
        let kept = self.store.read(|tx| tx.kept_ports())?;
        let listed = kept.into_iter().map(|kept| ListedPort {
            port: kept.port,
            name: kept.name,
            released: kept.holder.is_none().then(|| rfc3339(Some(kept.used))),
            holder: kept.holder,
        });
        Ok(listed.collect())
    }

    /// Every lease, by network and address; those of one network if it is named.
    pub fn leases(&mut self, network: Option<&str>) -> Result<Vec<ListedLease>, Error> {
        let leases = self.store.read(|tx| {
            let only = match network {
                Some(text) => Some(crate::find::network(tx, text)?.network.name),
                None => None,
            };
            let mut leases = tx.leases()?;
            leases.retain(|lease| only.as_ref().is_none_or(|only| lease.network == *only));
            Ok::<_, Error>(leases)
        })?;
        let listed = leases.into_iter().map(|lease| {
            let (holder, released) = match lease.holder {
                LeaseHolder::Container(id) => (Some(id), None),
                LeaseHolder::NobodySince(time) => (None, Some(rfc3339(Some(time)))),
            };
            ListedLease {
                network: lease.network,
                address: lease.address,
                address6: lease.address6,
                mac: lease.mac,
                name: lease.name,
                holder,
                released,
            }
        });
        Ok(listed.collect())
    }
}
