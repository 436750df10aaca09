//! The Debian packages that minet is built, shown and tested with, and their installation.

use crate::{say, shell, userns};
use anyhow::{Result, bail};
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

/// A package and what it is here for.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    purpose: &'static str,
}

const fn package(name: &'static str, purpose: &'static str) -> Package {
    Package { name, purpose }
}

/// What compiles and links minet.
pub(crate) const BUILD: &[Package] = &[
    package("gcc", "compiles SQLite, links everything"),
    package("libc6-dev", "the C library's headers"),
    package("pkg-config", "finds the next two"),
    package("libmnl-dev", "netlink messages, in batches"),
    package("libnftnl-dev", "nftables rules as netlink messages"),
];

/// What the demo runs beside minet.
pub(crate) const DEMO: &[Package] = &[
    package("busybox-static", "the web server that gets a network"),
    package("iproute2", "looks at links and addresses"),
];

/// What the tests look and knock with. minet itself never runs any of these.
pub(crate) const TEST: &[Package] = &[
    package(
        "bind9-dnsutils",
        "dig, which asks the containers' resolvers",
    ),
    package("bind9-host", "host, which does the same in fewer words"),
    package("busybox-static", "a root file system of one file"),
    package("conntrack", "lists the connections that the kernel knows"),
    package("dbus-daemon", "the bus that firewalld listens to"),
    package(
        "iproute2",
        "looks at links and routes, runs minet's scripts",
    ),
    package("iputils-ping", "ping, from both sides"),
    package("iptables", "what Docker, ufw and libvirt make rules with"),
    package("libdevmapper1.02.1", "a library of Docker's"),
    package(
        "libvirt-clients",
        "virsh, which starts a network of libvirt's",
    ),
    package("libvirt-daemon", "libvirt, to live beside"),
    package("nftables", "looks at the table, runs minet's scripts"),
    package("procps", "sysctl, for minet's scripts"),
    package("strace", "strikes minet at one of its system calls"),
    package("mariadb-server", "a database that is reached by a link"),
    package("python3", "a program of many system calls"),
    package("python3-firewall", "what firewalld is made of"),
    package("python3-nftables", "how it speaks to the kernel"),
    package("python3-pymysql", "asks that database"),
    package("runc", "starts Docker's containers"),
    package(
        "ufw",
        "a firewall to live beside, which is off until it is enabled",
    ),
];

/// What the tests live beside as well, and what is not installed for them: see `unpack`.
pub(crate) const TEST_UNPACKED: &[Package] = &[
    package("containerd", "holds Docker's containers"),
    package("docker.io", "a Docker Engine, to live beside"),
    package("docker-cli", "its command line, where that is apart"),
    package("firewalld", "a firewall to live beside"),
];

/// What the bench makes bare bridges with, and what it measures with. Peers are not among
/// them: it takes those that it finds, and says which it does not.
pub(crate) const BENCH: &[Package] = &[
    package("iproute2", "lays bare cables to compare with"),
    package("iperf3", "TCP and UDP throughput"),
    package("nginx-light", "a web server"),
    package("wrk", "asks a web server as often as it can"),
    package("strace", "lists the system calls of a start, for --path"),
];

/// Packages lists older than this are fetched again before anything is installed.
const STALE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Makes sure that all of `wanted` is installed, or says how to get there.
pub(crate) fn ensure(wanted: &[&[Package]]) -> Result<()> {
    say::phase("prerequisites");
    let wanted = wanted.iter().copied().flatten();
    if !Path::new("/usr/bin/dpkg-query").exists() {
        say::line("This is not a Debian system. What minet needs there is called:");
        wanted.for_each(|package| say::line(&describe(package)));
        say::line("Going on as if all of it were here.");
        return Ok(());
    }
    let mut missing: Vec<&Package> = wanted.filter(|package| !installed(package.name)).collect();
    missing.dedup_by_key(|package| package.name);
    if missing.is_empty() {
        say::line("all packages are installed");
        return Ok(());
    }
    say::line("missing:");
    missing
        .iter()
        .for_each(|package| say::line(&describe(package)));
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if !userns::am_root() {
        bail!(
            "packages are missing; this line installs them:\n\n    \
             sudo apt-get update && sudo apt-get install -y --no-install-recommends {}\n",
            names.join(" ")
        );
    }
    install(&names)
}

pub(crate) fn describe(package: &Package) -> String {
    format!("{:<15} {}", package.name, package.purpose)
}

pub(crate) fn installed(name: &str) -> bool {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}\n", name])
        .output();
    // One line for each architecture in which the package is known.
    output.is_ok_and(|output| {
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().any(|line| line == "installed")
    })
}

fn install(names: &[&str]) -> Result<()> {
    refresh_lists()?;
    let mut command = apt_get(&["install", "-y", "--no-install-recommends"]);
    shell::run(command.args(names))
}

/// Fetches the packages lists anew if need be, where that is allowed.
pub(crate) fn refresh_lists() -> Result<()> {
    if userns::am_root() && lists_are_stale(Path::new("/var/lib/apt/lists")) {
        shell::run(&mut apt_get(&["update"]))?;
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(arguments);
    command
}

/// A fresh machine has no package lists at all; an old one names packages that are gone.
fn lists_are_stale(lists_dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(lists_dir) else {
        return true;
    };
    let youngest = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .max();
    youngest.is_none_or(|fetched| {
        // A date in the future is the clock's mistake, not a reason to fetch.
        SystemTime::now()
            .duration_since(fetched)
            .unwrap_or_default()
            > STALE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lists_are_stale_lists() {
        assert!(lists_are_stale(Path::new("/nonexistent")));
        let empty_dir = std::env::temp_dir().join(format!("xtask-lists-{}", std::process::id()));
        fs::create_dir_all(&empty_dir).unwrap();
        assert!(lists_are_stale(&empty_dir));
        fs::write(
            empty_dir.join("mirror_dists_bookworm_main_Packages.lz4"),
            "",
        )
        .unwrap();
        assert!(!lists_are_stale(&empty_dir));
        fs::remove_dir_all(&empty_dir).unwrap();
    }

    #[test]
    fn an_unknown_package_is_not_installed() {
        assert!(!installed("no-such-package-anywhere"));
    }
}
