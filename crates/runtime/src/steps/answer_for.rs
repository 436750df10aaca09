use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::neighbour::{self, Known, Neighbour};
use minet_model::{ContainerName, IfName};
use serde::{Deserialize, Serialize};
use std::net::Ipv6Addr;

/// The host answers for a container's IPv6 address, on a bridge on which neighbours do not meet.
///
/// So what a link allows comes to the host, which passes it on, and the table judges it. For
/// IPv4 one switch of the bridge does it for all (`proxy_arp_pvlan`, see
/// [`super::TuneBridge`]); in IPv6 the kernel wants to be told each address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerFor {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The bridge by which the host is on the network.
    pub bridge: IfName,
    /// The address.
    pub address: Ipv6Addr,
}

impl AnswerFor {
    fn neighbour(&self) -> Neighbour {
        Neighbour {
            address: self.address.into(),
            known: Known::Answered,
        }
    }
}

impl Act for AnswerFor {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        Ok(neighbour::set(
            machine.rtnl()?,
            &self.bridge,
            &[self.neighbour()],
        )?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        neighbour::remove(machine.rtnl()?, &self.bridge, &[self.neighbour()])?;
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let answered = neighbour::is_set(machine.rtnl()?, &self.bridge, &self.neighbour())?;
        let (address, name) = (self.address, &self.name);
        Ok(Finding::expect(answered, || {
            format!("nobody answers for {address} of {name}")
        }))
    }

    fn explain(&self) -> Explanation {
        let AnswerFor {
            name,
            bridge,
            address,
        } = self;
        Explanation {
            what: format!("answer for {address} of {name} on {bridge}"),
            why: "Its neighbours are kept apart and cannot ask it where it is; what they send to the host instead is passed on, if a link allows it.".into(),
            up: vec![format!("ip neigh add proxy {address} dev {bridge}")],
            down: vec![format!("ip neigh del proxy {address} dev {bridge}")],
        }
    }
}
