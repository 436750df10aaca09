//! What others' bridges are to a network: closed, but for what is published behind them.

use crate::command::{Command, IfPresent};
use crate::table::{Element, Table, Value};
use minet_model::{IfName, NetworkName};

/// Keeps a network out of others' bridges, in minet's own table.
///
/// Docker's containers, libvirt's machines and their like sit behind bridges, and on many
/// a host nothing keeps others from them but a drop for the unknown, which minet's networks
/// are let pass ([`super::Passage`]), or which is not there, because minet turned forwarding
/// on before Docker could. Ports that their owner publishes are reached (`ct status dnat`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restraint {
    /// The network's bridge.
    pub bridge: IfName,
    /// The network's name, which stands in the comments.
    pub owner: NetworkName,
    /// Interfaces that lead out; one of them may be a bridge too, to which the machine's
    /// own network card is plugged in.
    pub exits: Vec<IfName>,
}

impl Restraint {
    /// Restrains the network; what is already there stays.
    pub(crate) fn add(&self, table: &Table) -> Vec<Command> {
        let add = |(set, element): (&str, Element)| Command::AddElement {
            set: crate::table_set(table, set),
            element,
            if_present: IfPresent::Keep,
        };
        self.elements().into_iter().map(add).collect()
    }

    /// Removes exactly what [`Self::add`] adds.
    pub(crate) fn remove(&self, table: &Table) -> Vec<Command> {
        let delete = |(set, element): (&str, Element)| Command::DeleteElement {
            set: crate::table_set(table, set),
            element,
        };
        self.elements().into_iter().rev().map(delete).collect()
    }

    /// Which elements in which sets; the exits first, so that nothing is cut off.
    fn elements(&self) -> Vec<(&'static str, Element)> {
        let comment = crate::publication::cut(&format!("network {}", self.owner), "");
        let element = |key| Element {
            key,
            data: Vec::new(),
            comment: comment.clone(),
        };
        let bridge = || Value::Ifname(self.bridge.clone());
        let exits = self.exits.iter().cloned();
        let mut elements: Vec<_> = exits
            .map(|exit| ("exits", element(vec![bridge(), Value::Ifname(exit)])))
            .collect();
        elements.push(("restrained", element(vec![bridge()])));
        elements
    }
}
