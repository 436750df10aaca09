//! `minet run`: from a checked request to the exit code of its command.

use crate::{
    Error, Narrator, Runtime,
    admit::{self, Admitted, Candidate, Identity},
    attend::{self, Console, Events, Streams},
    conflicts, find,
    launch::{self, World},
    machine::Inside,
    network::{self, Ground, Intent},
    plan::{Carrier, FailAfter},
    ports::{self, BindDefaults, HeldPort},
    process,
    rest::Ending,
    shield,
    step::Step,
    time::now,
};
use minet_model::{
    ContainerId, ContainerSpec, NetworkMode, PublishSpec, PublishedPort, RestartPolicy,
};
use minet_netns::Running;
use minet_state::{ContainerRow, Transaction};
use nix::unistd::Pid;

/// A container that is to be run in the foreground.
#[derive(Debug)]
pub struct RunRequest {
    /// What it shall be.
    pub spec: ContainerSpec,
    /// Where a failure is to be pretended, to watch the undo.
    pub fail_after: Option<FailAfter>,
}

impl Runtime {
    /// Runs a container and attends to it until it ends; returns its command's exit code.
    ///
    /// Everything that can be found wrong is found before the first step; after that, a
    /// failure undoes what was done and reports its cause.
    pub fn run(&mut self, request: &RunRequest, narrator: &mut dyn Narrator) -> Result<u8, Error> {
        if request.spec.lifecycle.restart != RestartPolicy::No {
            let conflict = "--restart and a container in the foreground (add -d)";
            return Err(Error::Conflict(conflict.to_owned()));
        }
        conflicts::refuse(&request.spec)?;
        if request.spec.rootfs.is_some() {
            shield::raise()?;
        }
        let events = Events::listen()?;
        let console = Console::open(request.spec.terminal)?;
        let up = self.bring_up(request, None, &console, narrator)?;
        let id = &up.admitted.id;
        let relays = attend::relays(up.held, up.admitted.settings.address());
        let exit_code = attend::attend(events, &up.running, console, relays)?;
        let exit_code = self.store.read(|tx| as_meant(tx, id, exit_code))?;
        let left_behind = self.lay_to_rest(id, &Ending::Exited(exit_code))?;
        if !left_behind.is_empty() {
            let container = up.admitted.name.to_string();
            narrator.warn(
                &Error::LeftBehind {
                    container,
                    left_behind,
                }
                .to_string(),
            );
        }
        Ok(u8::try_from(exit_code).unwrap_or(u8::MAX))
    }

    /// Makes a container, or one that has ended `again`, and starts its command. When that
    /// fails, everything is as it was.
    pub(crate) fn bring_up(
        &mut self,
        request: &RunRequest,
        again: Option<&ContainerRow>,
        streams: &dyn Streams,
        narrator: &mut dyn Narrator,
    ) -> Result<Up, Error> {
        let spec = &request.spec;
        conflicts::refuse(spec)?;
        conflicts::warn(spec, narrator);
        let world = World::look_up(spec)?;
        let ground = self.ground(spec, &Intent::Build)?;
        let had = again.map(find::settings).transpose()?;
        let held = self.hold_ports(spec, &had.map(|had| had.ports).unwrap_or_default())?;
        let admitted = self.admit(spec, &ground, &held, again)?;
        if again.is_some() {
            self.cut_old_cables(&admitted);
        }
        match self.build(request, &admitted, &ground, world, streams, narrator) {
            Ok(running) => Ok(Up {
                admitted,
                running,
                held,
            }),
            Err(error) => {
                self.abandon(&admitted, &ground, again, &error)?;
                Err(error)
            }
        }
    }

    /// The kernel may still be busy taking down the namespace that the container had a
    /// moment ago, and with it the cable, whose name is needed now.
    fn cut_old_cables(&mut self, admitted: &Admitted) {
        let steps = admitted.plan.steps.iter();
        let cables: Vec<Step> = steps
            .filter(|step| matches!(step, Step::LayCable(_)))
            .cloned()
            .collect();
        self.machine.set_inside(Inside::Unknown);
        self.undo_silently(&cables);
    }

    /// What the container will stand on: only those on a bridge need anything.
    pub(crate) fn ground(
        &mut self,
        spec: &ContainerSpec,
        intent: &Intent,
    ) -> Result<Ground, Error> {
        match &spec.mode {
            NetworkMode::Bridge(name) => network::survey_ground(self, name, intent),
            NetworkMode::Host
            | NetworkMode::None
            | NetworkMode::Container(_)
            | NetworkMode::Namespace(_) => Ok(Ground::NotNeeded),
        }
    }

    /// Binds the host ports, so that a conflict is found before anything is made.
    ///
    /// Of the ports that nobody chose, those that the container `had` are tried first.
    pub(crate) fn hold_ports(
        &mut self,
        spec: &ContainerSpec,
        had: &[PublishedPort],
    ) -> Result<Vec<HeldPort>, Error> {
        if !matches!(spec.mode, NetworkMode::Bridge(_)) {
            return Ok(Vec::new());
        }
        let wanted = wanted_ports(spec);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        self.store.read(|tx| {
            let used_by =
                |protocol, address, port| tx.port_holder(protocol, address, port).ok().flatten();
            Ok(ports::hold(
                &wanted,
                BindDefaults::AllAddresses,
                &used_by,
                had,
            )?)
        })
    }

    fn admit(
        &mut self,
        spec: &ContainerSpec,
        ground: &Ground,
        held: &[HeldPort],
        again: Option<&ContainerRow>,
    ) -> Result<Admitted, Error> {
        let ports = published(held);
        let here = (self.boot.as_str(), self.machine.paths());
        let candidate = Candidate {
            again,
            ..Candidate::new(spec, &ports, ground, here, &Identity::New)?
        };
        self.store.write(|tx| admit::admit(tx, &candidate))
    }

    /// Takes all steps and starts the command; when something fails, undoes the container's
    /// steps. The network's are up to [`Runtime::abandon`].
    fn build(
        &mut self,
        request: &RunRequest,
        admitted: &Admitted,
        ground: &Ground,
        world: World,
        streams: &dyn Streams,
        narrator: &mut dyn Narrator,
    ) -> Result<Running, Error> {
        let mut carrier = Carrier::new(&mut self.machine, narrator, request.fail_after);
        if let Ground::Down(groundwork) = ground {
            groundwork.build(&mut carrier)?;
            let boot = &self.boot;
            self.store
                .write(|tx| tx.network_is_up(groundwork.name(), boot))?;
        }
        carrier.carry_out(&admitted.plan)?;
        let started = carrier.pretend_failure().and_then(|()| {
            let (settings, namespace) = (&admitted.settings, &admitted.namespace);
            let machine = carrier.machine();
            launch::launch(machine, &request.spec, settings, namespace, world, streams)
        });
        let started = started.and_then(|(running, netns)| {
            let init = process::identify(Pid::from_raw(running.pid.as_raw_nonzero().get()))?;
            self.store
                .write(|tx| tx.mark_running(&admitted.id, init, netns, now()))?;
            Ok(running)
        });
        started.inspect_err(|_| {
            carrier.undo(&admitted.plan.steps);
        })
    }

    /// The container never came to be: forget it, or lay it to rest again, and take the
    /// network down again if it was brought up only for this.
    fn abandon(
        &mut self,
        admitted: &Admitted,
        ground: &Ground,
        again: Option<&ContainerRow>,
        error: &Error,
    ) -> Result<(), Error> {
        let id = &admitted.id;
        self.store.write(|tx| match again {
            None => {
                tx.forget_leases(id)?;
                tx.delete_container(id)
            }
            Some(_) => {
                tx.mark_exited(
                    id,
                    i32::from(error.exit_code()),
                    Some(&error.chain()),
                    now(),
                )?;
                tx.drop_ports(id)?;
                tx.release_leases(id, now())?;
                tx.settle(id)
            }
        })?;
        if let Ground::Down(groundwork) = ground {
            groundwork.tear_down(self)?;
        }
        Ok(())
    }
}

/// A container that is up.
pub(crate) struct Up {
    pub(crate) admitted: Admitted,
    pub(crate) running: Running,
    pub(crate) held: Vec<HeldPort>,
}

/// How a container ended: one that was killed because the kernel would not have passed
/// the signal on (see `signals.rs`) ended by that signal.
pub(crate) fn as_meant(
    tx: &Transaction<'_>,
    id: &ContainerId,
    exit_code: i32,
) -> Result<i32, Error> {
    let row = tx.container(id)?;
    let signal = row
        .and_then(|row| row.ended_by)
        .filter(|_| exit_code == 137);
    Ok(signal.map_or(exit_code, |signal| 128 + signal))
}

/// `-p`, and with `-P` every exposed port that no `-p` speaks of.
fn wanted_ports(spec: &ContainerSpec) -> Vec<PublishSpec> {
    let mut wanted = spec.publish.clone();
    if !spec.publish_all {
        return wanted;
    }
    let given: Vec<_> = wanted
        .iter()
        .flat_map(|publish| {
            publish
                .entries()
                .into_iter()
                .map(|(_, port)| (port, publish.protocol))
        })
        .collect();
    for exposed in &spec.expose {
        let missing = exposed
            .ports
            .iter()
            .filter(|port| !given.contains(&(*port, exposed.protocol)));
        wanted.extend(missing.map(|port| PublishSpec::ephemeral(port, exposed.protocol)));
    }
    wanted
}

/// The ports without the sockets that hold them.
pub(crate) fn published(held: &[HeldPort]) -> Vec<PublishedPort> {
    held.iter().map(|held| held.port).collect()
}
