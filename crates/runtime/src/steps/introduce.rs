use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::neighbour::{self, Known, Neighbour};
use minet_model::{ContainerName, IfName, MacAddr};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The host and a container know where the other one is, and need not ask.
///
/// They would have to find room in the kernel's table of neighbours, which is one for all
/// namespaces; whoever fills it, as any container can by looking for many that are not there,
/// would keep the others from the host and from the world (moby/libnetwork#1522).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduce {
    /// The container.
    pub name: ContainerName,
    /// Its interface on the network.
    pub interface: IfName,
    /// Its MAC and its addresses there.
    pub mac: MacAddr,
    /// See there.
    pub addresses: Vec<IpAddr>,
    /// The bridge by which the host is on the network.
    pub bridge: IfName,
    /// Its MAC, and the host's addresses there.
    pub bridge_mac: MacAddr,
    /// See there.
    pub host: Vec<IpAddr>,
}

fn at(addresses: &[IpAddr], mac: MacAddr) -> Vec<Neighbour> {
    let neighbour = |address: &IpAddr| Neighbour {
        address: *address,
        known: Known::At(mac),
    };
    addresses.iter().map(neighbour).collect()
}

impl Introduce {
    fn container(&self) -> Vec<Neighbour> {
        at(&self.addresses, self.mac)
    }

    fn host(&self) -> Vec<Neighbour> {
        at(&self.host, self.bridge_mac)
    }
}

impl Act for Introduce {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        neighbour::set(machine.rtnl()?, &self.bridge, &self.container())?;
        if let Some(inside) = machine.rtnl_inside() {
            neighbour::set(inside, &self.interface, &self.host())?;
        }
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // What the container knows goes with its interface.
        neighbour::remove(machine.rtnl()?, &self.bridge, &self.container())?;
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let Introduce { name, bridge, .. } = self;
        // What the container knows is its own affair: who forgets the host asks for it.
        for neighbour in self.container() {
            if !neighbour::is_set(machine.rtnl()?, bridge, &neighbour)? {
                let address = neighbour.address;
                return Ok(Finding::Differs(format!(
                    "{bridge} does not know where {address} of {name} is"
                )));
            }
        }
        Ok(Finding::AsPlanned)
    }

    fn explain(&self) -> Explanation {
        let Introduce {
            name,
            interface,
            mac,
            addresses,
            bridge,
            bridge_mac,
            host,
        } = self;
        let known = |address: &IpAddr| {
            format!("ip neigh replace {address} lladdr {mac} nud permanent dev {bridge}")
        };
        let knows = |address: &IpAddr| {
            format!(
                "ip -n {name} neigh replace {address} lladdr {bridge_mac} nud permanent dev {interface}"
            )
        };
        let forget = |address: &IpAddr| format!("ip neigh del {address} dev {bridge}");
        Explanation {
            what: format!("introduce {name} and the host to each other"),
            why: "Whom one knows one need not ask for, and nobody can be in the way of the answer: the kernel's table of neighbours is one for all containers, and may be full.".into(),
            up: addresses.iter().map(known).chain(host.iter().map(knows)).collect(),
            down: addresses.iter().map(forget).collect(),
        }
    }
}
