//! Who is called how, for the resolvers of the containers.

use crate::{ContainerRow, Error, Status, Transaction, networks::parse};
use minet_model::{ContainerId, ContainerName, NetworkName};
use rusqlite::{OptionalExtension, params, types::Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a container is called so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// Its name.
    Name,
    /// The first twelve digits of its ID.
    ShortId,
    /// Its hostname.
    Hostname,
    /// An alias on the network.
    Alias,
}

impl NameKind {
    fn as_str(self) -> &'static str {
        match self {
            NameKind::Name => "name",
            NameKind::ShortId => "id",
            NameKind::Hostname => "hostname",
            NameKind::Alias => "alias",
        }
    }

    fn from_column(text: String) -> Result<Self, Error> {
        let kinds = [
            NameKind::Name,
            NameKind::ShortId,
            NameKind::Hostname,
            NameKind::Alias,
        ];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or(Error::Corrupt {
            what: "the kind of a name",
            text,
        })
    }
}

/// One who is called by a name on a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRow {
    /// The name, in lower case.
    pub name: String,
    /// The container's own name.
    pub container: ContainerName,
    /// Why it is called so.
    pub kind: NameKind,
    /// Whether it runs.
    pub running: bool,
    /// Its address on the network, while it holds one: the one that somebody gave it by
    /// hand before the leased one.
    pub address: Option<Ipv4Addr>,
    /// The same in IPv6, where the network has that.
    pub address6: Option<Ipv6Addr>,
}

/// The columns of a [`NamedRow`]. Each table is reached by a key.
const NAMED: &str = "
    SELECT name.name, container.name, name.kind, container.status,
        coalesce(moved_address.address, lease.address), lease.address6
    FROM name JOIN container ON container.id = name.holder
        LEFT JOIN lease INDEXED BY lease_holder
            ON lease.holder = name.holder AND lease.network = name.network
        LEFT JOIN moved_address
            ON moved_address.holder = name.holder AND moved_address.network = name.network
    WHERE name.network = ?1";

const RUNNER_AT: &str = "
    SELECT container.name FROM moved_address AS moved JOIN container ON container.id = moved.holder
    WHERE moved.network = ?1 AND moved.address = ?2 AND container.status = ?3
    UNION ALL
    SELECT container.name FROM lease JOIN container ON container.id = lease.holder
    WHERE lease.network = ?1 AND lease.address = ?2 AND container.status = ?3
        AND NOT EXISTS (SELECT 1 FROM moved_address AS moved
            WHERE moved.holder = lease.holder AND moved.network = lease.network)
    LIMIT 1";

const RUNNER_AT6: &str = "
    SELECT container.name FROM lease JOIN container ON container.id = lease.holder
    WHERE lease.network = ?1 AND lease.address6 = ?2 AND container.status = ?3";

impl Transaction<'_> {
    /// Records how a container is called on a network; of a name that is given twice, the
    /// first kind counts.
    pub fn put_names(
        &self,
        network: &NetworkName,
        holder: &ContainerId,
        names: &[(String, NameKind)],
    ) -> Result<(), Error> {
        let act = Error::during("record the names of a container");
        self.drop_names(network, holder)?;
        let mut statement = self
            .inner
            .prepare_cached(
                "INSERT OR IGNORE INTO name (network, name, holder, kind) VALUES (?1, ?2, ?3, ?4)",
            )
            .map_err(&act)?;
        for (name, kind) in names {
            let row = params![
                network.as_str(),
                name.to_ascii_lowercase(),
                holder.as_str(),
                kind.as_str()
            ];
            statement.execute(row).map_err(&act)?;
        }
        Ok(())
    }

    /// Forgets how a container is called on a network.
    pub fn drop_names(&self, network: &NetworkName, holder: &ContainerId) -> Result<(), Error> {
        self.inner
            .prepare_cached("DELETE FROM name WHERE holder = ?1 AND network = ?2")
            .and_then(|mut statement| statement.execute([holder.as_str(), network.as_str()]))
            .map(drop)
            .map_err(Error::during("forget the names of a container"))
    }

    /// The names of a container go with it to its new name.
    pub(crate) fn rename_names(
        &self,
        row: &ContainerRow,
        name: &ContainerName,
    ) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE OR REPLACE name SET name = ?2, kind = 'name'
                 WHERE holder = ?1 AND kind = 'name'",
                params![row.id.as_str(), name.as_str().to_ascii_lowercase()],
            )
            .map(drop)
            .map_err(Error::during("rename a container"))
    }

    /// Who is called so on this network; `name` in lower case.
    pub fn bearers(&self, network: &NetworkName, name: &str) -> Result<Vec<NamedRow>, Error> {
        self.named(
            &format!("{NAMED} AND name.name = ?2"),
            params![network.as_str(), name],
        )
    }

    /// All names on this network.
    pub fn names_on(&self, network: &NetworkName) -> Result<Vec<NamedRow>, Error> {
        self.named(
            &format!("{NAMED} ORDER BY name.name, container.name"),
            [network.as_str()],
        )
    }

    /// The name of the running container that has this address on this network: as its lease
    /// says, or as somebody changed it inside.
    pub fn runner_at(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> Result<Option<ContainerName>, Error> {
        let (query, address) = match address {
            IpAddr::V4(address) => (RUNNER_AT, Value::from(address.to_bits())),
            IpAddr::V6(address) => (RUNNER_AT6, Value::from(address.octets().to_vec())),
        };
        let name: Option<String> = self
            .inner
            .prepare_cached(query)
            .and_then(|mut statement| {
                let at = params![network.as_str(), address, Status::Running.as_str()];
                statement.query_row(at, |row| row.get(0)).optional()
            })
            .map_err(Error::during("look up an address"))?;
        name.map(|name| parse("the name of a container", name))
            .transpose()
    }

    fn named(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<NamedRow>, Error> {
        let act = Error::during("look up a name");
        let mut statement = self.inner.prepare_cached(query).map_err(&act)?;
        let mut rows = statement.query(parameters).map_err(&act)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(&act)? {
            let status: String = row.get(3).map_err(&act)?;
            let address: Option<u32> = row.get(4).map_err(&act)?;
            let address6: Option<[u8; 16]> = row.get(5).map_err(&act)?;
            found.push(NamedRow {
                name: row.get(0).map_err(&act)?,
                container: parse("the name of a container", row.get(1).map_err(&act)?)?,
                kind: NameKind::from_column(row.get(2).map_err(&act)?)?,
                running: status == Status::Running.as_str(),
                address: address.map(Ipv4Addr::from_bits),
                address6: address6.map(Ipv6Addr::from),
            });
        }
        Ok(found)
    }
}
