//! An edge: one container may begin to talk to one port of another, where neighbours may
//! not. It is one element of one set.

use crate::command::{Command, IfPresent};
use crate::publication::{cut, family_of};
use crate::table::{Element, Table, Value};
use minet_model::{ContainerId, ContainerName, Protocol};
use std::net::IpAddr;

/// Who may reach which port of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The address of the one who may begin to talk.
    pub from: IpAddr,
    /// The address of the one who is reached, of the same family.
    pub to: IpAddr,
    /// By this protocol.
    pub protocol: Protocol,
    /// At this port.
    pub port: u16,
    /// The name of the one who may, whose edge it is.
    pub owner: ContainerName,
    /// Its identity.
    pub owner_id: ContainerId,
    /// The name of the one who is reached.
    pub source: ContainerName,
}

impl Edge {
    pub(crate) fn open(&self, table: &Table) -> Command {
        Command::AddElement {
            set: crate::table_set(table, &self.set_name()),
            element: self.element(),
            if_present: IfPresent::Keep,
        }
    }

    pub(crate) fn close(&self, table: &Table) -> Command {
        Command::DeleteElement {
            set: crate::table_set(table, &self.set_name()),
            element: self.element(),
        }
    }

    /// The set of its family.
    pub(crate) fn set_name(&self) -> String {
        family_of(self.to).set("edges")
    }

    /// Its place in the set.
    pub(crate) fn key(&self) -> Vec<Value> {
        vec![
            self.from.into(),
            self.to.into(),
            Value::Proto(self.protocol),
            Value::Port(self.port),
        ]
    }

    fn element(&self) -> Element {
        let purpose = format!(" ({}): to {}", self.owner_id.short(), self.source);
        // Two names of full length do not fit.
        let purpose = &purpose[..purpose.len().min(Element::COMMENT_MAX / 2)];
        Element {
            key: self.key(),
            data: Vec::new(),
            comment: cut(self.owner.as_str(), purpose),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Change;

    fn edge(owner: &str, source: &str) -> Edge {
        Edge {
            from: "172.17.0.3".parse().unwrap(),
            to: "172.17.0.2".parse().unwrap(),
            protocol: Protocol::Tcp,
            port: 3306,
            owner: owner.parse().unwrap(),
            owner_id: ContainerId::from_bytes([0x3f; 32]),
            source: source.parse().unwrap(),
        }
    }

    #[test]
    fn an_edge_is_one_line() {
        assert_eq!(
            Change::OpenEdge(edge("web", "db")).to_nft(),
            [
                "add element inet minet edges { 172.17.0.3 . 172.17.0.2 . tcp . 3306 \
                 comment \"web (3f3f3f3f3f3f): to db\" }"
            ]
        );
        assert_eq!(
            Change::CloseEdge(edge("web", "db")).to_nft(),
            ["delete element inet minet edges { 172.17.0.3 . 172.17.0.2 . tcp . 3306 }"]
        );
    }

    #[test]
    fn an_edge_of_the_other_family_is_in_its_set() {
        let edge = Edge {
            from: "fd00::3".parse().unwrap(),
            to: "fd00::2".parse().unwrap(),
            ..edge("web", "db")
        };
        let line = Change::CloseEdge(edge).to_nft();
        let expected = "delete element inet minet edges6 { fd00::3 . fd00::2 . tcp . 3306 }";
        assert_eq!(line, [expected]);
    }

    #[test]
    fn two_long_names_fit_into_a_comment() {
        let long = "x".repeat(128);
        let comment = edge(&long, &long).element().comment;
        assert!(comment.len() <= Element::COMMENT_MAX);
        assert!(comment.contains("(3f3f3f3f3f3f): to x"), "{comment}");
    }
}
