use crate::plan::StepFailed;
use minet_model::ContainerName;
use std::{
    io,
    path::{Path, PathBuf},
};

/// What can go wrong between a wish and a running container.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step of a plan failed; those before it have been undone.
    #[error("failed to {}", .0.what)]
    Step(#[source] StepFailed),
    /// The failure that `--fail-after` asked for.
    #[error("pretended failure after step {steps}, as asked for with --fail-after")]
    Pretended {
        /// How many steps had been applied.
        steps: usize,
    },
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] minet_config::ConfigError),
    /// The store.
    #[error(transparent)]
    State(#[from] minet_state::Error),
    /// A namespace was made, but no netfilter socket could be opened inside.
    #[error(transparent)]
    MakeScratch(#[from] minet_netns::CreateError<minet_nat::Error>),
    /// Something that cannot be made anew under a running container.
    #[error("{0}")]
    CannotMend(String),
    /// Links, addresses, routes.
    #[error(transparent)]
    Bridge(#[from] minet_bridge::Error),
    /// The nftables table.
    #[error(transparent)]
    Nat(#[from] minet_nat::Error),
    /// Making or entering a namespace.
    #[error(transparent)]
    Namespace(#[from] minet_netns::NetnsError),
    /// A namespace was made, but no netlink socket could be opened inside.
    #[error(transparent)]
    MakeNamespace(#[from] minet_netns::CreateError<minet_bridge::Error>),
    /// An act on the machine below the network: a mount, a file of /proc/sys, a process.
    #[error(transparent)]
    Machine(#[from] minet_netns::Failure),
    /// The container's process could not be set up or started.
    #[error(transparent)]
    Launch(#[from] minet_netns::LaunchError),
    /// The container's command could not be executed.
    #[error(transparent)]
    Start(#[from] minet_netns::StartError),
    /// The container's command cannot be found or run.
    #[error(transparent)]
    Command(#[from] minet_netns::FindError),
    /// A command could not be executed in a running container.
    #[error(transparent)]
    Join(#[from] minet_netns::JoinError),
    /// Not a capability of the kernel.
    #[error(transparent)]
    Capability(#[from] minet_netns::UnknownCapability),
    /// A seccomp profile that is none.
    #[error("invalid --security-opt seccomp: {0}")]
    Seccomp(#[from] minet_netns::seccomp::InvalidProfile),
    /// A generated file.
    #[error(transparent)]
    Names(#[from] minet_names::write::WriteError),
    /// What cannot be asked for.
    #[error(transparent)]
    Question(#[from] minet_names::resolver::InvalidQuestion),
    /// A container without cables has no name server of its own.
    #[error("container {0} has no resolver: only a container on one of minet's networks has")]
    NoResolver(String),
    /// A suffix or an option for resolv.conf.
    #[error(transparent)]
    ResolvWish(#[from] minet_names::resolv::InvalidWish),
    /// A host port.
    #[error(transparent)]
    Port(#[from] crate::ports::PortError),
    /// An address that was asked for.
    #[error(transparent)]
    Address(#[from] minet_ipam::InvalidAddress),
    /// No pool is free on this host.
    #[error(transparent)]
    Subnet(#[from] minet_ipam::NoFreeSubnet),
    /// A directory that is not root's alone.
    #[error(transparent)]
    UnsafeDir(#[from] crate::private_dir::UnsafeDir),
    /// A file or directory.
    #[error("{act} {}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// `/proc` could not be read.
    #[error("read /proc")]
    Proc(#[from] procfs::ProcError),
    /// Something of the process itself: signals, pipes, the event loop.
    #[error("{act}")]
    Process {
        /// What was tried.
        act: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A supervisor that was asked for something said no.
    #[error("the supervisor of container {container} refused: {why}")]
    Supervisor {
        /// Whose.
        container: String,
        /// Its words.
        why: String,
    },
    /// A port that is to be taken from the very container.
    #[error("container {0} publishes {1} already: unpublish it first")]
    HasItAlready(String, String),
    /// More than one port at a time, or none in particular.
    #[error("--take takes over one host port of one container, such as 8080:80")]
    TakeOne,
    /// The host's hosts file is a link that somebody else could lead somewhere else.
    #[error(
        "/etc/hosts is a link to {}, which others than root could exchange: chown it and the \
         directories above it to root and take write permission from others, or make \
         /etc/hosts a file",
        .0.display()
    )]
    HostsElsewhere(PathBuf),
    /// A container without a network that leads out.
    #[error("container {0} has no network that leads out: its ports cannot be published")]
    NowhereToPublish(String),
    /// A container in the network of another one, whose ports they are.
    #[error(
        "container {container} shares the network of {owner}: publish ports of that one \
         (minet publish {owner} …)"
    )]
    PublishOfOwner {
        /// The one that was named.
        container: String,
        /// The one whose network it is.
        owner: String,
    },
    /// A container in the host's network.
    #[error(
        "container {0} is in this machine's own network: what it listens on is reached \
         without publishing"
    )]
    PublishOfHost(String),
    /// A program of the host cannot be executed.
    #[error("exec: {program:?}")]
    Execute {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A step needs the container's namespace, and it is not there.
    #[error("the container's network namespace is not open here")]
    NoNamespace,
    /// Somebody else has a namespace of this name.
    #[error("a network namespace named \"{name}\" exists already and is not minet's ({}): use another --name, or remove that one", link.display())]
    NamespaceNameTaken {
        /// The name.
        name: ContainerName,
        /// Where it stands.
        link: PathBuf,
    },
    /// A network.
    #[error(transparent)]
    Network(#[from] crate::networks::NetworkError),
    /// A part of a subnet that is none.
    #[error(transparent)]
    Range(#[from] minet_ipam::InvalidRange),
    /// Two options that cannot both be had.
    #[error("conflicting options: {0}")]
    Conflict(String),
    /// A container that is to know itself by another name.
    #[error("Cannot link /{0} to itself: it knows itself as localhost and by its hostname")]
    LinkToItself(String),
    /// A link that is to be taken back.
    #[error("No such link: {0} (minet link shows those that are there)")]
    NoSuchLink(String),
    /// No container has this name or ID.
    #[error("No such container: {0}")]
    NoSuchContainer(String),
    /// A new name that is the old one.
    #[error("Renaming a container with the same name as its current name: {0}")]
    SameName(String),
    /// Neither a container nor a network has this name or ID.
    #[error("No such object: {0}")]
    NoSuchObject(String),
    /// More than one container's ID begins so.
    #[error("multiple containers have an ID that begins with {0}: write more of it")]
    AmbiguousPrefix(String),
    /// No network has this name.
    #[error("network {0} not found (minet network ls shows those that are there)")]
    NoSuchNetwork(String),
    /// The container whose network is to be shared does not run.
    #[error("cannot join network namespace of a non running container: container {0} is {1}")]
    TargetNotRunning(String, &'static str),
    /// The container to act on does not run.
    #[error("container {0} is not running")]
    NotRunning(String),
    /// Other containers live in the namespace of the one to start.
    #[error(
        "cannot start container {0}: other containers still use the network that it had; stop those first"
    )]
    GuestsRemain(String),
    /// A container that is just being made.
    #[error("container {0} is just being made: try again in a moment")]
    BeingMade(String),
    /// The container was never in the background.
    #[error("container {0} has no log: it ran in the foreground, and its output went there")]
    NoLog(String),
    /// This process cannot be split.
    #[error(transparent)]
    Detach(#[from] minet_netns::DetachError),
    /// A port that a container does not publish.
    #[error("no public port '{port}' published for {container}")]
    NotPublished {
        /// As it was asked for, with its protocol.
        port: String,
        /// The container.
        container: String,
    },
    /// The container to remove runs.
    #[error(
        "cannot remove container \"{0}\": container is running: stop the container before removing or force remove (minet rm -f {0})"
    )]
    StillRunning(String),
    /// Other containers live in the namespace of the one to remove.
    #[error(
        "cannot remove container \"{0}\": other containers use its network; remove those first"
    )]
    NetworkInUse(String),
    /// The network was taken down between the look at it and the admission.
    #[error("the network was taken down while the container was being admitted: try again")]
    GroundMoved,
    /// A MAC address that somebody on the network has.
    #[error(
        "MAC address {mac} is in use on network {network} by {holder}: choose another, or none"
    )]
    MacTaken {
        /// The address asked for.
        mac: minet_model::MacAddr,
        /// The network.
        network: String,
        /// Who has it.
        holder: String,
    },
    /// `--ip6` on a network that has none.
    #[error(
        "network {network} has no IPv6, so no container on it can have the address {address}: create it with --ipv6"
    )]
    NoIpv6OnNetwork {
        /// The network.
        network: String,
        /// The address asked for.
        address: std::net::Ipv6Addr,
    },
    /// Every IPv6 address of the network is in use.
    #[error(
        "no available IPv6 addresses on this network's address pools: {network} ({pool}): all are in use; remove a container that is not needed"
    )]
    NoFreeAddress6 {
        /// The network.
        network: String,
        /// Its IPv6 subnet, or the range of it that containers get.
        pool: String,
    },
    /// No IPv6 subnet is free.
    #[error(transparent)]
    Subnet6(#[from] minet_ipam::NoFreeSubnet6),
    /// Every address of the network is in use.
    #[error(
        "no available IPv4 addresses on this network's address pools: {network} ({pool}): all are in use, by {in_use} containers; remove a container that is not needed"
    )]
    NoFreeAddress {
        /// The network.
        network: String,
        /// Its subnet, or the range of it that containers get.
        pool: String,
        /// How many containers hold one.
        in_use: u32,
    },
    /// A volume's source does not exist.
    #[error("volume source {} does not exist: make it with mkdir -p", .0.display())]
    NoVolumeSource(PathBuf),
    /// The root is not a directory.
    #[error("--rootfs {}: not a directory", .0.display())]
    BadRootfs(PathBuf),
    /// A row of the store that this program cannot read.
    #[error(
        "the store holds a {what} of container {container} that cannot be read (remove the container: minet rm -f {container})"
    )]
    Stored {
        /// Which column.
        what: &'static str,
        /// Whose.
        container: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Something of a removed container resisted.
    #[error("container {container} has ended, but not everything of it could be removed: {}", left_behind.join("; "))]
    LeftBehind {
        /// The container.
        container: String,
        /// What resisted and why.
        left_behind: Vec<String>,
    },
    /// A container did not end although it was killed.
    #[error("container {0} did not end within 10 seconds after SIGKILL")]
    Stuck(String),
    /// `/proc` is not mounted, or shows another PID namespace.
    #[error(
        "/proc does not show this PID namespace: mount -t proc proc /proc (or use unshare with --mount-proc)"
    )]
    ForeignProc,
    /// Not root.
    #[error(
        "minet needs root (or a user namespace of its own): try sudo, or unshare --user --map-root-user --net --mount --pid --fork --mount-proc"
    )]
    NotRoot,
}

impl Error {
    /// For `map_err`: this act on this file failed.
    pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::File { act, path, source }
    }

    /// For `map_err`: this act of the process itself failed.
    pub(crate) fn process<E: Into<io::Error>>(act: &'static str) -> impl FnOnce(E) -> Error {
        move |source| Error::Process {
            act,
            source: source.into(),
        }
    }

    /// The error with all its causes, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let more = without_number(&error.to_string());
            // A wrapper that only repeats what it wraps says nothing new.
            if !text.ends_with(&more) {
                text = format!("{text}: {more}");
            }
            cause = error.source();
        }
        text
    }

    /// The exit code of a command that failed so: 126 and 127 as shells have them for a
    /// command that cannot be run or found, 125 for everything that is minet's own.
    pub fn exit_code(&self) -> u8 {
        let code = match self {
            Error::Start(error) => error.exit_code(),
            Error::Command(minet_netns::FindError::Command(error)) => error.exit_code(),
            Error::Join(error) => error.exit_code(),
            Error::Execute { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => 127,
                _ => 126,
            },
            _ => 125,
        };
        u8::try_from(code).unwrap_or(125)
    }
}

/// "Permission denied (os error 13)" says nothing more to a user than its words.
fn without_number(text: &str) -> String {
    match text.rsplit_once(" (os error ") {
        Some((words, _)) if text.ends_with(')') => words.to_owned(),
        Some(_) | None => text.to_owned(),
    }
}
