use crate::{Error, Transaction, networks::parse};
use minet_model::{ContainerId, MacAddr, NetworkName};
use rusqlite::{OptionalExtension, Row, params};
use std::net::Ipv4Addr;

/// Who holds, or last held, an address of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The container's name; the lease stays with it.
    pub name: String,
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

    /// The address that has been out of use for the longest time.
    pub fn longest_released(&self, network: &NetworkName) -> Result<Option<Lease>, Error> {
        self.one_lease(
            "SELECT * FROM lease WHERE network = ?1 AND holder IS NULL ORDER BY released LIMIT 1",
            params![network.as_str()],
        )
    }

    /// The first address above `after` that nobody has, if the one right above a leased
    /// address is; `after` itself must be leased.
    pub fn first_gap(
        &self,
        network: &NetworkName,
        after: Ipv4Addr,
    ) -> Result<Option<Ipv4Addr>, Error> {
        self.inner
            .prepare_cached(
                "SELECT held.address + 1 FROM lease AS held
                 WHERE held.network = ?1 AND held.address >= ?2 AND NOT EXISTS (
                    SELECT 1 FROM lease AS next
                    WHERE next.network = ?1 AND next.address = held.address + 1)
                 ORDER BY held.address LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![network.as_str(), after.to_bits()], |row| {
                        row.get::<_, u32>(0)
                    })
                    .optional()
            })
            .map(|address| address.map(Ipv4Addr::from_bits))
            .map_err(Error::during("look for a free address"))
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
        self.inner
            .execute(
                "DELETE FROM lease WHERE network = ?1 AND holder IS NULL AND (name = ?2 OR address = ?3)",
                params![network.as_str(), name, address.to_bits()],
            )
            .map_err(&act)?;
        self.inner
            .execute(
                "INSERT INTO lease (network, address, name, mac, holder) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![network.as_str(), address.to_bits(), name, mac.to_string(), holder.as_str()],
            )
            .map(drop)
            .map_err(act)
    }

    /// The container no longer uses its addresses; they stay with its name.
    pub fn release_leases(&self, holder: &ContainerId, now: i64) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE lease SET holder = NULL, released = ?2 WHERE holder = ?1",
                params![holder.as_str(), now],
            )
            .map(drop)
            .map_err(Error::during("release leases"))
    }

    /// The container and its name are gone for good, as those of `--rm` without a name.
    pub fn forget_leases(&self, holder: &ContainerId) -> Result<(), Error> {
        self.inner
            .execute("DELETE FROM lease WHERE holder = ?1", [holder.as_str()])
            .map(drop)
            .map_err(Error::during("forget leases"))
    }

    /// Forgets every lease of a network, whose subnet has changed.
    pub fn forget_network_leases(&self, network: &NetworkName) -> Result<(), Error> {
        self.inner
            .execute("DELETE FROM lease WHERE network = ?1", [network.as_str()])
            .map(drop)
            .map_err(Error::during("forget a network's leases"))
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

    fn one_lease(
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

fn read_lease(row: &Row<'_>) -> Result<Lease, Error> {
    let act = Error::during("read a lease");
    let holder: Option<String> = row.get("holder").map_err(&act)?;
    let released: Option<i64> = row.get("released").map_err(&act)?;
    Ok(Lease {
        address: Ipv4Addr::from_bits(row.get("address").map_err(&act)?),
        name: row.get("name").map_err(&act)?,
        mac: parse("the MAC of a lease", row.get("mac").map_err(&act)?)?,
        holder: match holder {
            Some(id) => LeaseHolder::Container(parse("the holder of a lease", id)?),
            None => LeaseHolder::NobodySince(released.unwrap_or(0)),
        },
    })
}
