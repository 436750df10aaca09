//! From what a user typed to a container: a name, an ID, or the beginning of an ID.

use crate::{Error, process, settings::Settings};
use minet_model::ContainerSpec;
use minet_netns::Netns;
use minet_state::{ContainerRow, Live, Status, Transaction};
use rustix::process::{PidfdFlags, pidfd_open};
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

/// A handle on the container's first process; none other can be meant by it.
pub(crate) fn init(row: &ContainerRow) -> Result<OwnedFd, Error> {
    let not_running = || Error::NotRunning(row.name.to_string());
    let init = row
        .live
        .as_ref()
        .and_then(|live| live.init)
        .filter(|_| row.status == Status::Running)
        .ok_or_else(not_running)?;
    let pid = rustix::process::Pid::from_raw(init.pid).ok_or_else(not_running)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| not_running())?;
    // Looked at after the handle was taken: the number cannot have changed hands since.
    match process::is_alive(init) {
        true => Ok(pidfd),
        false => Err(not_running()),
    }
}

/// A handle on the process that watches over a container, if it still does.
pub(crate) fn supervisor(live: &Live) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(live.supervisor.pid)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    process::is_alive(live.supervisor).then_some(pidfd)
}

/// The network namespace that a running container lives in.
pub(crate) fn netns(row: &ContainerRow) -> Result<Netns, Error> {
    let _pinned_down = init(row)?;
    let live = row.live.as_ref().and_then(|live| live.init.zip(live.netns));
    let (init, inode) = live.ok_or_else(|| Error::NotRunning(row.name.to_string()))?;
    let pid = rustix::process::Pid::from_raw(init.pid)
        .ok_or_else(|| Error::NotRunning(row.name.to_string()))?;
    let netns = Netns::of_process(pid)?;
    match netns.id()?.ino == inode {
        true => Ok(netns),
        false => Err(Error::NotRunning(row.name.to_string())),
    }
}
