//! The end of a container: its plan is undone, its row is settled.

use crate::{
    Error, Runtime, find, logs, machine::Inside, plan::Plan, process, step::Step, time::now,
};
use minet_model::ContainerId;
use minet_state::{ContainerRow, Status, Wish};

/// How a container came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its command ended with this code, and its supervisor says so.
    Exited(i32),
    /// Its command ended with this code because its supervisor was told to end, as at a
    /// shutdown: after the reboot it may be wanted again.
    Interrupted(i32),
    /// Its supervisor is gone; somebody else found out.
    Orphaned,
}

/// What `docker` too reports for a container that was killed with its supervisor.
const KILLED: i32 = 137;

impl Ending {
    fn exit_code(&self) -> i32 {
        match self {
            Ending::Exited(code) | Ending::Interrupted(code) => *code,
            Ending::Orphaned => KILLED,
        }
    }
}

impl Runtime {
    /// Undoes what a container's plan made and settles its row; with `--rm` forgets it.
    /// Returns what resisted; then the row stays, and the next command tries again.
    ///
    /// While other containers live in its namespace, the network stays for them; the last
    /// of them takes it along.
    pub(crate) fn lay_to_rest(
        &mut self,
        id: &ContainerId,
        ending: &Ending,
    ) -> Result<Vec<String>, Error> {
        let Some(row) = self.store.read(|tx| tx.container(id))? else {
            return Ok(Vec::new());
        };
        let plan = self.bequeath(&row, ending.exit_code())?;
        let (keep, undo) = match self.has_living_guests(id)? {
            true => network_kept(plan),
            false => (Vec::new(), plan.steps),
        };
        self.machine.set_inside(match ending {
            Ending::Exited(_) | Ending::Interrupted(_) if keep.is_empty() => Inside::Dying,
            Ending::Exited(_) | Ending::Interrupted(_) | Ending::Orphaned => Inside::Unknown,
        });
        let left_behind = self.undo_silently(&undo);
        self.record_end(&row, ending, &keep, &left_behind)?;
        if let Some(host) = &row.namespace_of {
            self.follow(host)?;
        }
        Ok(left_behind)
    }

    fn record_end(
        &mut self,
        row: &ContainerRow,
        ending: &Ending,
        keep: &[Step],
        left_behind: &[String],
    ) -> Result<(), Error> {
        let id = &row.id;
        let spec = find::spec(row)?;
        let settings = find::settings(row)?;
        if spec.remove && keep.is_empty() && left_behind.is_empty() {
            self.forget_log(id)?;
        }
        self.store.write(|tx| {
            tx.mark_exited(id, ending.exit_code(), None, now())?;
            if matches!(ending, Ending::Exited(_)) {
                tx.set_wish(id, Wish::Rest, None)?;
            }
            tx.drop_ports(id)?;
            if !keep.is_empty() {
                let plan = Plan {
                    steps: keep.to_vec(),
                };
                return Ok(tx.set_plan(id, &plan.to_json())?);
            }
            if !left_behind.is_empty() {
                return Ok(());
            }
            match spec.remove && settings.name_is_made_up {
                // Nobody will ever ask for this name's address again.
                true => tx.forget_leases(id)?,
                false => tx.release_leases(id, now())?,
            }
            tx.settle(id)?;
            if spec.remove {
                tx.remember_end(id, ending.exit_code())?;
                tx.delete_container(id)?;
            }
            Ok::<_, Error>(())
        })
    }

    /// Removes what a container in the background has printed.
    pub(crate) fn forget_log(&self, id: &ContainerId) -> Result<(), Error> {
        let dir = self.machine.paths().log_dir(id);
        logs::forget(&dir).map_err(Error::file("remove the log in", &dir))
    }

    /// A guest has left: if its host ended before and nobody else is there, the host's
    /// network can go now.
    fn follow(&mut self, host: &ContainerId) -> Result<(), Error> {
        let Some(row) = self.store.read(|tx| tx.container(host))? else {
            return Ok(());
        };
        if row.status == Status::Exited && row.live.is_some() {
            self.lay_to_rest(host, &Ending::Exited(row.exit_code.unwrap_or(KILLED)))?;
        }
        Ok(())
    }

    /// Whether a container lives in the namespace of this one.
    pub(crate) fn has_living_guests(&mut self, id: &ContainerId) -> Result<bool, Error> {
        let guests = self.store.read(|tx| tx.guests_of(id))?;
        let lives = |row: &ContainerRow| {
            row.status != Status::Exited
                && row
                    .live
                    .as_ref()
                    .is_some_and(|live| process::is_alive(live.supervisor))
        };
        Ok(guests.iter().any(lives))
    }
}

/// What stays for the guests, and what goes: nobody serves the ports any more, and the
/// mount points were the container's own.
fn network_kept(plan: Plan) -> (Vec<Step>, Vec<Step>) {
    let goes = |step: &Step| matches!(step, Step::PublishPorts(_) | Step::MakeMountPoints(_));
    let (undo, keep) = plan.steps.into_iter().partition(goes);
    (keep, undo)
}
