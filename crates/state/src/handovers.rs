//! Ports that are on their way: from one container to another, or to nobody.

use crate::{Error, ProcessIdentity, Transaction, networks::parse};
use minet_model::ContainerId;
use rusqlite::{Row, params};

/// A port that is being taken over: whoever finds that its maker is gone brings it to an
/// end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Its number.
    pub number: i64,
    /// Who has the port.
    pub giver: ContainerId,
    /// Who is to have it; the same for one that is to be nobody's.
    pub taker: ContainerId,
    /// What is handed over, as JSON.
    pub what: String,
    /// The boot in which it began.
    pub boot: String,
    /// Who carries it out.
    pub maker: ProcessIdentity,
}

impl Transaction<'_> {
    /// Records that a port is about to be handed over; returns the number.
    pub fn begin_handover(
        &self,
        (giver, taker): (&ContainerId, &ContainerId),
        what: &str,
        (boot, maker): (&str, ProcessIdentity),
    ) -> Result<i64, Error> {
        self.inner
            .execute(
                "INSERT INTO handover (giver, taker, what, boot, maker_pid, maker_start)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    giver.as_str(),
                    taker.as_str(),
                    what,
                    boot,
                    maker.pid,
                    maker.start
                ],
            )
            .map(|_| self.inner.last_insert_rowid())
            .map_err(Error::during("record that a port is handed over"))
    }

    /// It has come to its end.
    pub fn end_handover(&self, number: i64) -> Result<(), Error> {
        self.inner
            .execute("DELETE FROM handover WHERE number = ?1", [number])
            .map(drop)
            .map_err(Error::during("record that a port was handed over"))
    }

    /// Those that have not come to an end.
    pub fn handovers(&self) -> Result<Vec<Handover>, Error> {
        let act = Error::during("list ports that are handed over");
        let mut statement = self
            .inner
            .prepare_cached("SELECT * FROM handover ORDER BY number")
            .map_err(&act)?;
        let rows = statement
            .query_map([], |row| Ok(read_handover(row)))
            .map_err(&act)?;
        rows.map(|row| row.map_err(&act)?).collect()
    }
}

fn read_handover(row: &Row<'_>) -> Result<Handover, Error> {
    let act = Error::during("read a handover");
    Ok(Handover {
        number: row.get("number").map_err(&act)?,
        giver: parse("who hands a port over", row.get("giver").map_err(&act)?)?,
        taker: parse("who takes a port over", row.get("taker").map_err(&act)?)?,
        what: row.get("what").map_err(&act)?,
        boot: row.get("boot").map_err(&act)?,
        maker: ProcessIdentity {
            pid: row.get("maker_pid").map_err(&act)?,
            start: row.get("maker_start").map_err(&act)?,
        },
    })
}
