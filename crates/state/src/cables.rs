//! How many cables are plugged into which bridge of a network.

use crate::{Error, Transaction};
use minet_model::{ContainerId, NetworkName};
use rusqlite::params;

impl Transaction<'_> {
    /// How many cables each bridge of a network has, as `(number, cables)`: 0 is the
    /// network's own, and those that never had one are not told. One row for each bridge,
    /// however many cables there are.
    pub fn cables_on(&self, network: &NetworkName) -> Result<Vec<(u16, u32)>, Error> {
        let act = Error::during("count the cables of a network");
        let mut statement = self
            .inner
            .prepare_cached("SELECT shard, count FROM cables WHERE network = ?1 ORDER BY shard")
            .map_err(&act)?;
        let rows = statement
            .query_map([network.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(&act)?;
        rows.map(|row| row.map_err(&act)).collect()
    }

    /// Records which bridge of a network a container's cable is plugged into.
    pub fn plug_cable(
        &self,
        network: &NetworkName,
        holder: &ContainerId,
        bridge: u16,
    ) -> Result<(), Error> {
        self.run(
            "UPDATE lease SET shard = ?3 WHERE network = ?1 AND holder = ?2 AND shard != ?3",
            params![network.as_str(), holder.as_str(), bridge],
        )
        .map(drop)
        .map_err(Error::during("record where a cable is plugged in"))
    }
}
