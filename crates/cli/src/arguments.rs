use crate::filter::Filter;
use crate::format::Format;
use crate::late::Late;
use crate::lifecycle::{
    KillOptions, LogsOptions, PortOptions, PruneOptions, RenameOptions, StatsOptions, StopOptions,
    TopOptions,
};
use crate::link_options::{LinkOptions, UnlinkOptions};
use crate::network_options::NetworkCommand;
use crate::options::RunOptions;
use clap::{Args, Parser, Subcommand};
use minet_runtime::Paths;
use std::path::{Path, PathBuf};

/// Container networking that you can see through.
///
/// minet gives a process the network that Docker would give it: a namespace of its own, a
/// cable to a bridge, an address, a way out, published ports, names. There is no daemon
/// and there are no images: a command of this machine, or of a root directory, runs in it.
#[derive(Debug, Parser)]
#[command(name = "minet", version, propagate_version = true, after_help = FIRST_STEPS)]
pub(crate) struct Arguments {
    /// Keep everything below this directory instead of /var/lib/minet and /run/minet.
    #[arg(long, global = true, env = "MINET_ROOT", value_name = "DIR")]
    root: Option<String>,

    /// Take the settings from this file instead of /etc/minet/config.toml; Docker's daemon.json will do
    #[arg(long, global = true, env = "MINET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const FIRST_STEPS: &str = "\
First steps:
  minet run -d --name web -p 8080:80 -- busybox httpd -f -h /srv
  minet run --explain -- ip addr            see each step as an ip or nft command
  minet run --dry-run --script -- true      the same as a shell script, nothing is done
  minet ps                                  what runs, where, on which ports
  nft list table inet minet                 the rules, with a comment on each";

impl Arguments {
    pub(crate) fn paths(&self) -> Paths {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let paths = match self.root.as_deref() {
            Some(root) => Paths::below(&absolute(Path::new(root))),
            None => Paths::default(),
        };
        match &self.config {
            Some(file) => paths.with_config_file(absolute(file)),
            None => paths,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Containers(OnContainers),
    /// Start what should run and does not, as after a reboot
    Restore,
    /// The same commands under Docker's longer names, and container prune
    #[command(subcommand)]
    Container(ContainerCommand),
    /// Show everything that is known of containers and networks, as JSON
    Inspect(Late<InspectOptions>),
    /// Create, list, look into and remove networks
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Publish ports of a running container
    Publish(Late<PublishOptions>),
    /// Publish ports of a running container no longer
    Unpublish(Late<MappingOptions>),
    /// Let containers know another by a name; without arguments, list all links
    Link(Late<LinkOptions>),
    /// Take names back
    Unlink(Late<UnlinkOptions>),
    /// Show who holds, or last held, which address
    Leases(Late<LeasesOptions>),
    /// Show what a container is answered when it asks for a name, and why
    Dns(Late<DnsOptions>),
    /// Show which interface of the host leads to which container
    Veth(Late<VethOptions>),
    /// Run a program of the host in a container's network
    Nsenter(Late<NsenterOptions>),
    /// Compare running containers with the kernel, step by step
    Check(Late<CheckOptions>),
    /// Make again what somebody changed behind minet's back; nothing is restarted
    Repair(Late<RepairOptions>),
    /// Show which settings are in force, and where they come from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Examine this machine: can minet work here, and what is in its way?
    Doctor(Late<DoctorOptions>),
    /// Print the script that makes a shell complete options, containers and networks
    ///
    /// For this shell: source <(minet completion bash)
    Completion(Late<CompletionOptions>),
    /// Write the manual pages into a directory
    Manual(Late<ManualOptions>),
    /// Remove what crashes left; with --all also the networks that nobody uses
    ///
    /// That is whatever of this instance's no plan knows: elements of the table, cables and
    /// bridges, names of namespaces, files, and rules in other firewalls. What is in use by
    /// somebody whom the store does not know is told and stays; `minet check` lists all of it.
    Gc(Late<GcOptions>),
}

/// What is done with containers, `minet COMMAND` and `minet container COMMAND`.
#[derive(Debug, Subcommand)]
pub(crate) enum OnContainers {
    /// Run a command in a network of its own
    Run(Late<RunOptions>),
    /// Run containers again that have ended
    Start(Late<NamesOption>),
    /// Ask containers to end, and kill those that do not in time
    Stop(Late<StopOptions>),
    /// Stop containers and start them again
    Restart(Late<StopOptions>),
    /// Send a signal to containers
    Kill(Late<KillOptions>),
    /// Wait until containers have ended, and print their exit codes
    Wait(Late<NamesOption>),
    /// Show what a container in the background has printed
    Logs(Late<LogsOptions>),
    /// Run one more command in a running container
    Exec(Late<ExecOptions>),
    /// List containers
    Ps(Late<PsOptions>),
    /// Show the processes of a container
    Top(Late<TopOptions>),
    /// Show what containers use: processor, memory, and the rates of each interface
    Stats(Late<StatsOptions>),
    /// Show to which host ports a container's ports are published
    Port(Late<PortOptions>),
    /// Give a container another name
    Rename(Late<RenameOptions>),
    /// Remove containers
    Rm(Late<RmOptions>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContainerCommand {
    #[command(flatten)]
    Containers(OnContainers),
    /// List containers
    #[command(visible_alias = "list")]
    Ls(Late<PsOptions>),
    /// Show everything that is known of containers, as JSON
    Inspect(Late<InspectOptions>),
    /// Remove all containers that have ended
    Prune(Late<PruneOptions>),
}

#[derive(Debug, Args)]
pub(crate) struct ExecOptions {
    /// Leave it running, and print nothing
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Keep standard input open
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Give the command a terminal of its own
    #[arg(short, long)]
    pub(crate) tty: bool,
    /// Set an environment variable; without a value it is taken from here
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Read environment variables from a file, one KEY=VALUE a line
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Start in this directory of the container
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,
    /// Run as this user of the container
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<minet_model::UserSpec>,
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PsOptions {
    /// Show those that have ended too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Only print IDs
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print whole IDs and commands
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Show the N that were made last, ended or not
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) last: Option<usize>,
    /// Show the one that was made last, ended or not
    #[arg(short, long, conflicts_with = "last")]
    pub(crate) latest: bool,
    /// table, json (one object a line), or a template such as 'table {{.Names}}\\t{{.Status}}' [default: table]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Show only some: name=PATTERN, id=BEGINNING, status=STATUS, exited=CODE, network=NAME, label=KEY[=VALUE], publish=PORT, expose=PORT, volume=PATH, before=CONTAINER, since=CONTAINER
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) filter: Vec<Filter>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectOptions {
    /// Print this for each instead, such as '{{.State.Pid}}' or '{{json .NetworkSettings}}'
    #[arg(short, long, value_name = "TEMPLATE")]
    pub(crate) format: Option<String>,
    /// Only look for things of this kind
    #[arg(long = "type", value_name = "KIND")]
    pub(crate) kind: Option<Kind>,
    /// Names or IDs of containers or networks, or the beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER|NETWORK")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Container,
    Network,
}

#[derive(Debug, Args)]
pub(crate) struct NamesOption {
    /// Names or IDs, or the beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PublishOptions {
    /// Take the ports over from the containers that publish them now; connections that were made before go on there
    #[arg(long)]
    pub(crate) take: bool,
    #[command(flatten)]
    pub(crate) mappings: MappingOptions,
}

#[derive(Debug, Args)]
pub(crate) struct MappingOptions {
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// As with run -p: [[IP:]HOST[-END]:]CONTAINER[-END][/tcp|udp|sctp]
    #[arg(required = true, value_name = "PORTS")]
    pub(crate) mappings: Vec<minet_model::PublishSpec>,
}

#[derive(Debug, Args)]
pub(crate) struct LeasesOptions {
    /// A table, or one JSON object a line
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: crate::network_options::ListFormat,
    /// Only those of this network
    #[arg(value_name = "NETWORK")]
    pub(crate) network: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DnsOptions {
    /// JSON; of a list, one object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// A name, or an address to be found by; all names that it sees if none is given
    #[arg(value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// The type of record: A if none is given, PTR for an address
    #[arg(value_name = "TYPE")]
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VethOptions {
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// A container's name or ID, or an interface of the host; all cables if none is given
    #[arg(value_name = "CONTAINER|INTERFACE")]
    pub(crate) of: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct NsenterOptions {
    /// Name or ID, or the beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// The program and its arguments; your shell if none is given
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RmOptions {
    /// Kill those that run, and be content if there is none of that name
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Also remove the volumes that minet made for it: it makes none
    #[arg(short, long, hide = true)]
    pub(crate) volumes: bool,
    #[command(flatten)]
    pub(crate) names: NamesOption,
}

/// Examine this machine: can minet work here, and what is in its way?
///
/// Nothing is changed; what the kernel can do is tried in a scratch namespace. Exits with 1 if
/// something is wrong; warnings and notes alone are no failure.
#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Print one JSON array of objects: name, severity (fine, note, warning, wrong), found, why, mend
    #[arg(long)]
    pub(crate) json: bool,
    /// Only show what is not fine
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Make again what somebody changed behind minet's back.
///
/// Each step of the networks that stand and of the containers that run is compared with the
/// kernel, as `minet check` does, and what differs is made so again: the nftables table, the
/// bridge, cables, addresses, routes, published ports. No container is restarted. What stands
/// in the table for nobody is removed.
#[derive(Debug, Args)]
pub(crate) struct RepairOptions {
    /// Print one JSON object: mended, removed, passed, resisting
    #[arg(long)]
    pub(crate) json: bool,
    /// Name or ID; everything if none is given
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// Print one JSON array of objects: owner, step, found
    #[arg(long)]
    pub(crate) json: bool,
    /// Name or ID; all that run if none is given
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionOptions {
    /// For which shell
    #[arg(value_name = "SHELL", value_parser = clap::builder::PossibleValuesParser::new(crate::complete::SHELLS))]
    pub(crate) shell: String,
}

#[derive(Debug, Args)]
pub(crate) struct ManualOptions {
    /// It has to exist
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting, its value and its source
    Show(ConfigShowOptions),
    /// Say whether a file can be understood; nothing is changed
    Check(ConfigCheckOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShowOptions {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigCheckOptions {
    /// TOML, or JSON as Docker's daemon.json
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct GcOptions {
    /// Print one JSON object: containers, networks, strays, kept, passed, left_behind
    #[arg(long)]
    pub(crate) json: bool,
    /// Also take down the bridge, the table and IP forwarding of networks without containers
    #[arg(short, long)]
    pub(crate) all: bool,
}
