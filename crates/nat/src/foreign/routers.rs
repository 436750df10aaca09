//! Programs that, like minet, pass packets on for guests of theirs.

use super::chains::names;
use super::encode::dump_chains;
use crate::error::Error;
use crate::firewall::Firewall;

/// How the tables or chains of each of them begin. All of them need forwarding; if they find
/// it switched on, they rely on it.
const KNOWN: &[(&str, &str)] = &[
    ("DOCKER", "Docker"),
    ("docker-bridges", "Docker"),
    ("NETAVARK", "Podman"),
    ("netavark", "Podman"),
    ("CNI-FORWARD", "CNI"),
    ("LIBVIRT_FW", "libvirt"),
    ("libvirt_network", "libvirt"),
    ("incus", "Incus"),
    ("lxd", "LXD"),
];

impl Firewall {
    /// The programs that pass packets on here for guests of theirs, as far as they are
    /// known by the names of their tables and chains.
    ///
    /// Reads all chains of the namespace.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn other_routers(&mut self) -> Result<Vec<&'static str>, Error> {
        let chains = self.dump(&dump_chains(), "list the chains of other firewalls")?;
        let mut found: Vec<_> = chains
            .iter()
            .flat_map(names)
            .filter_map(|name| who(&name))
            .collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Whether `ufw` has made the rules here, and so should make more of them.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn is_managed_by_ufw(&mut self) -> Result<bool, Error> {
        let chains = self.dump(&dump_chains(), "list the chains of other firewalls")?;
        Ok(chains
            .iter()
            .flat_map(names)
            .any(|name| name.starts_with("ufw-")))
    }
}

fn who(name: &str) -> Option<&'static str> {
    let known = KNOWN
        .iter()
        .find(|(beginning, _)| name.starts_with(beginning));
    known.map(|(_, who)| *who)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_chains() {
        assert_eq!(who("DOCKER-ISOLATION-STAGE-1"), Some("Docker"));
        assert_eq!(who("LIBVIRT_FWX"), Some("libvirt"));
        assert_eq!(who("ufw-before-forward"), None);
    }
}
