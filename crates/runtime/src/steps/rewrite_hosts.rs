use crate::{
    Error,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{ContainerName, HostName};
use minet_names::{
    Ipv6,
    hosts::{self, Entry, HostsFile},
    write,
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, path::PathBuf};

/// minet's own lines in the hosts file of a running container change; a user's stay.
///
/// In place: the container sees the very file, and a new one under the same name it would
/// not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewriteHosts {
    /// The container, for the explanation.
    pub name: ContainerName,
    /// The file.
    pub path: PathBuf,
    /// The lines that were there, as address and names.
    pub before: Vec<(IpAddr, Vec<HostName>)>,
    /// The lines that shall be there.
    pub after: Vec<(IpAddr, Vec<HostName>)>,
}

impl RewriteHosts {
    /// The lines of a hosts file as they are kept here.
    pub fn lines(file: &HostsFile) -> Vec<(IpAddr, Vec<HostName>)> {
        let line = |entry: &Entry| (entry.address, entry.names.clone());
        file.entries.iter().map(line).collect()
    }

    fn write(&self, lines: &[(IpAddr, Vec<HostName>)]) -> Result<(), Error> {
        let entry = |(address, names): &(IpAddr, Vec<HostName>)| Entry {
            address: *address,
            names: names.clone(),
        };
        let file = HostsFile {
            entries: lines.iter().map(entry).collect(),
            ipv6: Ipv6::With,
        };
        let block = file.block();
        Ok(write::edit_in_place(&self.path, |text| {
            hosts::update(text, &block)
        })?)
    }
}

impl Act for RewriteHosts {
    fn apply(&self, _machine: &mut Machine) -> Result<(), Error> {
        self.write(&self.after)
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        match self.path.exists() {
            true => self.write(&self.before),
            false => Ok(()),
        }
    }

    fn check(&self, _machine: &mut Machine) -> Result<Finding, Error> {
        // A user may write into it, and a later change of the networks does.
        Ok(Finding::AsPlanned)
    }

    fn explain(&self) -> Explanation {
        let lines = |lines: &[(IpAddr, Vec<HostName>)]| {
            let line = |(address, names): &(IpAddr, Vec<HostName>)| {
                let names: Vec<&str> = names.iter().map(HostName::as_str).collect();
                format!("{address} {}", names.join(" "))
            };
            lines.iter().map(line).collect::<Vec<_>>().join(", ")
        };
        let path = self.path.display();
        Explanation {
            what: format!("rewrite the hosts file of {}", self.name),
            why: "The container's own name leads to each of its addresses; only minet's lines, between its markers, are replaced.".into(),
            up: vec![format!("# in {path}: {}", lines(&self.after))],
            down: vec![format!("# in {path}: {}", lines(&self.before))],
        }
    }
}
