use crate::{Error, Transaction, networks::parse};
use minet_model::{ContainerId, MacAddr, NetworkName};
use rusqlite::{OptionalExtension, Row, params};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

/// Who holds, or last held, an address of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The IPv6 address beside it, on a network that has IPv6.
    pub address6: Option<Ipv6Addr>,
    /// The network.
    pub network: NetworkName,
    /// The container's name; the lease stays with it. None if it had none that anybody
    /// will ask for again.
    pub name: Option<String>,
    /// The MAC address that goes with it.
    pub mac: MacAddr,
    /// Who uses it now.
    pub holder: LeaseHolder,
}

/// Whether an address is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseHolder {
    /// By this container, running or being made.
    Container(ContainerId),
    /// By nobody since this time (milliseconds since 1970).
    NobodySince(i64),
}

impl Transaction<'_> {
    /// The address that belongs to this name, in use or not.
    pub fn lease_of_name(&self, network: &NetworkName, name: &str) -> Result<Option<Lease>, Error> {
        self.one_lease(
            "SELECT * FROM lease WHERE network = ?1 AND name = ?2",
            params![network.as_str(), name],
        )
    }

    /// Who has this address.
    pub fn lease_of_address(
        &self,
        network: &NetworkName,
        address: Ipv4Addr,
    ) -> Result<Option<Lease>, Error> {
        self.one_lease(
            "SELECT * FROM lease WHERE network = ?1 AND address = ?2",
            params![network.as_str(), address.to_bits()],
        )
    }

    /// The address that has been out of use for the longest time, one that belongs to no
    /// name before those that do.
    pub fn longest_released(
        &self,
        network: &NetworkName,
        within: RangeInclusive<Ipv4Addr>,
    ) -> Result<Option<Lease>, Error> {
        self.one_lease(
            // The first entry of the index is the answer. Left to itself, SQLite prefers the
            // range of addresses, and sorts a full pool.
            "SELECT * FROM lease INDEXED BY lease_released
             WHERE network = ?1 AND holder IS NULL AND +address BETWEEN ?2 AND ?3
               AND NOT EXISTS (SELECT 1 FROM moved_address AS moved
                   WHERE moved.network = ?1 AND moved.address = lease.address)
             ORDER BY (name IS NOT NULL), released LIMIT 1",
            params![
                network.as_str(),
                within.start().to_bits(),
                within.end().to_bits()
            ],
        )
    }

    /// The name of a container that uses this MAC address on the network now.
    pub fn holder_of_mac(
        &self,
        network: &NetworkName,
        mac: MacAddr,
    ) -> Result<Option<String>, Error> {
        self.inner
            .prepare_cached(
                "SELECT container.name FROM lease JOIN container ON container.id = lease.holder
                 WHERE network = ?1 AND mac = ?2 LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![network.as_str(), mac.to_string()], |row| row.get(0))
                    .optional()
            })
            .map_err(Error::during("look up a MAC address"))
    }

    /// Gives an address to a container, and forgets what its name and the address had
    /// to do with others before.
    pub fn take_lease(
        &self,
        network: &NetworkName,
        address: Ipv4Addr,
        name: &str,
        mac: MacAddr,
        holder: &ContainerId,
    ) -> Result<(), Error> {
        let act = Error::during("record a lease");
        self.run(
            "DELETE FROM lease WHERE network = ?1 AND address = ?2 AND holder IS NULL",
            params![network.as_str(), address.to_bits()],
        )
        .map_err(&act)?;
        self.run(
            "UPDATE lease SET name = NULL WHERE network = ?1 AND name = ?2 AND holder IS NULL",
            params![network.as_str(), name],
        )
        .map_err(&act)?;
        self.run(
            "INSERT INTO lease (network, address, name, mac, holder) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                network.as_str(),
                address.to_bits(),
                name,
                mac.to_string(),
                holder.as_str()
            ],
        )
        .map(drop)
        .map_err(act)
    }

    /// The container no longer uses its addresses; they stay with its name.
    pub fn release_leases(&self, holder: &ContainerId, now: i64) -> Result<(), Error> {
        self.run(
            "UPDATE lease SET holder = NULL, released = ?2 WHERE holder = ?1",
            params![holder.as_str(), now],
        )
        .map(drop)
        .map_err(Error::during("release leases"))
    }

    /// The container and its name are gone for good, as those of `--rm` without a name.
    /// The addresses stay in the books, so that they are the first to be given again when
    /// the pool has run through, and nobody has to look for gaps.
    pub fn forget_leases(&self, holder: &ContainerId, now: i64) -> Result<(), Error> {
        self.run(
            "UPDATE lease SET holder = NULL, name = NULL, released = ?2 WHERE holder = ?1",
            params![holder.as_str(), now],
        )
        .map(drop)
        .map_err(Error::during("forget leases"))
    }

    /// The container leaves one network; its address there stays with its name.
    pub fn release_lease(
        &self,
        network: &NetworkName,
        holder: &ContainerId,
        now: i64,
    ) -> Result<(), Error> {
        self.run(
            "UPDATE lease SET holder = NULL, released = ?3 WHERE network = ?1 AND holder = ?2",
            params![network.as_str(), holder.as_str(), now],
        )
        .map(drop)
        .map_err(Error::during("release a lease"))
    }

    /// Every lease, by network and address.
    pub fn leases(&self) -> Result<Vec<Lease>, Error> {
        self.many_leases("SELECT * FROM lease ORDER BY network, address", [])
    }

    /// The leases of one network that are in use.
    pub fn leases_held_on(&self, network: &NetworkName) -> Result<Vec<Lease>, Error> {
        self.many_leases(
            "SELECT * FROM lease WHERE network = ?1 AND holder IS NOT NULL ORDER BY address",
            [network.as_str()],
        )
    }

    /// Every lease of one network, in use or not.
    pub fn leases_on(&self, network: &NetworkName) -> Result<Vec<Lease>, Error> {
        self.many_leases(
            "SELECT * FROM lease WHERE network = ?1 ORDER BY address",
            [network.as_str()],
        )
    }

    /// Forgets whose an address was that is one of the network's no longer.
    pub fn forget_lease_of_address(
        &self,
        network: &NetworkName,
        address: Ipv4Addr,
    ) -> Result<(), Error> {
        self.run(
            "DELETE FROM lease WHERE network = ?1 AND address = ?2",
            params![network.as_str(), address.to_bits()],
        )
        .map(drop)
        .map_err(Error::during("forget a lease"))
    }

    /// The IDs of the containers that are on a network.
    pub fn holders_on(&self, network: &NetworkName) -> Result<Vec<String>, Error> {
        let act = Error::during("list who is on a network");
        let mut statement = self
            .inner
            .prepare_cached("SELECT holder FROM lease WHERE network = ?1 AND holder IS NOT NULL")
            .map_err(&act)?;
        let rows = statement
            .query_map([network.as_str()], |row| row.get(0))
            .map_err(&act)?;
        rows.collect::<Result<_, _>>().map_err(act)
    }

    /// How many addresses of a network are in use.
    pub fn leases_in_use(&self, network: &NetworkName) -> Result<u32, Error> {
        self.inner
            .query_row(
                "SELECT count(*) FROM lease WHERE network = ?1 AND holder IS NOT NULL",
                [network.as_str()],
                |row| row.get(0),
            )
            .map_err(Error::during("count leases"))
    }

    pub(crate) fn one_lease(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Option<Lease>, Error> {
        self.inner
            .prepare_cached(query)
            .and_then(|mut statement| {
                statement
                    .query_row(parameters, |row| Ok(read_lease(row)))
                    .optional()
            })
            .map_err(Error::during("look up a lease"))?
            .transpose()
    }
}

impl Transaction<'_> {
    /// Runs a statement that is prepared once.
    pub(crate) fn run(
        &self,
        statement: &str,
        parameters: impl rusqlite::Params,
    ) -> rusqlite::Result<usize> {
        self.inner.prepare_cached(statement)?.execute(parameters)
    }

    fn many_leases(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<Lease>, Error> {
        let act = Error::during("list leases");
        let mut statement = self.inner.prepare_cached(query).map_err(&act)?;
        let rows = statement
            .query_map(parameters, |row| Ok(read_lease(row)))
            .map_err(&act)?;
        rows.map(|row| row.map_err(&act)?).collect()
    }
}

fn read_lease(row: &Row<'_>) -> Result<Lease, Error> {
    let act = Error::during("read a lease");
    let holder: Option<String> = row.get("holder").map_err(&act)?;
    let address6: Option<[u8; 16]> = row.get("address6").map_err(&act)?;
    let released: Option<i64> = row.get("released").map_err(&act)?;
    Ok(Lease {
        network: parse("the network of a lease", row.get("network").map_err(&act)?)?,
        address: Ipv4Addr::from_bits(row.get("address").map_err(&act)?),
        address6: address6.map(Ipv6Addr::from),
        name: row.get("name").map_err(&act)?,
        mac: parse("the MAC of a lease", row.get("mac").map_err(&act)?)?,
        holder: match holder {
            Some(id) => LeaseHolder::Container(parse("the holder of a lease", id)?),
            None => LeaseHolder::NobodySince(released.unwrap_or(0)),
        },
    })
}
