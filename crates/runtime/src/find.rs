//! From what a user typed to a container: a name, an ID, or the beginning of an ID.

use crate::{Error, Runtime, networks::NetworkError, settings::Settings};
use minet_model::{ContainerSpec, NetworkName};
use minet_netns::Netns;
use minet_state::{ContainerRow, NetworkRow, Status, Transaction};
use rustix::process::Pid;
use std::os::fd::OwnedFd;

/// The container that `text` means; a name wins over an ID.
pub(crate) fn container(tx: &Transaction<'_>, text: &str) -> Result<ContainerRow, Error> {
    let bare = text.strip_prefix('/').unwrap_or(text);
    if let Some(row) = tx.container_by_name(bare)? {
        return Ok(row);
    }
    let mut rows = tx.containers_by_prefix(bare)?;
    match (rows.pop(), rows.pop()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => Err(Error::AmbiguousPrefix(text.to_owned())),
        (None, _) => Err(Error::NoSuchContainer(text.to_owned())),
    }
}

/// The network that `text` means; a name wins over an ID.
pub(crate) fn network(tx: &Transaction<'_>, text: &str) -> Result<NetworkRow, Error> {
    if let Ok(name) = text.parse::<NetworkName>()
        && let Some(row) = tx.network(&name)?
    {
        return Ok(row);
    }
    let mut rows = tx.networks_by_prefix(text)?;
    match (rows.pop(), rows.pop()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => Err(NetworkError::AmbiguousPrefix(text.to_owned()).into()),
        (None, _) => Err(Error::NoSuchNetwork(text.to_owned())),
    }
}

/// What was chosen for a container.
pub(crate) fn settings(row: &ContainerRow) -> Result<Settings, Error> {
    parse(row, "settings", &row.settings)
}

/// What was asked for.
pub(crate) fn spec(row: &ContainerRow) -> Result<ContainerSpec, Error> {
    parse(row, "spec", &row.spec)
}

/// What is to be undone when it ends.
pub(crate) fn plan(row: &ContainerRow) -> Result<crate::plan::Plan, Error> {
    match &row.plan {
        Some(plan) => parse(row, "plan", plan),
        None => Ok(crate::plan::Plan::default()),
    }
}

fn parse<T: serde::de::DeserializeOwned>(
    row: &ContainerRow,
    what: &'static str,
    json: &str,
) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|source| Error::Stored {
        what,
        container: row.name.to_string(),
        source,
    })
}

impl Runtime {
    /// A handle on a container's first process; none other can be meant by it.
    pub(crate) fn init_of(&self, row: &ContainerRow) -> Result<OwnedFd, Error> {
        let live = row.live.as_ref().filter(|_| row.status == Status::Running);
        live.and_then(|live| self.open_process(live, live.init?))
            .ok_or_else(|| Error::NotRunning(row.name.to_string()))
    }

    /// The network namespace that a running container lives in.
    pub(crate) fn netns_of(&self, row: &ContainerRow) -> Result<Netns, Error> {
        let not_running = || Error::NotRunning(row.name.to_string());
        let _held_down = self.init_of(row)?;
        let live = row.live.as_ref().and_then(|live| live.init.zip(live.netns));
        let (init, inode) = live.ok_or_else(not_running)?;
        let netns = Netns::of_process(Pid::from_raw(init.pid).ok_or_else(not_running)?)?;
        match netns.id()?.ino == inode {
            true => Ok(netns),
            false => Err(not_running()),
        }
    }
}
