//! The end of a container: its plan is undone, its row is settled.

use crate::{
    Error, Narrator, Runtime, etc_dir, find, links, logs,
    machine::Inside,
    narrator::Silent,
    plan::{Carrier, Plan},
    step::Step,
    time::now,
};
use minet_model::ContainerId;
use minet_state::{ContainerRow, Status, Transaction, Wish};

/// How a container came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its command ended with this code, and its supervisor says so.
    Exited(i32),
    /// Its command ended with this code because its supervisor was told to end, as at a
    /// shutdown: after the reboot it may be wanted again.
    Interrupted(i32),
    /// It was to run again, and could not be brought up: Docker's code for the reason.
    NotAgain(i32),
    /// Its supervisor is gone; somebody else found out.
    Orphaned,
    /// Its command never ran: it is forgotten.
    NeverStarted,
}

/// What `docker` too reports for a container that was killed with its supervisor.
pub(crate) const KILLED: i32 = 137;

/// Docker's code for a failure of its own.
const FAILED: i32 = 125;

impl Ending {
    fn exit_code(&self) -> i32 {
        match self {
            Ending::Exited(code) | Ending::Interrupted(code) | Ending::NotAgain(code) => *code,
            Ending::Orphaned => KILLED,
            Ending::NeverStarted => FAILED,
        }
    }
}

impl Runtime {
    /// Undoes what a container's plan made and settles its row; with `--rm`, and when it is
    /// being removed, forgets it.
    /// Returns what resisted; then the row stays, and the next command tries again.
    ///
    /// While other containers live in its namespace, the network stays for them; the last
    /// of them takes it along.
    pub(crate) fn lay_to_rest(
        &mut self,
        id: &ContainerId,
        ending: &Ending,
    ) -> Result<Vec<String>, Error> {
        self.lay_to_rest_aloud(id, ending, &mut Silent)
    }

    /// The same, told to somebody who wants to see it.
    pub(crate) fn lay_to_rest_aloud(
        &mut self,
        id: &ContainerId,
        ending: &Ending,
        narrator: &mut dyn Narrator,
    ) -> Result<Vec<String>, Error> {
        let Some(row) = self.store.read(|tx| tx.container(id))? else {
            return Ok(Vec::new());
        };
        // A store that cannot be written to, on a full disk, does not keep the kernel from
        // being cleaned up; what cannot be recorded now is recorded by a later command.
        let (plan, unrecorded) = match self.bequeath(id, ending.exit_code()) {
            Ok(plan) => (plan, None),
            Err(error) => (find::plan(&row)?, Some(error)),
        };
        let guests = self.living_guests(id)?;
        let (keep, undo) = match guests.is_empty() {
            false => network_kept(plan),
            true => (Vec::new(), plan.steps),
        };
        self.machine.set_inside(match ending {
            Ending::Exited(_) | Ending::Interrupted(_) if keep.is_empty() => Inside::Dying,
            Ending::Exited(_)
            | Ending::Interrupted(_)
            | Ending::NotAgain(_)
            | Ending::Orphaned
            | Ending::NeverStarted => Inside::Unknown,
        });
        let mut left_behind = Carrier::new(&mut self.machine, narrator, None).undo(&undo);
        if let Err(error) = self.hand_files_on(&guests, &row) {
            left_behind.push(error.chain());
        }
        // Before its addresses are anybody else's.
        let told = self.tell_receivers(&row);
        left_behind.extend(told.unwrap_or_else(|error| vec![error.chain()]));
        let recorded = match (unrecorded, keep.is_empty(), left_behind.is_empty()) {
            (Some(error), ..) => Err(error),
            (None, true, true) => self.settle(&row, ending),
            (None, true, false) => Ok(()),
            (None, false, _) => self.keep_for_guests(id, &undo),
        };
        if let Err(error) = recorded {
            left_behind.push(format!("record its end: {}", error.chain()));
        }
        if let Some(host) = &row.namespace_of {
            left_behind.extend(self.follow(host)?);
        }
        Ok(left_behind)
    }

    /// Those who have links to a container that has ended do not know it any more.
    fn tell_receivers(&mut self, row: &ContainerRow) -> Result<Vec<String>, Error> {
        let settings = find::settings(row)?;
        let has_any = |tx: &Transaction<'_>| Ok::<_, Error>(!tx.links_from(&row.name)?.is_empty());
        if !self.store.read(has_any)? {
            return Ok(Vec::new());
        }
        let noted = self
            .store
            .write(|tx| links::note_receivers(tx, &row.name, &settings))?;
        // What resists is one receiver's own matter, and is tried again with its next change.
        self.relink(&noted, &mut Silent).map(|_| Vec::new())
    }

    /// Nothing of the container stands any more: its ports and addresses are free, and
    /// with `--rm`, or if somebody removes it, the container is forgotten.
    fn settle(&mut self, row: &ContainerRow, ending: &Ending) -> Result<(), Error> {
        let id = &row.id;
        let forgotten =
            find::spec(row)?.remove || row.wish == Wish::Gone || *ending == Ending::NeverStarted;
        let nameless = find::settings(row)?.name_is_made_up;
        if forgotten {
            self.forget_log(id)?;
        }
        self.store.write(|tx| {
            tx.drop_ports(id)?;
            match forgotten && nameless {
                // Nobody will ever ask for this name's address again.
                true => {
                    tx.forget_leases(id, now())?;
                    tx.forget_kept_ports(row.name.as_str())?;
                }
                false => {
                    tx.release_leases(id, now())?;
                    tx.let_ports_rest(row.name.as_str(), now())?;
                }
            }
            match forgotten {
                true => {
                    tx.remember_end(id, ending.exit_code())?;
                    tx.delete_container(id)?;
                }
                false => tx.settle(id)?,
            }
            Ok(())
        })
    }

    /// Removes what a container in the background has printed.
    pub(crate) fn forget_log(&self, id: &ContainerId) -> Result<(), Error> {
        let dir = self.machine.paths().log_dir(id);
        logs::forget(&dir).map_err(Error::file("remove the log in", &dir))
    }

    /// The namespace and its cable stay for the guests; the last of them takes them along.
    fn keep_for_guests(&mut self, id: &ContainerId, undone: &[Step]) -> Result<(), Error> {
        self.store.write(|tx| {
            tx.drop_ports(id)?;
            let Some(row) = tx.container(id)? else {
                return Ok(());
            };
            let mut plan = find::plan(&row)?;
            plan.steps.retain(|step| !undone.contains(step));
            Ok(tx.set_plan(id, &plan.to_json())?)
        })
    }

    /// A guest has left: if its host ended before and nobody else is there, the host's
    /// network can go now.
    fn follow(&mut self, host: &ContainerId) -> Result<Vec<String>, Error> {
        match self.store.read(|tx| tx.container(host))? {
            Some(row) if row.status == Status::Exited && row.live.is_some() => {
                self.lay_to_rest(host, &Ending::Exited(row.exit_code.unwrap_or(KILLED)))
            }
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// Whether a container lives in the namespace of this one.
    pub(crate) fn has_living_guests(&mut self, id: &ContainerId) -> Result<bool, Error> {
        Ok(!self.living_guests(id)?.is_empty())
    }

    /// The guests see the same generated files, which are theirs now: one of them holds them
    /// where they are found from now on, to be written when a link changes.
    fn hand_files_on(
        &mut self,
        guests: &[ContainerRow],
        owner: &ContainerRow,
    ) -> Result<(), Error> {
        let dir = find::settings(owner)?.etc_dir;
        let supervisors = guests.iter().filter_map(|guest| guest.live.as_ref());
        let mut held = supervisors.filter_map(|live| etc_dir::held_by(live.supervisor.pid, &dir));
        let Some(folder) = held.next() else {
            return Ok(());
        };
        etc_dir::show(&dir, &folder)?;
        // A link that has changed meanwhile found no files to be written into.
        let receiver = owner.id.to_string();
        self.store.write(|tx| tx.note_relink(&receiver))?;
        self.relink(&[receiver], &mut Silent).map(drop)
    }

    fn living_guests(&mut self, id: &ContainerId) -> Result<Vec<ContainerRow>, Error> {
        let mut guests = self.store.read(|tx| tx.guests_of(id))?;
        guests.retain(|row| {
            let live = row.live.as_ref().filter(|_| row.status != Status::Exited);
            live.is_some_and(|live| self.open_process(live, live.supervisor).is_some())
        });
        Ok(guests)
    }
}

/// What stays for the guests, and what goes: nobody serves the ports any more, and the
/// mount points were the container's own.
fn network_kept(plan: Plan) -> (Vec<Step>, Vec<Step>) {
    let goes = |step: &Step| matches!(step, Step::PublishPorts(_) | Step::MakeMountPoints(_));
    let (undo, keep) = plan.steps.into_iter().partition(goes);
    (keep, undo)
}
