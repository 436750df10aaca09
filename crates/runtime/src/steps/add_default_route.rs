use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::route;
use minet_model::{ContainerName, IfName};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The way to everywhere that is not a neighbour: through the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddDefaultRoute {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The host's address on the bridge.
    pub gateway: IpAddr,
    /// The interface inside.
    pub interface: IfName,
}

impl Act for AddDefaultRoute {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        // A container that gets a better way out while it runs has one already.
        Ok(route::replace_default(rtnl, self.gateway, &self.interface)?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // Where nobody holds the namespace, the route goes with it.
        if let Some(rtnl) = machine.rtnl_inside() {
            route::remove_default(rtnl, self.gateway, &self.interface)?;
        }
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        let leads_there = |route: &route::Route| route.gateway == Some(self.gateway);
        let default = match self.gateway {
            IpAddr::V4(_) => route::find_default(rtnl)?,
            IpAddr::V6(_) => route::find_default6(rtnl)?,
        };
        let found = default.iter().any(leads_there);
        Ok(Finding::expect(found, || {
            format!("the default route does not lead to {}", self.gateway)
        }))
    }

    fn explain(&self) -> Explanation {
        let AddDefaultRoute {
            name,
            gateway,
            interface,
        } = self;
        Explanation {
            what: format!("send everything else of {name} to {gateway}"),
            why: "The default route: what is not on the bridge goes to the host, which passes it on under its own address.".into(),
            up: vec![format!("ip -n {name} route replace default via {gateway} dev {interface}")],
            down: Vec::new(),
        }
    }
}
