//! `minet restore`: after a reboot, or after a crash of supervisors, what should run runs.

use crate::{Error, Runtime, find};
use minet_model::RestartPolicy;
use minet_state::{ContainerRow, Status, Wish};

impl Runtime {
    /// The IDs of the containers that should run and do not, in the order in which they
    /// were made, so that one whose network is shared comes before those who share it.
    ///
    /// That a supervisor is gone, with the last boot or by itself, was found out and put
    /// right when this runtime was opened.
    pub fn missing(&mut self) -> Result<Vec<String>, Error> {
        let rows = self.store.read(|tx| tx.containers())?;
        let mut missing = Vec::new();
        for row in rows.into_iter().rev() {
            if row.status == Status::Exited && should_run(&row)? {
                missing.push(row.id.to_string());
            }
        }
        Ok(missing)
    }
}

fn should_run(row: &ContainerRow) -> Result<bool, Error> {
    let wanted = row.wish == Wish::Run;
    Ok(match find::spec(row)?.lifecycle.restart {
        RestartPolicy::No => false,
        RestartPolicy::OnFailure { .. } => wanted && row.exit_code != Some(0),
        RestartPolicy::Always => true,
        RestartPolicy::UnlessStopped => wanted,
    })
}
