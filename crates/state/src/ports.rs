use crate::{Error, Transaction, error::is_taken, networks::parse};
use minet_model::{ContainerId, Protocol, PublishedPort};
use rusqlite::{OptionalExtension, params};
use std::net::IpAddr;

/// See [`Transaction::port_holder`].
const HOLDER: &str = "SELECT container.name FROM port JOIN container ON container.id = port.holder
     WHERE protocol = ?1 AND host_port = ?3
       AND (host_ip = ?2 OR host_ip = ?4 OR (?2 = ?4 AND (host_ip LIKE '%:%') = (?4 LIKE '%:%')))";

impl Transaction<'_> {
    /// Records that a container publishes this port; one holder, or an error with its name.
    pub fn put_port(&self, port: &PublishedPort, holder: &ContainerId) -> Result<(), Error> {
        let insert = "INSERT INTO port (protocol, host_ip, host_port, container_port, holder)
             VALUES (?1, ?2, ?3, ?4, ?5)";
        let inserted = self.inner.prepare_cached(insert).and_then(|mut statement| {
            statement.execute(params![
                port.protocol.as_str(),
                port.host_ip.to_string(),
                port.host_port,
                port.container_port,
                holder.as_str(),
            ])
        });
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if is_taken(&error) => Err(Error::PortTaken {
                host: port.host(),
                holder: self
                    .port_holder(port.protocol, port.host_ip, port.host_port)?
                    .unwrap_or_default(),
            }),
            Err(error) => Err(Error::during("record a published port")(error)),
        }
    }

    /// The name of a container that publishes this port, on this address or, since one of
    /// the two would shadow the other, on an address that includes it or is included.
    pub fn port_holder(
        &self,
        protocol: Protocol,
        host_ip: IpAddr,
        host_port: u16,
    ) -> Result<Option<String>, Error> {
        let any = match host_ip {
            IpAddr::V4(_) => "0.0.0.0",
            IpAddr::V6(_) => "::",
        };
        self.inner
            .prepare_cached(HOLDER)
            .and_then(|mut statement| {
                statement
                    .query_row(
                        params![protocol.as_str(), host_ip.to_string(), host_port, any],
                        |row| row.get(0),
                    )
                    .optional()
            })
            .map_err(Error::during("look up a published port"))
    }

    /// The ports of one container, in the order of [`PublishedPort`].
    pub fn ports_of(&self, holder: &ContainerId) -> Result<Vec<PublishedPort>, Error> {
        let act = Error::during("list published ports");
        let mut statement = self
            .inner
            .prepare_cached(
                "SELECT protocol, container_port, host_ip, host_port FROM port WHERE holder = ?1",
            )
            .map_err(&act)?;
        let rows = statement
            .query_map([holder.as_str()], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get(1)?,
                    row.get::<_, String>(2)?,
                    row.get(3)?,
                ))
            })
            .map_err(&act)?;
        let mut ports = Vec::new();
        for row in rows {
            let (protocol, container_port, host_ip, host_port) = row.map_err(&act)?;
            ports.push(PublishedPort {
                protocol: parse("the protocol of a port", protocol)?,
                container_port,
                host_ip: parse("the address of a port", host_ip)?,
                host_port,
            });
        }
        ports.sort();
        Ok(ports)
    }

    /// The container publishes this port no longer.
    pub fn drop_port(&self, port: &PublishedPort, holder: &ContainerId) -> Result<(), Error> {
        self.inner
            .execute(
                "DELETE FROM port
                 WHERE protocol = ?1 AND host_ip = ?2 AND host_port = ?3 AND holder = ?4",
                params![
                    port.protocol.as_str(),
                    port.host_ip.to_string(),
                    port.host_port,
                    holder.as_str(),
                ],
            )
            .map(drop)
            .map_err(Error::during("drop a published port"))
    }

    /// The container publishes nothing any more.
    pub fn drop_ports(&self, holder: &ContainerId) -> Result<(), Error> {
        self.inner
            .execute("DELETE FROM port WHERE holder = ?1", [holder.as_str()])
            .map(drop)
            .map_err(Error::during("drop published ports"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    /// Each port of each start asks for this, so it must not grow with what is published.
    #[test]
    fn who_holds_a_port_is_looked_up_by_its_number() {
        let mut store = Store::in_memory().unwrap();
        let plan: String = store
            .read(|tx| {
                let explain = format!("EXPLAIN QUERY PLAN {HOLDER}");
                let parameters = params!["tcp", "0.0.0.0", 80, "0.0.0.0"];
                let row = |row: &rusqlite::Row<'_>| row.get("detail");
                let plan = tx.inner.query_row(&explain, parameters, row);
                plan.map_err(Error::during("explain a query"))
            })
            .unwrap();
        assert!(plan.contains("(protocol=? AND host_port=?)"), "{plan}");
    }
}
