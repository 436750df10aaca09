//! The options of `minet run`. What they become is said in [`spec`].

mod error;
mod files;
mod spec;

pub(crate) use error::OptionError;
pub(crate) use files::environment;

use clap::Args;
use minet_model::{
    AddHost, ContainerName, ExposedPorts, HostName, HostsBase, LinkSpec, MacAddr, NetworkArgument,
    OomScore, PublishSpec, RestartPolicy, SecurityOption, SignalNumber, Sysctl, Tmpfs, UserSpec,
    Volume,
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

/// Run a command in a network of its own.
///
/// The command sees this machine's files, or those of --rootfs, in namespaces of its own:
/// its own processes, its own hostname, and the network that --network gives it. minet stays
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
    #[arg(long = "network", visible_aliases = ["mode", "net"], value_name = "MODE", help_heading = "Network")]
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
    /// The domain inside, behind the hostname in its hosts file
    #[arg(long, value_name = "DOMAIN", help_heading = "Names")]
    domainname: Option<HostName>,
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
    /// Give it memory that looks like a directory and is gone afterwards: DST[:size=64m,mode=1777,exec,…]
    #[arg(long, value_name = "DST[:OPTIONS]", help_heading = "Files")]
    tmpfs: Vec<Tmpfs>,
    /// Make its file system read-only, except volumes and --tmpfs
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
    /// Write its ID to this file, which must not exist yet
    #[arg(long, value_name = "FILE", help_heading = "Process")]
    pub(crate) cidfile: Option<PathBuf>,
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
    /// Seconds until `minet stop` kills it; -1 for never
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..=i64::from(u32::MAX)), help_heading = "Process")]
    stop_timeout: Option<i64>,
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
  minet run --network container:web -- ss -lnt
      a look around in another container's network
  minet run -it --rootfs /srv/alpine -- sh
      a shell in another root file system";
