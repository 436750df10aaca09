use crate::{
    Error, forwarding,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::netconf::{self, Family};
use minet_model::IfName;
use minet_netns::sysctl;
use serde::{Deserialize, Serialize};
use std::fs;

/// The host passes packets on between interfaces; it was off before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnOnForwarding {
    /// The bridge of the network for which it is turned on.
    pub bridge: IfName,
}

impl TurnOnForwarding {
    /// The switch of the whole host for IPv4.
    pub const KEY: &'static str = "net/ipv4/ip_forward";

    /// Whether the host passes packets on now.
    pub fn is_on() -> bool {
        netconf::forwards(Family::Ipv4).unwrap_or(false)
    }

    /// Turns it off, and forgets that minet had turned it on.
    pub(crate) fn turn_off(machine: &Machine) -> Result<(), Error> {
        sysctl::write(Self::KEY, "0")?;
        forwarding::remove_mark(machine)
    }
}

impl Act for TurnOnForwarding {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let mark = machine.paths().forwarding_mark();
        fs::write(&mark, "").map_err(Error::file("write", &mark))?;
        Ok(sysctl::write(Self::KEY, "1")?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // While another network stands, of this instance or another, forwarding is still
        // wanted. With the last one the table goes, which drops what is not ours, and
        // forwarding must not outlive it, unless both stay for another tool.
        let mut networks = machine.firewall()?.networks()?.into_iter();
        if networks.all(|bridge| bridge == self.bridge) && forwarding::relying(machine)?.is_empty()
        {
            Self::turn_off(machine)?;
        }
        Ok(())
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        Ok(Finding::expect(Self::is_on(), || {
            "IPv4 forwarding is off".into()
        }))
    }

    fn explain(&self) -> Explanation {
        Explanation {
            what: "turn on IPv4 forwarding".into(),
            why: "A container's packets pass through the host like through a router; what is not minet's is still dropped by its table, so the host does not become a router for others; only bridges and cables of other tools that come later pass.".into(),
            up: vec!["sysctl -qw net/ipv4/ip_forward=1".into()],
            down: vec!["sysctl -qw net/ipv4/ip_forward=0".into()],
        }
    }
}
