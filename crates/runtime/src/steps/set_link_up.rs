use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::link;
use minet_model::{ContainerName, IfName};
use serde::{Deserialize, Serialize};

/// An interface inside goes up; it goes down with the namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLinkUp {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The interface inside.
    pub interface: IfName,
}

impl Act for SetLinkUp {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        Ok(link::set_up(rtnl, &self.interface)?)
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        let up = link::find(rtnl, &self.interface)?.is_some_and(|link| link.up);
        Ok(Finding::expect(up, || {
            format!("{} is missing or down", self.interface)
        }))
    }

    fn explain(&self) -> Explanation {
        let SetLinkUp { name, interface } = self;
        let why = match interface == &IfName::loopback() {
            true => "Even the loopback is down in a new namespace, and 127.0.0.1 with it.",
            false => "A network card that is down neither sends nor receives.",
        };
        Explanation {
            what: format!("set {interface} of {name} up"),
            why: why.into(),
            up: vec![format!("ip -n {name} link set dev {interface} up")],
            down: Vec::new(),
        }
    }
}
