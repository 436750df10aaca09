//! What becomes of a container after its first start: wishes of its user, starts again,
//! ends, and another name.

use crate::{ContainerRow, Error, NewContainer, Transaction, Wish, error::is_taken};
use minet_model::{ContainerId, ContainerName};
use rusqlite::{OptionalExtension, params};

/// How many ends of containers that are gone are remembered, for whoever waits for them.
const ENDS: i64 = 256;

impl Transaction<'_> {
    /// Records that a container that has ended is made again, with the same identity.
    /// False if somebody else was faster, or something of it is still there.
    pub fn readmit(&self, new: &NewContainer<'_>) -> Result<bool, Error> {
        let changed = self.inner.execute(
            "UPDATE container SET settings = ?2, plan = ?3, namespace_of = ?4, status = 'created',
                wish = 'run', ended_by = NULL, error = NULL, restarts = 0,
                boot = ?5, supervisor_pid = ?6, supervisor_start = ?7
             WHERE id = ?1 AND boot IS NULL",
            params![
                new.id.as_str(),
                new.settings,
                new.plan,
                new.namespace_of.map(ContainerId::as_str),
                new.boot,
                new.supervisor.pid,
                new.supervisor.start,
            ],
        );
        changed
            .map(|rows| rows == 1)
            .map_err(Error::during("record that a container starts again"))
    }

    /// Records what the container's user wants, and with which signal it was said.
    pub fn desire(&self, id: &ContainerId, wish: Wish, signal: Option<i32>) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET wish = ?2, ended_by = ?3 WHERE id = ?1",
                params![id.as_str(), wish.as_str(), signal],
            )
            .map(drop)
            .map_err(Error::during("record what is wanted of a container"))
    }

    /// Records why a container could not be started again.
    pub fn set_error(&self, id: &ContainerId, error: &str) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET error = ?2 WHERE id = ?1",
                [id.as_str(), error],
            )
            .map(drop)
            .map_err(Error::during("record why a container did not start"))
    }

    /// Records that the command has ended and will be started again after a pause.
    pub fn mark_restarting(&self, id: &ContainerId, exit_code: i32, now: i64) -> Result<(), Error> {
        self.inner
            .execute(
                "UPDATE container SET status = 'restarting', exit_code = ?2, finished = ?3,
                    restarts = restarts + 1, ended_by = NULL, init_pid = NULL, init_start = NULL
                 WHERE id = ?1",
                params![id.as_str(), exit_code, now],
            )
            .map(drop)
            .map_err(Error::during("record that a container starts again"))
    }

    /// Gives a container another name, and its address with it.
    pub fn rename_container(&self, row: &ContainerRow, name: &ContainerName) -> Result<(), Error> {
        self.require_free_name(name)?;
        let act = Error::during("rename a container");
        let renamed = self.inner.execute(
            "UPDATE container SET name = ?2 WHERE id = ?1",
            [row.id.as_str(), name.as_str()],
        );
        renamed.map_err(&act)?;
        self.rename_links(row, name)?;
        self.rename_kept_ports(row.name.as_str(), name.as_str())?;
        self.rename_names(row, name)?;
        // Whatever the new name had to do with other addresses before is forgotten.
        self.inner
            .execute(
                "DELETE FROM lease WHERE name = ?2 AND holder IS NULL AND EXISTS (
                    SELECT 1 FROM lease AS own WHERE own.network = lease.network AND own.name = ?1)",
                [row.name.as_str(), name.as_str()],
            )
            .map_err(&act)?;
        let moved = self.inner.execute(
            "UPDATE lease SET name = ?2 WHERE name = ?1",
            [row.name.as_str(), name.as_str()],
        );
        match moved {
            Ok(_) => Ok(()),
            Err(error) if is_taken(&error) => Err(Error::NameTaken {
                name: name.to_string(),
                holder: "another container's address".to_owned(),
            }),
            Err(error) => Err(act(error)),
        }
    }

    /// Remembers for a while how a container ended that is about to be forgotten.
    pub fn remember_end(&self, id: &ContainerId, exit_code: i32) -> Result<(), Error> {
        let act = Error::during("remember the end of a container");
        self.inner
            .execute(
                "INSERT OR REPLACE INTO ended (id, exit_code) VALUES (?1, ?2)",
                params![id.as_str(), exit_code],
            )
            .map_err(&act)?;
        self.inner
            .execute(
                "DELETE FROM ended WHERE number <= last_insert_rowid() - ?1",
                [ENDS],
            )
            .map(drop)
            .map_err(act)
    }

    /// How a container ended that is gone, if it has not been for long.
    pub fn remembered_end(&self, id: &ContainerId) -> Result<Option<i32>, Error> {
        self.inner
            .query_row(
                "SELECT exit_code FROM ended WHERE id = ?1",
                [id.as_str()],
                |row| row.get(0),
            )
            .optional()
            .map_err(Error::during("look up the end of a container"))
    }
}
