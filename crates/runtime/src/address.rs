//! Which address a container gets: the policy, carried out on the store.
//!
//! 1. `--ip` pins it.
//! 2. A name keeps the address it had.
//! 3. Else the next one that nobody has ever had.
//! 4. Only when the pool has run through: an address that belongs to no name any more, and
//!    after those the one that has been out of use for the longest time.
//!
//! Each is one or a few index lookups, however full the pool is.

use crate::{
    Error,
    address6::{self, Beside},
};
use minet_ipam::Pool;
use minet_model::{BridgeNetwork, ContainerId, ContainerName, MacAddr};
use minet_state::{LeaseHolder, NetworkRow, Transaction};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Who wants an address, and which.
pub(crate) struct Request<'a> {
    pub(crate) id: &'a ContainerId,
    pub(crate) name: &'a ContainerName,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) address6: Option<Ipv6Addr>,
    pub(crate) mac: Option<MacAddr>,
}

/// What a container is called on a network, at every layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: Ipv4Addr,
    pub(crate) address6: Option<Ipv6Addr>,
    pub(crate) mac: MacAddr,
}

/// Chooses addresses and a MAC, and records the lease.
pub(crate) fn lease(
    tx: &Transaction<'_>,
    row: &NetworkRow,
    request: &Request<'_>,
) -> Result<Place, Error> {
    let network = &row.network;
    let pool = crate::networks::pool(network)?;
    let own = tx.lease_of_name(&network.name, request.name.as_str())?;
    let address = match (request.address, &own) {
        (Some(address), _) => pinned(tx, &pool, network, address)?,
        (None, Some(lease)) if pool.check_static(lease.address).is_ok() => lease.address,
        (None, Some(_) | None) => next_free(tx, &pool, row)?,
    };
    if let Some(mac) = request.mac {
        require_free_mac(tx, network, mac, request.name)?;
    }
    let before = tx.lease_of_address(&network.name, address)?;
    let beside = Beside {
        address,
        own: own.as_ref().and_then(|lease| lease.address6),
        inherited: before.and_then(|lease| lease.address6),
    };
    let kept_mac = own
        .filter(|lease| lease.address == address)
        .map(|lease| lease.mac);
    let mac = request
        .mac
        .or(kept_mac)
        .unwrap_or_else(|| MacAddr::for_ipv4(address));
    tx.take_lease(
        &network.name,
        address,
        request.name.as_str(),
        mac,
        request.id,
    )?;
    let address6 = address6::lease(tx, network, request, &beside)?;
    Ok(Place {
        address,
        address6,
        mac,
    })
}

/// A switch delivers to one port for each MAC; two owners would both lose packets.
fn require_free_mac(
    tx: &Transaction<'_>,
    network: &BridgeNetwork,
    mac: MacAddr,
    name: &ContainerName,
) -> Result<(), Error> {
    let holder = match mac == MacAddr::for_ipv4(network.gateway) {
        true => Some(format!("the bridge {}", network.bridge)),
        false => tx
            .holder_of_mac(&network.name, mac)?
            .filter(|holder| holder != name.as_str())
            .map(|holder| format!("container \"{holder}\"")),
    };
    match holder {
        Some(holder) => Err(Error::MacTaken {
            mac,
            network: network.name.to_string(),
            holder,
        }),
        None => Ok(()),
    }
}

fn pinned(
    tx: &Transaction<'_>,
    pool: &Pool,
    network: &BridgeNetwork,
    address: Ipv4Addr,
) -> Result<Ipv4Addr, Error> {
    pool.check_static(address)?;
    if let Some(holder) = tx.moved_to(&network.name, address)? {
        let holder = tx.container(&holder)?;
        return Err(minet_state::Error::AddressTaken {
            network: network.name.to_string(),
            address: address.into(),
            holder: holder.map_or_else(String::new, |row| row.name.to_string()),
        }
        .into());
    }
    match tx.lease_of_address(&network.name, address)? {
        Some(lease) if matches!(lease.holder, LeaseHolder::Container(_)) => {
            Err(minet_state::Error::AddressTaken {
                network: network.name.to_string(),
                address: address.into(),
                holder: lease.name.unwrap_or_default(),
            }
            .into())
        }
        Some(_) | None => Ok(address),
    }
}

/// Ahead of the cursor are addresses that nobody has had, except a few that were pinned;
/// behind it, every address is in the books, with or without a name.
fn next_free(tx: &Transaction<'_>, pool: &Pool, row: &NetworkRow) -> Result<Ipv4Addr, Error> {
    let network = &row.network.name;
    let cursor = (row.cursor != 0).then(|| Ipv4Addr::from_bits(row.cursor));
    let mut passed = cursor;
    for address in pool.fresh_from(cursor) {
        passed = Some(address);
        let is_fresh = tx.lease_of_address(network, address)?.is_none();
        if is_fresh && tx.moved_to(network, address)?.is_none() {
            tx.set_cursor(network, address.to_bits())?;
            return Ok(address);
        }
    }
    // So that those that are not fresh any more are passed once and not every time.
    if let Some(passed) = passed.filter(|passed| Some(*passed) != cursor) {
        tx.set_cursor(network, passed.to_bits())?;
    }
    match tx.longest_released(network, pool.bounds())? {
        Some(lease) => Ok(lease.address),
        None => Err(Error::NoFreeAddress {
            network: network.to_string(),
            pool: match row.network.asked.ip_range {
                Some(range) => range.to_string(),
                None => row.network.subnet.to_string(),
            },
            in_use: tx.leases_in_use(network)?,
        }),
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
