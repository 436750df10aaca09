//! A published port: one element of one map.

use crate::command::{Command, IfPresent};
use crate::table::{Element, Family, IPV4, IPV6, Set, Table, Value};
use minet_model::{ContainerId, ContainerName, PublishedPort};
use std::net::IpAddr;

/// A port that is to lead to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The host's side and the container's port; `0.0.0.0` and `::` mean every address of
    /// the host of their family.
    pub port: PublishedPort,
    /// The container's address, of the same family as the host's.
    pub container: IpAddr,
    /// The container's name, for whoever reads the table. In the comment it is cut when
    /// it is longer than the comment allows.
    pub owner: ContainerName,
    /// The container's identity: by its short form the element is recognised as its own.
    pub owner_id: ContainerId,
}

/// A published port as it stands in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Host address, host port, protocol and container port.
    pub port: PublishedPort,
    /// The container's address.
    pub container: IpAddr,
    /// The name in the comment, if minet wrote it.
    pub owner: Option<String>,
    /// The short identity in the comment, if minet wrote it.
    pub owner_id: Option<String>,
}

impl Publication {
    /// Adds the element, and fails if the port is taken.
    pub(crate) fn add(&self, table: &Table) -> Command {
        Command::AddElement {
            set: map_of(table, &self.port),
            element: self.element(),
            if_present: IfPresent::Fail,
        }
    }

    /// Makes sure that the element leads to this very container, so that deleting it in
    /// the same transaction cannot hit another's.
    pub(crate) fn claim(&self, table: &Table) -> Command {
        Command::AddElement {
            set: map_of(table, &self.port),
            element: self.element(),
            if_present: IfPresent::Keep,
        }
    }

    /// Deletes the element.
    pub(crate) fn remove(&self, table: &Table) -> Command {
        Command::DeleteElement {
            set: map_of(table, &self.port),
            element: self.element(),
        }
    }

    /// Whether what stands in the kernel was made from this very publication.
    pub(crate) fn is(&self, installed: &Installed) -> bool {
        installed.owner_id.as_deref() == Some(self.owner_id.short())
            && installed.container == self.container
            && installed.port == self.port
    }

    fn element(&self) -> Element {
        Element {
            key: key_of(&self.port),
            data: vec![self.container.into(), Value::Port(self.port.container_port)],
            comment: self.comment(),
        }
    }

    /// `web (3fa91c20abcd): 8080 -> 80/tcp`
    fn comment(&self) -> String {
        let port = &self.port;
        let host = match port.host_ip.is_unspecified() {
            true => port.host_port.to_string(),
            false => port.host().to_string(),
        };
        let purpose = format!(
            " ({}): {host} -> {}/{}",
            self.owner_id.short(),
            port.container_port,
            port.protocol
        );
        cut(self.owner.as_str(), &purpose)
    }
}

/// Who wrote this comment: the name and the short identity.
pub(crate) fn owner_in(comment: &str) -> Option<(String, String)> {
    let (name, rest) = comment.split_once(" (")?;
    let (id, _) = rest.split_once("): ")?;
    Some((name.to_owned(), id.to_owned()))
}

/// A comment that is short enough: its beginning is cut, its end is not.
pub(crate) fn cut(beginning: &str, end: &str) -> String {
    let room = Element::COMMENT_MAX - end.len();
    match beginning.len() <= room {
        true => format!("{beginning}{end}"),
        false => format!("{}...{end}", &beginning[..room - 3]),
    }
}

pub(crate) fn family_of(address: IpAddr) -> &'static Family {
    match address {
        IpAddr::V4(_) => &IPV4,
        IpAddr::V6(_) => &IPV6,
    }
}

/// The map that a port stands in.
pub(crate) fn map_of(table: &Table, port: &PublishedPort) -> Set {
    let name = match port.host_ip.is_unspecified() {
        true => "publish",
        false => "publish_at",
    };
    crate::table_set(table, &family_of(port.host_ip).set(name))
}

/// The key that a port has in its map.
pub(crate) fn key_of(port: &PublishedPort) -> Vec<Value> {
    let at = (!port.host_ip.is_unspecified()).then(|| port.host_ip.into());
    let anywhere = [Value::Proto(port.protocol), Value::Port(port.host_port)];
    at.into_iter().chain(anywhere).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(name: &str) -> Publication {
        Publication {
            port: PublishedPort {
                protocol: minet_model::Protocol::Tcp,
                container_port: 80,
                host_ip: "127.0.0.1".parse().unwrap(),
                host_port: 65535,
            },
            container: "172.17.0.2".parse().unwrap(),
            owner: name.parse().unwrap(),
            owner_id: ContainerId::from_bytes([0x3f; 32]),
        }
    }

    #[test]
    fn the_comment_names_owner_and_purpose() {
        let comment = web("web").comment();
        assert_eq!(comment, "web (3f3f3f3f3f3f): 127.0.0.1:65535 -> 80/tcp");
        let owner = ("web".to_owned(), "3f3f3f3f3f3f".to_owned());
        assert_eq!(owner_in(&comment), Some(owner));
    }

    #[test]
    fn a_long_name_is_cut_and_the_identity_never() {
        let comment = web(&"x".repeat(128)).comment();
        assert_eq!(comment.len(), Element::COMMENT_MAX);
        assert_eq!(owner_in(&comment).unwrap().1, "3f3f3f3f3f3f");
        assert!(owner_in(&comment).unwrap().0.ends_with("x..."));
    }

    #[test]
    fn what_another_wrote_has_no_owner() {
        for comment in ["", "web", "web (", "web (3f3f)", "(): "] {
            assert_eq!(owner_in(comment), None, "{comment:?}");
        }
    }
}
