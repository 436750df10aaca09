//! `minet repair`: what differs from the plans is made so again, and nothing is restarted.
//!
//! The plans' own steps do it, each by [`Act::mend`](crate::Act::mend), in their order: the
//! table with what it drops stands before anything is let through, the bridge before the
//! cables. Afterwards what stands in the table for nobody is removed ([`crate::strays`]).
//!
//! What must stay true: nothing of a container is brought back that has ended meanwhile.
//! Its end is recorded before anything of it is undone; so whoever mends looks once more
//! when it is done, and takes back what it did for one that has ended.

use crate::{
    Error, Finding, Plan, Runtime,
    check::Difference,
    find, foreign, forwarding,
    lock::Lock,
    machine::{Inside, Machine},
    network,
    step::Step,
    steps::TurnOnForwarding,
    strays,
};
use minet_model::{ContainerId, NetworkName};
use minet_nat::Transit;
use minet_state::{ContainerRow, Status, Transaction};
use serde::Serialize;

/// What `minet repair` found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// What differed, and is as planned again.
    pub mended: Vec<Difference>,
    /// What stood there for nobody, and is gone.
    pub removed: Vec<String>,
    /// What was changed beyond the plans: other firewalls that networks were let pass.
    pub passed: Vec<String>,
    /// What could not be mended, and why.
    pub resisting: Vec<Difference>,
}

impl Runtime {
    /// Makes everything so again as the plans of the networks that stand, and of the
    /// containers that run, say; or that of one container and its networks.
    pub fn repair(&mut self, container: Option<&str>) -> Result<Repaired, Error> {
        let _repair = Lock::take(&self.machine.paths().run_dir().join("repair.lock"))?;
        let _network = network::lock(self)?;
        let rows = self.store.read(|tx| match container {
            Some(name) => Ok::<_, Error>(vec![find::container(tx, name)?]),
            None => Ok(tx.live_containers()?),
        })?;
        if container.is_none() {
            // What is made anew from here on is seen by whoever comes next.
            let _ = std::fs::remove_file(self.machine.paths().new_table_mark());
        }
        let mut repaired = Repaired::default();
        let wanted = match container {
            Some(_) => Some(networks_of(&rows)?),
            None => None,
        };
        let mut standing = network::standing(self)?;
        standing.retain(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(name)));
        for (name, plan) in &mut standing {
            *plan = self.claim_forwarding(name, std::mem::take(plan), &mut repaired)?;
            // What closes stands for all of them before anything is let through.
            let is_table = |step: &&Step| matches!(step, Step::InstallTable(_));
            let table: Vec<Step> = plan.steps.iter().filter(is_table).cloned().collect();
            self.mend_plan(&format!("network {name}"), &table, &mut repaired);
        }
        for (name, plan) in standing {
            self.mend_plan(&format!("network {name}"), &plan.steps, &mut repaired);
        }
        if container.is_none() {
            repaired.passed.extend(foreign::catch_up(self)?);
        }
        for row in &rows {
            if let Err(error) = self.mend_container(row, &mut repaired) {
                repaired.resisting.push(Difference {
                    owner: format!("container {}", row.name),
                    step: "look at it".to_owned(),
                    found: error.chain(),
                });
            }
        }
        if container.is_none() {
            repaired.removed = strays::remove(self)?;
        }
        Ok(repaired)
    }

    /// A network that found forwarding on, and now finds it off, turns it on itself; from
    /// then on the host is no router for others.
    fn claim_forwarding(
        &mut self,
        name: &NetworkName,
        mut plan: Plan,
        repaired: &mut Repaired,
    ) -> Result<Plan, Error> {
        let turns_on = |step: &Step| matches!(step, Step::TurnOnForwarding(_));
        let theirs = TurnOnForwarding::is_on() || self.forwarding_stays_off()?;
        if theirs || plan.steps.iter().any(turns_on) {
            return Ok(plan);
        }
        let Some(bridge) = plan.bridge().cloned() else {
            return Ok(plan);
        };
        let older = forwarding::older(self)?;
        for step in &mut plan.steps {
            if let Step::InstallTable(step) = step {
                step.host_was_router = false;
                step.older.clone_from(&older);
                step.bridge = Some(bridge.clone());
            }
        }
        plan.steps
            .push(Step::TurnOnForwarding(TurnOnForwarding { bridge }));
        network::amend(self, name, &plan)?;
        // What is closed is closed before it is opened.
        self.machine.firewall()?.mend_table(Transit::Dropped)?;
        repaired.passed.push(format!(
            "IPv4 forwarding was on when network {name} was brought up, and has been turned off since: minet turned it on, and traffic that is not minet's is not passed on"
        ));
        Ok(plan)
    }

    fn mend_container(&mut self, row: &ContainerRow, repaired: &mut Repaired) -> Result<(), Error> {
        if row.live.is_none() || row.status == Status::Starting {
            // Nothing of it stands, or somebody is just making it.
            return Ok(());
        }
        let steps = self.steps_in_reach(row)?;
        let mut found = Repaired::default();
        let (files, steps): (Vec<Step>, Vec<Step>) = steps
            .into_iter()
            .partition(|step| matches!(step, Step::WriteEtcFiles(_)));
        self.mend_plan(&format!("container {}", row.name), &steps, &mut found);
        self.mend_files(row, &files, &mut found)?;
        if found == Repaired::default() {
            return Ok(());
        }
        if self.has_ended(&row.id)? {
            // Its own end may have come before ours: then nobody would take this back.
            self.machine.set_inside(Inside::Unknown);
            let undo: Vec<Step> = steps.into_iter().filter(on_the_host).collect();
            self.undo_silently(&undo);
            return Ok(());
        }
        repaired.mended.extend(found.mended);
        repaired.resisting.extend(found.resisting);
        Ok(())
    }

    /// The files in the container's directory, and what it sees of them.
    ///
    /// In one transaction with a look at the container: its end is recorded before anything of
    /// it goes. Who comes next under its ID has the same directory, so that nothing could be
    /// taken back afterwards.
    fn mend_files(
        &mut self,
        row: &ContainerRow,
        files: &[Step],
        repaired: &mut Repaired,
    ) -> Result<(), Error> {
        let Runtime { store, machine, .. } = self;
        let mut differs = |step: &Step| {
            let found = step.act().check(machine);
            !matches!(found, Ok(Finding::AsPlanned))
        };
        let any_is_missing = files.iter().any(&mut differs);
        let write = |tx: &Transaction<'_>| {
            let now = tx.container(&row.id)?;
            if now.is_some_and(|now| now.live == row.live && now.status == row.status) {
                let owner = format!("container {}", row.name);
                files
                    .iter()
                    .for_each(|step| mend_step(machine, &owner, step, repaired));
            }
            Ok::<_, Error>(())
        };
        if any_is_missing {
            store.write(write)?;
        }
        for lost in self.lost_files(row)? {
            let mut difference = lost.difference(row);
            match self.show_again(row, &lost) {
                Ok(()) => repaired.mended.push(difference),
                Err(error) => {
                    difference.found = format!("{}: {}", difference.found, error.chain());
                    repaired.resisting.push(difference);
                }
            }
        }
        Ok(())
    }

    /// What can be looked at: all steps, if the container's namespace can be entered; else,
    /// as between two lives of its command, those on the host.
    fn steps_in_reach(&mut self, row: &ContainerRow) -> Result<Vec<Step>, Error> {
        let steps = find::plan(row)?.steps;
        let holder = row.live.as_ref().map(|live| live.supervisor.pid);
        match (self.netns_of(row), holder) {
            (Ok(netns), Some(holder)) => {
                self.machine.look_inside(netns, holder)?;
                Ok(steps)
            }
            _ => {
                self.machine.set_inside(Inside::Unknown);
                Ok(steps.into_iter().filter(on_the_host).collect())
            }
        }
    }

    fn has_ended(&mut self, id: &ContainerId) -> Result<bool, Error> {
        let row = self.store.read(|tx| tx.container(id))?;
        let is_up = |row: &ContainerRow| row.live.is_some() && row.status != Status::Exited;
        Ok(!row.as_ref().is_some_and(is_up) && !self.has_living_guests(id)?)
    }

    fn mend_plan(&mut self, owner: &str, steps: &[Step], repaired: &mut Repaired) {
        let before = repaired.mended.len();
        for step in steps {
            mend_step(&mut self.machine, owner, step, repaired);
        }
        if repaired.mended.len() > before {
            self.announce(steps);
        }
    }

    /// The switch has forgotten, or never knew, where the container's card is; and who is
    /// announced forgets its neighbours, and has to be introduced anew.
    pub(crate) fn announce(&mut self, steps: &[Step]) {
        let tells = |step: &&Step| matches!(step, Step::Announce(_) | Step::Introduce(_));
        for step in steps.iter().filter(tells) {
            // Who is not told learns it with the next packet.
            let _ = step.act().apply(&mut self.machine);
        }
    }
}

/// Mends one step if it differs, and says so.
fn mend_step(machine: &mut Machine, owner: &str, step: &Step, repaired: &mut Repaired) {
    let found = match step.act().check(machine) {
        Ok(Finding::AsPlanned) => return,
        Ok(Finding::Differs(found)) => found,
        Err(error) => error.chain(),
    };
    let mut difference = Difference {
        owner: owner.to_owned(),
        step: step.act().explain().what,
        found,
    };
    match mend_and_look(machine, step) {
        Ok(()) => repaired.mended.push(difference),
        Err(error) => {
            difference.found = format!("{}: {}", difference.found, error.chain());
            repaired.resisting.push(difference);
        }
    }
}

fn mend_and_look(machine: &mut Machine, step: &Step) -> Result<(), Error> {
    step.act().mend(machine)?;
    match step.act().check(machine)? {
        Finding::AsPlanned => Ok(()),
        Finding::Differs(still) => Err(Error::CannotMend(format!("still so: {still}"))),
    }
}

/// Whether a step can be mended, and taken back, without entering the container.
fn on_the_host(step: &Step) -> bool {
    matches!(
        step,
        Step::LayCable(_)
            | Step::GuardCable(_)
            | Step::Introduce(_)
            | Step::AnswerFor(_)
            | Step::PublishPorts(_)
            | Step::OpenEdges(_)
    )
}

fn networks_of(rows: &[ContainerRow]) -> Result<Vec<NetworkName>, Error> {
    let mut names = Vec::new();
    for row in rows {
        let attachments = find::settings(row)?.attachments;
        names.extend(attachments.into_iter().map(|attached| attached.network));
    }
    Ok(names)
}
