use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::route::fixed;
use minet_model::{ContainerName, IfName, StaticRoute};
use serde::{Deserialize, Serialize};

/// The way to one destination: by a neighbour on the network, not by the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddRoute {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The interface inside.
    pub interface: IfName,
    /// Where to, and by whom.
    pub route: StaticRoute,
}

impl Act for AddRoute {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        Ok(fixed::set(rtnl, &self.route, &self.interface)?)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        // Where nobody holds the namespace, the route goes with it.
        if let Some(rtnl) = machine.rtnl_inside() {
            fixed::remove(rtnl, &self.route, &self.interface)?;
        }
        Ok(())
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let rtnl = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        let found = fixed::is_set(rtnl, &self.route, &self.interface)?;
        let StaticRoute {
            destination,
            gateway,
        } = self.route;
        Ok(Finding::expect(found, || {
            format!("there is no route to {destination} by {gateway}")
        }))
    }

    fn explain(&self) -> Explanation {
        let AddRoute {
            name,
            interface,
            route: StaticRoute {
                destination,
                gateway,
            },
        } = self;
        let route = format!("{destination} via {gateway} dev {interface}");
        Explanation {
            what: format!("send what {name} has for {destination} to {gateway}"),
            why: "A route of the network's own: of all routes that fit, the kernel takes the one with the longest prefix, so this one comes before the default route.".into(),
            up: vec![format!("ip -n {name} route replace {route} proto static")],
            down: vec![format!("ip -n {name} route del {route}")],
        }
    }
}
