use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use ipnetwork::Ipv6Network;
use minet_bridge::address;
use minet_model::{IfName, Ipv6Subnet};
use serde::{Deserialize, Serialize};
use std::net::Ipv6Addr;

/// The host's IPv6 addresses on a bridge of minet's: the gateway, and one for the link.
///
/// From a link-local address the host asks who has an address (RFC 4861, 7.2.2); without
/// one it could not deliver what it passes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveGateway6 {
    /// The bridge.
    pub bridge: IfName,
    /// The network's IPv6 half.
    pub ipv6: Ipv6Subnet,
}

/// The same on every bridge, as Docker has it.
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

impl GiveGateway6 {
    fn addresses(&self) -> [Ipv6Network; 2] {
        let link_local = Ipv6Network::new(LINK_LOCAL, 64).expect("64 is a prefix length");
        [link_local, self.ipv6.gateway_with_prefix()]
    }
}

impl Act for GiveGateway6 {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        for address in self.addresses() {
            address::add(machine.rtnl()?, &self.bridge, address)?;
        }
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        for address in self.addresses() {
            address::remove(machine.rtnl()?, &self.bridge, address)?;
        }
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let (bridge, gateway) = (&self.bridge, self.ipv6.gateway_with_prefix());
        let held = address::list6(machine.rtnl()?, bridge)?;
        Ok(Finding::expect(held.contains(&gateway), || {
            format!("bridge {bridge} does not have the address {gateway}")
        }))
    }

    fn explain(&self) -> Explanation {
        let bridge = &self.bridge;
        let line = |verb: &str, flag: &str, address: Ipv6Network| {
            format!("ip addr {verb} {address}{flag} dev {bridge}")
        };
        Explanation {
            what: format!("give {bridge} the address {}", self.ipv6.gateway_with_prefix()),
            why: "The containers' gateway for IPv6; and an address of the link itself, from which the host asks for its neighbours on it.".into(),
            up: self.addresses().map(|address| line("add", " nodad", address)).to_vec(),
            down: self.addresses().map(|address| line("del", "", address)).to_vec(),
        }
    }
}
