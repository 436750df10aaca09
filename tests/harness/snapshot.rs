//! The leak oracle: everything that minet could leave behind, as lines of text.
//!
//! The rule that it checks: when the last container of a network is gone, nothing of any
//! container is left. What stays is the network's own, as a switch stays on when the last
//! cable is pulled: the bridge `minet0` with its address, the table `inet minet` with its
//! chains and the network's elements, and the two or three sysctls that a bridge needs.
//! `minet gc --all` takes that away as well, and then the host is what it was before.

use crate::TestHost;
use std::{collections::BTreeSet, fmt::Write};

/// One line for each thing there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    lines: BTreeSet<String>,
}

/// What to list, and the command that lists it: one thing on each line. None of this may
/// list itself, so the lists of processes leave out the shell and its children.
const LISTS: &[(&str, &str)] = &[
    ("namespace", "lsns --noheadings --type net --output NS"),
    (
        "link",
        "ip -oneline -details link | sed 's/^[0-9]*: //; s/@if[0-9]*/@peer/; s/ifindex [0-9]*//g'",
    ),
    ("address", "ip -oneline address | sed 's/^[0-9]*: //'"),
    (
        "route",
        "ip route show table all; ip -6 route show table all",
    ),
    ("neighbour", "ip neigh show nud permanent"),
    ("table", "nft --stateless list ruleset | sed 's/^/|/'"),
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
    ("file", "find /run /var/lib/minet -xdev | sort"),
    (
        "conntrack",
        "cat /proc/net/nf_conntrack 2>/dev/null | grep 172.1 | sed 's/^.* src/src/'",
    ),
    ("sysctl", "grep -rs . /proc/sys/net"),
];

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

impl Snapshot {
    #[track_caller]
    pub(crate) fn take(host: &TestHost) -> Self {
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

    /// Fails the test if anything is different now.
    #[track_caller]
    pub fn assert_unchanged(&self, host: &TestHost) {
        self.compare(&host.snapshot());
    }

    /// Fails the test if anything is different now but for the network's own things.
    #[track_caller]
    pub fn assert_only_the_network_is_left(&self, host: &TestHost) {
        let mut now = host.snapshot();
        now.lines
            .retain(|line| self.lines.contains(line) || !belongs_to_the_network(line));
        let mut before = self.clone();
        // The keys that the network may turn on have another value now.
        before
            .lines
            .retain(|line| now.lines.contains(line) || !is_switched_by_the_network(line));
        before.compare(&now);
    }

    #[track_caller]
    fn compare(&self, now: &Snapshot) {
        let gone = self
            .lines
            .difference(&now.lines)
            .map(|line| format!("  - {line}\n"));
        let new = now
            .lines
            .difference(&self.lines)
            .map(|line| format!("  + {line}\n"));
        let changes: String = gone.chain(new).collect();
        assert!(
            changes.is_empty(),
            "the host is not what it was:\n{changes}"
        );
    }
}

/// The bridge, its address and routes, the table without any container's elements, the
/// state directories.
fn belongs_to_the_network(line: &str) -> bool {
    let (kind, what) = line.split_once(": ").unwrap_or((line, ""));
    match kind {
        "link" | "address" | "route" => what.contains("minet0") && !what.contains("veth"),
        "table" => !names_a_container(what),
        "file" => FILES_OF_THE_NETWORK.contains(&what),
        "mount" => what.contains(" /run/netns "),
        "sysctl" => what.contains("/minet0/") || is_switched_by_the_network(line),
        _ => false,
    }
}

/// What stays in the state directories: the directories, locks, and the database.
const FILES_OF_THE_NETWORK: &[&str] = &[
    "/run/minet",
    "/run/minet/containers",
    "/run/minet/lock",
    "/run/minet/netns",
    "/run/netns",
    "/var/lib/minet",
    "/var/lib/minet/minet.db",
    "/var/lib/minet/minet.db-shm",
    "/var/lib/minet/minet.db-wal",
];

/// A published port's element has a container's port as its data.
fn names_a_container(rule: &str) -> bool {
    let published = ["tcp . ", "udp . ", "sctp . "];
    published
        .iter()
        .any(|protocol| rule.contains(protocol) && rule.contains(" : "))
        && !rule.contains("type ")
}

fn is_switched_by_the_network(line: &str) -> bool {
    line.starts_with("sysctl: ")
        && ["/ip_forward:", "/forwarding:", "/route_localnet:"]
            .iter()
            .any(|key| line.contains(key))
}
