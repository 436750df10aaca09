use crate::{
    Error, etc_dir,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{ContainerName, HostName};
use minet_names::{
    Ipv6,
    hosts::{self, Entry, HostsFile},
    write::{Editor, NoScreen, Screen},
};
use serde::{Deserialize, Serialize};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Nobody but root can hold the directory's lock.
const PATIENCE: Duration = Duration::from_secs(20);

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
    /// The lines that shall be there, as address and names.
    pub after: Vec<(IpAddr, Vec<HostName>)>,
}

impl RewriteHosts {
    /// The lines of a hosts file as they are kept here.
    pub fn lines(file: &HostsFile) -> Vec<(IpAddr, Vec<HostName>)> {
        let line = |entry: &Entry| (entry.address, entry.names.clone());
        file.entries.iter().map(line).collect()
    }

    /// Writes as the one who holds the directory's lock.
    pub(crate) fn write_with(&self, editor: &Editor, screen: &mut dyn Screen) -> Result<(), Error> {
        let entry = |(address, names): &(IpAddr, Vec<HostName>)| Entry {
            address: *address,
            names: names.clone(),
        };
        let file = HostsFile {
            entries: self.after.iter().map(entry).collect(),
            ipv6: Ipv6::With,
        };
        let block = file.block();
        let edit = |text: &[u8]| hosts::update(text, &block);
        Ok(editor.edit_behind(screen, Path::new("hosts"), edit)?)
    }
}

impl Act for RewriteHosts {
    fn apply(&self, _machine: &mut Machine) -> Result<(), Error> {
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        let open = etc_dir::open(dir).map_err(Error::file("open", dir))?;
        self.write_with(&Editor::of_open(open, dir, PATIENCE)?, &mut NoScreen)
    }

    fn undo(&self, _machine: &mut Machine) -> Result<(), Error> {
        // The lines are what the store says at each moment, and the file goes as a whole.
        Ok(())
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
            why: "The names that it knows lead to the addresses that they have now; only minet's lines, between its markers, are replaced, in the very file that is mounted inside.".into(),
            up: vec![format!("# in {path}: {}", lines(&self.after))],
            down: Vec::new(),
        }
    }
}
