//! A host and its containers, each a namespace that lives as long as its value.

use ipnetwork::Ipv4Network;
use minet_bridge::{Rtnl, switch::SwitchSpec};
use minet_model::{IfName, MacAddr};
use nix::sched::{CloneFlags, setns, unshare};
use serde_json::Value;
use std::{fs::File, os::fd::AsFd, os::fd::BorrowedFd, process::Command, thread};

/// A network namespace with a socket inside.
pub(crate) struct Namespace {
    file: File,
    pub(crate) rtnl: Rtnl,
}

impl Namespace {
    /// Makes one on a thread that dies at once; the open file keeps it alive.
    pub(crate) fn new() -> Self {
        thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect(
                "these tests make network namespaces: run them as root, or inside \
                 `unshare --user --map-root-user --net --mount --pid --fork`",
            );
            Namespace {
                file: File::open("/proc/thread-self/ns/net").expect("open the namespace"),
                rtnl: Rtnl::open().expect("open a socket in the namespace"),
            }
        })
        .join()
        .expect("a thread with a namespace of its own")
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Runs a closure inside, on a thread that dies.
    pub(crate) fn run<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    setns(self.fd(), CloneFlags::CLONE_NEWNET).expect("enter the namespace");
                    inside()
                })
                .join()
                .expect("no panic inside the namespace")
        })
    }

    /// What `ip` says, as JSON; null when it fails.
    pub(crate) fn ip(&self, arguments: &str) -> Value {
        let output = self.run(|| {
            Command::new("ip")
                .args(["-j", "-d"])
                .args(arguments.split_whitespace())
                .output()
                .expect("iproute2 is installed")
        });
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// Runs an `ip` command that changes something.
    pub(crate) fn ip_do(&self, arguments: &str) {
        let status = self.run(|| {
            Command::new("ip")
                .args(arguments.split_whitespace())
                .status()
                .expect("iproute2 is installed")
        });
        assert!(status.success(), "ip {arguments}");
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.ip("link show")
            .as_array()
            .expect("a list of links")
            .iter()
            .filter_map(|link| link["ifname"].as_str())
            .map(str::to_owned)
            .collect()
    }
}

pub(crate) fn name(name: &str) -> IfName {
    name.parse().expect("a name")
}

pub(crate) fn mac(mac: &str) -> MacAddr {
    mac.parse().expect("an Ethernet address")
}

pub(crate) fn subnet(subnet: &str) -> Ipv4Network {
    subnet.parse().expect("a subnet")
}

/// The switch of most tests.
pub(crate) fn minet0() -> SwitchSpec {
    SwitchSpec {
        name: name("minet0"),
        mac: mac("02:42:ac:11:00:01"),
        mtu: 1400,
        alias: "minet:bridge".to_owned(),
        address: Some(subnet("172.17.0.1/16")),
    }
}
