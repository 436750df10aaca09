//! Every command first puts right what a crash left.
//!
//! The look is cheap: one query for the supervisors, one system call for each. Only when
//! one of them is gone is anything more done, and then by one command at a time.

use crate::{
    Error, Runtime, foreign, forwarding,
    lock::Lock,
    network,
    network_down::{self, IdleNetworks},
    orphans, process,
    rest::Ending,
    strays,
};
use minet_model::ContainerId;
use minet_state::{ContainerRow, ProcessIdentity, Status};
use rustix::process::{Signal, pidfd_send_signal};
use serde::Serialize;

/// What `minet gc` found and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Containers whose supervisor was gone.
    pub containers: Vec<String>,
    /// Networks that were taken down.
    pub networks: Vec<String>,
    /// What stood there for nobody.
    pub strays: Vec<String>,
    /// What the store does not know, and somebody uses.
    pub kept: Vec<String>,
    /// Other firewalls that networks were let pass.
    pub passed: Vec<String>,
    /// What resisted, and why.
    pub left_behind: Vec<String>,
}

impl Runtime {
    /// Undoes what containers without a supervisor, and half-made networks, left, and
    /// finishes what was to be done with their ports.
    pub(crate) fn put_right(&mut self) -> Result<(), Error> {
        self.finish_links()?;
        let orphans = self.orphans(process::is_surely_gone)?;
        let half_made = self.store.read(|tx| tx.has_half_made_network(&self.boot))?;
        let abandoned = self
            .store
            .read(|tx| tx.handovers())?
            .iter()
            .any(|handover| handover.boot != self.boot || process::is_surely_gone(handover.maker));
        if !orphans.is_empty() || half_made || abandoned {
            self.sweep(IdleNetworks::Keep)?;
        }
        Ok(())
    }

    /// `minet gc`: looks at every supervisor exactly, and takes down idle networks if asked.
    /// Those that stay are let pass firewalls that came after them.
    pub fn gc(&mut self, idle: IdleNetworks) -> Result<Swept, Error> {
        let mut swept = self.sweep(idle)?;
        let _lock = Lock::take(&network::lock_path(self))?;
        swept.passed = foreign::catch_up(self)?;
        swept.passed.extend(forwarding::settle(self)?);
        // Interfaces first: what stands in the table for one that is gone is a stray.
        let orphans = orphans::remove(self)?;
        swept.strays = orphans.gone;
        swept.strays.extend(strays::remove(self)?);
        swept.kept = orphans.kept;
        swept.left_behind.extend(orphans.resisting);
        Ok(swept)
    }

    fn sweep(&mut self, idle: IdleNetworks) -> Result<Swept, Error> {
        let path = self.machine.paths().run_dir().join("repair.lock");
        let _lock = Lock::take(&path)?;
        let mut swept = Swept::default();
        // Asked again under the lock: somebody may have been faster.
        for id in self.orphans(|supervisor| !process::is_alive(supervisor))? {
            // One that cannot be put right does not keep the others from it.
            match self.bury(&id) {
                Ok(Some((name, left_behind))) => {
                    swept.containers.push(name);
                    swept.left_behind.extend(left_behind);
                }
                Ok(None) => {}
                Err(error) => swept.left_behind.push(error.chain()),
            }
        }
        swept.left_behind.extend(self.finish_handovers()?);
        let taken = network_down::take_down(self, idle)?;
        swept.networks = taken.networks;
        swept.left_behind.extend(taken.left_behind);
        Ok(swept)
    }

    /// Undoes what a container without a supervisor left, unless others live in it.
    fn bury(&mut self, id: &ContainerId) -> Result<Option<(String, Vec<String>)>, Error> {
        let Some(row) = self.store.read(|tx| tx.container(id))? else {
            return Ok(None);
        };
        if row.status == Status::Exited && self.has_living_guests(id)? {
            return Ok(None);
        }
        self.kill_init(&row);
        let left_behind = self.lay_to_rest(id, &Ending::Orphaned)?;
        Ok(Some((row.name.to_string(), left_behind)))
    }

    /// The kernel kills a container with its supervisor, except one that has changed its
    /// user: then the kernel has forgotten that it was to die.
    fn kill_init(&self, row: &ContainerRow) {
        let init = row
            .live
            .as_ref()
            .and_then(|live| self.open_process(live, live.init?));
        if let Some(init) = init {
            // Nothing can be done if it fails, and the undo shows what it left.
            let _ = pidfd_send_signal(&init, Signal::KILL);
        }
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
