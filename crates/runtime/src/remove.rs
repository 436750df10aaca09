//! `minet rm`: the container goes, and everything of it.

use crate::{Error, Runtime, find};
use minet_state::Status;

/// Whether a running container may be killed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Only a container that has ended is removed.
    Ended,
    /// A running one is killed first.
    Kill,
}

impl Runtime {
    /// Removes a container, by name or ID.
    pub fn remove(&mut self, container: &str, force: Force) -> Result<(), Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        if self.has_living_guests(&row.id)? {
            return Err(Error::NetworkInUse(row.name.to_string()));
        }
        if row.status != Status::Exited || row.live.is_some() {
            if row.status != Status::Exited && force == Force::Ended {
                return Err(Error::StillRunning(row.name.to_string()));
            }
            self.end(&row)?;
        }
        self.forget_log(&row.id)?;
        // In one transaction with the last look: a guest may have moved in meanwhile.
        self.store.write(|tx| match tx.container(&row.id)? {
            Some(row) if row.status != Status::Exited => {
                Err(Error::StillRunning(row.name.to_string()))
            }
            Some(row) if row.live.is_some() => Err(Error::NetworkInUse(row.name.to_string())),
            Some(_) | None => Ok(tx.delete_container(&row.id)?),
        })
    }
}
