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
    /// Removes containers, by names or IDs; one outcome for each. In which order they are
    /// named does not matter: one whose network others use goes after those that go with it.
    pub fn remove_all(&mut self, containers: &[String], force: Force) -> Vec<Result<(), Error>> {
        let mut outcomes: Vec<Option<Result<(), Error>>> = Vec::new();
        outcomes.resize_with(containers.len(), || None);
        loop {
            let mut gone = 0;
            for (container, outcome) in containers.iter().zip(&mut outcomes) {
                if matches!(outcome, None | Some(Err(Error::NetworkInUse(_)))) {
                    let now = self.remove(container, force);
                    gone += usize::from(now.is_ok());
                    *outcome = Some(now);
                }
            }
            // Whoever is still in use is so by somebody who stays.
            let waiting = |outcome| matches!(outcome, &Some(Err(Error::NetworkInUse(_))));
            if gone == 0 || !outcomes.iter().any(waiting) {
                return outcomes.into_iter().flatten().collect();
            }
        }
    }

    /// Removes a container, by name or ID.
    pub(crate) fn remove(&mut self, container: &str, force: Force) -> Result<(), Error> {
        let row = self.store.read(|tx| find::container(tx, container))?;
        if self.has_living_guests(&row.id)? {
            return Err(Error::NetworkInUse(row.name.to_string()));
        }
        if row.status != Status::Exited || row.live.is_some() {
            if row.status != Status::Exited && force == Force::Ended {
                return Err(Error::StillRunning(row.name.to_string()));
            }
            self.end(&row)?;
            if self.store.read(|tx| tx.container(&row.id))?.is_none() {
                return Ok(());
            }
        }
        self.forget_log(&row.id)?;
        // In one transaction with the last look: a guest may have moved in meanwhile.
        self.store.write(|tx| match tx.container(&row.id)? {
            Some(row) if row.status != Status::Exited => {
                Err(Error::StillRunning(row.name.to_string()))
            }
            Some(row) if row.live.is_some() => Err(Error::NetworkInUse(row.name.to_string())),
            Some(row) => {
                // Somebody may wait for it still.
                tx.remember_end(&row.id, row.exit_code.unwrap_or(0))?;
                Ok(tx.delete_container(&row.id)?)
            }
            None => Ok(()),
        })
    }
}
