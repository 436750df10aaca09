//! `minet run`: from a checked request to the exit code of its command.

use crate::{
    Error, Narrator, Runtime,
    admit::{self, Admitted, Candidate, Identity, Namespace},
    attend::{self, Console, Duties, Events, Streams},
    conflicts, control, etc_dir, etc_files, find, kept_ports,
    launch::{self, Growing, World},
    machine::{Inside, Machine},
    network::{self, Ground, Intent},
    office,
    plan::{Carrier, FailAfter},
    ports::{self, HeldPort},
    process,
    resolve::Resolver,
    rest::Ending,
    shield,
    step::Step,
    time::now,
};
use minet_model::{
    ContainerId, ContainerName, ContainerSpec, NetworkName, PublishSpec, PublishedPort, Reach,
    Receiver, RestartPolicy,
};
use minet_netns::{Netns, Running};
use minet_state::{ContainerRow, NetworkRow, Transaction};
use nix::unistd::Pid;
use std::{cmp::Reverse, fs::File, os::fd::AsFd};

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
        let spec = &request.spec;
        conflicts::refuse(spec)?;
        if spec.rootfs.is_some() {
            shield::raise()?;
        }
        if spec.lifecycle.restart != RestartPolicy::No {
            let conflict = "--restart and a container in the foreground (add -d)";
            return Err(Error::Conflict(conflict.to_owned()));
        }
        let console = Console::open(spec.terminal)?;
        let (up, events) = self.make(request, None, &console, Events::listen, narrator)?;
        let id = &up.admitted.id;
        let duties = self.duties(spec, &up.admitted, up.held);
        let mut look = || self.notice_addresses(&up.admitted);
        let attended = duties
            .and_then(|duties| attend::attend(events, &up.running, console, duties, &mut look))
            .and_then(|code| self.store.read(|tx| as_meant(tx, id, code)));
        if attended.is_err() {
            attend::end(&up.running);
        }
        let ending = attended
            .as_ref()
            .map_or(Ending::Orphaned, |code| Ending::Exited(*code));
        let left_behind = self.lay_to_rest_aloud(id, &ending, narrator)?;
        tell_left_behind(&up.admitted, left_behind, narrator);
        Ok(u8::try_from(attended?).unwrap_or(u8::MAX))
    }

    /// What is to be done for a container that is up, beside running its command.
    pub(crate) fn duties(
        &mut self,
        spec: &ContainerSpec,
        admitted: &Admitted,
        held: Vec<HeldPort>,
    ) -> Result<Duties, Error> {
        Ok(Duties {
            relays: attend::relays(held, admitted.settings.address()),
            control: control::open_for(&admitted.settings)?,
            resolver: Resolver::of(&mut self.machine, &admitted.id, spec)?,
            heir: self.heir(admitted)?,
            guard: Some(self.guard(admitted)),
        })
    }

    /// Makes a container, or one that has ended `again`, and starts its command. When that
    /// fails, everything is as it was.
    ///
    /// `listen` is called when the wish is recorded: from then on signals wait until they
    /// are attended to; before, they end this process, and nothing is lost.
    pub(crate) fn make<Ears>(
        &mut self,
        request: &RunRequest,
        again: Option<&ContainerRow>,
        streams: &dyn Streams,
        listen: fn() -> Result<Ears, Error>,
        narrator: &mut dyn Narrator,
    ) -> Result<(Up, Ears), Error> {
        let spec = &request.spec;
        conflicts::refuse(spec)?;
        conflicts::warn(spec, narrator);
        self.warn_of_dead_ports(spec, narrator)?;
        self.warn_of_no_way_out(spec, narrator)?;
        etc_files::warnings(spec).for_each(|warning| narrator.warn(&warning));
        let world = World::look_up(spec)?;
        let name = again.map(|row| &row.name).or(spec.name.as_ref());
        let held = self.hold_ports(spec, name)?;
        let (ground, admitted, ears) = self.admit(spec, &published(&held), again, listen)?;
        narrator.admitted(&admitted.id);
        for warning in &admitted.warnings {
            narrator.warn(warning);
        }
        if again.is_some() {
            self.cut_old_cables(&admitted);
        }
        let built = self.build(request, &admitted, &ground, world, streams, narrator);
        match built.and_then(|running| self.settle_in(spec, &admitted, running, narrator)) {
            Ok(running) => {
                ports::show(&held);
                let up = Up {
                    admitted,
                    running,
                    held,
                };
                Ok((up, ears))
            }
            Err(error) => {
                self.abandon(&admitted, &ground, again, &error, narrator)?;
                Err(error)
            }
        }
    }

    /// What is to be done when the command runs. If that fails, it runs no longer.
    fn settle_in(
        &mut self,
        spec: &ContainerSpec,
        admitted: &Admitted,
        running: Running,
        narrator: &mut dyn Narrator,
    ) -> Result<Running, Error> {
        let receiver = Receiver::Container(admitted.name.clone());
        let done = office::take_up(spec)
            .and_then(|()| self.relink(&admitted.receivers, narrator))
            .and_then(|_| self.note_waiting(&spec.links, &[receiver], narrator));
        match done {
            Ok(()) => Ok(running),
            Err(error) => {
                attend::end(&running);
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
        let names: Vec<NetworkName> = spec
            .networks
            .iter()
            .map(|endpoint| endpoint.network.clone())
            .collect();
        network::survey_ground(self, &names, intent)
    }

    /// Binds the host ports, so that a conflict is found before anything is made.
    pub(crate) fn hold_ports(
        &mut self,
        spec: &ContainerSpec,
        name: Option<&ContainerName>,
    ) -> Result<Vec<HeldPort>, Error> {
        let Some(way_out) = self.expected_way_out(spec)? else {
            return Ok(Vec::new());
        };
        let wanted = wanted_ports(spec);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let defaults = self.bind_defaults(Some(&way_out))?;
        self.store
            .read(|tx| kept_ports::hold(tx, name, &wanted, defaults))
    }

    /// Whether one of the container's networks is not internal: only there ports can be
    /// published.
    pub(crate) fn leads_out(&mut self, spec: &ContainerSpec) -> Result<bool, Error> {
        Ok(self.expected_way_out(spec)?.is_some())
    }

    /// The network by which the container will leave, as [`Settings::best_way_out`] will
    /// find it.
    ///
    /// [`Settings::best_way_out`]: crate::Settings::best_way_out
    fn expected_way_out(&mut self, spec: &ContainerSpec) -> Result<Option<NetworkName>, Error> {
        let reach_of = |row: NetworkRow| row.network.asked.reach;
        self.store.read(|tx| {
            let mut outside = Vec::new();
            for endpoint in &spec.networks {
                // One that is not there yet is the default network, or will be missed.
                let reach = tx.network(&endpoint.network)?.map(reach_of);
                if reach.unwrap_or_default() == Reach::Outside {
                    outside.push(endpoint);
                }
            }
            let best = outside
                .into_iter()
                .max_by_key(|endpoint| (endpoint.gw_priority, Reverse(&endpoint.network)));
            Ok(best.map(|endpoint| endpoint.network.clone()))
        })
    }

    /// Ports that will lead nowhere are said to.
    pub(crate) fn warn_of_dead_ports(
        &mut self,
        spec: &ContainerSpec,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let publishes = !spec.publish.is_empty() || spec.publish_all;
        if publishes && !spec.networks.is_empty() && !self.leads_out(spec)? {
            narrator.warn("WARNING: Published ports are discarded when all networks are internal");
        }
        Ok(())
    }

    /// So is what follows from forwarding that stays off.
    pub(crate) fn warn_of_no_way_out(
        &mut self,
        spec: &ContainerSpec,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        match !spec.networks.is_empty() && self.forwarding_stays_off()? && self.leads_out(spec)? {
            true => self.warn_of_no_forwarding(narrator),
            false => Ok(()),
        }
    }

    /// Records the wish, on ground that stays where it is.
    fn admit<Ears>(
        &mut self,
        spec: &ContainerSpec,
        ports: &[PublishedPort],
        again: Option<&ContainerRow>,
        listen: fn() -> Result<Ears, Error>,
    ) -> Result<(Ground, Admitted, Ears), Error> {
        for _ in 0..ATTEMPTS {
            let ground = self.ground(spec, &Intent::Build)?;
            let here = (self.boot.as_str(), self.machine.paths());
            let candidate = Candidate {
                again,
                ..Candidate::new(spec, ports, &ground, here, &Identity::New)?
            };
            let ears = listen()?;
            match self.store.add(|tx| admit::admit(tx, &candidate)) {
                Err(Error::GroundMoved) => {}
                admitted => return Ok((ground, admitted?, ears)),
            }
        }
        Err(Error::GroundMoved)
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
        let shared = self.shared_namespace(&admitted.namespace)?;
        if let (Namespace::Shared(_), Some(netns)) = (&admitted.namespace, &shared) {
            self.machine.join(netns.try_clone()?);
        }
        self.share_etc(&admitted.namespace)?;
        let mut carrier = Carrier::new(&mut self.machine, narrator, request.fail_after);
        ground.build(&mut carrier, &mut self.store, &self.boot)?;
        for shard in &admitted.shards {
            shard.build(&mut carrier)?;
        }
        let begin = |machine: &mut Machine| {
            let shared = shared.as_ref();
            launch::begin(&request.spec, admitted, machine, shared, world, streams)
        };
        let growing = carrier.carry_out_around(&admitted.plan, begin)?;
        let store = &mut self.store;
        let mut start = |machine: &mut Machine, growing: Growing| {
            let (prepared, inode) = growing.finish(machine, streams)?;
            // Recorded before it runs: whoever comes after a crash must find it.
            let init = process::identify(Pid::from_raw(prepared.pid().as_raw_nonzero().get()))?;
            store.write(|tx| tx.mark_running(&admitted.id, init, inode, now()))?;
            Ok(prepared.start()?)
        };
        let pretended = carrier.pretend_failure();
        let started = pretended.and_then(|()| start(carrier.machine(), growing));
        if started.is_err() {
            carrier.undo(&admitted.plan.steps);
        }
        started
    }

    /// The namespace that the plan does not make.
    pub(crate) fn shared_namespace(&self, namespace: &Namespace) -> Result<Option<Netns>, Error> {
        match namespace {
            Namespace::Own => Ok(None),
            Namespace::Host => Ok(Some(Netns::current()?)),
            Namespace::Shared(row) => self.netns_of(row).map(Some),
            Namespace::Pinned(path) => Ok(Some(Netns::open(path)?)),
        }
    }

    /// The generated files that the plan does not make: the very ones that another container
    /// sees, in the namespaces of its first process.
    fn share_etc(&mut self, namespace: &Namespace) -> Result<(), Error> {
        let Namespace::Shared(row) = namespace else {
            return Ok(());
        };
        let init = self.init_of(row)?;
        let dir = find::settings(row)?.etc_dir;
        let supervisor = row.live.as_ref().map_or(0, |live| live.supervisor.pid);
        let held = etc_dir::held_by(supervisor, &dir);
        let folder = match held.and_then(|path| File::open(path).ok()) {
            Some(folder) => minet_netns::copy_from(folder.as_fd(), init.as_fd())?,
            // An earlier version of minet made it, as a directory in /run.
            None => minet_netns::copy_of_directory(&dir)?,
        };
        self.machine.set_etc(Some(folder.into()));
        Ok(())
    }

    /// The container did not come to be: undo what may still stand of it, forget it if it is
    /// a new one, and take the network down again if it was brought up only for this.
    fn abandon(
        &mut self,
        admitted: &Admitted,
        ground: &Ground,
        again: Option<&ContainerRow>,
        error: &Error,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let ending = match again {
            None => Ending::NeverStarted,
            Some(_) => {
                self.store
                    .write(|tx| tx.set_error(&admitted.id, &error.chain()))?;
                Ending::NotAgain(i32::from(error.exit_code()))
            }
        };
        let mut left_behind = self.lay_to_rest(&admitted.id, &ending)?;
        left_behind.extend(ground.tear_down(self)?);
        tell_left_behind(admitted, left_behind, narrator);
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

/// How often the ground is looked at again when somebody takes it away in between.
const ATTEMPTS: usize = 5;

/// The next command will try again; the user should know all the same.
fn tell_left_behind(admitted: &Admitted, left_behind: Vec<String>, narrator: &mut dyn Narrator) {
    if !left_behind.is_empty() {
        let container = admitted.name.to_string();
        narrator.note(
            &Error::LeftBehind {
                container,
                left_behind,
            }
            .to_string(),
        );
    }
}

/// `-p`, and with `-P` every exposed port that no `-p` speaks of.
pub(crate) fn wanted_ports(spec: &ContainerSpec) -> Vec<PublishSpec> {
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
