//! From what a user asked for to what will be: name, address, files, and the plan.
//!
//! Runs inside the one transaction that records the wish, so that whatever is chosen here
//! (a name, an address, a port) is taken by nobody else in between.

use crate::{
    Error, christen, configuration,
    etc_files::{self, EtcSource},
    kept_ports,
    links::{self, Known},
    network::Ground,
    networks::{self, shards::Shard},
    plan::Plan,
    process,
    run::wanted_ports,
    settings::{SeenHosts, Settings},
    step::Step,
    steps::*,
    time::now,
};
use minet_model::{
    ContainerId, ContainerName, ContainerSpec, HostName, HostsBase, IfName, NetworkMode,
    NetworkName, PublishedPort,
};
use minet_netns::{
    Root,
    mount_points::{self, MountPoint},
};
use minet_state::{ContainerRow, NewContainer, ProcessIdentity, Status, Transaction};
use nix::unistd::Pid;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

/// What is known before the transaction begins.
pub(crate) struct Candidate<'a> {
    pub(crate) spec: &'a ContainerSpec,
    pub(crate) ports: &'a [PublishedPort],
    pub(crate) ground: &'a Ground,
    pub(crate) random: [u8; 32],
    pub(crate) boot: &'a str,
    pub(crate) supervisor: ProcessIdentity,
    pub(crate) paths: &'a crate::Paths,
    /// The container that is to be made again, if it is no new one.
    pub(crate) again: Option<&'a ContainerRow>,
}

/// Where a container's identity comes from.
pub(crate) enum Identity {
    /// Random: nobody has had it before.
    New,
    /// The same for the same spec, so that two scripts of one rehearsal fit together.
    OfSpec,
}

impl<'a> Candidate<'a> {
    /// A candidate that will be watched over by this process.
    pub(crate) fn new(
        spec: &'a ContainerSpec,
        ports: &'a [PublishedPort],
        ground: &'a Ground,
        runtime: (&'a str, &'a crate::Paths),
        identity: &Identity,
    ) -> Result<Self, Error> {
        let (boot, paths) = runtime;
        Ok(Candidate {
            spec,
            ports,
            ground,
            random: match identity {
                Identity::New => random_bytes()?,
                Identity::OfSpec => bytes_of(&to_json(spec)),
            },
            boot,
            supervisor: process::identify(Pid::this())?,
            paths,
            again: None,
        })
    }
}

pub(crate) fn random_bytes() -> Result<[u8; 32], Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| {
        Error::process("draw random bytes")(std::io::Error::other(error.to_string()))
    })?;
    Ok(random)
}

/// Bytes that look random and depend on a text alone.
pub(crate) fn bytes_of(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (part, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (part, text).hash(&mut hasher);
        chunk.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    bytes
}

/// A container that has been admitted: recorded, but nothing of it made yet.
pub(crate) struct Admitted {
    pub(crate) id: ContainerId,
    pub(crate) name: ContainerName,
    pub(crate) settings: Settings,
    pub(crate) plan: Plan,
    pub(crate) namespace: Namespace,
    /// Who has links to it, and is to be told.
    pub(crate) receivers: Vec<String>,
    /// Docker's legacy variables for its own links, if they were asked for.
    pub(crate) link_env: Vec<String>,
    /// The further bridges that it will be plugged into.
    pub(crate) shards: Vec<Shard>,
    /// What its user should know.
    pub(crate) warnings: Vec<String>,
}

/// Which network namespace the container's process will join.
pub(crate) enum Namespace {
    /// The one that its plan makes.
    Own,
    /// The host's.
    Host,
    /// That of this running container.
    Shared(Box<ContainerRow>),
    /// One that somebody pinned.
    Pinned(PathBuf),
}

/// Chooses what is to be chosen, and records the wish.
pub(crate) fn admit(tx: &Transaction<'_>, candidate: &Candidate<'_>) -> Result<Admitted, Error> {
    let (id, name) = identify(tx, candidate)?;
    let namespace = find_namespace(tx, &candidate.spec.mode)?;
    candidate.ground.record(tx, candidate.boot)?;
    let mut settings = settings(candidate, &id, &name, &namespace)?;
    let (mut shards, mut warnings) = (Vec::new(), Vec::new());
    for endpoint in &candidate.spec.networks {
        require_up(tx, candidate, &endpoint.network)?;
        let attached = networks::attach(tx, (&id, &name), &settings, endpoint)?;
        settings.attachments.push(attached.attachment);
        shards.extend(attached.shard);
        warnings.extend(attached.warning);
    }
    settings.gateway_network = settings.best_way_out();
    settings.gateway_network6 = settings.best_way_out6();
    if candidate.again.is_none() {
        links::record_links_of(tx, &candidate.spec.links, &id, &name)?;
    }
    let known = links::known_to(tx, &name, &settings)?;
    let plan = plan(candidate, &id, &name, &settings, &known)?;
    let namespace_of = namespace.owner();
    let wish = NewContainer {
        id: &id,
        name: &name,
        spec: &to_json(candidate.spec),
        settings: &to_json(&settings),
        plan: &plan.to_json(),
        namespace_of: namespace_of.as_ref(),
        created: now(),
        boot: candidate.boot,
        supervisor: candidate.supervisor,
    };
    match candidate.again {
        None => tx.admit(&wish)?,
        Some(_) if tx.readmit(&wish)? => {}
        Some(row) => return Err(Error::StillRunning(row.name.to_string())),
    }
    for port in candidate.ports {
        tx.put_port(port, &id)?;
    }
    kept_ports::keep(tx, &name, &wanted_ports(candidate.spec), candidate.ports)?;
    tx.forget_moved_addresses(&id)?;
    let receivers = links::note_receivers(tx, &name, &settings)?;
    let link_env = match candidate.spec.link_env {
        true => links::variables(&name, &known),
        false => Vec::new(),
    };
    Ok(Admitted {
        id,
        name,
        settings,
        plan,
        namespace,
        receivers,
        link_env,
        shards,
        warnings,
    })
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("made of strings, numbers and lists")
}

/// Who it is: somebody new, or the one that has ended.
fn identify(
    tx: &Transaction<'_>,
    candidate: &Candidate<'_>,
) -> Result<(ContainerId, ContainerName), Error> {
    match candidate.again {
        Some(row) => Ok((row.id.clone(), row.name.clone())),
        None => Ok((
            ContainerId::from_bytes(candidate.random),
            choose_name(tx, candidate)?,
        )),
    }
}

fn choose_name(tx: &Transaction<'_>, candidate: &Candidate<'_>) -> Result<ContainerName, Error> {
    if let Some(name) = &candidate.spec.name {
        tx.require_free_name(name)?;
        return Ok(name.clone());
    }
    for attempt in 0..28 {
        let bytes = candidate.random.iter().cycle().skip(attempt);
        let mut random = [0; 4];
        random
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        let name = christen::made_up(random, u32::try_from(attempt).unwrap_or(u32::MAX));
        if tx.container_by_name(name.as_str())?.is_none() {
            return Ok(name);
        }
    }
    // So many collisions do not happen by chance; the ID has none.
    let id = ContainerId::from_bytes(candidate.random);
    Ok(id.short().parse().expect("hexadecimal digits are a name"))
}

/// A container's namespace may itself be somebody else's; what counts is whose it is.
fn find_namespace(tx: &Transaction<'_>, mode: &NetworkMode) -> Result<Namespace, Error> {
    match mode {
        NetworkMode::Bridge(_) | NetworkMode::None => Ok(Namespace::Own),
        NetworkMode::Host => Ok(Namespace::Host),
        NetworkMode::Namespace(path) => Ok(Namespace::Pinned(path.clone())),
        NetworkMode::Container(target) => {
            let row = crate::find::container(tx, target)?;
            if row.status != Status::Running {
                let status = row.status.as_str();
                return Err(Error::TargetNotRunning(row.name.to_string(), status));
            }
            Ok(Namespace::Shared(Box::new(row)))
        }
    }
}

impl Namespace {
    /// The container whose network it is, which stays as long as this one lives; none if it is
    /// no other container's.
    pub(crate) fn owner(&self) -> Option<ContainerId> {
        match self {
            Namespace::Shared(row) => {
                Some(row.namespace_of.clone().unwrap_or_else(|| row.id.clone()))
            }
            Namespace::Own | Namespace::Host | Namespace::Pinned(_) => None,
        }
    }
}

/// Whoever looked at the network before this transaction began may be mistaken by now.
fn require_up(
    tx: &Transaction<'_>,
    candidate: &Candidate<'_>,
    network: &NetworkName,
) -> Result<(), Error> {
    let up_in = tx.network(network)?.and_then(|row| row.up_in_boot);
    match candidate.ground.includes(network) || up_in.as_deref() == Some(candidate.boot) {
        true => Ok(()),
        false => Err(Error::GroundMoved),
    }
}

fn settings(
    candidate: &Candidate<'_>,
    id: &ContainerId,
    name: &ContainerName,
    namespace: &Namespace,
) -> Result<Settings, Error> {
    let (hostname, etc_dir, generated) = match namespace {
        // One network, one identity: the very same files, and the same name.
        Namespace::Shared(row) => {
            let shared = crate::find::settings(row)?;
            (shared.hostname, shared.etc_dir, shared.hosts)
        }
        Namespace::Own | Namespace::Host | Namespace::Pinned(_) => {
            let own = matches!(namespace, Namespace::Own);
            let default = if own {
                id.short().to_owned()
            } else {
                etc_files::host_name()
            };
            let given = candidate.spec.hostname.as_ref().map(HostName::to_string);
            let etc_dir = candidate.paths.etc_dir(id);
            (given.unwrap_or(default), etc_dir, SeenHosts::Generated)
        }
    };
    let netns_link = matches!(namespace, Namespace::Own)
        .then(|| candidate.paths.netns_dir().join(name.as_str()));
    Ok(Settings {
        hostname,
        etc_dir,
        hosts: match candidate.spec.hosts_base {
            HostsBase::Untouched => SeenHosts::OfItsRoot,
            _ => generated,
        },
        netns_link,
        attachments: Vec::new(),
        gateway_network: None,
        gateway_network6: None,
        name_is_made_up: candidate.spec.name.is_none(),
    })
}

/// The container's steps, in the order in which they are taken.
fn plan(
    candidate: &Candidate<'_>,
    id: &ContainerId,
    name: &ContainerName,
    settings: &Settings,
    known: &[Known],
) -> Result<Plan, Error> {
    let spec = &configuration::with_name_defaults(candidate.spec, candidate.paths)?;
    // First what the world of the process is made of: it is built while the rest is done.
    let mut steps = Vec::new();
    if let Some(link) = &settings.netns_link {
        steps.push(Step::MakeNamespace(MakeNamespace {
            name: name.clone(),
            link: link.to_owned(),
        }));
    }
    if !matches!(spec.mode, NetworkMode::Container(_)) {
        steps.push(Step::WriteEtcFiles(WriteEtcFiles {
            name: name.clone(),
            dir: settings.etc_dir.clone(),
            files: etc_files::compose(&EtcSource {
                spec,
                settings,
                known,
            })?,
        }));
    }
    let missing = missing_mount_points(spec, settings)?;
    if !missing.is_empty() {
        let rootfs = spec.rootfs.clone();
        steps.push(Step::MakeMountPoints(MakeMountPoints {
            name: name.clone(),
            rootfs,
            missing,
        }));
    }
    if settings.netns_link.is_some() {
        steps.extend(loopback_steps(name));
        for attachment in &settings.attachments {
            steps.extend(networks::cable_steps(name, attachment));
        }
        if !settings.attachments.is_empty() {
            steps.push(Step::AnswerNames(AnswerNames { name: name.clone() }));
        }
        steps.extend(networks::default_route_step(name, settings));
        steps.extend(networks::default_route6_step(name, settings));
        steps.extend(sysctl_step(name, spec));
    }
    if let Some(way_out) = settings.way_out().filter(|_| !candidate.ports.is_empty()) {
        steps.push(Step::PublishPorts(PublishPorts {
            name: name.clone(),
            id: id.clone(),
            address: way_out.address.ip(),
            address6: settings.address6(),
            ports: candidate.ports.to_vec(),
        }));
    }
    steps.extend(links::open_edges(name, id, known).map(Step::OpenEdges));
    for attachment in &settings.attachments {
        steps.extend(networks::announce_steps(name, attachment));
    }
    Ok(Plan { steps })
}

fn loopback_steps(name: &ContainerName) -> [Step; 2] {
    [
        Step::TuneNamespace(TuneNamespace::defaults(name)),
        Step::SetLinkUp(SetLinkUp {
            name: name.clone(),
            interface: IfName::loopback(),
        }),
    ]
}

/// `--sysctl`, after the interfaces, since it may speak of them.
fn sysctl_step(name: &ContainerName, spec: &ContainerSpec) -> Option<Step> {
    let settings: Vec<_> = spec
        .sysctls
        .iter()
        .map(|sysctl| (sysctl.key().to_owned(), sysctl.value().to_owned()))
        .collect();
    (!settings.is_empty()).then(|| {
        Step::TuneNamespace(TuneNamespace {
            name: name.clone(),
            settings,
            why: "These were asked for with --sysctl.".into(),
        })
    })
}

fn missing_mount_points(
    spec: &ContainerSpec,
    settings: &Settings,
) -> Result<Vec<MountPoint>, Error> {
    let root = root_of(spec);
    let wanted = mount_points::wanted(
        &root,
        &spec.volumes,
        &spec.tmpfs,
        &etc_files::seen(settings),
    )?;
    Ok(mount_points::missing(&root, &wanted)?)
}

/// What the container sees as `/`.
pub(crate) fn root_of(spec: &ContainerSpec) -> Root {
    match &spec.rootfs {
        Some(directory) => Root::Directory(directory.clone()),
        None => Root::Host,
    }
}

impl Admitted {
    /// Everything the run will do, the networks' steps first.
    pub(crate) fn whole_plan(&self, ground: &Ground) -> Plan {
        let shards = self.shards.iter().flat_map(Shard::new_steps);
        let steps = ground.steps().chain(shards).chain(&self.plan.steps);
        Plan {
            steps: steps.cloned().collect(),
        }
    }
}
