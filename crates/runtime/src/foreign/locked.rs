//! Firewalls whose tables only their owner may change, as firewalld has from version 2 on.

use crate::{Error, Machine, steps::PassForeignDrop};
use minet_model::{BridgeNetwork, Reach};
use std::fmt;

/// A firewall that only its owner can tell to let a network pass.
pub(crate) struct Locked {
    pub(crate) found: String,
    /// The command that does it, or what to do.
    pub(crate) remedy: String,
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; to let it pass: {}", self.found, self.remedy)
    }
}

/// The firewall in a network's way that minet can do nothing about, if there is one.
pub(crate) fn locked(
    machine: &mut Machine,
    network: &BridgeNetwork,
) -> Result<Option<Locked>, Error> {
    if network.asked.reach == Reach::InternalOnly {
        return Ok(None);
    }
    let bridge = &network.bridge;
    let drops = PassForeignDrop::of(network, bridge).locked_drops(machine)?;
    Ok(drops.first().map(|chain| Locked {
        found: format!(
            "{chain} drops what comes from {bridge}, and only its owner may change that table"
        ),
        remedy: match chain.table.as_str() {
            "firewalld" => format!(
                "firewall-cmd --permanent --zone=trusted --add-interface={bridge} && firewall-cmd --reload"
            ),
            _ => format!("its owner has to accept iifname \"{bridge}\" there"),
        },
    }))
}
