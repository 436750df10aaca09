//! The options of `minet run`, and how they become a checked spec.

use clap::Args;
use minet_model::{
    AddHost, CapabilityChanges, ContainerName, ContainerSpec, EndpointSpec, ExposedPorts, HostName,
    HostsBase, InvalidLabel, InvalidLifecycle, Labels, Lifecycle, LinkSpec, LogLimits, MacAddr,
    NetworkArgument, NetworkMode, OomScore, PublishSpec, RestartPolicy, Seccomp, SecurityOption,
    SecurityOptions, SignalNumber, Sysctl, TerminalMode, UserSpec, Volume, parse_label,
};
use minet_runtime::{ConfigError, NetworkError, Paths};
use std::{
    env::VarError,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

/// Run a command in a network of its own.
///
/// The command sees this machine's files, or those of --rootfs, in namespaces of its own:
/// its own processes, its own hostname, and the network that --mode gives it. minet stays
/// in the foreground, passes signals on and exits with the command's exit code; with -d it
/// prints the container's ID and leaves it running. However it ends, nothing of its network
/// stays.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct RunOptions {
    /// Its network: bridge (a cable to a switch; if nothing is said), none (only lo), host (this machine's own), container:NAME (that of another container), ns:PATH (one that somebody pinned)
    ///
    /// Several networks, or one with more to say about it:
    /// name=NETWORK,ip=ADDRESS,ip6=ADDRESS,mac-address=MAC,alias=NAME,ifname=eth7,gw-priority=1,anti-spoof=false
    #[arg(long, visible_aliases = ["network", "net"], value_name = "MODE", help_heading = "Network")]
    mode: Vec<NetworkArgument>,
    /// Another name by which the containers of its (first) network find it
    #[arg(
        long,
        visible_alias = "net-alias",
        value_name = "NAME",
        help_heading = "Network"
    )]
    network_alias: Vec<HostName>,
    /// Publish a port: [[IP:]HOST[-END]:]CONTAINER[-END][/tcp|udp|sctp]
    #[arg(short, long, value_name = "PORTS", help_heading = "Network")]
    publish: Vec<PublishSpec>,
    /// Publish every exposed port on a free port of the host
    #[arg(short = 'P', long, help_heading = "Network")]
    publish_all: bool,
    /// Say that the command serves these ports: PORT[-END][/PROTOCOL]
    #[arg(long, value_name = "PORTS", help_heading = "Network")]
    expose: Vec<ExposedPorts>,
    /// This IPv4 address of the network, and no other
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    ip: Option<Ipv4Addr>,
    /// This IPv6 address of the network, and no other
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    ip6: Option<Ipv6Addr>,
    /// This MAC address, such as 02:42:ac:11:00:02
    #[arg(long, value_name = "MAC", help_heading = "Network")]
    mac_address: Option<MacAddr>,
    /// Set a kernel parameter of its network namespace: net.KEY=VALUE
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Network")]
    sysctl: Vec<Sysctl>,

    /// The container's name; one is made up if none is given
    #[arg(long, help_heading = "Names")]
    name: Option<ContainerName>,
    /// The hostname inside; the beginning of the container's ID if none is given
    #[arg(short = 'h', long, help_heading = "Names")]
    hostname: Option<HostName>,
    /// Ask this DNS server instead of this machine's
    #[arg(long, value_name = "ADDRESS", help_heading = "Names")]
    dns: Vec<IpAddr>,
    /// Complete names with this domain; "." for none
    #[arg(long, value_name = "DOMAIN", help_heading = "Names")]
    dns_search: Vec<String>,
    /// An option for resolv.conf, such as ndots:1
    #[arg(
        long,
        visible_alias = "dns-opt",
        value_name = "OPTION",
        help_heading = "Names"
    )]
    dns_option: Vec<String>,
    /// Ask the DNS servers for names without a dot, too, that no container has
    #[arg(long, help_heading = "Names")]
    dns_single_label: bool,
    /// Know another container by a name, whether it runs yet or not: SRC[:ALIAS[ ALIAS…]]
    #[arg(long, value_name = "SRC[:ALIAS]", help_heading = "Names")]
    link: Vec<LinkSpec>,
    /// Set Docker's legacy variables for each link; they show the other's environment, passwords included, to whoever looks at this one's
    #[arg(long, help_heading = "Names")]
    link_env: bool,
    /// A line for the hosts file: NAME:ADDRESS, or NAME:host-gateway for this machine
    #[arg(long, value_name = "NAME:ADDRESS", help_heading = "Names")]
    add_host: Vec<AddHost>,
    /// The lines that the hosts file begins with: those of FILE, the root directory's own (image) or none
    #[arg(long, value_name = "FILE|image|none", help_heading = "Names")]
    hosts_file: Option<HostsBase>,
    /// Write no hosts file: the one in the root directory is seen as it is
    #[arg(long, conflicts_with = "hosts_file", help_heading = "Names")]
    no_hosts: bool,

    /// This directory is its / (this machine's file system if not given)
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    rootfs: Option<PathBuf>,
    /// Show a file or directory of this machine inside: SRC:DST[:ro]
    #[arg(short, long, value_name = "SRC:DST[:ro]", help_heading = "Files")]
    volume: Vec<Volume>,
    /// Make its file system read-only, except volumes
    #[arg(long, help_heading = "Files")]
    read_only: bool,
    /// Start in this directory
    #[arg(short, long, value_name = "DIR", help_heading = "Files")]
    workdir: Option<PathBuf>,

    /// Set an environment variable; without a value it is taken from here
    #[arg(short, long, value_name = "KEY[=VALUE]", help_heading = "Process")]
    env: Vec<String>,
    /// Read environment variables from a file, one KEY=VALUE a line
    #[arg(long, value_name = "FILE", help_heading = "Process")]
    env_file: Vec<PathBuf>,
    /// A note for people and scripts: ps --filter label=KEY finds it
    #[arg(short, long, value_name = "KEY[=VALUE]", help_heading = "Process")]
    label: Vec<String>,
    /// Read labels from a file, one KEY=VALUE a line
    #[arg(long, value_name = "FILE", help_heading = "Process")]
    label_file: Vec<PathBuf>,
    /// Run as this user of the container
    #[arg(short, long, value_name = "USER[:GROUP]", help_heading = "Process")]
    user: Option<UserSpec>,
    /// Keep standard input open
    #[arg(short, long, help_heading = "Process")]
    interactive: bool,
    /// Give it a terminal of its own
    #[arg(short, long, help_heading = "Process")]
    tty: bool,
    /// Put a small init in front of the command that reaps orphans and passes signals on
    #[arg(long, help_heading = "Process")]
    init: bool,
    /// Grant a capability, such as NET_ADMIN, or ALL
    #[arg(long, value_name = "CAP", help_heading = "Process")]
    cap_add: Vec<String>,
    /// Deny a capability, such as CHOWN, or ALL
    #[arg(long, value_name = "CAP", help_heading = "Process")]
    cap_drop: Vec<String>,
    /// seccomp=unconfined, seccomp=PROFILE.json (Docker's format), or no-new-privileges=false
    #[arg(long, value_name = "OPTION", help_heading = "Process")]
    security_opt: Vec<SecurityOption>,
    /// How readily it is ended when memory runs out: from -1000, never, to 1000, first of all (0 if not given)
    #[arg(
        long,
        value_name = "SCORE",
        allow_negative_numbers = true,
        help_heading = "Process"
    )]
    oom_score_adj: Option<OomScore>,
    /// Leave it running in the background, and print its ID
    #[arg(short, long, help_heading = "Process")]
    pub(crate) detach: bool,
    /// With -d: what happens when it ends by itself: no, on-failure[:N], always or unless-stopped
    #[arg(
        long,
        value_name = "POLICY",
        default_value = "no",
        help_heading = "Process"
    )]
    restart: RestartPolicy,
    /// What `minet stop` sends first
    #[arg(long, value_name = "SIGNAL", help_heading = "Process")]
    stop_signal: Option<SignalNumber>,
    /// Seconds until `minet stop` kills it
    #[arg(long, value_name = "SECONDS", help_heading = "Process")]
    stop_timeout: Option<u32>,
    /// With -d: how much of its output is kept: max-size=10m, max-file=3
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Process")]
    log_opt: Vec<String>,
    /// Forget the container when it ends
    #[arg(long, help_heading = "Process")]
    rm: bool,

    /// Print each step as it happens, with the command that does the same and the reason
    #[arg(long, help_heading = "Learning")]
    pub(crate) explain: bool,
    /// Print the steps and change nothing
    #[arg(long, help_heading = "Learning")]
    pub(crate) dry_run: bool,
    /// With --dry-run: print a shell script that does the same
    #[arg(long, requires = "dry_run", help_heading = "Learning")]
    pub(crate) script: bool,
    /// With --script: print the script that takes it back
    #[arg(long, requires = "script", help_heading = "Learning")]
    pub(crate) down: bool,
    /// Pretend that the step after this many fails, and watch the undo
    #[arg(long, value_name = "STEPS", help_heading = "Learning")]
    pub(crate) fail_after: Option<usize>,

    /// The command and its arguments; after it, options are its own
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

const EXAMPLES: &str = "\
Examples:
  minet run -d --name web -p 8080:80 -- busybox httpd -f -h /srv
      a web server in the background, reached on port 8080 of this machine, by [::1] too
  minet run -p 127.0.0.1:5432:5432 -- postgres
      reached from this machine alone
  minet run --mode container:web -- ss -lnt
      a look around in another container's network
  minet run -it --rootfs /srv/alpine -- sh
      a shell in another root file system";

/// Why the options do not make a spec.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionError {
    /// An `--env-file` that cannot be read.
    #[error("read --env-file {}: {source}", path.display())]
    EnvFile { path: PathBuf, source: io::Error },
    /// A seccomp profile that cannot be read.
    #[error("read the seccomp profile {}: {source}", path.display())]
    SeccompProfile { path: PathBuf, source: io::Error },
    /// A `--label-file` that cannot be read.
    #[error("read --label-file {}: {source}", path.display())]
    LabelFile { path: PathBuf, source: io::Error },
    /// A label without a key.
    #[error(transparent)]
    Label(#[from] InvalidLabel),
    /// A variable without a name.
    #[error("invalid environment variable: {0:?}")]
    Variable(String),
    /// A variable of this environment whose value cannot be stored.
    #[error("the value of the environment variable {0:?} is not valid UTF-8")]
    VariableNotUtf8(String),
    /// A directory that is not absolute.
    #[error("the working directory {0:?} is invalid, it needs to be an absolute path")]
    Workdir(PathBuf),
    /// A `--log-opt` that says nothing.
    #[error(transparent)]
    Lifecycle(#[from] InvalidLifecycle),
    /// A path that cannot be stored or printed.
    #[error("the path {0:?} is not valid UTF-8")]
    NotUtf8(PathBuf),
    /// Modes that are not to be had together.
    #[error(transparent)]
    Networks(#[from] minet_runtime::NetworkError),
    /// The same thing said twice about a network.
    #[error("conflicting options: {0} and the same in --network")]
    SaidTwice(&'static str),
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A port without a network that it could lead to.
    #[error("a port can be published only on a network, and {} says that there is no default one (bridge = \"none\"): name one with --network", .0.display())]
    NowhereToPublish(PathBuf),
    /// The directory of this process is gone.
    #[error("find the absolute path of {}: {source}", path.display())]
    Path { path: PathBuf, source: io::Error },
}

impl RunOptions {
    /// The options as a spec; files named by them are read here.
    pub(crate) fn into_spec(self, paths: &Paths) -> Result<ContainerSpec, OptionError> {
        let mut env = Vec::new();
        for path in &self.env_file {
            env.extend(read_env_file(path)?);
        }
        env.extend(variables(&self.env)?);
        if let Some(workdir) = self.workdir.as_ref().filter(|dir| !dir.is_absolute()) {
            return Err(OptionError::Workdir(workdir.clone()));
        }
        let named = self.rootfs.iter().chain(&self.workdir);
        let mut named = named.chain(self.volume.iter().map(|volume| &volume.source));
        if let Some(path) = named.find(|path| path.to_str().is_none()) {
            return Err(OptionError::NotUtf8(path.clone()));
        }
        let nothing_asked = self.mode.is_empty();
        let (mode, mut networks) = match nothing_asked {
            true => default_mode(paths)?,
            false => modes(self.mode)?,
        };
        let publishes = self.publish_all || !self.publish.is_empty();
        if nothing_asked && networks.is_empty() && publishes {
            return Err(OptionError::NowhereToPublish(
                paths.config_file().to_owned(),
            ));
        }
        if let Some(first) = networks.first_mut() {
            complete(
                first,
                (self.ip, self.ip6),
                self.mac_address,
                &self.network_alias,
            )?;
        } else if !self.network_alias.is_empty() {
            return Err(NetworkError::AliasOnDefault.into());
        }
        let volumes = self
            .volume
            .into_iter()
            .map(absolute_source)
            .collect::<Result<_, _>>()?;
        let mut log = LogLimits::default();
        for option in &self.log_opt {
            log.set(option)?;
        }
        let labels = labels(&self.label_file, &self.label)?;
        Ok(ContainerSpec {
            labels,
            command: self.command,
            name: self.name,
            mode,
            networks,
            publish: self.publish,
            publish_all: self.publish_all,
            expose: self.expose,
            ip: self.ip,
            ip6: self.ip6,
            mac: self.mac_address,
            hostname: self.hostname,
            dns: self.dns,
            dns_search: self.dns_search,
            dns_options: self.dns_option,
            dns_single_label: self.dns_single_label,
            add_hosts: self.add_host,
            hosts_base: hosts_base(self.no_hosts, self.hosts_file)?,
            links: self.link,
            link_env: self.link_env,
            sysctls: self.sysctl,
            rootfs: self.rootfs.map(|dir| absolute(&dir)).transpose()?,
            volumes,
            workdir: self.workdir,
            user: self.user,
            env,
            capabilities: CapabilityChanges {
                add: self.cap_add,
                drop: self.cap_drop,
            },
            security: security(&self.security_opt)?,
            read_only: self.read_only,
            oom_score: self.oom_score_adj,
            init: self.init,
            remove: self.rm,
            terminal: TerminalMode {
                interactive: self.interactive,
                tty: self.tty,
            },
            lifecycle: Lifecycle {
                restart: self.restart,
                stop_signal: self.stop_signal,
                stop_timeout: self.stop_timeout,
                log,
            },
        })
    }
}

/// The last one of a kind counts.
fn security(given: &[SecurityOption]) -> Result<SecurityOptions, OptionError> {
    let mut options = SecurityOptions::default();
    for option in given {
        match option {
            SecurityOption::SeccompUnconfined => options.seccomp = Seccomp::Unconfined,
            SecurityOption::SeccompDefault => options.seccomp = Seccomp::Default,
            SecurityOption::SeccompFile(file) => options.seccomp = read_profile(file)?,
            SecurityOption::NewPrivileges(new) => options.new_privileges = *new,
            SecurityOption::AsItIs => {}
        }
    }
    Ok(options)
}

fn read_profile(file: &str) -> Result<Seccomp, OptionError> {
    let text = std::fs::read_to_string(file).map_err(|source| OptionError::SeccompProfile {
        path: PathBuf::from(file),
        source,
    })?;
    Ok(Seccomp::Profile { text })
}

/// Those of the files first, so that what is said beside them counts more.
fn labels(files: &[PathBuf], given: &[String]) -> Result<Labels, OptionError> {
    let mut labels = Labels::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|source| OptionError::LabelFile {
            path: path.clone(),
            source,
        })?;
        for line in lines_of(&text) {
            labels.extend([parse_label(line)?]);
        }
    }
    for label in given {
        labels.extend([parse_label(label)?]);
    }
    Ok(labels)
}

/// What a container gets for which nothing was asked.
fn default_mode(paths: &Paths) -> Result<(NetworkMode, Vec<EndpointSpec>), OptionError> {
    let mode = paths.default_mode()?;
    let endpoint = match &mode {
        NetworkMode::Bridge(network) => Some(EndpointSpec::to(network.clone())),
        _ => None,
    };
    Ok((mode, endpoint.into_iter().collect()))
}

/// One mode, or cables to one or several networks.
fn modes(arguments: Vec<NetworkArgument>) -> Result<(NetworkMode, Vec<EndpointSpec>), OptionError> {
    let mut endpoints = Vec::new();
    let mut modes = Vec::new();
    for argument in arguments {
        match argument {
            NetworkArgument::Endpoint(endpoint) => endpoints.push(endpoint),
            NetworkArgument::Mode(mode) => modes.push(mode),
        }
    }
    match (modes.pop(), modes.is_empty(), endpoints.first()) {
        (None, _, None) => Ok((NetworkMode::default(), endpoints)),
        (None, _, Some(first)) => Ok((NetworkMode::Bridge(first.network.clone()), endpoints)),
        (Some(mode), true, None) => Ok((mode, endpoints)),
        (Some(NetworkMode::None), ..) => Err(NetworkError::NoneMode.into()),
        (Some(_), ..) => Err(NetworkError::SharesNamespace.into()),
    }
}

/// `--ip`, `--ip6`, `--mac-address` and `--network-alias` speak of the first network.
fn complete(
    first: &mut EndpointSpec,
    (ip, ip6): (Option<Ipv4Addr>, Option<Ipv6Addr>),
    mac: Option<MacAddr>,
    aliases: &[HostName],
) -> Result<(), OptionError> {
    if ip.is_some() && first.ip.is_some() {
        return Err(OptionError::SaidTwice("--ip"));
    }
    if ip6.is_some() && first.ip6.is_some() {
        return Err(OptionError::SaidTwice("--ip6"));
    }
    if mac.is_some() && first.mac.is_some() {
        return Err(OptionError::SaidTwice("--mac-address"));
    }
    first.ip = first.ip.or(ip);
    first.ip6 = first.ip6.or(ip6);
    first.mac = first.mac.or(mac);
    first
        .aliases
        .extend(aliases.iter().map(HostName::to_string));
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, OptionError> {
    std::path::absolute(path).map_err(|source| OptionError::Path {
        path: path.to_owned(),
        source,
    })
}

fn absolute_source(volume: Volume) -> Result<Volume, OptionError> {
    Ok(Volume {
        source: absolute(&volume.source)?,
        ..volume
    })
}

fn hosts_base(no_hosts: bool, given: Option<HostsBase>) -> Result<HostsBase, OptionError> {
    Ok(match given {
        _ if no_hosts => HostsBase::Untouched,
        Some(HostsBase::File(path)) => HostsBase::File(absolute(&path)?),
        given => given.unwrap_or_default(),
    })
}

/// `KEY=VALUE` as it is; `KEY` with the value it has here, or not at all.
pub(crate) fn variables(given: &[String]) -> Result<Vec<String>, OptionError> {
    let mut variables = Vec::new();
    for variable in given {
        match variable.split_once('=') {
            Some(("", _)) => return Err(OptionError::Variable(variable.clone())),
            Some(_) => variables.push(variable.clone()),
            None if variable.is_empty() => return Err(OptionError::Variable(variable.clone())),
            None => match std::env::var(variable) {
                Ok(value) => variables.push(format!("{variable}={value}")),
                Err(VarError::NotPresent) => {}
                Err(VarError::NotUnicode(_)) => {
                    return Err(OptionError::VariableNotUtf8(variable.clone()));
                }
            },
        }
    }
    Ok(variables)
}

/// Those that say something: no empty ones, and none that begin with `#`.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// One variable a line. Quotes are part of the value, as with Docker.
fn read_env_file(path: &Path) -> Result<Vec<String>, OptionError> {
    let text = std::fs::read_to_string(path).map_err(|source| OptionError::EnvFile {
        path: path.to_owned(),
        source,
    })?;
    let lines: Vec<String> = lines_of(&text).map(str::to_owned).collect();
    for line in &lines {
        let name = line.split('=').next().unwrap_or_default();
        if name.contains(char::is_whitespace) {
            return Err(OptionError::Variable(line.clone()));
        }
    }
    variables(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::{CommandFactory, Parser};

    fn spec(words: &[&str]) -> ContainerSpec {
        let words = ["minet", "run"].iter().chain(words);
        match Arguments::try_parse_from(words).unwrap().command {
            Command::Run(options) => options
                .into_spec(&Paths::below(Path::new("/nonexistent")))
                .unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_behind_the_command_are_the_commands() {
        let spec = spec(&[
            "--rm", "-p", "8080:80", "busybox", "httpd", "-f", "-p", "80",
        ]);
        assert_eq!(spec.command, ["busybox", "httpd", "-f", "-p", "80"]);
        assert_eq!(spec.publish.len(), 1);
        assert!(spec.remove);
    }

    #[test]
    fn a_mistyped_option_is_not_the_command() {
        assert!(Arguments::try_parse_from(["minet", "run", "--no-such-option", "true"]).is_err());
        assert_eq!(spec(&["--", "--odd-name"]).command, ["--odd-name"]);
    }

    #[test]
    fn mode_has_dockers_synonyms() {
        for option in ["--mode", "--network", "--net"] {
            assert_eq!(spec(&[option, "host", "true"]).mode, NetworkMode::Host);
        }
    }

    #[test]
    fn h_is_the_hostname() {
        assert_eq!(
            spec(&["-h", "box", "true"]).hostname.unwrap().as_str(),
            "box"
        );
    }

    #[test]
    fn variables_without_a_value_come_from_here() {
        let path = std::env::var("PATH").unwrap();
        let given = [
            "A=1".to_owned(),
            "PATH".to_owned(),
            "SURELY_NOT_SET_ANYWHERE".to_owned(),
        ];
        assert_eq!(
            variables(&given).unwrap(),
            ["A=1".to_owned(), format!("PATH={path}")]
        );
        assert!(variables(&["=x".to_owned()]).is_err());
    }

    #[test]
    fn env_files_have_comments_and_keep_quotes() {
        let path = std::env::temp_dir().join(format!("minet-env-{}", std::process::id()));
        std::fs::write(&path, "# comment\n\nA=1\n  B=\"x y\"\n").unwrap();
        assert_eq!(read_env_file(&path).unwrap(), ["A=1", "B=\"x y\""]);
        std::fs::write(&path, "A B=1\n").unwrap();
        assert!(read_env_file(&path).is_err());
        std::fs::remove_file(path).unwrap();
    }
}
