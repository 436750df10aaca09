//! `minet leases`: who holds, or last held, which address.

use crate::{Error, Runtime, time::rfc3339};
use minet_model::{ContainerId, MacAddr, NetworkName};
use minet_state::LeaseHolder;
use std::net::Ipv4Addr;

/// One address that somebody has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLease {
    /// The network.
    pub network: NetworkName,
    /// The address.
    pub address: Ipv4Addr,
    /// The MAC that goes with it.
    pub mac: MacAddr,
    /// The container's name; none for an address that belongs to no name any more.
    pub name: Option<String>,
    /// The container that uses it now.
    pub holder: Option<ContainerId>,
    /// Since when nobody does, as RFC 3339; none while somebody does.
    pub released: Option<String>,
}

impl Runtime {
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
                mac: lease.mac,
                name: lease.name,
                holder,
                released,
            }
        });
        Ok(listed.collect())
    }
}
