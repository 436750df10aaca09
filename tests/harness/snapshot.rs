//! The leak oracle: everything that minet could leave behind, as lines of text.
//!
//! The rule that it checks: when the last container of a network is gone, nothing of any
//! container is left. What stays is the network's own, as a switch stays on when the last
//! cable is pulled: the bridge `minet0` with its address, the table `inet minet` with its
//! chains and the network's elements, and the two or three sysctls that a bridge needs.
//! `minet gc --all` takes that away as well, and then the host is what it was before. Only
//! the database in `/var/lib/minet` stays, as the memory that it is, and in `/run` empty
//! directories and locks that nobody holds; they are not listed here.

use crate::TestHost;
use std::{
    collections::BTreeSet,
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

/// One line for each thing there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    lines: BTreeSet<String>,
}

/// What to list, and the command that lists it: one thing on each line. None of this may
/// list itself, so the lists of processes leave out the shell and its children.
const LISTS: &[(&str, &str)] = &[
    ("namespace", "lsns --noheadings --type net --output NS"),
    ("link", LINKS),
    ("address", "ip -oneline address | sed 's/^[0-9]*: //'"),
    (
        "route",
        "{ ip route show table all; ip -6 route show table all; } | sed 's/ linkdown//'",
    ),
    ("neighbour", "ip neigh show nud permanent"),
    ("guard", GUARDS),
    // Connections are counted until conntrack forgets the last one of an address.
    (
        "table",
        "nft --stateless list ruleset | grep -v 'ct count over' | sed 's/^/|/'",
    ),
    (
        "mount",
        "cut -d' ' -f4- /proc/1/mountinfo | sed 's/ \\(shared\\|master\\):[0-9]*//g'",
    ),
    (
        "socket",
        "ss --no-header --listening --tcp --udp --numeric | awk '{print $1, $5}'",
    ),
    ("unix socket", "grep minet /proc/net/unix | sed 's/.* //'"),
    ("process", PROCESSES),
    (
        "file",
        "find /run -xdev; find /var/lib/minet -mindepth 1 ! -name 'minet.db*'",
    ),
    ("sysctl", "grep -rs . /proc/sys/net"),
];

/// All links, without what changes when the other end of a cable comes or goes.
const LINKS: &str = r"ip -oneline link |
    sed 's/^[0-9]*: //; s/@if[0-9]*//; s/<[^>]*>//; s/ state [A-Z]*//; s/ link-netns.*//'";

/// What is filtered at which interface, on one line each.
const GUARDS: &str = r#"
for dev in $(ip -oneline link | sed 's/^[0-9]*: //; s/[@:].*//'); do
    tc filter show dev "$dev" ingress 2>/dev/null | grep bytecode | sed "s/^/$dev /; s/ jited.*//"
done"#;

/// All processes but PID 1's `sleep`, this shell and its children.
const PROCESSES: &str = r#"
for dir in /proc/[0-9]*; do
    read -r pid comm state parent rest <$dir/stat || continue
    case " $$ " in *" $pid "*|*" $parent "*) continue ;; esac
    echo "$comm"
done 2>/dev/null"#;

/// Sysctls that change by themselves.
const RESTLESS: &[&str] = &[
    "/nf_conntrack_count:",
    "/stat_refresh:",
    "/dev_weight:",
    "/flow_limit",
    "/base_reachable_time",
    "/netdev_rss_key",
];

/// How long the kernel may take to do in the background what it was told to do: when the
/// last process of a namespace is gone, the namespace and its cables go a little later.
const BACKGROUND: Duration = Duration::from_secs(3);

impl Snapshot {
    /// Lists everything, once no cable leads into a namespace that is going away.
    #[track_caller]
    pub(crate) fn settled(host: &TestHost) -> Self {
        let started = Instant::now();
        let dying = "ip link | grep -A1 '^[0-9]*: veth' | grep -q 'link-netnsid'";
        while host.exec(["sh", "-c", dying]).code() == 0 && started.elapsed() < BACKGROUND {
            thread::sleep(Duration::from_millis(10));
        }
        Snapshot::take(host)
    }

    #[track_caller]
    fn take(host: &TestHost) -> Self {
        let mut script = String::new();
        for (kind, command) in LISTS {
            writeln!(script, "echo '== {kind}'\n{command}").expect("a string takes everything");
        }
        let output = host.exec(["sh", "-c", &script]);
        let mut kind = "";
        let mut lines = BTreeSet::new();
        for line in output.stdout().lines() {
            match line.strip_prefix("== ") {
                Some(next) => kind = next,
                None if kind == "file" && is_a_directory_or_lock(line) => {}
                None if RESTLESS.iter().any(|key| line.contains(key)) => {}
                None => drop(lines.insert(format!("{kind}: {}", line.trim_end()))),
            }
        }
        assert!(
            lines.len() > 100,
            "the list of everything is short\n{output}"
        );
        Snapshot { lines }
    }

    /// Fails the test if anything is different now, and stays so.
    #[track_caller]
    pub fn assert_unchanged(&self, host: &TestHost) {
        self.assert_same(host, |_| true);
    }

    /// Fails the test if anything is different now but for the network's own things.
    #[track_caller]
    pub fn assert_only_the_network_is_left(&self, host: &TestHost) {
        self.assert_same(host, |line| !belongs_to_the_network(line));
    }

    #[track_caller]
    fn assert_same(&self, host: &TestHost, matters: impl Fn(&str) -> bool) {
        let started = Instant::now();
        loop {
            let changes = self.changes(&Snapshot::take(host), &matters);
            if changes.is_empty() {
                return;
            }
            assert!(
                started.elapsed() < BACKGROUND,
                "the host is not what it was:\n{changes}"
            );
            thread::sleep(Duration::from_millis(30));
        }
    }

    fn changes(&self, now: &Snapshot, matters: impl Fn(&str) -> bool) -> String {
        let gone = self.lines.difference(&now.lines).map(|line| ('-', line));
        let new = now.lines.difference(&self.lines).map(|line| ('+', line));
        let relevant = gone.chain(new).filter(|(_, line)| matters(line));
        relevant
            .map(|(sign, line)| format!("  {sign} {line}\n"))
            .collect()
    }
}

/// The bridge, its address and routes, the table without any container's elements, the
/// state directories.
fn belongs_to_the_network(line: &str) -> bool {
    let (kind, what) = line.split_once(": ").unwrap_or((line, ""));
    match kind {
        "link" | "address" | "route" => what.contains("minet0") && !what.contains("veth"),
        "table" => !names_a_container(what),
        "file" => what == "/run/minet/turned-on-forwarding",
        "mount" => what.contains(" /run/netns "),
        "sysctl" => what.contains("/minet0/") || is_switched_by_the_network(line),
        _ => false,
    }
}

/// What stays in the state directories, and means nothing.
fn is_a_directory_or_lock(path: &str) -> bool {
    // The last one goes with the next repair, which a supervisor may be about to begin.
    let nothing = [
        "/run/minet",
        "/run/minet/containers",
        "/run/netns",
        "/run/minet/table-is-new",
    ];
    nothing.contains(&path) || path.starts_with("/run/minet/") && path.ends_with(".lock")
}

/// A published port's element has a container's port as its data.
fn names_a_container(rule: &str) -> bool {
    let published = ["tcp . ", "udp . ", "sctp . "];
    published
        .iter()
        .any(|protocol| rule.contains(protocol) && rule.contains(" : "))
        && !rule.contains("type ")
}

/// Turning on forwarding also turns off what only a host that is no router should believe.
fn is_switched_by_the_network(line: &str) -> bool {
    let keys = [
        "/ip_forward:",
        "/forwarding:",
        "/route_localnet:",
        "/accept_redirects:",
    ];
    line.starts_with("sysctl: ") && keys.iter().any(|key| line.contains(key))
}
