use crate::{
    Error,
    machine::{Inside, Machine},
    step::{Act, Explanation, Finding},
};
use minet_bridge::{
    guard::{self, Identity},
    link,
};
use minet_model::{ContainerName, IfName, MacAddr};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The guard at the host's end of a cable: nobody is believed to be somebody else.
///
/// It stands before the end inside is switched on, so that no frame comes out unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardCable {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The end on the bridge, where what the container sends comes in.
    pub host_end: IfName,
    /// The MAC that it may send from.
    pub mac: MacAddr,
    /// The addresses that it may send from.
    pub addresses: Vec<IpAddr>,
}

impl GuardCable {
    fn identity(&self) -> Identity {
        Identity {
            mac: self.mac,
            addresses: self.addresses.clone(),
        }
    }
}

impl Act for GuardCable {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        guard::set(machine.rtnl()?, &self.host_end, &self.identity())?;
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // It goes with the cable, and the cable with the namespace.
        if matches!(machine.inside(), Inside::Dying) {
            return Ok(());
        }
        guard::remove(machine.rtnl()?, &self.host_end)?;
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let host_end = &self.host_end;
        if link::find(machine.rtnl()?, host_end)?.is_none() {
            return Ok(Finding::Differs(format!("interface {host_end} is missing")));
        }
        let stands = guard::stands(machine.rtnl()?, host_end, &self.identity())?;
        Ok(Finding::expect(stands, || {
            format!(
                "the guard of cable {host_end} is missing or another: {} may send as anybody",
                self.name
            )
        }))
    }

    fn explain(&self) -> Explanation {
        let GuardCable {
            name,
            host_end,
            mac,
            addresses,
        } = self;
        let own: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        let own = own.join(", ");
        let bytecode = guard::program(&self.identity())
            .map(|program| guard::as_bytecode(&program))
            .unwrap_or_default();
        Explanation {
            what: format!("let {name} send as itself only"),
            why: format!(
                "A bridge believes what it hears; what comes out of this cable must be from {mac} and {own}, in the headers and in ARP, and be no tag, no spanning tree, no router advertisement, no redirect and no DHCP server's answer. The numbers are a program of the packet filter that reads just that."
            ),
            up: vec![
                format!("tc qdisc add dev {host_end} ingress"),
                format!(
                    "tc filter add dev {host_end} ingress pref 1 handle 1 protocol all bpf da bytecode '{bytecode}'"
                ),
            ],
            down: vec![format!("tc qdisc del dev {host_end} ingress")],
        }
    }
}
