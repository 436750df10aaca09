use crate::{Error, Transaction};
use minet_model::{BridgeNetwork, NetworkName};
use rusqlite::{OptionalExtension, Row, params};
use std::str::FromStr;

/// A network and whether its bridge and rules stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRow {
    /// The network as it should be.
    pub network: BridgeNetwork,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// The last address that was handed out for the first time, as a number; 0 for none.
    pub cursor: u32,
    /// The boot in which it was brought up; none when it is down.
    pub up_in_boot: Option<String>,
    /// The steps that brought it up, as JSON, for whoever takes it down.
    pub plan: Option<String>,
}

impl Transaction<'_> {
    /// The network of this name.
    pub fn network(&self, name: &NetworkName) -> Result<Option<NetworkRow>, Error> {
        self.inner
            .prepare_cached("SELECT * FROM network WHERE name = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([name.as_str()], |row| Ok(read_network(row)))
                    .optional()
            })
            .map_err(Error::during("look up a network"))?
            .transpose()
    }

    /// All networks, by name.
    pub fn networks(&self) -> Result<Vec<NetworkRow>, Error> {
        let act = Error::during("list the networks");
        let mut statement = self
            .inner
            .prepare_cached("SELECT * FROM network ORDER BY name")
            .map_err(&act)?;
        let rows = statement
            .query_map([], |row| Ok(read_network(row)))
            .map_err(&act)?;
        rows.map(|row| row.map_err(&act)?).collect()
    }

    /// The networks whose ID begins so, at most two: none, the one, or ambiguous.
    pub fn networks_by_prefix(&self, prefix: &str) -> Result<Vec<NetworkRow>, Error> {
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let act = Error::during("look up a network");
        let mut statement = self
            .inner
            .prepare_cached(
                "SELECT * FROM network WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT 2",
            )
            .map_err(&act)?;
        let rows = statement
            .query_map([prefix.to_ascii_lowercase()], |row| Ok(read_network(row)))
            .map_err(&act)?;
        rows.map(|row| row.map_err(&act)?).collect()
    }

    /// Records a network, or changes what it should be.
    pub fn put_network(&self, network: &BridgeNetwork, created: i64) -> Result<(), Error> {
        let definition = serde_json::to_string(network).unwrap_or_default();
        self.inner
            .execute(
                "INSERT INTO network (name, id, bridge, subnet, definition, created)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (name) DO UPDATE SET
                    bridge = ?3, subnet = ?4, definition = ?5,
                    cursor = CASE WHEN subnet = ?4 THEN cursor ELSE 0 END",
                params![
                    network.name.as_str(),
                    network.id.as_str(),
                    network.bridge.as_str(),
                    network.subnet.to_string(),
                    definition,
                    created,
                ],
            )
            .map(drop)
            .map_err(Error::during("record a network"))
    }

    /// Forgets a network, and who had which of its addresses.
    pub fn delete_network(&self, name: &NetworkName) -> Result<(), Error> {
        self.inner
            .execute("DELETE FROM network WHERE name = ?1", [name.as_str()])
            .map(drop)
            .map_err(Error::during("remove a network"))
    }

    /// Records the steps that are about to bring a network up.
    pub fn plan_network(&self, name: &NetworkName, plan: &str) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE network SET plan = ?2, up_in_boot = NULL WHERE name = ?1",
                [name.as_str(), plan],
            )
            .map(drop)
            .map_err(Error::during("record the plan of a network"))
    }

    /// Records more steps of a network, whether it is up or about to be.
    pub fn extend_network_plan(&self, name: &NetworkName, plan: &str) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE network SET plan = ?2 WHERE name = ?1",
                [name.as_str(), plan],
            )
            .map(drop)
            .map_err(Error::during("extend the plan of a network"))
    }

    /// Records that a network is up, in this boot.
    pub fn network_is_up(&self, name: &NetworkName, boot: &str) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE network SET up_in_boot = ?2 WHERE name = ?1",
                [name.as_str(), boot],
            )
            .map(drop)
            .map_err(Error::during("record that a network is up"))
    }

    /// Records that a network is about to be taken down; the plan stays until it is.
    pub fn network_goes_down(&self, name: &NetworkName) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE network SET up_in_boot = NULL WHERE name = ?1",
                [name.as_str()],
            )
            .map(drop)
            .map_err(Error::during("record that a network goes down"))
    }

    /// Records that a network is down: nothing of it stands in the kernel.
    pub fn network_is_down(&self, name: &NetworkName) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE network SET up_in_boot = NULL, plan = NULL WHERE name = ?1",
                [name.as_str()],
            )
            .map(drop)
            .map_err(Error::during("record that a network is down"))
    }

    /// Whether a crash left a network between down and up, or a reboot took one away.
    pub fn has_half_made_network(&self, boot: &str) -> Result<bool, Error> {
        self.inner
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM network
                    WHERE plan IS NOT NULL AND up_in_boot IS NOT ?1)",
            )
            .and_then(|mut statement| statement.query_row([boot], |row| row.get(0)))
            .map_err(Error::during("look for half-made networks"))
    }

    /// Remembers the last address that was handed out for the first time.
    pub fn set_cursor(&self, name: &NetworkName, cursor: u32) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE network SET cursor = ?2 WHERE name = ?1",
                params![name.as_str(), cursor],
            )
            .map(drop)
            .map_err(Error::during("move a network's cursor"))
    }
}

fn read_network(row: &Row<'_>) -> Result<NetworkRow, Error> {
    let act = Error::during("read a network");
    let definition: String = row.get("definition").map_err(&act)?;
    let network = serde_json::from_str(&definition).map_err(|_| Error::Corrupt {
        what: "a network",
        text: definition,
    })?;
    Ok(NetworkRow {
        network,
        created: row.get("created").map_err(&act)?,
        cursor: row.get("cursor").map_err(&act)?,
        up_in_boot: row.get("up_in_boot").map_err(&act)?,
        plan: row.get("plan").map_err(&act)?,
    })
}

/// A column as the type it was written from.
pub(crate) fn parse<T: FromStr>(what: &'static str, text: String) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt { what, text })
}
