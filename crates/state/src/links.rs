//! Who shall know whom by which name.

use crate::{ContainerRow, Error, Transaction, error::is_taken, networks::parse};
use minet_model::{ContainerId, ContainerName, HostName, NetworkName, Receiver};
use rusqlite::{OptionalExtension, Row, params};
use std::net::Ipv4Addr;

/// One alias in one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// Who knows the name.
    pub receiver: Receiver,
    /// The name.
    pub alias: HostName,
    /// The name of the container that it leads to, whether there is one now or not.
    pub source: ContainerName,
    /// The container whose `--link` it is, and with which it is forgotten; none for a wish
    /// that stands by itself.
    pub holder: Option<ContainerId>,
    /// Milliseconds since 1970.
    pub created: i64,
}

/// A receiver whose names and edges are to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relink {
    /// A container's ID, or `/` for the host.
    pub receiver: String,
    /// Grows with each change, so that whoever was faster does not hide a later one.
    pub generation: i64,
}

impl Transaction<'_> {
    /// Records a link. The same one again changes nothing.
    ///
    /// # Errors
    /// [`Error::AliasTaken`] if the name leads to somebody else in that receiver.
    pub fn put_link(&self, link: &LinkRow) -> Result<(), Error> {
        let act = Error::during("record a link");
        let known = self.link_named(&link.receiver, link.alias.as_str())?;
        if known
            .as_ref()
            .is_some_and(|known| known.source == link.source)
        {
            return Ok(());
        }
        let inserted = self.inner.execute(
            "INSERT INTO link (receiver, alias, source, holder, created)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                link.receiver.to_string(),
                link.alias.as_str(),
                link.source.as_str(),
                link.holder.as_ref().map(ContainerId::as_str),
                link.created,
            ],
        );
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if is_taken(&error) => Err(Error::AliasTaken {
                alias: link.alias.to_string(),
                receiver: match &link.receiver {
                    Receiver::Container(name) => format!("container \"{name}\""),
                    Receiver::Neighbours => "every neighbour".to_owned(),
                    Receiver::Host => "the host".to_owned(),
                },
                source_name: known
                    .map(|known| known.source.to_string())
                    .unwrap_or_default(),
            }),
            Err(error) => Err(act(error)),
        }
    }

    /// Forgets one alias in one receiver.
    pub fn delete_link(&self, receiver: &Receiver, alias: &HostName) -> Result<(), Error> {
        self.inner
            .execute(
                "DELETE FROM link WHERE receiver = ?1 AND alias = ?2",
                params![receiver.to_string(), alias.as_str()],
            )
            .map(drop)
            .map_err(Error::during("forget a link"))
    }

    /// The link by this name in this receiver, in whatever case it is written.
    pub fn link_named(&self, receiver: &Receiver, alias: &str) -> Result<Option<LinkRow>, Error> {
        self.inner
            .prepare_cached("SELECT * FROM link WHERE receiver = ?1 AND alias = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![receiver.to_string(), alias], |row| {
                        Ok(read_link(row))
                    })
                    .optional()
            })
            .map_err(Error::during("look up a link"))?
            .transpose()
    }

    /// The links into this receiver, the oldest first.
    pub fn links_into(&self, receiver: &Receiver) -> Result<Vec<LinkRow>, Error> {
        self.many_links(
            "SELECT * FROM link WHERE receiver = ?1 ORDER BY created, source, alias",
            [receiver.to_string()],
        )
    }

    /// The links that lead to this container.
    pub fn links_from(&self, source: &ContainerName) -> Result<Vec<LinkRow>, Error> {
        self.many_links(
            "SELECT * FROM link WHERE source = ?1 ORDER BY receiver, created, alias",
            [source.as_str()],
        )
    }

    /// The links to all neighbours whose source has an address on this network now.
    pub fn links_to_neighbours_on(&self, network: &NetworkName) -> Result<Vec<LinkRow>, Error> {
        self.many_links(
            "SELECT link.* FROM link JOIN lease
                ON lease.network = ?1 AND lease.name = link.source AND lease.holder IS NOT NULL
             WHERE link.receiver = '*' ORDER BY link.created, link.source, link.alias",
            [network.as_str()],
        )
    }

    /// All links.
    pub fn links(&self) -> Result<Vec<LinkRow>, Error> {
        self.many_links(
            "SELECT * FROM link ORDER BY source, receiver, created, alias",
            [],
        )
    }

    /// The links of a container go with it to its new name.
    pub(crate) fn rename_links(
        &self,
        row: &ContainerRow,
        name: &ContainerName,
    ) -> Result<(), Error> {
        let act = Error::during("rename the links of a container");
        let names = [row.name.as_str(), name.as_str()];
        for statement in [
            "UPDATE link SET source = ?2 WHERE source = ?1",
            // Where somebody of the new name was awaited, the older wish gives way.
            "UPDATE OR REPLACE link SET receiver = ?2 WHERE receiver = ?1",
        ] {
            self.inner.execute(statement, names).map_err(&act)?;
        }
        Ok(())
    }

    /// Notes that a receiver is to be looked at: a container's ID, or `/` for the host.
    pub fn note_relink(&self, receiver: &str) -> Result<(), Error> {
        self.inner
            .prepare_cached(
                "INSERT INTO relink (receiver, generation) VALUES (?1, 1)
                 ON CONFLICT (receiver) DO UPDATE SET generation = generation + 1",
            )
            .and_then(|mut statement| statement.execute([receiver]))
            .map(drop)
            .map_err(Error::during("note a change of links"))
    }

    /// What is still to be done; usually nothing.
    pub fn relinks(&self) -> Result<Vec<Relink>, Error> {
        let act = Error::during("look for changes of links");
        let mut statement = self
            .inner
            .prepare_cached("SELECT receiver, generation FROM relink")
            .map_err(&act)?;
        let rows = statement
            .query_map([], |row| {
                Ok(Relink {
                    receiver: row.get(0)?,
                    generation: row.get(1)?,
                })
            })
            .map_err(&act)?;
        rows.collect::<Result<_, _>>().map_err(act)
    }

    /// How far the changes of this receiver have come, if there is something to be done.
    pub fn relink(&self, receiver: &str) -> Result<Option<Relink>, Error> {
        self.inner
            .prepare_cached("SELECT generation FROM relink WHERE receiver = ?1")
            .and_then(|mut statement| statement.query_row([receiver], |row| row.get(0)).optional())
            .map(|generation| {
                generation.map(|generation| Relink {
                    receiver: receiver.to_owned(),
                    generation,
                })
            })
            .map_err(Error::during("look for a change of links"))
    }

    /// It is done, unless something has changed again since.
    pub fn relinked(&self, done: &Relink) -> Result<(), Error> {
        self.inner
            .execute(
                "DELETE FROM relink WHERE receiver = ?1 AND generation = ?2",
                params![done.receiver, done.generation],
            )
            .map(drop)
            .map_err(Error::during("record that links are up to date"))
    }

    /// The address that somebody gave a container's interface by hand.
    pub fn moved_address(
        &self,
        holder: &ContainerId,
        network: &NetworkName,
    ) -> Result<Option<Ipv4Addr>, Error> {
        self.inner
            .prepare_cached("SELECT address FROM moved_address WHERE holder = ?1 AND network = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row([holder.as_str(), network.as_str()], |row| row.get(0))
                    .optional()
            })
            .map(|address: Option<u32>| address.map(Ipv4Addr::from_bits))
            .map_err(Error::during("look up an address that was changed by hand"))
    }

    /// Who gave itself this address of the network by hand.
    pub fn moved_to(
        &self,
        network: &NetworkName,
        address: Ipv4Addr,
    ) -> Result<Option<ContainerId>, Error> {
        let act = "look up who has an address by hand";
        let holder: Option<String> = self
            .inner
            .prepare_cached("SELECT holder FROM moved_address WHERE network = ?1 AND address = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![network.as_str(), address.to_bits()], |row| {
                        row.get(0)
                    })
                    .optional()
            })
            .map_err(Error::during(act))?;
        holder.map(|id| parse(act, id)).transpose()
    }

    /// Records the address that an interface has now; none if it is the leased one again.
    /// True if this is news.
    pub fn set_moved_address(
        &self,
        holder: &ContainerId,
        network: &NetworkName,
        address: Option<Ipv4Addr>,
    ) -> Result<bool, Error> {
        let act = Error::during("record an address that was changed by hand");
        if self.moved_address(holder, network)? == address {
            return Ok(false);
        }
        let changed = match address {
            Some(address) => self.inner.execute(
                "INSERT OR REPLACE INTO moved_address (holder, network, address) VALUES (?1, ?2, ?3)",
                params![holder.as_str(), network.as_str(), address.to_bits()],
            ),
            None => self.inner.execute(
                "DELETE FROM moved_address WHERE holder = ?1 AND network = ?2",
                [holder.as_str(), network.as_str()],
            ),
        };
        changed.map(|_| true).map_err(act)
    }

    /// The container is about to begin anew, with the addresses that were leased.
    pub fn forget_moved_addresses(&self, holder: &ContainerId) -> Result<(), Error> {
        self.inner
            .execute(
                "DELETE FROM moved_address WHERE holder = ?1",
                [holder.as_str()],
            )
            .map(drop)
            .map_err(Error::during("forget addresses that were changed by hand"))
    }

    fn many_links(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<LinkRow>, Error> {
        let act = Error::during("list links");
        let mut statement = self.inner.prepare_cached(query).map_err(&act)?;
        let rows = statement
            .query_map(parameters, |row| Ok(read_link(row)))
            .map_err(&act)?;
        rows.map(|row| row.map_err(&act)?).collect()
    }
}

fn read_link(row: &Row<'_>) -> Result<LinkRow, Error> {
    let act = Error::during("read a link");
    let holder: Option<String> = row.get("holder").map_err(&act)?;
    Ok(LinkRow {
        receiver: parse("the receiver of a link", row.get("receiver").map_err(&act)?)?,
        alias: parse("the alias of a link", row.get("alias").map_err(&act)?)?,
        source: parse("the source of a link", row.get("source").map_err(&act)?)?,
        holder: holder
            .map(|id| parse("the holder of a link", id))
            .transpose()?,
        created: row.get("created").map_err(&act)?,
    })
}
