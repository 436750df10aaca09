use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_bridge::{
    announce,
    cable::{self, Isolation},
    link,
    neighbour::{self, Known, Neighbour},
    route::fixed,
};
use minet_model::{ContainerName, IfName, MacAddr, Neighbours, Reach, StaticRoute};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};

/// The cable of a container that runs follows its network's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCable {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The end on the bridge.
    pub host_end: IfName,
    /// The interface inside.
    pub interface: IfName,
    /// Where the host answers for which address of it, if its neighbours are kept apart.
    #[serde(default)]
    pub answer: Option<(IfName, Ipv6Addr)>,
    /// Its MAC.
    pub mac: MacAddr,
    /// As it was.
    pub before: CableSettings,
    /// As it is to be.
    pub after: CableSettings,
    /// The container's addresses there.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// What a cable has from its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CableSettings {
    /// Bytes of an IP packet that fit into one frame.
    pub mtu: u32,
    /// Whether it may talk to the others on the switch.
    pub neighbours: Neighbours,
    /// The ways besides the default route.
    pub routes: Vec<StaticRoute>,
    /// How far the network reaches.
    #[serde(default)]
    pub reach: Reach,
}

impl ChangeCable {
    fn change(
        &self,
        machine: &mut Machine,
        (from, to): (&CableSettings, &CableSettings),
    ) -> Result<(), Error> {
        let rtnl = machine.rtnl()?;
        if from.neighbours != to.neighbours {
            let isolation = match to.neighbours {
                Neighbours::Talk => Isolation::Open,
                Neighbours::Apart | Neighbours::Linked => Isolation::Isolated,
            };
            cable::isolate(rtnl, &self.host_end, isolation)?;
            if let Some((bridge, address)) = &self.answer {
                let answered = [Neighbour {
                    address: (*address).into(),
                    known: Known::Answered,
                }];
                match isolation {
                    Isolation::Isolated => neighbour::set(rtnl, bridge, &answered)?,
                    Isolation::Open => drop(neighbour::remove(rtnl, bridge, &answered)?),
                }
            }
        }
        if from.mtu != to.mtu {
            link::set_mtu(rtnl, &self.host_end, to.mtu)?;
        }
        let inside = machine.rtnl_inside().ok_or(Error::NoNamespace)?;
        if from.neighbours != to.neighbours {
            // It remembers the neighbours' own MACs, or the host's that answered for them.
            announce::announce(inside, &self.interface, self.mac)?;
        }
        if from.mtu != to.mtu {
            link::set_mtu(inside, &self.interface, to.mtu)?;
        }
        for route in from
            .routes
            .iter()
            .filter(|route| !to.routes.contains(route))
        {
            fixed::remove(inside, route, &self.interface)?;
        }
        for route in to
            .routes
            .iter()
            .filter(|route| !from.routes.contains(route))
        {
            fixed::set(inside, route, &self.interface)?;
        }
        if is_closed(from, to) {
            for address in &self.addresses {
                machine.firewall()?.flush_conntrack_of(*address)?;
            }
        }
        Ok(())
    }

    fn commands(&self, from: &CableSettings, to: &CableSettings) -> Vec<String> {
        let ChangeCable {
            name,
            host_end,
            interface,
            mac,
            ..
        } = self;
        let mut commands = Vec::new();
        if from.neighbours != to.neighbours {
            let isolated = match to.neighbours {
                Neighbours::Talk => "off",
                Neighbours::Apart | Neighbours::Linked => "on",
            };
            commands.push(format!(
                "bridge link set dev {host_end} isolated {isolated}"
            ));
            commands.extend(self.answer.iter().map(|(bridge, address)| {
                let verb = match to.neighbours {
                    Neighbours::Talk => "del",
                    Neighbours::Apart | Neighbours::Linked => "add",
                };
                format!("ip neigh {verb} proxy {address} dev {bridge}")
            }));
            commands.push(format!(
                "ip -n {name} link set dev {interface} address {mac}"
            ));
        }
        if from.mtu != to.mtu {
            commands.push(format!("ip link set dev {host_end} mtu {}", to.mtu));
            commands.push(format!(
                "ip -n {name} link set dev {interface} mtu {}",
                to.mtu
            ));
        }
        let route = |verb: &str, route: &StaticRoute| {
            let (destination, gateway) = (route.destination, route.gateway);
            format!("ip -n {name} route {verb} {destination} via {gateway} dev {interface}")
        };
        let gone = from
            .routes
            .iter()
            .filter(|route| !to.routes.contains(route));
        commands.extend(gone.map(|gone| route("del", gone)));
        let new = to
            .routes
            .iter()
            .filter(|route| !from.routes.contains(route));
        commands.extend(new.map(|new| route("replace", new)));
        if is_closed(from, to) {
            for direction in ["orig", "reply"] {
                let forget = |address| format!("conntrack -D --{direction}-src {address}");
                commands.extend(self.addresses.iter().map(forget));
            }
        }
        commands
    }
}

/// What was connected before would go on: the table judges first packets. So they are
/// forgotten, and whatever still comes is judged like one.
fn is_closed(from: &CableSettings, to: &CableSettings) -> bool {
    (from.reach, to.reach) == (Reach::Outside, Reach::InternalOnly)
}

impl Act for ChangeCable {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        self.change(machine, (&self.before, &self.after))
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        self.change(machine, (&self.after, &self.before))
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        let link = link::find(machine.rtnl()?, &self.host_end)?;
        let follows = link.is_some_and(|link| link.mtu == self.after.mtu);
        Ok(Finding::expect(follows, || {
            format!("interface {} has another MTU", self.host_end)
        }))
    }

    fn explain(&self) -> Explanation {
        Explanation {
            what: format!("let {} of {} follow its network", self.interface, self.name),
            why: "What a cable has from its network was given to it when it was laid.".into(),
            up: self.commands(&self.before, &self.after),
            down: self.commands(&self.after, &self.before),
        }
    }
}
