//! `minet rm`: the container goes, and everything of it.

use crate::{Error, Runtime, find, rest::Ending};
use minet_state::{ContainerRow, Status};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Signal, pidfd_send_signal};
use std::os::fd::AsFd;

/// Whether a running container may be killed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Only a container that has ended is removed.
    Ended,
    /// A running one is killed first.
    Kill,
}

/// How long a killed container's supervisor may take to undo what it made.
const PATIENCE_MS: u16 = 10_000;

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
        // In one transaction with the last look: a guest may have moved in meanwhile.
        self.store.write(|tx| match tx.container(&row.id)? {
            Some(row) if row.live.is_some() => Err(Error::NetworkInUse(row.name.to_string())),
            Some(_) | None => Ok(tx.delete_container(&row.id)?),
        })
    }

    /// Kills a container and waits until its supervisor has cleaned up; if the supervisor
    /// itself is gone, this process does it.
    fn end(&mut self, row: &ContainerRow) -> Result<(), Error> {
        let watched = row
            .live
            .as_ref()
            .and_then(|live| self.open_process(live, live.supervisor));
        if let Ok(init) = self.init_of(row) {
            // It may have ended by itself in this moment.
            let _ = pidfd_send_signal(&init, Signal::KILL);
        } else if let (Some(supervisor), Status::Starting) = (&watched, row.status) {
            let _ = pidfd_send_signal(supervisor, Signal::KILL);
        }
        if let Some(supervisor) = watched {
            // One that was stopped (Ctrl-Z) could not clean up.
            let _ = pidfd_send_signal(&supervisor, Signal::CONT);
            let mut fds = [PollFd::new(supervisor.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(PATIENCE_MS))
                .map_err(Error::process("wait for the supervisor"))?
                == 0
            {
                return Err(Error::Stuck(row.name.to_string()));
            }
        }
        let left_behind = match self.store.read(|tx| tx.container(&row.id))? {
            Some(row) if row.live.is_some() => self.lay_to_rest(&row.id, &Ending::Orphaned)?,
            Some(_) | None => Vec::new(),
        };
        match left_behind.is_empty() {
            true => Ok(()),
            false => Err(Error::LeftBehind {
                container: row.name.to_string(),
                left_behind,
            }),
        }
    }
}
