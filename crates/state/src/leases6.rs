//! The IPv6 half of leases.
//!
//! A lease is an IPv4 address, and on a network with IPv6 another one beside it: one row, so
//! that whoever has the one has the other, and both stay with the same name.

use crate::{Error, Lease, Transaction};
use minet_model::{ContainerId, NetworkName};
use rusqlite::{OptionalExtension, params};
use std::net::Ipv6Addr;

impl Transaction<'_> {
    /// Who has this IPv6 address.
    pub fn lease_of_address6(
        &self,
        network: &NetworkName,
        address: Ipv6Addr,
    ) -> Result<Option<Lease>, Error> {
        self.one_lease(
            "SELECT * FROM lease WHERE network = ?1 AND address6 = ?2",
            params![network.as_str(), address.octets()],
        )
    }

    /// The lease with an IPv6 address that has been out of use for the longest time, one
    /// that belongs to no name before those that do.
    pub fn longest_released6(&self, network: &NetworkName) -> Result<Option<Lease>, Error> {
        self.one_lease(
            "SELECT * FROM lease INDEXED BY lease_released
             WHERE network = ?1 AND holder IS NULL AND address6 IS NOT NULL
             ORDER BY (name IS NOT NULL), released LIMIT 1",
            [network.as_str()],
        )
    }

    /// Puts an IPv6 address beside the address that a container has on a network. Whoever
    /// has it without using it loses it.
    pub fn put_address6(
        &self,
        network: &NetworkName,
        holder: &ContainerId,
        address: Ipv6Addr,
    ) -> Result<(), Error> {
        let act = Error::during("record the IPv6 address of a lease");
        let (network, octets) = (network.as_str(), address.octets());
        self.run(
            "UPDATE lease SET address6 = NULL
             WHERE network = ?1 AND address6 = ?2 AND holder IS NULL",
            params![network, octets],
        )
        .map_err(&act)?;
        self.run(
            "UPDATE lease SET address6 = ?3 WHERE network = ?1 AND holder = ?2",
            params![network, holder.as_str(), octets],
        )
        .map(drop)
        .map_err(act)
    }

    /// Nobody has an IPv6 address on this network any more: its IPv6 subnet has changed.
    pub fn forget_addresses6(&self, network: &NetworkName) -> Result<(), Error> {
        let act = Error::during("forget a network's IPv6 addresses");
        for statement in [
            "UPDATE lease SET address6 = NULL WHERE network = ?1",
            "UPDATE network SET cursor6 = NULL WHERE name = ?1",
        ] {
            self.run(statement, [network.as_str()]).map_err(&act)?;
        }
        Ok(())
    }

    /// The last IPv6 address that was looked at because the one that goes with an IPv4
    /// address could not be had; none if that never happened.
    pub fn cursor6(&self, network: &NetworkName) -> Result<Option<Ipv6Addr>, Error> {
        self.inner
            .prepare_cached("SELECT cursor6 FROM network WHERE name = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([network.as_str()], |row| row.get::<_, Option<[u8; 16]>>(0))
                    .optional()
            })
            .map(|octets| octets.flatten().map(Ipv6Addr::from))
            .map_err(Error::during("read a network's IPv6 cursor"))
    }

    /// Remembers it.
    pub fn set_cursor6(&self, network: &NetworkName, cursor: Ipv6Addr) -> Result<(), Error> {
        self.run(
            "UPDATE network SET cursor6 = ?2 WHERE name = ?1",
            params![network.as_str(), cursor.octets()],
        )
        .map(drop)
        .map_err(Error::during("move a network's IPv6 cursor"))
    }
}
