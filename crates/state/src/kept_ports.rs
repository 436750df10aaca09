//! Host ports that minet chose: a name keeps them, as it keeps its address.

use crate::{Error, Transaction, networks::parse};
use minet_model::{ContainerId, ContainerName, Protocol, PublishedPort};
use rusqlite::params;
use std::net::IpAddr;

/// A host port that was chosen for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPort {
    /// The host's side and the container's port.
    pub port: PublishedPort,
    /// Whose it is.
    pub name: String,
    /// When it was last taken or let go, in milliseconds since 1970.
    pub used: i64,
    /// The container that publishes it now.
    pub holder: Option<ContainerId>,
}

impl Transaction<'_> {
    /// These ports were chosen for a name, instead of those it had for the same ports of
    /// its own; whoever else had one of them has it no longer.
    pub fn keep_ports(
        &self,
        name: &ContainerName,
        ports: &[PublishedPort],
        now: i64,
    ) -> Result<(), Error> {
        let act = Error::during("record the ports that a name keeps");
        let mut forget = self
            .inner
            .prepare_cached(
                "DELETE FROM kept_port
                 WHERE name = ?1 AND protocol = ?2 AND container_port = ?3 AND host_ip = ?4",
            )
            .map_err(&act)?;
        for port in ports {
            let host_ip = port.host_ip.to_string();
            forget
                .execute(params![
                    name.as_str(),
                    port.protocol.as_str(),
                    port.container_port,
                    host_ip
                ])
                .map_err(&act)?;
        }
        let mut keep = self
            .inner
            .prepare_cached(
                "INSERT OR REPLACE INTO kept_port
                    (protocol, host_ip, host_port, container_port, name, used)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(&act)?;
        for port in ports {
            keep.execute(params![
                port.protocol.as_str(),
                port.host_ip.to_string(),
                port.host_port,
                port.container_port,
                name.as_str(),
                now,
            ])
            .map_err(&act)?;
        }
        Ok(())
    }

    /// The ports that a name had, the youngest first.
    pub fn ports_kept_by(&self, name: &str) -> Result<Vec<PublishedPort>, Error> {
        let kept = self.many_kept(
            "WHERE kept_port.name = ?1 ORDER BY used DESC, kept_port.host_port",
            [name],
        )?;
        Ok(kept.into_iter().map(|kept| kept.port).collect())
    }

    /// Whether another name keeps this port, on whichever address.
    pub fn is_kept_by_another(
        &self,
        protocol: Protocol,
        host_port: u16,
        name: Option<&str>,
    ) -> Result<bool, Error> {
        self.inner
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM kept_port
                    WHERE protocol = ?1 AND host_port = ?2 AND name IS NOT ?3)",
            )
            .and_then(|mut statement| {
                statement.query_row(params![protocol.as_str(), host_port, name], |row| {
                    row.get(0)
                })
            })
            .map_err(Error::during("look up who keeps a port"))
    }

    /// The ports that names keep and nobody publishes, the one longest out of use first.
    pub fn longest_kept(&self, protocol: Protocol) -> Result<Vec<u16>, Error> {
        let kept = self.many_kept(
            "WHERE kept_port.protocol = ?1 AND port.holder IS NULL ORDER BY used",
            [protocol.as_str()],
        )?;
        Ok(kept.into_iter().map(|kept| kept.port.host_port).collect())
    }

    /// A name's ports are used no longer.
    pub fn let_ports_rest(&self, name: &str, now: i64) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE kept_port SET used = ?2 WHERE name = ?1",
                params![name, now],
            )
            .map(drop)
            .map_err(Error::during("record when ports were last used"))
    }

    /// Nobody will ask for this name's ports again.
    pub fn forget_kept_ports(&self, name: &str) -> Result<(), Error> {
        self.inner
            .execute("DELETE FROM kept_port WHERE name = ?1", [name])
            .map(drop)
            .map_err(Error::during("forget the ports that a name keeps"))
    }

    /// Whatever the new name had is forgotten; it has what the old one had.
    pub(crate) fn rename_kept_ports(&self, from: &str, to: &str) -> Result<(), Error> {
        self.forget_kept_ports(to)?;
        self.inner
            .execute("UPDATE kept_port SET name = ?2 WHERE name = ?1", [from, to])
            .map(drop)
            .map_err(Error::during("rename a container"))
    }

    /// All of them, by number.
    pub fn kept_ports(&self) -> Result<Vec<KeptPort>, Error> {
        self.many_kept(
            "ORDER BY kept_port.host_port, kept_port.protocol, kept_port.host_ip",
            [],
        )
    }

    fn many_kept(
        &self,
        which: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<KeptPort>, Error> {
        let act = Error::during("list the ports that names keep");
        let query = format!(
            "SELECT kept_port.protocol, kept_port.container_port, kept_port.host_ip,
                kept_port.host_port, kept_port.name, used, port.holder
             FROM kept_port LEFT JOIN port USING (protocol, host_ip, host_port) {which}"
        );
        let mut statement = self.inner.prepare_cached(&query).map_err(&act)?;
        let mut rows = statement.query(parameters).map_err(&act)?;
        let mut kept = Vec::new();
        while let Some(row) = rows.next().map_err(&act)? {
            let text = |column| row.get::<_, String>(column).map_err(&act);
            let host_ip: IpAddr = parse("the address of a port", text(2)?)?;
            let holder: Option<String> = row.get(6).map_err(&act)?;
            kept.push(KeptPort {
                port: PublishedPort {
                    protocol: parse("the protocol of a port", text(0)?)?,
                    container_port: row.get(1).map_err(&act)?,
                    host_ip,
                    host_port: row.get(3).map_err(&act)?,
                },
                name: text(4)?,
                used: row.get(5).map_err(&act)?,
                holder: holder
                    .map(|id| parse("the holder of a port", id))
                    .transpose()?,
            });
        }
        Ok(kept)
    }
}
