use super::publish_ports::nft_commands;
use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{ContainerId, ContainerName, Protocol};
use minet_nat::{Change, Edge};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The elements that let a container reach those that it has links to, on networks whose
/// containers do not talk otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEdges {
    /// The container, for the elements' comments.
    pub name: ContainerName,
    /// Its identity.
    pub id: ContainerId,
    /// What it may reach.
    pub ports: Vec<PortOfSource>,
}

/// One port that a container may reach along a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortOfSource {
    /// Whose.
    pub source: ContainerName,
    /// The receiver's own address on the network that both are on.
    pub from: IpAddr,
    /// The source's.
    pub to: IpAddr,
    /// By this protocol.
    pub protocol: Protocol,
    /// At this port.
    pub port: u16,
}

impl OpenEdges {
    fn edges(&self) -> impl Iterator<Item = Edge> {
        self.ports.iter().map(|port| Edge {
            from: port.from,
            to: port.to,
            protocol: port.protocol,
            port: port.port,
            owner: self.name.clone(),
            owner_id: self.id.clone(),
            source: port.source.clone(),
        })
    }

    /// The changes that open them all.
    pub(crate) fn open(&self) -> Vec<Change> {
        self.edges().map(Change::OpenEdge).collect()
    }

    /// From what was open to what shall be, in one transaction; what goes on along a closed
    /// edge ends.
    pub(crate) fn replace(before: &Self, after: &Self, machine: &mut Machine) -> Result<(), Error> {
        let stays = |edge: &Edge| {
            let same = |other: Edge| {
                (other.from, other.to, other.protocol, other.port)
                    == (edge.from, edge.to, edge.protocol, edge.port)
            };
            after.edges().any(same)
        };
        let closed: Vec<Edge> = before.edges().filter(|edge| !stays(edge)).collect();
        let close = closed.iter().cloned().map(Change::CloseEdge);
        let changes: Vec<Change> = close.chain(after.edges().map(Change::OpenEdge)).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let firewall = machine.firewall()?;
        firewall.apply(&changes)?;
        for edge in &closed {
            firewall.flush_conntrack_along(edge)?;
        }
        Ok(())
    }

    fn none(&self) -> Self {
        OpenEdges {
            ports: Vec::new(),
            ..self.clone()
        }
    }
}

impl Act for OpenEdges {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        OpenEdges::replace(&self.none(), self, machine)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        OpenEdges::replace(self, &self.none(), machine)
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        for edge in self.edges() {
            if !machine.firewall()?.edge_is_open(&edge)? {
                return Ok(Finding::Differs(format!(
                    "{} may not reach port {} of {}",
                    self.name, edge.port, edge.source
                )));
            }
        }
        Ok(Finding::AsPlanned)
    }

    fn explain(&self) -> Explanation {
        let commands = |change: fn(Edge) -> Change| {
            let lines = self.edges().flat_map(|edge| nft_commands(&change(edge)));
            lines.collect::<Vec<_>>()
        };
        let mut sources: Vec<&str> = self.ports.iter().map(|port| port.source.as_str()).collect();
        sources.dedup();
        let flush = self.edges().map(|edge| {
            let family = match edge.to {
                IpAddr::V4(_) => "ipv4",
                IpAddr::V6(_) => "ipv6",
            };
            format!(
                "conntrack -D -f {family} -p {} -s {} -d {} --orig-port-dst {}",
                edge.protocol, edge.from, edge.to, edge.port
            )
        });
        Explanation {
            what: format!("open the way from {} to {}", self.name, sources.join(", ")),
            why: "Its neighbours are out of its reach, but along links: for each port of theirs one element in a set.".into(),
            up: commands(Change::OpenEdge),
            down: commands(Change::CloseEdge).into_iter().chain(flush).collect(),
        }
    }
}
