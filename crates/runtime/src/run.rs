//! `minet run`: from a checked request to the exit code of its command.

use crate::{
    Error, Narrator, Runtime,
    admit::{self, Admitted, Candidate, Identity, Namespace},
    attend::{self, Console, Events},
    conflicts,
    launch::{self, World},
    machine::Machine,
    network::{self, Ground, Intent},
    plan::{Carrier, FailAfter},
    ports::{self, BindDefaults, HeldPort},
    process,
    rest::Ending,
    shield,
    time::now,
};
use minet_model::{ContainerSpec, NetworkName, PublishSpec, PublishedPort, Reach};
use minet_netns::{Netns, Running};
use minet_state::NetworkRow;
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
        let spec = &request.spec;
        conflicts::refuse(spec)?;
        if spec.rootfs.is_some() {
            shield::raise()?;
        }
        conflicts::warn(spec, narrator);
        self.warn_of_dead_ports(spec, narrator)?;
        let world = World::look_up(spec)?;
        let console = Console::open(spec.terminal)?;
        let held = self.hold_ports(spec)?;
        let (ground, admitted, events) = self.admit(spec, &published(&held))?;

        let running = match self.build(request, &admitted, &ground, world, &console, narrator) {
            Ok(running) => running,
            Err(error) => {
                self.abandon(&admitted, &ground, narrator)?;
                return Err(error);
            }
        };
        drop(ground);
        let address = admitted
            .settings
            .way_out()
            .map(|attachment| attachment.address.ip());
        let attended = attend::attend(events, &running, console, attend::relays(held, address));
        let ending = attended
            .as_ref()
            .map_or(Ending::Orphaned, |code| Ending::Exited(*code));
        let left_behind = self.lay_to_rest(&admitted.id, &ending)?;
        tell_left_behind(&admitted, left_behind, narrator);
        Ok(u8::try_from(attended?).unwrap_or(u8::MAX))
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
    pub(crate) fn hold_ports(&mut self, spec: &ContainerSpec) -> Result<Vec<HeldPort>, Error> {
        if !self.leads_out(spec)? {
            return Ok(Vec::new());
        }
        let wanted = wanted_ports(spec);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        self.store.read(|tx| {
            // Should the store fail here, it will again when the port is recorded.
            let used_by =
                |protocol, address, port| tx.port_holder(protocol, address, port).ok().flatten();
            Ok(ports::hold(&wanted, BindDefaults::AllAddresses, &used_by)?)
        })
    }

    /// Whether one of the container's networks is not internal: only there ports can be
    /// published.
    pub(crate) fn leads_out(&mut self, spec: &ContainerSpec) -> Result<bool, Error> {
        let reach_of = |row: NetworkRow| row.network.asked.reach;
        self.store.read(|tx| {
            for endpoint in &spec.networks {
                // One that is not there yet is the default network, or will be missed.
                let reach = tx.network(&endpoint.network)?.map(reach_of);
                if reach.unwrap_or_default() == Reach::Outside {
                    return Ok(true);
                }
            }
            Ok(false)
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

    /// Records the wish, on ground that stays where it is. From then on signals wait until
    /// they are attended to; before, they end this process, and nothing is lost.
    fn admit(
        &mut self,
        spec: &ContainerSpec,
        ports: &[PublishedPort],
    ) -> Result<(Ground, Admitted, Events), Error> {
        for _ in 0..ATTEMPTS {
            let ground = self.ground(spec, &Intent::Build)?;
            let here = (self.boot.as_str(), self.machine.paths());
            let candidate = Candidate::new(spec, ports, &ground, here, &Identity::New)?;
            let events = Events::listen()?;
            match self.store.write(|tx| admit::admit(tx, &candidate)) {
                Err(Error::GroundMoved) => {}
                admitted => return Ok((ground, admitted?, events)),
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
        console: &Console,
        narrator: &mut dyn Narrator,
    ) -> Result<Running, Error> {
        let shared = self.shared_namespace(&admitted.namespace)?;
        let mut carrier = Carrier::new(&mut self.machine, narrator, request.fail_after);
        ground.build(&mut carrier, &mut self.store, &self.boot)?;
        carrier.carry_out(&admitted.plan)?;
        let store = &mut self.store;
        let start = |machine: &mut Machine| {
            let netns = match &shared {
                Some(netns) => netns,
                None => machine.netns_inside()?,
            };
            let (prepared, inode) =
                launch::prepare(&request.spec, admitted, netns, world, console)?;
            // Recorded before it runs: whoever comes after a crash must find it.
            let init = process::identify(Pid::from_raw(prepared.pid().as_raw_nonzero().get()))?;
            store.write(|tx| tx.mark_running(&admitted.id, init, inode, now()))?;
            Ok(prepared.start()?)
        };
        let started = carrier
            .pretend_failure()
            .and_then(|()| start(carrier.machine()));
        if started.is_err() {
            carrier.undo(&admitted.plan.steps);
        }
        started
    }

    /// The namespace that the plan does not make.
    fn shared_namespace(&self, namespace: &Namespace) -> Result<Option<Netns>, Error> {
        match namespace {
            Namespace::Own => Ok(None),
            Namespace::Host => Ok(Some(Netns::current()?)),
            Namespace::Shared(row) => self.netns_of(row).map(Some),
            Namespace::Pinned(path) => Ok(Some(Netns::open(path)?)),
        }
    }

    /// The container never came to be: undo what may still stand of it, forget it, and take
    /// the network down again if it was brought up only for this.
    fn abandon(
        &mut self,
        admitted: &Admitted,
        ground: &Ground,
        narrator: &mut dyn Narrator,
    ) -> Result<(), Error> {
        let mut left_behind = self.lay_to_rest(&admitted.id, &Ending::NeverStarted)?;
        left_behind.extend(ground.tear_down(self)?);
        tell_left_behind(admitted, left_behind, narrator);
        Ok(())
    }
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
