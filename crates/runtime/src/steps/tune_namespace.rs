use crate::{
    Error,
    machine::{Inside, Machine},
    step::{Act, Explanation, Finding},
};
use minet_model::{ContainerName, IfName};
use minet_netns::{
    Failure, Netns,
    sysctl::{self, Knobs},
};
use serde::{Deserialize, Serialize};
use std::io;

/// Kernel parameters of the namespace; they go with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TuneNamespace {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// Keys, as paths below `/proc/sys`, and values.
    pub settings: Vec<(String, String)>,
    /// Why, in one sentence.
    pub why: String,
}

impl TuneNamespace {
    /// What every namespace gets before its first interface.
    pub fn defaults(name: &ContainerName) -> Self {
        let gid_map = std::fs::read_to_string("/proc/self/gid_map").unwrap_or_default();
        let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        TuneNamespace {
            name: name.clone(),
            settings: vec![
                // On an IPv4 network nobody may bring IPv6 in by the back door
                // (CVE-2024-32473). The loopback is there already and keeps its ::1.
                own("net/ipv6/conf/default/disable_ipv6", "1"),
                own("net/ipv6/conf/default/accept_ra", "0"),
                // The kernel announces an address of its own accord (see Announce).
                own("net/ipv4/conf/default/arp_notify", "1"),
                // Everybody may ping, so nobody needs raw sockets for it.
                own(PING_GROUP_RANGE, &all_groups(&gid_map)),
            ],
            why: "Set before the first interface is born, so that it is born with them: no IPv6 on an IPv4 network, addresses announced by the kernel, ping without raw sockets.".into(),
        }
    }

    /// IPv6 on one interface, which was born without it. Its addresses are usable at once,
    /// and nobody on the bridge can tell it another way out by router advertisement
    /// (CVE-2020-13401).
    pub fn with_ipv6(name: &ContainerName, interface: &IfName) -> Self {
        let own = |key: &str, value: &str| (below(interface) + key, value.to_owned());
        TuneNamespace {
            name: name.clone(),
            settings: vec![
                own("accept_ra", "0"),
                own("accept_redirects", "0"),
                own("accept_dad", "0"),
                own("ndisc_notify", "1"),
                // The link-local address is made of the MAC, by which the guard knows it.
                own("addr_gen_mode", "0"),
                own("disable_ipv6", "0"),
            ],
            why: format!(
                "The network has IPv6, so {interface} speaks it: minet alone says which addresses and routes it has, and since they are nobody else's, they need not be asked for first."
            ),
        }
    }

    /// Whether this is [`TuneNamespace::with_ipv6`] of this interface.
    pub fn is_of(&self, interface: &IfName) -> bool {
        let below = below(interface);
        self.settings.iter().all(|(key, _)| key.starts_with(&below))
    }

    fn write_all(&self) -> Result<(), Error> {
        let knobs = Knobs::fresh().map_err(Error::process("look into /proc/sys"))?;
        for (key, value) in &self.settings {
            match knobs.write(key, value) {
                // A kernel without IPv6 has no such keys, and needs none.
                Err(error) if key.starts_with("net/ipv6/conf/default/") && is_missing(&error) => {}
                other => other?,
            }
        }
        Ok(())
    }
}

fn below(interface: &IfName) -> String {
    format!("net/ipv6/conf/{interface}/")
}

/// Which groups may open ICMP echo sockets (icmp(7)).
const PING_GROUP_RANGE: &str = "net/ipv4/ping_group_range";

/// Every group there is. The kernel takes only groups that exist in the user namespace of
/// the network namespace, so in one with few it takes fewer (user_namespaces(7)).
fn all_groups(gid_map: &str) -> String {
    let groups_from_zero = gid_map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(0)), Some(Ok(_)), Some(Ok(count))) => Some(count),
            _ => None,
        }
    });
    // The largest that the kernel takes is the largest signed number.
    let last = groups_from_zero
        .map_or(0, |count| count.saturating_sub(1))
        .min(i32::MAX as u32);
    format!("0 {last}")
}

fn is_missing(error: &Failure) -> bool {
    error.cause().kind() == io::ErrorKind::NotFound
}

/// Runs `body` inside the container's namespace; there must be one.
fn inside<T: Send>(machine: &mut Machine, body: impl FnOnce() -> T + Send) -> Result<T, Error> {
    match machine.inside() {
        Inside::Held { netns, .. } => Ok(Netns::run(netns, body)?),
        Inside::Unknown | Inside::Dying => Err(Error::NoNamespace),
    }
}

impl Act for TuneNamespace {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        inside(machine, || self.write_all())?
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        inside(machine, || {
            for (key, value) in &self.settings {
                let Ok(found) = sysctl::read(key) else {
                    continue;
                };
                let same = found.split_whitespace().eq(value.split_whitespace());
                if !same {
                    return Finding::Differs(format!("{key} is {found:?}, not {value:?}"));
                }
            }
            Finding::AsPlanned
        })
    }

    fn explain(&self) -> Explanation {
        let name = &self.name;
        let command = |(key, value): &(String, String)| {
            format!(
                "ip netns exec {name} sysctl -qw '{key}={}'",
                value.replace('\'', "'\\''")
            )
        };
        Explanation {
            what: format!("tune the namespace of {name}"),
            why: self.why.clone(),
            up: self.settings.iter().map(command).collect(),
            down: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_groups_that_exist_may_ping() {
        assert_eq!(
            all_groups("         0          0 4294967295\n"),
            "0 2147483647"
        );
        assert_eq!(all_groups("         0      65534          1\n"), "0 0");
        assert_eq!(all_groups("1000 1 1\n0 5 10\n"), "0 9");
        assert_eq!(all_groups(""), "0 0");
    }
}
