use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::{announce, cable};
use minet_model::{ContainerName, IfName, MacAddr};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Gratuitous ARP: the neighbours learn which card has the address now.
///
/// Somebody may remember the address from an earlier container with another card, and
/// would talk to nobody for up to minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The end of the cable on the bridge.
    pub host_end: IfName,
    /// The interface inside.
    pub interface: IfName,
    /// Its MAC.
    pub mac: MacAddr,
}

/// A bridge port without STP forwards within a millisecond of going up; one with STP
/// takes 30 seconds, for which nobody should wait here.
const PATIENCE: Duration = Duration::from_millis(200);

impl Act for Announce {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        cable::wait_until_forwarding(machine.rtnl()?, &self.host_end, PATIENCE)?;
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        Ok(announce::announce(rtnl, &self.interface, self.mac)?)
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        Ok(())
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        Ok(Finding::AsPlanned)
    }

    fn explain(&self) -> Explanation {
        let Announce {
            name,
            interface,
            mac,
            ..
        } = self;
        Explanation {
            what: format!("announce the address of {name}"),
            why: "With arp_notify set, giving the card its MAC once more makes the kernel send a gratuitous ARP, so that no neighbour keeps an earlier owner of the address in mind.".into(),
            up: vec![format!("ip -n {name} link set dev {interface} address {mac}")],
            down: Vec::new(),
        }
    }
}
