//! `--dry-run`: everything but the deeds.

use crate::{
    Error, Narrator, Plan, Runtime,
    admit::{self, Identity},
    conflicts, etc_files,
    launch::World,
    network::Intent,
    run::published,
};
use minet_model::{ContainerName, ContainerSpec};

/// What a run would do.
#[derive(Debug)]
pub struct Rehearsal {
    /// The name that the container would have.
    pub name: ContainerName,
    /// All steps, those of the network first.
    pub plan: Plan,
    /// The command that would be started.
    pub command: Vec<String>,
    /// Whether the command would run in a namespace of its own.
    pub own_namespace: bool,
}

impl Runtime {
    /// Plans a container as [`Runtime::run`] does, and forgets it again. The host ports
    /// are bound for a moment, so that a conflict shows here too.
    pub fn rehearse(
        &mut self,
        spec: &ContainerSpec,
        narrator: &mut dyn Narrator,
    ) -> Result<Rehearsal, Error> {
        conflicts::refuse(spec)?;
        conflicts::warn(spec, narrator);
        self.warn_of_dead_ports(spec, narrator)?;
        self.warn_of_no_way_out(spec, narrator)?;
        etc_files::warnings(spec).for_each(|warning| narrator.warn(&warning));
        World::look_up(spec)?;
        let ground = self.ground(spec, &Intent::Look)?;
        let ports = published(&self.hold_ports(spec, spec.name.as_ref())?);
        let boot = self.boot.clone();
        let paths = self.machine.paths().clone();
        let candidate =
            admit::Candidate::new(spec, &ports, &ground, (&boot, &paths), &Identity::OfSpec)?;
        let admitted = self.store.rehearse(|tx| admit::admit(tx, &candidate))?;
        for warning in &admitted.warnings {
            narrator.warn(warning);
        }
        Ok(Rehearsal {
            plan: admitted.whole_plan(&ground),
            name: admitted.name,
            command: spec.command.clone(),
            own_namespace: spec.mode.has_own_namespace(),
        })
    }
}
