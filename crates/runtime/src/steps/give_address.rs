use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use ipnetwork::IpNetwork;
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
    pub address: IpNetwork,
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
        let held = match self.address {
            IpNetwork::V4(address) => address::list(rtnl, &self.interface)?.contains(&address),
            IpNetwork::V6(address) => address::list6(rtnl, &self.interface)?.contains(&address),
        };
        Ok(Finding::expect(held, || {
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
            up: vec![match address {
                IpNetwork::V4(_) => format!("ip -n {name} addr add {address} broadcast + dev {interface}"),
                IpNetwork::V6(_) => format!("ip -n {name} addr add {address} nodad dev {interface}"),
            }],
            down: vec![format!("ip -n {name} addr del {address} dev {interface}")],
        }
    }
}
