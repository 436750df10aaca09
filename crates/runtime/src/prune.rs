//! `minet container prune`: those that have ended are forgotten.

use crate::{Error, Force, Listed, Runtime};
use minet_state::Status;

impl Runtime {
    /// Removes every container that has ended and fits; returns their IDs, and why others
    /// stayed.
    pub fn prune(
        &mut self,
        fits: &dyn Fn(&Listed) -> bool,
    ) -> Result<(Vec<String>, Vec<Error>), Error> {
        let rows = self.store.read(|tx| tx.containers())?;
        let (mut removed, mut failures) = (Vec::new(), Vec::new());
        for row in rows.iter().filter(|row| row.status == Status::Exited) {
            if !self
                .store
                .read(|tx| Ok::<_, Error>(fits(&Listed::read(tx, row)?)))?
            {
                continue;
            }
            match self.remove(row.id.as_str(), Force::Ended) {
                Ok(()) => removed.push(row.id.to_string()),
                // Somebody else was faster, with `rm` or with `start`.
                Err(Error::NoSuchContainer(_) | Error::StillRunning(_)) => {}
                Err(error) => failures.push(error),
            }
        }
        Ok((removed, failures))
    }
}
