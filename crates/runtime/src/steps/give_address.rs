use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use ipnetwork::Ipv4Network;
use minet_bridge::address;
use minet_model::{ContainerName, IfName};
use serde::{Deserialize, Serialize};

/// The container's address, and with it the route to its neighbours on the bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveAddress {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The interface inside.
    pub interface: IfName,
    /// The address with the prefix length of its network.
    pub address: Ipv4Network,
}

impl Act for GiveAddress {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        address::add(rtnl, &self.interface, self.address)?;
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        if let Some(rtnl) = machine.rtnl_inside() {
            address::remove(rtnl, &self.interface, self.address)?;
        }
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        let held = address::list(rtnl, &self.interface)?;
        Ok(Finding::expect(held.contains(&self.address), || {
            format!(
                "{} does not have the address {}",
                self.interface, self.address
            )
        }))
    }

    fn explain(&self) -> Explanation {
        let GiveAddress {
            name,
            interface,
            address,
        } = self;
        Explanation {
            what: format!("give {interface} of {name} the address {address}"),
            why: "The prefix length tells the kernel which addresses are neighbours on the same bridge and need no gateway.".into(),
            up: vec![format!("ip -n {name} addr add {address} broadcast + dev {interface}")],
            down: vec![format!("ip -n {name} addr del {address} dev {interface}")],
        }
    }
}
