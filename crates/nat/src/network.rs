//! A network: a handful of elements, and nothing per container.

use crate::command::{Command, IfPresent};
use crate::table::{Element, Family, IPV4, IPV6, Table, Value};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use minet_model::{Connections, IfName, MacAddr, Masquerade, Neighbours, NetworkName, Reach};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What the table has to know of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRules {
    /// Its bridge.
    pub bridge: IfName,
    /// Where its containers' addresses come from.
    pub subnet: Ipv4Network,
    /// Where their IPv6 addresses come from, if they have any.
    pub subnet6: Option<Ipv6Network>,
    /// The host's address on the bridge, which belongs to the subnet.
    pub gateway: Ipv4Addr,
    /// The bridge's own MAC, where nobody but minet gives it one.
    pub router: Option<MacAddr>,
    /// Its name, which stands in the comments.
    pub owner: NetworkName,
    /// Under which address its connections leave.
    pub masquerade: Masquerade,
    /// That address, if it is not to be the outgoing interface's.
    pub outbound: Option<Ipv4Addr>,
    /// The same for IPv6.
    pub outbound6: Option<Ipv6Addr>,
    /// What lies behind neighbours that route to it.
    pub behind: Vec<IpNetwork>,
    /// How far it reaches.
    pub reach: Reach,
    /// Whether its containers may talk to each other.
    pub neighbours: Neighbours,
    /// How many connections one of its containers may open.
    pub connections: Connections,
}

impl NetworkRules {
    /// Adds the network; what is already there stays.
    pub(crate) fn add(&self, table: &Table) -> Vec<Command> {
        let add = |(set, element): (String, Element)| Command::AddElement {
            set: crate::table_set(table, &set),
            element,
            if_present: IfPresent::Keep,
        };
        self.elements().into_iter().map(add).collect()
    }

    /// Removes exactly what [`Self::add`] adds.
    pub(crate) fn remove(&self, table: &Table) -> Vec<Command> {
        let delete = |(set, element): (String, Element)| Command::DeleteElement {
            set: crate::table_set(table, &set),
            element,
        };
        self.elements().into_iter().rev().map(delete).collect()
    }

    /// Makes this of what `before` has made: what is the same is not touched, so that no
    /// packet finds it missing.
    pub(crate) fn replace(&self, before: &NetworkRules, table: &Table) -> Vec<Command> {
        let (old, new) = (before.elements(), self.elements());
        let delete = old.iter().rev().filter(|element| !new.contains(element));
        let delete = delete.map(|(set, element)| Command::DeleteElement {
            set: crate::table_set(table, set),
            element: element.clone(),
        });
        let add = new.iter().filter(|element| !old.contains(element));
        let add = add.map(|(set, element)| Command::AddElement {
            set: crate::table_set(table, set),
            element: element.clone(),
            if_present: IfPresent::Keep,
        });
        delete.chain(add).collect()
    }

    fn subnets(&self) -> Vec<(&'static Family, Value)> {
        let mut subnets = vec![(&IPV4, Value::Ipv4Subnet(self.subnet))];
        subnets.extend(
            self.subnet6
                .map(|subnet| (&IPV6, Value::Ipv6Subnet(subnet))),
        );
        subnets
    }

    /// Which elements in which sets. `bridges` comes last, so that a network that is in
    /// it is complete.
    fn elements(&self) -> Vec<(String, Element)> {
        let bridge = || Value::Ifname(self.bridge.clone());
        let comment = crate::publication::cut(&format!("network {}", self.owner), "");
        let element = |set: &str, key: Vec<Value>| {
            let element = Element {
                key,
                data: Vec::new(),
                comment: comment.clone(),
            };
            (set.to_owned(), element)
        };
        let mut elements = Vec::new();
        for (family, subnet) in self.subnets() {
            let mut put = |set: &str, key| elements.push(element(&family.set(set), key));
            put("home", vec![subnet.clone(), bridge()]);
            put("hidden", vec![subnet.clone()]);
            let outbound = match *family == IPV4 {
                true => self.outbound.map(Value::Ipv4),
                false => self.outbound6.map(Value::Ipv6),
            };
            match (self.masquerade, self.reach, outbound) {
                (Masquerade::On, Reach::Outside, Some(address)) => {
                    let (map, mut element) = element(&family.set("outbound"), vec![subnet]);
                    element.data = vec![address];
                    elements.push((map, element));
                }
                (Masquerade::On, Reach::Outside, None) => put("masqueraded", vec![subnet]),
                // Answers come to the container's own address, and are not known to be
                // answers before they are tracked; the chain `forward` lets nothing else in.
                (Masquerade::Off, Reach::Outside, _) => put("routed", vec![subnet]),
                // What cannot leave needs no other address.
                (_, Reach::InternalOnly, _) => {}
            }
        }
        elements.extend(self.behind.iter().map(|destination| {
            let (family, destination) = match destination {
                IpNetwork::V4(destination) => (&IPV4, Value::Ipv4Subnet(*destination)),
                IpNetwork::V6(destination) => (&IPV6, Value::Ipv6Subnet(*destination)),
            };
            element(&family.set("behind"), vec![destination, bridge()])
        }));
        match self.neighbours {
            Neighbours::Talk => {
                elements.push(element("within", vec![bridge(), bridge()]));
                // First which frames are routed, then that the others are left alone.
                if let Some(mac) = self.router {
                    elements.push(element("routers", vec![Value::Ether(mac)]));
                    elements.push(element("talking", vec![bridge()]));
                }
            }
            Neighbours::Apart => {}
            Neighbours::Linked => elements.push(element("linked", vec![bridge()])),
        }
        match self.connections {
            Connections::Unlimited => elements.push(element("unlimited", vec![bridge()])),
            Connections::Limited => {}
        }
        match self.reach {
            Reach::InternalOnly => elements.push(element("internal", vec![bridge()])),
            Reach::Outside => {}
        }
        elements.push(element("bridges", vec![bridge()]));
        elements
    }
}
