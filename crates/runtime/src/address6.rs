//! Which IPv6 address goes with a container's lease: the policy, carried out on the store.
//!
//! 1. `--ip6` pins it.
//! 2. A name keeps the one it had.
//! 3. Else the one that was given along with the IPv4 address before.
//! 4. Else the one that is derived from the IPv4 address.
//! 5. Only where that cannot be had (it is the gateway's, or pinned by somebody, or outside
//!    of the range): the next that nobody has had, and at last the one of the lease that has
//!    been out of use for the longest time.
//!
//! Each is one or a few index lookups, however full the pool is.

use crate::{Error, address::Request};
use minet_ipam::Pool6;
use minet_model::{BridgeNetwork, NetworkName};
use minet_state::{Lease, LeaseHolder, Transaction};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is known of the lease that the address is to stand beside.
pub(crate) struct Beside {
    /// Its IPv4 address.
    pub(crate) address: Ipv4Addr,
    /// What the name had.
    pub(crate) own: Option<Ipv6Addr>,
    /// What the last one to have the IPv4 address had.
    pub(crate) inherited: Option<Ipv6Addr>,
}

/// Chooses an IPv6 address and records it beside the lease that has just been taken; none
/// on a network without IPv6.
pub(crate) fn lease(
    tx: &Transaction<'_>,
    network: &BridgeNetwork,
    request: &Request<'_>,
    beside: &Beside,
) -> Result<Option<Ipv6Addr>, Error> {
    let Some(ipv6) = &network.ipv6 else {
        return match request.address6 {
            Some(address) => Err(Error::NoIpv6OnNetwork {
                network: network.name.to_string(),
                address,
            }),
            None => Ok(None),
        };
    };
    let pool = crate::networks::pool6(network, ipv6)?;
    let address = match request.address6 {
        Some(address) => pinned(tx, &pool, &network.name, address)?,
        None => find(tx, &pool, network, beside)?,
    };
    tx.put_address6(&network.name, request.id, address)?;
    Ok(Some(address))
}

fn pinned(
    tx: &Transaction<'_>,
    pool: &Pool6,
    network: &NetworkName,
    address: Ipv6Addr,
) -> Result<Ipv6Addr, Error> {
    pool.check_static(address)?;
    match tx.lease_of_address6(network, address)? {
        Some(lease) if is_in_use(&lease) => Err(minet_state::Error::AddressTaken {
            network: network.to_string(),
            address: address.into(),
            holder: lease.name.unwrap_or_default(),
        }
        .into()),
        Some(_) | None => Ok(address),
    }
}

fn is_in_use(lease: &Lease) -> bool {
    matches!(lease.holder, LeaseHolder::Container(_))
}

fn find(
    tx: &Transaction<'_>,
    pool: &Pool6,
    network: &BridgeNetwork,
    beside: &Beside,
) -> Result<Ipv6Addr, Error> {
    let known = [beside.own, beside.inherited];
    for address in known.into_iter().flatten() {
        let nobody_uses = |lease: Option<Lease>| !lease.is_some_and(|lease| is_in_use(&lease));
        if pool.check_static(address).is_ok()
            && nobody_uses(tx.lease_of_address6(&network.name, address)?)
        {
            return Ok(address);
        }
    }
    if let Some(address) = pool.beside(beside.address, network.subnet)
        && tx.lease_of_address6(&network.name, address)?.is_none()
    {
        return Ok(address);
    }
    next_free(tx, pool, network)
}

/// As with IPv4: ahead of the cursor nobody has had an address, but for those that were
/// derived or pinned; what is behind it and in no lease was somebody's who has another now.
fn next_free(
    tx: &Transaction<'_>,
    pool: &Pool6,
    network: &BridgeNetwork,
) -> Result<Ipv6Addr, Error> {
    let name = &network.name;
    let cursor = tx.cursor6(name)?;
    let mut passed = None;
    for address in pool.fresh_from(cursor) {
        passed = Some(address);
        if tx.lease_of_address6(name, address)?.is_none() {
            tx.set_cursor6(name, address)?;
            return Ok(address);
        }
    }
    if let Some(passed) = passed {
        tx.set_cursor6(name, passed)?;
    }
    let released = tx.longest_released6(name)?;
    let address = released.and_then(|lease| lease.address6);
    let usable = address.filter(|address| pool.check_static(*address).is_ok());
    usable.ok_or_else(|| Error::NoFreeAddress6 {
        network: name.to_string(),
        pool: pool_in_words(network),
    })
}

/// The range of it that containers get, or the subnet.
fn pool_in_words(network: &BridgeNetwork) -> String {
    let asked = network.asked.ipv6.as_ref();
    let range = asked.and_then(|asked| asked.ip_range);
    let subnet = network.ipv6.map(|ipv6| ipv6.subnet);
    let text = range.map(|range| range.to_string());
    text.or(subnet.map(|subnet| subnet.to_string()))
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "address6_tests.rs"]
mod tests;
