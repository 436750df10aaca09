//! Which address a container gets: the policy, carried out on the store.
//!
//! 1. `--ip` pins it.
//! 2. A name keeps the address it had.
//! 3. Else the next one that nobody has ever had.
//! 4. Only when the pool has run through: a gap that a nameless container left, and after
//!    that the address that has been out of use for the longest time.
//!
//! Each is one or a few index lookups, however full the pool is.

use crate::Error;
use minet_ipam::Pool;
use minet_model::{BridgeNetwork, ContainerId, ContainerName, MacAddr};
use minet_state::{LeaseHolder, NetworkRow, Transaction};
use std::net::Ipv4Addr;

/// Who wants an address, and which.
pub(crate) struct Request<'a> {
    pub(crate) id: &'a ContainerId,
    pub(crate) name: &'a ContainerName,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) mac: Option<MacAddr>,
}

/// Chooses an address and a MAC, and records the lease.
pub(crate) fn lease(
    tx: &Transaction<'_>,
    row: &NetworkRow,
    request: &Request<'_>,
) -> Result<(Ipv4Addr, MacAddr), Error> {
    let network = &row.network;
    let pool = Pool::of(network.subnet, network.gateway);
    let own = tx.lease_of_name(&network.name, request.name.as_str())?;
    let address = match (request.address, &own) {
        (Some(address), _) => pinned(tx, &pool, network, address)?,
        (None, Some(lease)) if pool.check_static(lease.address).is_ok() => lease.address,
        (None, Some(_) | None) => next_free(tx, &pool, row)?,
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
    Ok((address, mac))
}

fn pinned(
    tx: &Transaction<'_>,
    pool: &Pool,
    network: &BridgeNetwork,
    address: Ipv4Addr,
) -> Result<Ipv4Addr, Error> {
    pool.check_static(address)?;
    match tx.lease_of_address(&network.name, address)? {
        Some(lease) if matches!(lease.holder, LeaseHolder::Container(_)) => {
            Err(minet_state::Error::AddressTaken {
                network: network.name.to_string(),
                address,
                holder: lease.name,
            }
            .into())
        }
        Some(_) | None => Ok(address),
    }
}

/// How many leased addresses in a row are skipped one by one before the store is asked
/// for the end of the row.
const PATIENCE: usize = 16;

fn next_free(tx: &Transaction<'_>, pool: &Pool, row: &NetworkRow) -> Result<Ipv4Addr, Error> {
    let network = &row.network.name;
    let cursor = (row.cursor != 0).then(|| Ipv4Addr::from_bits(row.cursor));
    if let Some(address) = unleased_after(tx, pool, row, cursor)? {
        tx.set_cursor(network, address.to_bits())?;
        return Ok(address);
    }
    if let Some(address) = unleased_after(tx, pool, row, None)? {
        return Ok(address);
    }
    match tx.longest_released(network)? {
        Some(lease) => Ok(lease.address),
        None => Err(Error::NoFreeAddress {
            network: network.to_string(),
            subnet: row.network.subnet.to_string(),
            in_use: tx.leases_in_use(network)?,
        }),
    }
}

/// The first address after `cursor` that no lease speaks of.
fn unleased_after(
    tx: &Transaction<'_>,
    pool: &Pool,
    row: &NetworkRow,
    cursor: Option<Ipv4Addr>,
) -> Result<Option<Ipv4Addr>, Error> {
    let network = &row.network.name;
    let mut after = cursor;
    loop {
        let mut leased = None;
        for address in pool.fresh_from(after).take(PATIENCE) {
            if tx.lease_of_address(network, address)?.is_none() {
                return Ok(Some(address));
            }
            leased = Some(address);
        }
        // A long row: one query finds its end. Then look again from just before it,
        // because what follows may be the gateway.
        let Some(last) = leased else { return Ok(None) };
        let Some(gap) = tx.first_gap(network, last)? else {
            return Ok(None);
        };
        after = Some(Ipv4Addr::from_bits(gap.to_bits().saturating_sub(1)));
    }
}
