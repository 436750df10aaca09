//! Every command first puts right what a crash left.
//!
//! The look is cheap: one query for the supervisors, one system call for each. Only when
//! one of them is gone is anything more done, and then by one command at a time.

use crate::{
    Error, Runtime,
    lock::Lock,
    network::{self, Which},
    process,
    rest::Ending,
};
use minet_model::ContainerId;
use minet_state::{ContainerRow, ProcessIdentity};
use nix::{sys::signal::Signal, unistd::Pid};

/// What `minet gc` found and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Containers whose supervisor was gone.
    pub containers: Vec<String>,
    /// Networks that were taken down.
    pub networks: Vec<String>,
    /// What resisted, and why.
    pub left_behind: Vec<String>,
}

impl Runtime {
    /// Undoes what containers without a supervisor, and half-made networks, left.
    pub(crate) fn put_right(&mut self) -> Result<(), Error> {
        let orphans = self.orphans(process::is_surely_gone)?;
        let half_made = self.store.read(|tx| tx.has_half_made_network(&self.boot))?;
        if !orphans.is_empty() || half_made {
            self.sweep(Which::HalfMade)?;
        }
        Ok(())
    }

    /// `minet gc`: looks at every supervisor exactly; with [`Which::AllIdle`] also takes
    /// down the networks that nobody uses.
    pub fn gc(&mut self, idle_networks: IdleNetworks) -> Result<Swept, Error> {
        self.sweep(match idle_networks {
            IdleNetworks::Keep => Which::HalfMade,
            IdleNetworks::TakeDown => Which::AllIdle,
        })
    }

    fn sweep(&mut self, which: Which) -> Result<Swept, Error> {
        let path = self.machine.paths().run_dir().join("repair.lock");
        let _lock = Lock::take(&path)?;
        let mut swept = Swept::default();
        // Asked again under the lock: somebody may have been faster.
        for id in self.orphans(|supervisor| !process::is_alive(supervisor))? {
            let Some(row) = self.store.read(|tx| tx.container(&id))? else {
                continue;
            };
            if self.has_living_guests(&id)? && row.status == minet_state::Status::Exited {
                continue;
            }
            if row.live.as_ref().is_some_and(|live| live.boot == self.boot) {
                kill_init(&row);
            }
            swept
                .left_behind
                .extend(self.lay_to_rest(&id, &Ending::Orphaned)?);
            swept.containers.push(row.name.to_string());
        }
        let (gone, left_behind) = network::take_down(self, which)?;
        swept.networks = gone;
        swept.left_behind.extend(left_behind);
        Ok(swept)
    }

    /// The containers whose supervisor is of another boot, or gone by this test.
    fn orphans(
        &mut self,
        gone: impl Fn(ProcessIdentity) -> bool,
    ) -> Result<Vec<ContainerId>, Error> {
        let supervisors = self.store.read(|tx| tx.supervisors())?;
        let boot = &self.boot;
        let orphaned = supervisors
            .into_iter()
            .filter(|(made_in, supervisor, _)| made_in != boot || gone(*supervisor));
        Ok(orphaned.filter_map(|(_, _, id)| id.parse().ok()).collect())
    }
}

/// Whether `gc` leaves switches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleNetworks {
    /// Networks that stand stay.
    Keep,
    /// Networks that nobody uses are taken down.
    TakeDown,
}

/// The kernel kills a container with its supervisor; this is for the moment in between.
fn kill_init(row: &ContainerRow) {
    let init = row.live.as_ref().and_then(|live| live.init);
    if let Some(init) = init.filter(|init| process::is_alive(*init)) {
        // Nothing can be done if it fails, and the undo shows what it left.
        let _ = nix::sys::signal::kill(Pid::from_raw(init.pid), Signal::SIGKILL);
    }
}
